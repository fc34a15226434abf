using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>The <c>timeline</c>: what happens from outside.</summary>
internal static class TimelineBinder
{
    private static readonly string[] Actions = TimelineActions.Names;

    private static readonly string[] Keys = [ScenarioKeys.TimelineEntry.Names[0], .. Actions, .. ScenarioKeys.TimelineEntry.Names[1..]];

    public static IReadOnlyList<TimelineEntry> Bind(
        YamlNode node, MachineSection machine, IReadOnlyList<GuestSection> guests, Vocabulary vocabulary)
    {
        var entries = new List<TimelineEntry>();
        foreach (var item in Fields.ListOf(node, "timeline"))
            entries.Add(Entry(item, machine, guests, vocabulary));
        foreach (var entry in entries)
            CheckNeeds(entry, entries, machine);
        return entries;
    }

    /// <summary>A line that stays needs what it is about, and what went before it, to stay.</summary>
    private static void CheckNeeds(TimelineEntry entry, List<TimelineEntry> entries, MachineSection machine)
    {
        const string Advice = "write 'optional: true' here too, or leave it out there";
        if (entry.IsOptional)
            return;
        if (machine.Devices.FirstOrDefault(device => device.Name == entry.Device) is { IsOptional: true } device)
            throw entry.Mark.Error($"device '{device.Name}' is optional, and this line needs it: {Advice}");
        var needed = TimelineActions.WhatItNeeds(entry, entries, machine.TscHz).ToList();
        if (needed.Count > 0 && needed.TrueForAll(other => other.IsOptional))
        {
            var (action, before) = (Actions[(int)entry.Action], Actions[(int)needed[0].Action]);
            throw entry.Mark.Error($"each '{before}' before this '{action}' is optional, and this line needs one: {Advice}");
        }
    }

    private static TimelineEntry Entry(
        YamlNode node, MachineSection machine, IReadOnlyList<GuestSection> guests, Vocabulary vocabulary)
    {
        const string What = "a timeline entry";
        var fields = Fields.Open(node, What, Keys);
        var at = Fields.Duration(fields.Required("at"), "at", machine.TscHz);
        var action = fields.ExactlyOne(Actions);
        var kind = (TimelineAction)Array.IndexOf(Actions, action.Key);
        var entry = Target(action, kind, machine, vocabulary) with { At = at };
        Duration? every = null;
        int? count = null;
        if (fields.Optional("every") is { } everyNode)
            every = Fields.Duration(everyNode, "every", machine.TscHz, minimum: 1);
        if (fields.Optional("count") is { } countNode)
        {
            count = (int)Fields.Integer(countNode, IntegerRule.Repetitions);
            if (every is not { } period)
                throw countNode.Mark.Error("'count' needs 'every': how long after the first one the next one comes");
            if (count - 1 > (Duration.MaximumCycles - at.ToCycles(machine.TscHz)) / period.ToCycles(machine.TscHz))
                throw countNode.Mark.Error($"the last of {count} comes after the {Duration.MaximumCycles} cycles a scenario can last");
        }
        return entry with
        {
            Every = every,
            Count = count,
            After = fields.Optional("after") is { } after ? ReportBinder.Bind(after, "after", guests) : null,
            IsOptional = fields.Optional("optional") is { } optional && Fields.Boolean(optional, "optional"),
            TimerCount = fields.Optional("timer-count") is { } left ? TimerCount(left, kind) : null,
        };
    }

    /// <summary>What an entry acts on: a device, a vCPU, or the machine.</summary>
    private static TimelineEntry Target(YamlEntry action, TimelineAction kind, MachineSection machine, Vocabulary vocabulary)
    {
        var entry = new TimelineEntry(default, kind, "", null, null, action.Value.Mark);
        switch (kind)
        {
            case TimelineAction.Nmi or TimelineAction.NmiWindow or TimelineAction.PageOut:
            case TimelineAction.Preempt or TimelineAction.Schedule:
            case TimelineAction.Pause or TimelineAction.Resume or TimelineAction.Save or TimelineAction.Restore:
                return entry with { Vcpu = Vcpu(action.Value, machine) };
            case TimelineAction.SetMsr:
                var msr = Fields.Open(action.Value, "set-msr", ScenarioKeys.SetMsr.Names);
                return entry with
                {
                    Vcpu = Vcpu(msr.Required("vcpu"), machine),
                    Msr = (uint)Fields.Integer(msr.Required("msr"), IntegerRule.Between("msr", 0, uint.MaxValue)),
                    Value = (ulong)Fields.Integer(msr.Required("value"), IntegerRule.Between("value", 0, long.MaxValue)),
                };
            case TimelineAction.Inhibit or TimelineAction.Lift:
                string[] reasons = [.. vocabulary.InhibitReasons];
                return entry with { Reason = reasons[Fields.Name(action.Value, "a reason against APICv", reasons)] };
            default:
                var device = Device(action, machine.Devices);
                CheckAction(action, device, vocabulary);
                return entry with { Device = device.Name };
        }
    }

    private static int Vcpu(YamlNode node, MachineSection machine)
    {
        var vcpu = (int)Fields.Integer(node, IntegerRule.Between("vCPU", 0, 7));
        return vcpu < machine.Vcpus
            ? vcpu
            : throw node.Mark.Error($"there is no vCPU {vcpu}: the machine's are 0..{machine.Vcpus - 1} (vcpus: {machine.Vcpus})");
    }

    private static uint TimerCount(YamlNode node, TimelineAction action) => action == TimelineAction.Restore
        ? (uint)Fields.Integer(node, IntegerRule.Between("timer-count", 0, uint.MaxValue))
        : throw node.Mark.Error("'timer-count' is what 'restore' finds as the timer's current count; nothing else has one");

    private static DeviceSection Device(YamlEntry action, IReadOnlyList<DeviceSection> devices)
    {
        var name = Fields.Text(action.Value, action.Key).Text;
        foreach (var device in devices)
        {
            if (device.Name == name)
                return device;
        }
        var names = Fields.NamesOf(devices, device => device.Name);
        throw action.Value.Mark.Error(names.Length == 0
            ? $"unknown device {Wording.Quote(name)}; the machine has no devices"
            : $"unknown device {Wording.Quote(name)}; {Wording.Expected(name, names)}");
    }

    private static void CheckAction(YamlEntry action, DeviceSection device, Vocabulary vocabulary)
    {
        foreach (var type in vocabulary.DeviceTypes)
        {
            if (type.Name != device.Type)
                continue;
            var allowed = Fields.NamesOf(type.Actions, possible => Actions[(int)possible]);
            if (Array.IndexOf(allowed, action.Key) < 0)
            {
                throw action.KeyMark.Error(
                    $"'{action.Key}' does nothing to '{device.Name}', a device of type {type.Name}; {Wording.Expected("", allowed)}");
            }
        }
    }
}
