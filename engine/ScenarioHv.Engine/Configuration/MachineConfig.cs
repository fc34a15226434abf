using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Configuration;

/// <summary>Whose virtualization extensions the processor has.</summary>
public enum CpuVendor : byte
{
    /// <summary>VMX.</summary>
    Intel,

    /// <summary>SVM.</summary>
    Amd,
}

/// <summary>What runs the guest.</summary>
public enum HypervisorKind : byte
{
    /// <summary>Linux KVM with a userspace monitor (QEMU).</summary>
    Kvm,

    /// <summary>Nothing: the first guest runs on the processor itself.</summary>
    BareMetal,

    /// <summary>FreeBSD bhyve: the kernel module vmm and its monitor.</summary>
    Bhyve,
}

/// <summary>Where KVM's interrupt controllers live.</summary>
public enum IrqchipKind : byte
{
    /// <summary>Local APICs in the kernel, I/O APIC and 8259A in userspace (KVM_CAP_SPLIT_IRQCHIP).</summary>
    Split,

    /// <summary>All in the kernel (KVM_CREATE_IRQCHIP).</summary>
    Kernel,
}

/// <summary>What a device is.</summary>
public enum DeviceKind : byte
{
    /// <summary>PIIX4 UHCI: a level PCI function on INTD.</summary>
    Piix4Uhci,

    /// <summary>A level device with one status bit.</summary>
    Line,

    /// <summary>A device that sends a message.</summary>
    Msi,

    /// <summary>An ISA device: its IRQ goes up and down again, an edge.</summary>
    Isa,

    /// <summary>An event of the monitor that is bound to a source of a SynIC (KVM_IRQ_ROUTING_HV_SINT).</summary>
    SynIc,
}

/// <summary>What a stimulus from outside does.</summary>
public enum StimulusAction : byte
{
    /// <summary>The device has an event: its status bit is set and its line rises.</summary>
    Raise,

    /// <summary>The device's event is withdrawn: its line falls.</summary>
    Lower,

    /// <summary>The device sends its message.</summary>
    Fire,

    /// <summary>An NMI for a vCPU, from the monitor.</summary>
    Nmi,

    /// <summary>The monitor keeps a vCPU's thread out of KVM_RUN.</summary>
    Pause,

    /// <summary>The monitor lets it run again.</summary>
    Resume,

    /// <summary>The monitor saves a vCPU's local APIC.</summary>
    Save,

    /// <summary>The monitor restores a vCPU's local APIC as it was last saved, and lets it run.</summary>
    Restore,

    /// <summary>The host takes the page with a vCPU's IDT away.</summary>
    PageOut,

    /// <summary>
    /// The monitor has an NMI for a vCPU and asks KVM to be told as soon as the guest can take it (struct kvm_run: request_nmi_window, up
    /// to 2.6.29).
    /// </summary>
    NmiWindow,

    /// <summary>The monitor writes an MSR of a vCPU (KVM_SET_MSRS).</summary>
    SetMsr,

    /// <summary>A reason against APICv comes, whatever its cause would be.</summary>
    Inhibit,

    /// <summary>It goes.</summary>
    Lift,

    /// <summary>The host takes the CPU of a vCPU's thread for something else.</summary>
    Preempt,

    /// <summary>It gives the thread a CPU again.</summary>
    Schedule,
}

/// <summary>One device.</summary>
/// <param name="Name">Its name in the scenario.</param>
/// <param name="Kind">What it is.</param>
public sealed record DeviceConfig(string Name, DeviceKind Kind)
{
    /// <summary>PCI device number on bus 0, for the routing of its pin.</summary>
    public int Slot { get; init; }

    /// <summary>The GSI of a level device, 0..23.</summary>
    public int Gsi { get; init; }

    /// <summary>
    /// The vector that the guest's firmware or system has programmed: in the redirection entry of its GSI, or in its MSI data.
    /// </summary>
    public byte Vector { get; init; }

    /// <summary>Destination APIC ID of its redirection entry or message.</summary>
    public byte Destination { get; init; }

    /// <summary>The source of a <see cref="DeviceKind.SynIc"/> device, 0..15; <see cref="Destination"/> is the vCPU.</summary>
    public byte Sint { get; init; }

    /// <summary>True for an MSI device whose messages the IOMMU posts; <see cref="Destination"/> is the vCPU.</summary>
    public bool IsPosted { get; init; }

    /// <summary>First I/O port of its registers, for devices that have some.</summary>
    public ushort IoBase { get; init; }

    /// <summary>True if it drives a level line that has a redirection entry of its own.</summary>
    public bool HasEntry => Kind is DeviceKind.Piix4Uhci or DeviceKind.Line;

    /// <summary>How many ports from <see cref="IoBase"/>.</summary>
    public ushort IoSize => Kind switch { DeviceKind.Piix4Uhci => 0x20, DeviceKind.Line => 8, _ => 0 };
}

/// <summary>One stimulus from outside.</summary>
/// <param name="At">When it comes first, in cycles.</param>
/// <param name="Action">What it does.</param>
/// <param name="Target">Index of the device, or number of the vCPU for an action on one.</param>
public sealed record StimulusConfig(long At, StimulusAction Action, int Target)
{
    /// <summary>Cycles between repetitions; 0 for a stimulus that comes once.</summary>
    public long Every { get; init; }

    /// <summary>How often it comes; 0 for as long as the run lasts.</summary>
    public int Count { get; init; } = 1;

    /// <summary>The MSR of <see cref="StimulusAction.SetMsr"/>.</summary>
    public uint Msr { get; init; }

