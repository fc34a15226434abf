namespace ScenarioHv.Engine.Time;

/// <summary>What a step can cost. Each stamp in a trace is the previous stamp of its actor plus named costs.</summary>
public enum TimingCost
{
    /// <summary>Hardware part of a VM entry.</summary>
    VmEntry,

    /// <summary>Hardware part of a VM exit.</summary>
    VmExit,

    /// <summary>The hypervisor's dispatch of an exit to its handler.</summary>
    ExitHandler,

    /// <summary>A stretch of the vCPU loop between two points.</summary>
    LoopPoint,

    /// <summary>Switch between the control structures of L1 and L2, with what has to be copied and checked.</summary>
    NestedSwitch,

    /// <summary>Return from the kernel to the userspace monitor.</summary>
    ToUserspace,

    /// <summary>From the userspace monitor back into the kernel.</summary>
    ToKernel,

    /// <summary>One access to a device model or an I/O APIC.</summary>
    DeviceAccess,

    /// <summary>From sending an interrupt message to its acceptance by a local APIC.</summary>
    Message,

    /// <summary>From an EOI at an I/O APIC whose line is still high to the acceptance of the message that it sends again.</summary>
    Resend,

    /// <summary>An inter-processor interrupt between host CPUs.</summary>
    HostIpi,

    /// <summary>The host's own handler of an interrupt.</summary>
    HostInterrupt,

    /// <summary>Waking the thread of a blocked vCPU.</summary>
    Wake,

    /// <summary>Delivery through the IDT to the handler's first instruction.</summary>
    IdtDelivery,

    /// <summary>IRET.</summary>
    Iret,

    /// <summary>One ordinary instruction.</summary>
    Instruction,

    /// <summary>An access to a local APIC register that does not exit, a virtualized EOI among them.</summary>
    ApicAccess,

    /// <summary>From the reading of the TSC of which a restored timer's deadline is made to the one by which it is judged.</summary>
    TscReread,
}

/// <summary>Cycle costs of every kind of step. Immutable.</summary>
public sealed class TimingProfile
{
    private static readonly TimingCostInfo[] CostTable =
    [
        new(TimingCost.VmEntry, "vm-entry", "hardware part of a VM entry", 500, 400),
        new(TimingCost.VmExit, "vm-exit", "hardware part of a VM exit", 600, 550),
        new(
            TimingCost.ExitHandler,
            "exit-handler",
            "dispatch of a VM exit to its handler; with entry and exit the 1550 cycles of a VMCALL round trip",
            450,
            400),
        new(TimingCost.LoopPoint, "loop-point", "a stretch of the hypervisor's code between two points", 50, 50),
        new(
            TimingCost.NestedSwitch,
            "nested-switch",
            "switch between the control structures of L1 and L2; two of them and two round trips make the 13 000 cycles of a nested exit",
            4900,
            4500),
        new(TimingCost.ToUserspace, "to-userspace", "return from the kernel to the monitor", 2000, 2000),
        new(TimingCost.ToKernel, "to-kernel", "from the monitor back into the kernel", 2000, 2000),
        new(TimingCost.DeviceAccess, "device-access", "one access to a device model or an I/O APIC", 200, 200),
        new(TimingCost.Message, "message", "from sending an interrupt message to its acceptance by a local APIC", 100, 100),
        new(
            TimingCost.Resend,
            "resend",
            "from an EOI at a hardware I/O APIC whose line is still high to the acceptance of the message that it sends again",
            300,
            300),
        new(TimingCost.HostIpi, "host-ipi", "an inter-processor interrupt between host CPUs", 300, 300),
        new(TimingCost.HostInterrupt, "host-interrupt", "the host's own handler of an interrupt", 1000, 1000),
        new(TimingCost.Wake, "wake", "waking the thread of a blocked vCPU", 12000, 12000),
        new(TimingCost.IdtDelivery, "idt-delivery", "delivery through the IDT to the handler's first instruction", 250, 250),
        new(TimingCost.Iret, "iret", "IRET", 200, 200),
        new(TimingCost.Instruction, "instruction", "one ordinary instruction", 50, 50),
        new(TimingCost.ApicAccess, "apic-access", "a local APIC register access that does not exit, a virtualized EOI among them", 50, 50),
        new(
            TimingCost.TscReread,
            "tsc-reread",
            "from the TSC reading of which a restored timer's deadline is made to the one by which it is judged",
            60,
            60),
    ];

