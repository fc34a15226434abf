using ScenarioHv.Engine.Virtualization.Vmx;
using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>The <c>machine</c> section.</summary>
internal static class MachineBinder
{
    /// <summary>Most values of a cost that varies.</summary>
    public const int MostValuesOfCost = 16;

    /// <summary>The words of <c>irqchip</c>.</summary>
    public static readonly string[] Irqchips = ["split", "kernel"];

    /// <summary>The words of <c>vendor</c>.</summary>
    public static readonly string[] Vendors = ["intel", "amd"];

    private static readonly FrequencyHz LowestTsc = new(1_000_000);
    private static readonly FrequencyHz HighestTsc = new(100_000_000_000);
    private static readonly FrequencyHz SlowestTick = new(1);
    private static readonly FrequencyHz FastestTick = new(1_000_000);

    public static MachineSection Bind(YamlNode node, string file, Vocabulary vocabulary)
    {
        var machine = Fields.Open(node, "machine", ScenarioKeys.Machine.Names);
        var tscHz = Fields.Frequency(machine.Required("tsc"), "tsc", LowestTsc, HighestTsc).Hertz;
        var (profile, costs) = Timing(machine.Required("timing"), vocabulary.Timing, tscHz);
        return new MachineSection
        {
            TscHz = tscHz,
            TimingProfile = profile,
            TimingOverrides = costs,
            Mark = node.Mark,
            Cpu = Cpu(machine.Required("cpu")) with { Mark = machine.Required("cpu").Mark },
            Hypervisor = Preset(machine.Required("hypervisor"), "hypervisor", vocabulary.Hypervisors),
            Userspace = machine.Optional("userspace") is { } userspace ? Preset(userspace, "userspace", vocabulary.Userspaces) : null,
            Irqchip = machine.Optional("irqchip") is { } irqchip && Fields.Name(irqchip, "irqchip", Irqchips) == 0
                ? Irqchip.Split
                : Irqchip.Kernel,
            IrqchipMark = machine.Optional("irqchip")?.Mark,
            HostTick = machine.Optional("host-tick") is { } tick ? HostTick(tick) : null,
            Vcpus = machine.Optional("vcpus") is { } vcpus ? (int)Fields.Integer(vcpus, IntegerRule.Vcpus) : 1,
            Hyperv = machine.Optional("hyperv") is { } hyperv ? Hyperv(hyperv) : null,
            VirtualWire = machine.Optional("virtual-wire") is { } wire && Fields.Boolean(wire, "virtual-wire"),
            Policies = machine.Optional("policies") is { } policies
                ? new PolicyBinder(vocabulary, tscHz, file).Map(policies)
                : NoPolicies,
            Devices = machine.Optional("devices") is { } devices ? DeviceBinder.Bind(devices, vocabulary, tscHz) : [],
        };
    }

    private static Dictionary<string, PolicyValue> NoPolicies { get; } = new(StringComparer.Ordinal);

