using System.Runtime.InteropServices;
using ScenarioHv.Engine.Virtualization.Svm;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Virtualization;

/// <summary>What is pending at an instruction boundary and is not state of the core.</summary>
[Flags]
public enum BoundaryFlags : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A system-management interrupt.</summary>
    Smi = 1 << 0,

    /// <summary>An INIT signal.</summary>
    Init = 1 << 1,

    /// <summary>A start-up IPI; its vector is <see cref="BoundaryInputs.SipiVector"/>.</summary>
    Sipi = 1 << 2,

    /// <summary>
    /// VMX: an MTF VM exit is pending: an instruction retired with "monitor trap flag" = 1, or the entry made it pending.
    /// </summary>
    MonitorTrap = 1 << 3,

    /// <summary>VMX: the VMX-preemption timer counted down to zero, or was loaded with zero.</summary>
    PreemptionTimerExpired = 1 << 4,

    /// <summary>A physical NMI is latched.</summary>
    Nmi = 1 << 5,

    /// <summary>The physical INTR line is asserted: the LAPIC or the 8259A has an interrupt above its own priorities.</summary>
    ExternalInterrupt = 1 << 6,

    /// <summary>VMX and AVIC: a virtual interrupt is recognized (result of the last evaluation).</summary>
    VirtualInterrupt = 1 << 7,

    /// <summary>SVM guest: RFLAGS.IF of the host was 1 at VMRUN; it masks physical interrupts under V_INTR_MASKING.</summary>
    HostInterruptFlag = 1 << 8,

    /// <summary>Outside a guest: the processor is in VMX root operation, where INIT is blocked (SDM3 23.8).</summary>
    VmxRoot = 1 << 9,
}

/// <summary>The trap-like exit of APIC virtualization that the completed instruction, or the VM entry, owes (SDM3 29.4.3.3).</summary>
public enum ApicTrapExit : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>TPR below threshold, exit 43.</summary>
    TprBelowThreshold,

    /// <summary>EOI-induced, exit 45; the qualification is the vector.</summary>
    EoiInduced,

    /// <summary>APIC write, exit 56; the qualification is the page offset.</summary>
    ApicWrite,
}

/// <summary>
/// What the manuals leave to the implementation about the one-instruction shadows (SDM3 25.3). With no flag an STI or MOV SS shadow
/// delays the delivery of an NMI and the NMI window, and no other exit: what a guest of KVM sees, and what kvm-unit-tests eventinj
/// expects of NMI after STI.
/// </summary>
[Flags]
public enum ShadowModel : byte
{
    /// <summary>See the type.</summary>
    Default = 0,

    /// <summary>The exit for an intercepted external interrupt waits for the end of the shadow.</summary>
    DelaysExternalInterruptExit = 1 << 0,

    /// <summary>The exit for an intercepted NMI waits for the end of the shadow.</summary>
    DelaysNmiExit = 1 << 1,

    /// <summary>The exit of the VMX-preemption timer waits for the end of the shadow.</summary>
    DelaysPreemptionTimer = 1 << 2,

    /// <summary>A shadow of STI does not hold back NMIs and the NMI window; one of MOV SS still does.</summary>
    StiAdmitsNmi = 1 << 3,

    /// <summary>Bochs: a shadow holds back everything from the preemption timer down.</summary>
    Bochs = DelaysExternalInterruptExit | DelaysNmiExit | DelaysPreemptionTimer,
}

/// <summary>What a boundary is judged by, apart from the core and the controls.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BoundaryInputs
{
    /// <summary>What is pending.</summary>
    public BoundaryFlags Pending;

    /// <summary>The vector of an EOI-induced exit or the page offset of an APIC-write exit; otherwise 0.</summary>
    public ushort TrapQualification;

    /// <summary>The trap-like exit that is owed; at most one per instruction.</summary>
    public ApicTrapExit TrapExit;

    /// <summary>The vector of the pending start-up IPI.</summary>
    public byte SipiVector;

    /// <summary>The processor's own choices about shadows: a constant of the machine.</summary>
    public ShadowModel Shadow;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;

    /// <summary>True if <paramref name="flag"/> is pending.</summary>
    public readonly bool Has(BoundaryFlags flag) => (Pending & flag) != 0;

    /// <summary>True if the processor makes the choice <paramref name="choice"/>.</summary>
    public readonly bool Chooses(ShadowModel choice) => (Shadow & choice) != 0;

    /// <summary>True if an NMI cannot be delivered, and no NMI window opens, because of a shadow of <paramref name="core"/>.</summary>
    internal readonly bool ShadowHoldsNmi(in CpuCore core) =>
        core.MovSsShadow != 0 || (core.StiShadow != 0 && !Chooses(ShadowModel.StiAdmitsNmi));
}

/// <summary>What happens at a boundary.</summary>
public enum BoundaryEventKind : byte
{
    /// <summary>Nothing: the next instruction is executed, or the processor stays in its activity state.</summary>
    None = 0,