    private readonly long[] _costs;
    private readonly ulong _varying;
    private readonly long[][] _values;

    private TimingProfile(string name, long[][] values)
    {
        Name = name;
        _values = values;
        _costs = new long[values.Length];
        for (var cost = 0; cost < values.Length; cost++)
        {
            _costs[cost] = values[cost][0];
            _varying |= values[cost].Length > 1 ? 1UL << cost : 0;
        }
    }

    /// <summary>Every cost with its name, meaning and value in the shipped profiles.</summary>
    public static IReadOnlyList<TimingCostInfo> Costs => CostTable;

    /// <summary>The shipped profiles. Most values are estimates inside published ranges; <c>describe timing</c> says so.</summary>
    public static IReadOnlyList<TimingProfile> Shipped { get; } =
    [
        Fixed("skylake", info => info.Skylake),
        Fixed("epyc", info => info.Epyc),
    ];

    /// <summary>
    /// The profile of machines whose time has classes instead of cycles. Nothing costs anything, but for an inter-processor interrupt of
    /// the host: it is under way, and may arrive at any moment.
    /// </summary>
    public static TimingProfile Untimed { get; } = Fixed("untimed", info => info.Cost == TimingCost.HostIpi ? 1 : 0);

    /// <summary>The profile's name.</summary>
    public string Name { get; }

    /// <summary>True if some cost varies: <see cref="Values"/> has more than one for it.</summary>
    public bool HasJitter => _varying != 0;

    /// <summary>The cost in cycles; of one that varies the first value, which is what it is in a run.</summary>
    public long this[TimingCost cost] => _costs[(int)cost];

    /// <summary>True if the cost varies.</summary>
    internal bool Varies(TimingCost cost) => (_varying >> (int)cost & 1) != 0;

    /// <summary>All values in cycles that the cost can have at each use, 1 or more, the first as <see cref="this"/>.</summary>
    public IReadOnlyList<long> Values(TimingCost cost) => _values[(int)cost];

    /// <summary>The same profile with one cost replaced.</summary>
    /// <param name="cost">Which.</param>
    /// <param name="cycles">What it can be, 0 or more each: one value, or several different ones for a cost that varies.</param>
    /// <exception cref="ArgumentException">There is no value, or one is there twice.</exception>
    /// <exception cref="ArgumentOutOfRangeException">One of <paramref name="cycles"/> is negative.</exception>
    public TimingProfile With(TimingCost cost, params IReadOnlyList<long> cycles)
    {
        if (cycles.Count == 0 || cycles.Distinct().Count() != cycles.Count)
        {
            throw new ArgumentException("A cost has one value or several different ones.", nameof(cycles));
        }

        foreach (var value in cycles)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(cycles));
        }

        var values = (long[][])_values.Clone();
        values[(int)cost] = [.. cycles];
        return new TimingProfile(Name, values);
    }

    /// <summary>A profile in which no cost varies.</summary>
    private static TimingProfile Fixed(string name, Func<TimingCostInfo, long> cycles) =>
        new(name, Array.ConvertAll(CostTable, info => new[] { cycles(info) }));
}

/// <summary>One named cost.</summary>
/// <param name="Cost">Which.</param>
/// <param name="Name">Its name in scenarios.</param>
/// <param name="Meaning">What it covers.</param>
/// <param name="Skylake">Cycles in the profile skylake.</param>
/// <param name="Epyc">Cycles in the profile epyc.</param>
public sealed record TimingCostInfo(TimingCost Cost, string Name, string Meaning, long Skylake, long Epyc);
