namespace ScenarioHv.Engine.Policies;

/// <summary>How KVM knows whether a guest is inside an NMI handler, so that the next NMI has to wait.</summary>
public enum NmiTracking : byte
{
    /// <summary>
    /// The processor knows: bit 3 of the interruptibility state is virtual-NMI blocking, and NMI-window exiting says when it ends (SDM3
    /// 24.6.1; KVM vmx.c, whenever "virtual NMIs" exists).
    /// </summary>
    VirtualNmi = 0,

    /// <summary>KVM injects no NMI at all (vmx.c:vmx_intr_assist before 2.6.29, without virtual NMIs).</summary>
    NoInjection,

    /// <summary>KVM injects every NMI at once, inside an NMI handler too: no kernel, but what the patch of 2008 guards against.</summary>
    Untracked,

    /// <summary>
    /// A flag in software, set by the injection and cleared by an exit that finds the guest open for interrupts; waiting for an NMI window
    /// is waiting for an interrupt window. The patch of December 2008 without its limit in time.
    /// </summary>
    IrqWindow,

    /// <summary>
    /// As <see cref="IrqWindow"/>, and after one second of guest time the flag is cleared by force if an NMI is wanted
    /// (vmx.c:soft_vnmi_blocked, 2.6.29; since 4.15 in struct loaded_vmcs).
    /// </summary>
    IrqWindowTimeout,

    /// <summary>
    /// A flag in software, cleared behind the IRET, which is intercepted and then stepped over (svm.c:iret_interception, AMD).
    /// </summary>
    IretIntercept,

    /// <summary>The processor knows and queues one: V_NMI and V_NMI_MASK (APM2 15.21.10; KVM svm.c:svm_set_vnmi_pending, 6.4).</summary>
    HardwareVnmi,
}

public sealed partial record KvmPolicies
{
    /// <summary>How the end of an NMI handler is found.</summary>
    public NmiTracking NmiTracking { get; init; }

    /// <summary>True if the guest's blocking of NMIs is a flag that KVM keeps.</summary>
    public bool TracksNmiInSoftware => NmiTracking is NmiTracking.IrqWindow or NmiTracking.IrqWindowTimeout or NmiTracking.IretIntercept;

    /// <summary>True if waiting for the end of an NMI handler is waiting for an interrupt window.</summary>
    public bool TracksNmiByInterruptWindow => NmiTracking is NmiTracking.IrqWindow or NmiTracking.IrqWindowTimeout;
}