    private static Dictionary<string, IReadOnlyList<long>> NoCosts { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// A profile's name, or <c>{ profile: name, costs: { vm-exit: 1500 cycles, host-ipi: [300 cycles, 900 cycles] } }</c>.
    /// </summary>
    private static (string Profile, IReadOnlyDictionary<string, IReadOnlyList<long>> Costs) Timing(
        YamlNode node, TimingInfo timing, long tscHz)
    {
        var profiles = Fields.NamesOf(timing.Profiles, profile => profile.Name);
        if (node is not YamlMap)
            return (profiles[Fields.Name(node, "timing", profiles)], NoCosts);

        var fields = Fields.Open(node, "timing", ScenarioKeys.Timing.Names);
        var name = profiles[Fields.Name(fields.Required("profile"), "timing profile", profiles)];
        var known = Fields.NamesOf(timing.Costs, cost => cost.Name);
        var costs = new OrderedDictionary<string, IReadOnlyList<long>>(StringComparer.Ordinal);
        foreach (var entry in Fields.MapOf(fields.Required("costs"), "costs").Entries)
        {
            var index = Array.IndexOf(known, entry.Key);
            if (index < 0)
                throw entry.KeyMark.Error($"unknown cost {Wording.Quote(entry.Key)}; {Wording.Expected(entry.Key, known)}");
            var cost = timing.Costs[index];
            costs.Add(cost.Name, CostValues(entry.Value, cost, tscHz));
        }
        return (name, costs);
    }

    /// <summary>One duration, or a list of different ones for a cost that varies.</summary>
    private static List<long> CostValues(YamlNode node, TimingCostInfo cost, long tscHz)
    {
        var values = new List<long>();
        foreach (var item in node is YamlList list ? list.Items : [node])
        {
            var cycles = Fields.Duration(item, cost.Name, tscHz, cost.Minimum, cost.Maximum).ToCycles(tscHz);
            if (values.Contains(cycles))
                throw item.Mark.Error($"{cost.Name} has the value of {cycles} cycles twice");
            if (values.Count == MostValuesOfCost)
                throw item.Mark.Error($"{cost.Name} has more than {MostValuesOfCost} values; each is one more way to go on at every use");
            values.Add(cycles);
        }
        return values.Count > 0 ? values : throw node.Mark.Error($"found an empty list, expected a duration for {cost.Name}, or several");
    }

    private static HypervSection Hyperv(YamlNode node)
    {
        var hyperv = Fields.Open(node, "hyperv", ScenarioKeys.Hyperv.Names);
        bool Is(string key) => hyperv.Optional(key) is { } value && Fields.Boolean(value, key);
        return new HypervSection(Is("synic"), Is("autoeoi-deprecated"), Is("vapic"), node.Mark);
    }

    private static CpuSection Cpu(YamlNode node)
    {
        var cpu = Fields.Open(node, "cpu", ScenarioKeys.Cpu.Names);
        var vendor = Fields.Name(cpu.Required("vendor"), "cpu vendor", Vendors) == 0 ? CpuVendor.Intel : CpuVendor.Amd;
        var apicv = cpu.Optional("apicv") is { } value && Fields.Boolean(value, "apicv");
        return new CpuSection(vendor, apicv, PreemptionTimer(cpu.Optional("preemption-timer"), vendor))
        {
            X2Apic = cpu.Optional("x2apic") is { } x2Apic && Fields.Boolean(x2Apic, "x2apic"),
            VirtualNmis = NmiFeature(cpu.Optional("virtual-nmis"), vendor, CpuVendor.Intel, "virtual-nmis", "vnmi")
                ?? vendor == CpuVendor.Intel,
            Vnmi = NmiFeature(cpu.Optional("vnmi"), vendor, CpuVendor.Amd, "vnmi", "virtual-nmis") ?? false,
        };
    }

    private static int? PreemptionTimer(YamlNode? timer, CpuVendor vendor)
    {
        if (timer is YamlScalar { Text: "off" } || (timer is null && vendor == CpuVendor.Amd))
            return null;
        if (timer is null)
            return VmxPreemptionTimer.TypicalShift;
        if (vendor == CpuVendor.Amd)
            throw timer.Mark.Error("an AMD processor has no VMX-preemption timer; leave it out or write 'off'");
        if (timer is not YamlMap)
            throw timer.Mark.Error($"found {timer.Description} for preemption-timer, expected {{ shift: 0..31 }} or off");
        var shift = Fields.Open(timer, "preemption-timer", ScenarioKeys.PreemptionTimer.Names).Required("shift");
        return (int)Fields.Integer(shift, IntegerRule.PreemptionTimerShift);
    }

    /// <summary>Each vendor tracks the NMIs of a guest in its own way, under its own name; the other's can only be absent.</summary>
    private static bool? NmiFeature(YamlNode? node, CpuVendor vendor, CpuVendor owner, string name, string other)
    {
        bool? has = node is null ? null : Fields.Boolean(node, name);
        if (vendor == owner || has != true)
            return has;
        var whose = owner == CpuVendor.Intel ? "Intel's" : "AMD's";
        throw node!.Mark.Error($"'{name}' is {whose}; this processor's is called '{other}'");
    }

    private static string Preset(YamlNode node, string what, IReadOnlyList<PresetInfo> presets)
    {
        var names = Fields.NamesOf(presets, preset => preset.Name);
        return names[Fields.Name(node, what, names)];
    }

    private static FrequencyHz HostTick(YamlNode node) =>
        node is YamlScalar { Text: "off" } ? default : Fields.Frequency(node, "host-tick", SlowestTick, FastestTick);
}
