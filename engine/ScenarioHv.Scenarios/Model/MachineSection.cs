namespace ScenarioHv.Scenarios;

/// <summary>Processor, hypervisor and devices.</summary>
public sealed record MachineSection
{
    /// <summary>Where it is written.</summary>
    public SourceMark Mark { get; init; }

    /// <summary>TSC frequency in hertz, 1 MHz..100 GHz.</summary>
    public required long TscHz { get; init; }

    /// <summary>The timing profile's name.</summary>
    public required string TimingProfile { get; init; }

    /// <summary>
    /// Costs that replace the profile's, in TSC cycles, by name in the order written: one value, or several for a cost that varies.
    /// </summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<long>> TimingOverrides { get; init; }

    /// <summary>The processor.</summary>
    public required CpuSection Cpu { get; init; }

    /// <summary>The hypervisor's preset: <c>kvm@5.1</c>.</summary>
    public required string Hypervisor { get; init; }

    /// <summary>The preset of the userspace: <c>qemu@3.1</c>; null if not given.</summary>
    public required string? Userspace { get; init; }

    /// <summary>Where the interrupt controllers are; <see cref="Irqchip.Kernel"/> if not given.</summary>
    public required Irqchip Irqchip { get; init; }

    /// <summary>Where that is written; null if it is not given.</summary>
    public SourceMark? IrqchipMark { get; init; }

    /// <summary>The host's timer tick; off if written so; null for the preset's own.</summary>
    public required FrequencyHz? HostTick { get; init; }

    /// <summary>Number of vCPUs, 1..8; 1 if not given.</summary>
    public required int Vcpus { get; init; }

    /// <summary>Hyper-V's interfaces that the guest is offered; null if not given.</summary>
    public HypervSection? Hyperv { get; init; }

    /// <summary>True if the machine has an 8259A pair on LINT0; false if not given.</summary>
    public bool VirtualWire { get; init; }

    /// <summary>Policies that replace the presets', by point in the order written.</summary>
    public required IReadOnlyDictionary<string, PolicyValue> Policies { get; init; }

    /// <summary>The devices in the order written; no name and no slot twice.</summary>
    public required IReadOnlyList<DeviceSection> Devices { get; init; }
}

/// <summary>The processor.</summary>
/// <param name="Vendor">Whose virtualization extensions it has.</param>
/// <param name="Apicv">True if it virtualizes the APIC (APICv or AVIC); false if not given.</param>
/// <param name="PreemptionTimerShift">
/// The VMX-preemption timer counts once every 2^shift TSC cycles, 0..31 (SDM3 A.6, 25.5.1); 5 on Intel if not given, null for a
/// processor without that timer: <c>preemption-timer: off</c>, and always on AMD.
/// </param>
public sealed record CpuSection(CpuVendor Vendor, bool Apicv, int? PreemptionTimerShift)
{
    /// <summary>
    /// <c>virtual-nmis</c>: whether an Intel processor tracks the NMIs of a guest (SDM3 24.6.1); true if not given. Never on AMD.
    /// </summary>
    public bool VirtualNmis { get; init; }

    /// <summary><c>vnmi</c>: whether an AMD processor does (V_NMI, APM2 15.21.10); false if not given.</summary>
    public bool Vnmi { get; init; }

    /// <summary>Where it is written.</summary>
    public SourceMark Mark { get; init; }

    /// <summary>True if the guest is offered x2APIC mode; false if not given.</summary>
    public bool X2Apic { get; init; }
}

/// <summary>Hyper-V's interfaces, each false if not given.</summary>
/// <param name="SynIc">A synthetic interrupt controller per vCPU.</param>
/// <param name="AutoEoiDeprecated">CPUID advises against AutoEOI.</param>
/// <param name="Vapic">MSRs of the local APIC and the assist page; CPUID advises to use them.</param>
/// <param name="Mark">Where it is written.</param>
public sealed record HypervSection(bool SynIc, bool AutoEoiDeprecated, bool Vapic, SourceMark Mark);

/// <summary>Whose virtualization extensions a processor has.</summary>
public enum CpuVendor
{
    /// <summary><c>intel</c>: VMX.</summary>
    Intel,

    /// <summary><c>amd</c>: SVM.</summary>
    Amd,
}

/// <summary>Where the interrupt controllers are.</summary>
public enum Irqchip
{
    /// <summary><c>split</c>: the LAPIC in the kernel, IOAPIC and PIC in userspace.</summary>
    Split,

    /// <summary><c>kernel</c>: all of them in the kernel.</summary>
    Kernel,
}

/// <summary>A device.</summary>
public sealed record DeviceSection
{
    /// <summary>Its name in this scenario.</summary>
    public required string Name { get; init; }

    /// <summary>Its type, a name of the vocabulary.</summary>
    public required string Type { get; init; }

    /// <summary>Its place on PCI bus 0; null if not given.</summary>
    public PciSlot? Slot { get; init; }

    /// <summary>Its vector, 0x10..0xff; null if not given.</summary>
    public byte? Vector { get; init; }

    /// <summary>Its global system interrupt, 0..23; null if not given.</summary>
    public int? Gsi { get; init; }

    /// <summary>The APIC destination of its messages, 0..0xff; null if not given.</summary>
    public byte? Destination { get; init; }

    /// <summary>The other keys of its type, in the order written.</summary>
    public required IReadOnlyDictionary<string, DeviceSetting> Settings { get; init; }

    /// <summary><c>optional</c>: a failure may be told without it; false if not given.</summary>
    public bool IsOptional { get; init; }

    /// <summary>Where its name was written.</summary>
    public required SourceMark Mark { get; init; }
}

/// <summary>A place on PCI bus 0, written <c>1d.0</c>: device and function, hexadecimal.</summary>
/// <param name="Device">Device number, 0..0x1f.</param>
/// <param name="Function">Function number, 0..7.</param>
public readonly record struct PciSlot(byte Device, byte Function)
{
    /// <summary>As <c>lspci</c> writes it, without the bus.</summary>
    public override string ToString() => $"{Device:x2}.{Function:x}";
}

/// <summary>The value of a key that only some types of device have.</summary>
/// <param name="Kind">Which of the values counts.</param>
/// <param name="Number">The number; 1 or 0 for a truth value; hertz for a frequency.</param>
/// <param name="Duration">The time, for <see cref="DeviceKeyKind.Duration"/>.</param>
/// <param name="Text">The word or slot; empty for other kinds.</param>
/// <param name="Mark">Where it was written.</param>
public sealed record DeviceSetting(DeviceKeyKind Kind, long Number, Duration Duration, string Text, SourceMark Mark);
