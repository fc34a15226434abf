namespace ScenarioHv.Engine.Hypervisors;

/// <summary>
/// Named points of a hypervisor's and its monitor's code: between two of them others can observe or overtake. Stories, traces and
/// schedules print them.
/// </summary>
public enum At : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The monitor has called KVM_RUN.</summary>
    KvmRun,

    /// <summary>vcpu_enter_guest begins: requests are looked at next.</summary>
    RequestCheck,

    /// <summary>Events for L1 are looked for while L2 is loaded (check_nested_events).</summary>
    NestedCheck,

    /// <summary>The control structure of the other level is loaded.</summary>
    ControlsSwitched,

    /// <summary>The interrupt is acknowledged: IRR to ISR.</summary>
    Acknowledged,

    /// <summary>The host's interrupts go off, and the mode is not published yet.</summary>
    InterruptsOff,

    /// <summary>Interrupts are off and vcpu->mode is IN_GUEST_MODE.</summary>
    ModePublished,

    /// <summary>The immediate exit is armed, if one was asked for.</summary>
    ExitArmed,

    /// <summary>The exit reason has been read.</summary>
    ExitSeen,

    /// <summary>The thread returns from KVM_RUN to the monitor.</summary>
    UserspaceExit,

    /// <summary>The monitor's I/O APIC has cleared remote IRR.</summary>
    RemoteIrrCleared,

    /// <summary>The I/O APIC has looked at the line, and its policy has decided.</summary>
    LineSampled,

    /// <summary>A message has been sent and not yet accepted.</summary>
    MessageSent,

    /// <summary>A device register was accessed.</summary>
    DeviceAccessed,

    /// <summary>The thread sleeps.</summary>
    Sleeping,

    /// <summary>A vector's bit in PIR was tested and set.</summary>
    PirSet,

    /// <summary>ON, or software's own flag in its place, was tested and set.</summary>
    OnSet,

    /// <summary>The sender of a vector has read where its target is.</summary>
    ModeRead,

    /// <summary>The vCPU has looked at ON, and cleared it.</summary>
    OnCleared,

    /// <summary>A word of PIR has been exchanged with 0 and its bits are in IRR.</summary>
    PirHarvested,

    /// <summary>RVI has been written.</summary>
    RviWritten,

    /// <summary>The monitor keeps the vCPU's thread out of KVM_RUN.</summary>
    Paused,

    /// <summary>The monitor has called KVM_GET_LAPIC or KVM_SET_LAPIC, or writes a vCPU's MSR.</summary>
    LapicIoctl,

    /// <summary>A step of KVM_GET_LAPIC or KVM_SET_LAPIC is done.</summary>
    LapicStepDone,

    /// <summary>A restored timer's deadline is computed from the TSC as read here (T1).</summary>
    DeadlineComputed,

    /// <summary>The mask of reasons against APICv has changed, and no vCPU has been told.</summary>
    InhibitChanged,

    /// <summary>A vCPU thread is no reader of kvm->srcu for the moment.</summary>
    SrcuDropped,

    /// <summary>The thread waits for a lock.</summary>
    LockAwaited,

    /// <summary>The memory map of the local APIC's page has changed.</summary>
    MemslotChanged,

    /// <summary>The vCPU's thread is runnable and has no CPU.</summary>
    Preempted,

    /// <summary>SN was cleared.</summary>
    SnCleared,

    /// <summary>bhyve: the monitor has called the ioctl VM_RUN.</summary>
    VmRun,

    /// <summary>bhyve: GIF is 0, so that interrupts of the host stay pending until the guest runs.</summary>
    GifCleared,

    /// <summary>bhyve: the vLAPIC was asked for a vector, and the answer has not been used yet.</summary>
    VectorChosen,

    /// <summary>bhyve: the VMCB says what the next VMRUN delivers or offers.</summary>
    VmcbProgrammed,

    /// <summary>bhyve: GIF is 1 again, and the host has taken the interrupt that ended the guest's run.</summary>
    GifSet,

    /// <summary>bhyve: a request is in IRR and its vCPU has not been notified.</summary>
    RequestSet,

    /// <summary>bhyve: the nested page fault was resolved.</summary>
    PageMapped,
}