    /// <summary>A VM exit, with reason or exit code, qualification and interruption information.</summary>
    Exit,

    /// <summary>The recognized virtual interrupt is delivered: RVI under VMX, V_INTR_VECTOR under SVM, vIRR's highest with AVIC.</summary>
    DeliverVirtualInterrupt,

    /// <summary>A physical NMI is delivered through the IDT of this level.</summary>
    DeliverNmi,

    /// <summary>SVM: the pending virtual NMI is delivered.</summary>
    DeliverVirtualNmi,

    /// <summary>The interrupt controller is acknowledged and the vector is delivered through the IDT of this level.</summary>
    DeliverExternalInterrupt,

    /// <summary>The pending debug traps are delivered as #DB.</summary>
    DeliverDebugTrap,

    /// <summary>
    /// VMX with "process posted interrupts": the interrupt controller is acknowledged first;
    /// <see cref="VmxProcessor.AfterAcknowledge"/> says what the vector means.
    /// </summary>
    AcknowledgeExternalInterrupt,

    /// <summary>VMX: the acknowledged vector is the notification vector; posted-interrupt processing, without exit.</summary>
    ProcessPostedInterrupts,

    /// <summary>System-management mode is entered; outside this model.</summary>
    EnterSmm,

    /// <summary>The processor is reset by INIT.</summary>
    TakeInit,

    /// <summary>The processor leaves wait-for-SIPI at the page of <see cref="BoundaryEvent.Vector"/>.</summary>
    TakeSipi,
}

/// <summary>The one thing that happens at a boundary. Nothing has been changed yet: the caller carries it out.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BoundaryEvent
{
    /// <summary>Exit qualification (VMX) or EXITINFO1 (SVM).</summary>
    public ulong Qualification;

    /// <summary>Basic exit reason (VMX) or EXITCODE (SVM) if the kind is Exit.</summary>
    public uint ExitCode;

    /// <summary>
    /// VMX: VM-exit interruption information of exit 0, and of exit 1 after <see cref="VmxProcessor.AfterAcknowledge"/>.
    /// For exit 1 of a boundary it is 0: see <see cref="VmxProcessor.ExternalInterruptExitInformation"/>.
    /// </summary>
    public uint InterruptionInformation;

    /// <summary>The vector of a start-up IPI or of SVM's virtual interrupt; otherwise 0.</summary>
    public byte Vector;

    /// <summary>What happens.</summary>
    public BoundaryEventKind Kind;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved1;

    /// <summary>The exit reason, if this is a VM exit under VMX.</summary>
    public readonly VmxExitReason VmxReason => (VmxExitReason)ExitCode;

    /// <summary>The exit code, if this is a #VMEXIT under SVM.</summary>
    public readonly SvmExitCode SvmCode => (SvmExitCode)ExitCode;

    /// <summary>An event without exit.</summary>
    internal static BoundaryEvent Of(BoundaryEventKind kind, byte vector = 0) => new() { Kind = kind, Vector = vector };

    /// <summary>A VM exit under VMX.</summary>
    internal static BoundaryEvent Exit(VmxExitReason reason, ulong qualification = 0, uint information = 0) => new()
    {
        Kind = BoundaryEventKind.Exit,
        ExitCode = (uint)reason,
        Qualification = qualification,
        InterruptionInformation = information,
    };

    /// <summary>A #VMEXIT under SVM.</summary>
    internal static BoundaryEvent Exit(SvmExitCode code) => new() { Kind = BoundaryEventKind.Exit, ExitCode = (uint)code };
}

/// <summary>What an injected event is.</summary>
public enum InjectedEventKind : byte
{
    /// <summary>Nothing is injected.</summary>
    None = 0,

    /// <summary>An external interrupt.</summary>
    ExternalInterrupt,

    /// <summary>An NMI.</summary>
    Nmi,

    /// <summary>A hardware exception, or a privileged or other software exception.</summary>
    Exception,

    /// <summary>A software interrupt, INT n.</summary>
    SoftwareInterrupt,

    /// <summary>VMX: no event is vectored, an MTF VM exit is pending.</summary>
    MonitorTrap,
}

/// <summary>What a VM entry delivers through the guest's IDT before the first instruction.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct InjectedEvent
{
    /// <summary>The error code that is pushed, if <see cref="HasErrorCode"/> is 1.</summary>
    public uint ErrorCode;

    /// <summary>What is injected.</summary>
    public InjectedEventKind Kind;

    /// <summary>Its vector.</summary>
    public byte Vector;

    /// <summary>1 if an error code is pushed.</summary>
    public byte HasErrorCode;

    /// <summary>
    /// VMX: 1 if the entry leaves an MTF VM exit pending (SDM3 26.7.8): the caller's next boundary has
    /// <see cref="BoundaryFlags.MonitorTrap"/>.
    /// </summary>
    public byte MonitorTrapPending;
}
