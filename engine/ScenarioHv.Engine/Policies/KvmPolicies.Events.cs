namespace ScenarioHv.Engine.Policies;

/// <summary>In which order KVM chooses the event that an entry injects, and when it looks at all.</summary>
public enum EventChoice : byte
{
    /// <summary>
    /// After KVM_REQ_EVENT: what was begun first, then an NMI, then an interrupt; each that has to wait asks for its own window
    /// (x86.c:inject_pending_event, 4.19 to 5.1).
    /// </summary>
    OnRequest = 0,

    /// <summary>
    /// As <see cref="OnRequest"/>, but an NMI that has to wait holds back new interrupts too (x86.c:inject_pending_event, 2.6.37 to 4.2).
    /// </summary>
    NmiHoldsInterrupts,

    /// <summary>
    /// Before every entry; an interrupt that was begun goes before an NMI, which asks for a window (vmx.c:vmx_intr_assist of 2.6.29, the
    /// path of the in-kernel irqchip).
    /// </summary>
    EveryEntry,

    /// <summary>
    /// Before every entry; an NMI goes before an interrupt that was begun, which waits for a later entry with IF = 1
    /// (vmx.c:do_interrupt_requests of 2.6.29, the path of a local APIC in userspace).
    /// </summary>
    EveryEntryNmiFirst,
}

/// <summary>A micro-step of what is done after an exit about the event that the entry injected.</summary>
public enum FoldStep : byte
{
    /// <summary>What was injected counts as delivered: KVM's copies of it are cleared.</summary>
    Forget,

    /// <summary>The copies are cleared only when the exit goes up to userspace.</summary>
    ForgetInUserspace,

    /// <summary>If the delivery of an NMI was cut, its blocking ends (SDM3 31.7.1.2; vmx.c:__vmx_complete_interrupts).</summary>
    UnblockNmi,

    /// <summary>An event whose delivery the exit has cut is injected again by the next entry.</summary>
    Requeue,
}

public sealed partial record KvmPolicies
{
    /// <summary>vmx.c:__vmx_complete_interrupts, svm.c:svm_complete_interrupts.</summary>
    public static Plan<FoldStep> Requeue { get; } = new("requeue", FoldStep.Forget, FoldStep.UnblockNmi, FoldStep.Requeue);

    /// <summary>As <see cref="Requeue"/>, but blocking by NMI stays.</summary>
    public static Plan<FoldStep> RequeueBlocked { get; } = new("requeue-blocked", FoldStep.Forget, FoldStep.Requeue);

    /// <summary>The IDT-vectoring information is not looked at.</summary>
    public static Plan<FoldStep> Drop { get; } = new("drop", FoldStep.Forget);

    /// <summary>What was injected is remembered until an exit goes up to userspace.</summary>
    public static Plan<FoldStep> StaleCopy { get; } =
        new("stale-copy", FoldStep.ForgetInUserspace, FoldStep.UnblockNmi, FoldStep.Requeue);

    /// <summary>In which order events are chosen.</summary>
    public EventChoice EventChoice
    {
        get => Scripts.Value(field);
        init;
    }

    /// <summary>True if the monitor can ask to be told when a guest can take an NMI (struct kvm_run: request_nmi_window).</summary>
    public bool TellsNmiWindows => EventChoice == EventChoice.EveryEntryNmiFirst;

    /// <summary>True if it may ever be so: a script can choose that.</summary>
    internal bool CanTellNmiWindows => TellsNmiWindows || Scripts.Has(nameof(EventChoice));

    /// <summary>What becomes of the event that an entry injected.</summary>
    public Plan<FoldStep> ExitFold { get; init; } = Requeue;
}
