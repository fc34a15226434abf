using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>The <c>timeline</c>: what happens from outside.</summary>
internal static class TimelineBinder
{
    private static readonly string[] Actions =
        ["raise", "lower", "fire", "nmi", "nmi-window", "page-out", "pause", "resume", "save", "restore"];

    // What acts on a vCPU, by its number, and not on a device.
    private static readonly TimelineAction[] OnVcpu =
    [
        TimelineAction.Nmi, TimelineAction.NmiWindow, TimelineAction.PageOut,
        TimelineAction.Pause, TimelineAction.Resume, TimelineAction.Save, TimelineAction.Restore,
    ];

    public static IReadOnlyList<TimelineEntry> Bind(YamlNode node, MachineSection machine, Vocabulary vocabulary)
    {
        var entries = new List<TimelineEntry>();
        foreach (var item in Fields.ListOf(node, "timeline"))
            entries.Add(Entry(item, machine, vocabulary));
        return entries;
    }

    private static TimelineEntry Entry(YamlNode node, MachineSection machine, Vocabulary vocabulary)
    {
        const string What = "a timeline entry";
        var fields = Fields.Open(node, What, ["at", .. Actions, "every", "count", "timer-count"]);
        var at = Fields.Duration(fields.Required("at"), "at", machine.TscHz);
        var action = fields.ExactlyOne(Actions);
        var kind = (TimelineAction)Array.IndexOf(Actions, action.Key);
        var vcpu = OnVcpu.Contains(kind) ? Vcpu(action, machine) : (int?)null;
        var device = vcpu is null ? Device(action, machine.Devices) : null;
        if (device is not null)
            CheckAction(action, device, vocabulary);

        Duration? every = null;
        int? count = null;
        if (fields.Optional("every") is { } everyNode)
            every = Fields.Duration(everyNode, "every", machine.TscHz, minimum: 1);
        if (fields.Optional("count") is { } countNode)
        {
            count = (int)Fields.Integer(countNode, IntegerRule.Repetitions);
            if (every is not { } period)
                throw countNode.Mark.Error("'count' needs 'every': how long after the first one the next one comes");
            if (at.ToCycles(machine.TscHz) + ((Int128)period.ToCycles(machine.TscHz) * (count - 1)) > Duration.MaximumCycles)
                throw countNode.Mark.Error($"the last of {count} comes after the {Duration.MaximumCycles} cycles a scenario can last");
        }
        return new TimelineEntry(at, kind, device?.Name ?? "", every, count, action.Value.Mark)
        {
            Vcpu = vcpu,
            TimerCount = fields.Optional("timer-count") is { } left ? TimerCount(left, kind) : null,
        };
    }

    private static int Vcpu(YamlEntry action, MachineSection machine)
    {
        var vcpu = (int)Fields.Integer(action.Value, IntegerRule.Between("vCPU", 0, 7));
        return vcpu < machine.Vcpus
            ? vcpu
            : throw action.Value.Mark.Error($"there is no vCPU {vcpu}: the machine's are 0..{machine.Vcpus - 1} (vcpus: {machine.Vcpus})");
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
