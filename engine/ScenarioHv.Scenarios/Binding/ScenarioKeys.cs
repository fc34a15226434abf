namespace ScenarioHv.Scenarios.Binding;

/// <summary>A key that scenarios use.</summary>
/// <param name="Name">As it is written.</param>
/// <param name="Meaning">What it is, for those who write one.</param>
/// <param name="IsRequired">True if the reader refuses a map without it.</param>
internal sealed record ScenarioKey(string Name, string Meaning, bool IsRequired = false);

/// <summary>The keys of one kind of map.</summary>
internal sealed class KeyTable(params ScenarioKey[] keys)
{
    /// <summary>The keys in the order in which messages list them.</summary>
    public IReadOnlyList<ScenarioKey> Keys => keys;

    /// <summary>Their names.</summary>
    public string[] Names { get; } = Fields.NamesOf(keys, key => key.Name);

    /// <summary>Some of them, in the same order.</summary>
    public KeyTable Only(params string[] names) => new(Array.FindAll(keys, key => Array.IndexOf(names, key.Name) >= 0));
}

/// <summary>
/// The keys of every map whose keys are always the same: the reader refuses any other, and the JSON Schema describes these.
/// </summary>
internal static class ScenarioKeys
{
    public static readonly KeyTable Root = new(
        new("scenario", "Its name: letters, digits, '-', '_' and '.', at most 80.", IsRequired: true),
        new("title", "What it shows, in one line."),
        new("source", "Where that comes from: a thread, a manual, a commit."),
        new("machine", "Processor, hypervisor, policies and devices.", IsRequired: true),
        new("guests", "The scripts that run on the machine.", IsRequired: true),
        new("timeline", "What happens from outside."),
        new("goal", "The report that ends the run: l1 reports \"text\".", IsRequired: true),
        new("expect", "How a run should end: one outcome, or a list of them, any of which will do."),
        new("explore", "How the scenario is explored, and what that should find."),
        new("matrix", "Policy points with lists of values: each combination is a cell."),
        new("cells", "Single cells that change something else than policies."));

    public static readonly KeyTable Machine = new(
        new("tsc", "TSC frequency, 1 MHz to 100 GHz. All times become whole cycles of it, rounded up.", IsRequired: true),
        new("timing", "What each operation costs: a profile, or one with costs of your own.", IsRequired: true),
        new("cpu", "The processor.", IsRequired: true),
        new("hypervisor", "Whose rules the machine follows, at which version; or bare-metal.", IsRequired: true),
        new("userspace", "The monitor, at which version; or none. KVM's only."),
        new("irqchip", "Where the I/O APIC is: in the kernel, which is the default, or split, in userspace."),
        new("host-tick", "The host's timer tick, 250 Hz if nothing is said; or off."),
        new("vcpus", "How many vCPUs; 1 if nothing is said."),
        new("hyperv", "What KVM offers of Hyper-V."),
        new("virtual-wire", "An in-kernel 8259A pair on LINT0 of vCPU 0, initialised by firmware (IRQ0 is vector 0x30)."),
        new("policies", "Values of policy points, over what the presets choose: 'scenariohv describe policies'."),
        new("devices", "The devices, by name."));

    public static readonly KeyTable Timing = new(
        new("profile", "The profile whose costs are used where none is given.", IsRequired: true),
        new("costs", "Costs that replace the profile's; a list for a cost that varies.", IsRequired: true));

    public static readonly KeyTable Cpu = new(
        new("vendor", "Whose virtualization extensions it has.", IsRequired: true),
        new("apicv", "Virtual-interrupt delivery; on AMD, AVIC."),
        new("x2apic", "Offers x2APIC mode to a guest of KVM."),
        new("preemption-timer", "The VMX-preemption timer; off for an Intel processor without one. AMD has none."),
        new("virtual-nmis", "Whether an Intel processor tracks the NMIs of a guest; true if nothing is said."),
        new("vnmi", "Whether an AMD processor tracks the NMIs of a guest (V_NMI); false if nothing is said."));

    public static readonly KeyTable PreemptionTimer = new(
        new ScenarioKey("shift", "It counts once every 2^shift TSC cycles: IA32_VMX_MISC 4:0.", IsRequired: true));

    public static readonly KeyTable Hyperv = new(
        new("synic", "A synthetic interrupt controller per vCPU."),
        new("autoeoi-deprecated", "The CPUID hint not to use AutoEOI."),
        new("vapic", "MSRs of the local APIC and the assist page, with the hint to use them."));

    public static readonly KeyTable Guests = new(
        new("l1", "The guest's script.", IsRequired: true),
        new("l2", "The script of the guest's own guest."));

    public static readonly KeyTable Guest = new(
        new("script", "A path to a .csx file, seen from the scenario's folder.", IsRequired: true),
        new("with", "Parameters, which the script reads by cpu.Parameter(\"name\")."));

    /// <summary>What an entry of the timeline has beside its action.</summary>
    public static readonly KeyTable TimelineEntry = new(
        new("at", "When it happens, from the start of the run.", IsRequired: true),
        new("every", "How long after one the next one comes, for as long as the run lasts."),
        new("count", "How often it comes; needs 'every'."),
        new("timer-count", "With 'restore': replaces the timer's current count in the page."),
        new("after", "It comes when its moment has passed and that guest has reported this: l1 reports \"text\"."),
        new("optional", "A failure may be told without it."));

    public static readonly KeyTable SetMsr = new(
        new("vcpu", "Whose MSR.", IsRequired: true),
        new("msr", "Its index.", IsRequired: true),
        new("value", "What is written.", IsRequired: true));

    public static readonly KeyTable Explore = new(
        new("later", "What is armed at least so far ahead is later, what is nearer is soon; 1 us if nothing is said."),
        new("repeat", "No policy counts further than this; 3 if nothing is said."),
        new("outside", "How often an entry of the timeline comes that has 'every' and no 'count'; 3 if nothing is said."),
        new("expect", "What exploring should find; what follows from the scenario's own 'expect' if nothing is said."));

    public static readonly KeyTable MatrixRow = new(
        new("when", "The cells that it is about: a value for some axes of the matrix; all cells if nothing is said."),
        new("outcome", "How a run of such a cell should end.", IsRequired: true),
        new("explore", "What exploring such a cell should find."),
        new("note", "Why."));

    public static readonly KeyTable Cell = new(
        new("name", "One line, at most 120 characters.", IsRequired: true),
        new("note", "Which sentence of the source this answers."),
        new("set", "Laid over the scenario: maps are merged, lists and values replaced.", IsRequired: true),
        new("expect", "How a run of this cell should end.", IsRequired: true),
        new("explore", "What exploring this cell should find."));

    public static readonly KeyTable CellSet = Root.Only("machine", "guests", "timeline", "goal", "explore");
}
