using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>KVM's own state of one vCPU (struct kvm_vcpu and kvm_vcpu_arch), as far as event delivery uses it.</summary>
public struct KvmVcpu
{
    /// <summary>Vectors whose EOI is forwarded (ioapic_handled_vectors).</summary>
    public EoiExitBitmap HandledVectors;

    /// <summary>Operand of the access that userspace completes.</summary>
    public uint IoValue;

    /// <summary>Port of the access that userspace completes.</summary>
    public ushort IoPort;

    /// <summary>Bytes of that access; 0 if none is to be completed.</summary>
    public byte IoSize;

    /// <summary>1 if that access is OUT.</summary>
    public byte IoIsWrite;

    /// <summary>Pending requests (vcpu->requests).</summary>
    public KvmRequests Requests;

    /// <summary>Where the vCPU is (vcpu->mode).</summary>
    public VcpuMode Mode;

    /// <summary>Why KVM_RUN returns to userspace.</summary>
    public UserExit UserExit;

    /// <summary>1 from VMRESUME until L2's first exit: the entry must not be given up (nested_run_pending).</summary>
    public byte NestedRunPending;

    /// <summary>The vector that was written for injection and has not been seen delivered (interrupt.injected); 0 if none.</summary>
    public byte InjectedVector;

    /// <summary>The vector whose EOI userspace has to hear of (pending_ioapic_eoi).</summary>
    public byte PendingIoApicEoi;

    /// <summary>1 while the guest is halted (KVM_MP_STATE_HALTED).</summary>
    public byte Halted;

    /// <summary>NMIs that wait for injection, 0..2 (nmi_pending).</summary>
    public byte NmiPending;

    /// <summary>1 if an NMI was written for injection (nmi_injected).</summary>
    public byte NmiInjected;

    /// <summary>1 while the guest's global interrupt flag is clear (AMD).</summary>
    public byte GifClear;

    /// <summary>1 if the EOI-exit bitmap has to be loaded on the way back to L1 (load_eoi_exitmap_pending).</summary>
    public byte ExitmapStale;

    /// <summary>1 while this entry is to be followed by an exit at once (req_immediate_exit).</summary>
    public byte ImmediateExit;

    /// <summary>NMIs that have arrived and that the vCPU has not looked at yet (nmi_queued). More than two are as good as two.</summary>
    public byte NmiQueued;

    /// <summary>
    /// 1 if the access that userspace completes is to memory: <see cref="IoPort"/> is then the offset in the I/O APIC's window.
    /// </summary>
    public byte IoIsMmio;

    /// <summary>1 while the hardware delivers the guest's interrupts itself (apicv_active).</summary>
    public byte ApicvActive;

    /// <summary>1 if the local APIC timer has expired and its interrupt was not delivered yet (lapic_timer.pending).</summary>
    public byte TimerPending;

    /// <summary>1 if software's own flag says that a notification is under way; only with a <c>post</c> that has it.</summary>
    public byte NotificationFlag;

    /// <summary>
    /// What the monitor wants of this vCPU's thread; while it wants something, the thread leaves KVM_RUN (a signal is pending).
    /// </summary>
    public MonitorWish Wishes;

    /// <summary>1 if <see cref="InjectedVector"/> is the 8259A's, of which the local APIC knows nothing.</summary>
    public byte InjectedExtInt;

    /// <summary>Which line of the timeline is the restore that the monitor wants.</summary>
    public ushort RestoreLine;

    /// <summary>AMD: 1 while AVIC is inhibited for an interrupt window of this vCPU (avic_irq_window).</summary>
    public byte AvicIrqWindow;

    /// <summary>1 from the moment when the host wants the thread's CPU for another (need_resched) until it gives it back.</summary>
    public byte CpuTaken;

    /// <summary>The MSR that the monitor wants to write.</summary>
    public uint HostMsr;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved1;

    /// <summary>Its value.</summary>
    public ulong HostMsrValue;

    /// <summary>The TSC deadline that has expired and is pending; never if none is. IA32_TSC_DEADLINE still reads so.</summary>
    public Instant PendingDeadline;
}

/// <summary>What a monitor wants of a vCPU's thread.</summary>
[Flags]
public enum MonitorWish : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It stays out of KVM_RUN.</summary>
    Pause = 1,

    /// <summary>It saves its local APIC.</summary>
    Save = 2,

    /// <summary>It restores its local APIC, and goes on.</summary>
    Restore = 4,

    /// <summary>It writes an MSR.</summary>
    SetMsr = 8,
}

/// <summary>Requests to a vCPU (KVM_REQ_*).</summary>
[Flags]
public enum KvmRequests : ushort
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>KVM_REQ_EVENT: look for events to deliver.</summary>
    Event = 1,

    /// <summary>KVM_REQ_IOAPIC_EOI_EXIT: userspace has to hear of an EOI.</summary>
    IoApicEoiExit = 2,

    /// <summary>KVM_REQ_SCAN_IOAPIC: routing has changed.</summary>
    ScanIoApic = 4,

    /// <summary>KVM_REQ_NMI: NMIs have arrived.</summary>
    Nmi = 8,

    /// <summary>KVM_REQ_APICV_UPDATE: whether APICv is inhibited may have changed.</summary>
    ApicvUpdate = 16,

    /// <summary>This vCPU has to inhibit APICv, or to lift that, before its next entry.</summary>
    ApicvInhibit = 32,

    /// <summary>KVM_REQ_UNBLOCK (KVM_REQ_PENDING_TIMER before 5.10): the local APIC timer has expired.</summary>
    Unblock = 64,

    /// <summary>KVM_REQ_APICV_INPROGRESS of a series that was not merged: a work item is to do that; nobody enters before it has.</summary>
    ApicvInProgress = 128,
}

/// <summary>Where a vCPU is, as others see it (vcpu->mode).</summary>
public enum VcpuMode : byte
{
    /// <summary>OUTSIDE_GUEST_MODE.</summary>
    Outside = 0,

    /// <summary>IN_GUEST_MODE.</summary>
    InGuest = 1,

    /// <summary>EXITING_GUEST_MODE: somebody has kicked it.</summary>
    Exiting = 2,
}

/// <summary>Why KVM_RUN returns to userspace: the numbers of KVM_EXIT_*.</summary>
public enum UserExit : byte
{
    /// <summary>It does not.</summary>
    None = 0,

    /// <summary>KVM_EXIT_IO.</summary>
    Io = 2,

    /// <summary>KVM_EXIT_MMIO.</summary>
    Mmio = 6,

    /// <summary>KVM_EXIT_INTR, with the error EINTR: a signal is pending.</summary>
    Interrupted = 10,

    /// <summary>KVM_EXIT_IOAPIC_EOI.</summary>
    IoApicEoi = 26,

    /// <summary>
    /// KVM_EXIT_NMI_WINDOW_OPEN, which existed in 2.6.28 and 2.6.29 only. The number is the laboratory's: the kernel's was given to another
    /// reason afterwards.
    /// </summary>
    NmiWindowOpen = 250,
}
