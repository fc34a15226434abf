namespace ScenarioHv.Engine.Hypervisors.Bhyve;

/// <summary>
/// vmm's own state of one vCPU (struct vcpu, struct svm_vcpu), as far as event delivery uses it. The vector that V_IRQ offers is in the
/// VMCB.
/// </summary>
public struct BhyveVcpu
{
    /// <summary>
    /// The event whose delivery a #VMEXIT has cut short, in the layout of EXITINTINFO; the next VMRUN injects it again
    /// (vcpu->exitintinfo).
    /// </summary>
    public ulong ExitIntInfo;

    /// <summary>Operand of the port access that the monitor completes.</summary>
    public uint IoValue;

    /// <summary>Its port.</summary>
    public ushort IoPort;

    /// <summary>Its bytes; 0 if none is to be completed.</summary>
    public byte IoSize;

    /// <summary>1 if it is OUT.</summary>
    public byte IoIsWrite;

    /// <summary>Where the vCPU is, as others see it (vcpu->state).</summary>
    public BhyveRunState State;

    /// <summary>1 from CLGI before VMRUN until STGI after #VMEXIT: interrupts of the host stay pending.</summary>
    public byte GifClear;

    /// <summary>
    /// With <see cref="Policies.SvmInjection.VIrqPendingState"/>: the vector that has left IRR and is offered by V_IRQ; 0 for none.
    /// </summary>
    public byte OfferedVector;

    /// <summary>1 while the nested page tables lack the page with the guest's IDT.</summary>
    public byte IdtMissing;

    /// <summary>1 from a #VMEXIT until what it left in the VMCB has been read.</summary>
    public byte ExitUnread;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved1;
}

/// <summary>Where a vCPU is (enum vcpu_state). Idle, between two calls of the ioctl, is as frozen here.</summary>
public enum BhyveRunState : byte
{
    /// <summary>VCPU_FROZEN: its thread handles an exit, or is in the monitor. It looks at the vLAPIC before it runs the guest.</summary>
    Frozen = 0,

    /// <summary>VCPU_RUNNING: the guest runs, or is about to; a notification is an interrupt of the host CPU.</summary>
    Running = 1,

    /// <summary>VCPU_SLEEPING: the guest is halted; a notification wakes the thread.</summary>
    Sleeping = 2,
}