    /// <summary>Its value; for <see cref="StimulusAction.Inhibit"/> and <see cref="StimulusAction.Lift"/> the reason's bit.</summary>
    public ulong Value { get; init; }

    /// <summary>A report without which it does not come, each time a new one; null for none.</summary>
    public GoalConfig? After { get; init; }

    /// <summary>The timer's current count that a restore finds in the page, in place of the saved one; null for that one.</summary>
    public uint? TimerCount { get; init; }
}

/// <summary>Hyper-V's interfaces (TLFS), as CPUID leaves 40000003h and 40000004h offer them.</summary>
/// <param name="SynIc">The guest has a synthetic interrupt controller.</param>
/// <param name="AutoEoiDeprecated">AutoEOI should not be used (40000004h, EAX bit 9).</param>
/// <param name="Vapic">
/// The MSRs of the local APIC and the assist page exist (40000003h, EAX bit 4) and should be used (40000004h, EAX bit 3).
/// </param>
public sealed record HypervConfig(bool SynIc, bool AutoEoiDeprecated, bool Vapic);

/// <summary>What the scenario waits for.</summary>
/// <param name="Level">Whose report, 1 or 2.</param>
/// <param name="Report">Its text.</param>
public sealed record GoalConfig(int Level, string Report);

/// <summary>A machine before it exists: everything that does not change while it runs.</summary>
public sealed record MachineConfig
{
    /// <summary>TSC frequency in Hz.</summary>
    public long TscHz { get; init; } = 2_400_000_000;

    /// <summary>Cycle costs.</summary>
    public TimingProfile Timing { get; init; } = TimingProfile.Shipped[0];

    /// <summary>Vendor.</summary>
    public CpuVendor Vendor { get; init; }

    /// <summary>Virtual-interrupt delivery (and with it posted interrupts) for the guest; on AMD AVIC.</summary>
    public bool Apicv { get; init; } = true;

    /// <summary>
    /// Whether the processor has "virtual NMIs" and NMI-window exiting (IA32_VMX_PINBASED_CTLS, SDM3 24.6.1). VMX only.
    /// </summary>
    public bool VirtualNmis { get; init; } = true;

    /// <summary>Whether the processor has virtual NMIs, V_NMI (CPUID 8000_000Ah EDX 25, APM2 15.21.10). SVM only.</summary>
    public bool Vnmi { get; init; }

    /// <summary>Rate of the VMX-preemption timer: one tick per 2^shift TSC cycles (IA32_VMX_MISC 4:0). 0..31.</summary>
    public int PreemptionTimerShift { get; init; } = VmxPreemptionTimer.TypicalShift;

    /// <summary>Frequency of the local APIC timer's input in Hz.</summary>
    public long ApicBusHz { get; init; } = 1_000_000_000;

    /// <summary>What runs the guest.</summary>
    public HypervisorKind Hypervisor { get; init; }

    /// <summary>Where KVM's interrupt controllers live.</summary>
    public IrqchipKind Irqchip { get; init; }

    /// <summary>The host's tick in Hz; 0 for none.</summary>
    public long HostTickHz { get; init; }

    /// <summary>Number of vCPUs, 1..8.</summary>
    public int Vcpus { get; init; } = 1;

    /// <summary>The devices; at most 64.</summary>
    public IReadOnlyList<DeviceConfig> Devices { get; init; } = [];

    /// <summary>Time in classes, for a search; null for time in cycles.</summary>
    public ClassTime? Time { get; init; }

    /// <summary>The stimuli from outside.</summary>
    public IReadOnlyList<StimulusConfig> Timeline { get; init; } = [];

    /// <summary>True if the IOMMU posts messages of some device (kvm_arch_has_assigned_device, irq_remapping_cap).</summary>
    public bool HasPostedDevices => Devices.Any(device => device.IsPosted);

    /// <summary>How an immediate exit is forced.</summary>
    public IImmediateExitPolicy ImmediateExit { get; init; } = new ZeroTimer();

    /// <summary>What an EOI does that finds the line still high.</summary>
    public IIoApicEoiPolicy IoApicEoi { get; init; } = new Reinject();

    /// <summary>What its version of KVM does; without meaning where something else runs the guest.</summary>
    public KvmPolicies Kvm { get; init; } = new();

    /// <summary>What its version of bhyve does; without meaning where something else runs the guest.</summary>
    public BhyvePolicies Bhyve { get; init; } = new();

    /// <summary>Hyper-V's interfaces that the guest is offered; null for none.</summary>
    public HypervConfig? Hyperv { get; init; }

    /// <summary>The guest is offered x2APIC mode.</summary>
    public bool X2Apic { get; init; }

    /// <summary>
    /// The machine has an 8259A pair, initialised by its firmware, which reaches the boot processor through LINT0 as ExtINT. KVM with
    /// <see cref="IrqchipKind.Kernel"/> only.
    /// </summary>
    public bool VirtualWire { get; init; }

    /// <summary>
    /// The choices of its interrupt controllers; null for those that are usual with <see cref="Hypervisor"/> and <see cref="Irqchip"/>.
    /// </summary>
    public ControllerPolicies? Controllers { get; init; }

    /// <summary>The scripts in the place of some of those choices.</summary>
    public IReadOnlyList<ControllerScript> ControllerScripts { get; init; } = [];

    /// <summary>A script that is asked what a machine is made of, while it is.</summary>
    internal PolicyScript? Making { get; init; }

    /// <summary>The guest.</summary>
    public required GuestProgram L1 { get; init; }

    /// <summary>The guest's own guest, if it has one.</summary>
    public GuestProgram? L2 { get; init; }

    /// <summary>What the scenario waits for, if anything.</summary>
    public GoalConfig? Goal { get; init; }
}
