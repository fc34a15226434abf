namespace ScenarioHv.Engine.Policies;

/// <summary>How bhyve on SVM brings a vector of the vLAPIC into the guest, and with that when IRR moves to ISR.</summary>
public enum SvmInjection : byte
{
    /// <summary>
    /// By V_IRQ. The vector stays in IRR until an exit finds V_IRQ = 0, which means that the guest has taken it (FreeBSD 10.4
    /// svm.c:svm_update_virqinfo).
    /// </summary>
    VIrq,

    /// <summary>
    /// By V_IRQ, with the vector out of IRR while it is offered: at the exit it goes on to ISR, or back to IRR if it was not taken (the
    /// revision of January 2018, an alternative to D13780).
    /// </summary>
    VIrqPendingState,

    /// <summary>By EVENTINJ, once the guest can take it: IRR to ISR before VMRUN (D13780; svm.c:svm_inj_interrupts since).</summary>
    EventInjection,

    /// <summary>
    /// Not at all: with AVIC the processor takes vectors from IRR by itself (APM2 15.29). No release of bhyve has it; the review recommends
    /// it.
    /// </summary>
    Avic,
}

/// <summary>Which priority a vector needs to be offered by V_IRQ.</summary>
public enum TprSelection : byte
{
    /// <summary>Above PPR: the vLAPIC's TPR counts, as it was at the last exit (vlapic.c:vlapic_pending_intr).</summary>
    Honour,

    /// <summary>Above the vectors in service: the processor compares V_INTR_PRIO with V_TPR by itself.</summary>
    Ignore,
}

/// <summary>Which accesses to CR8 exit.</summary>
public enum Cr8Intercept : byte
{
    /// <summary>None: CR8 is V_TPR, and the vLAPIC hears of it at the next exit (svm.c:vmcb_init).</summary>
    None,

    /// <summary>Writes.</summary>
    Writes,
}

/// <summary>How bhyve hears that its guest can take a vector that could not be injected.</summary>
public enum InterruptWindow : byte
{
    /// <summary>By #VMEXIT(VINTR): V_IRQ without a vector, above every V_TPR (svm.c:enable_intr_window_exiting).</summary>
    Vintr,

    /// <summary>Not at all: the vector waits for whatever makes the guest exit next.</summary>
    None,
}

/// <summary>What bhyve does with the VMCB after a #VMEXIT, in parts.</summary>
public enum ExitFoldStep : byte
{
    /// <summary>The vLAPIC's TPR becomes V_TPR.</summary>
    CopyTpr,

    /// <summary>V_IRQ = 0 means that the offered vector is in service; with the pending state V_IRQ = 1 takes it back to IRR.</summary>
    FoldVIrq,

    /// <summary>An event whose delivery was cut short is kept for the next VMRUN.</summary>
    SaveIntInfo,
}

/// <summary>bhyve's choices. Immutable.</summary>
public sealed record BhyvePolicies
{
    /// <summary>The scripts in the place of decisions.</summary>
    public DecisionScripts Scripts { get; init; } = DecisionScripts.None;

    /// <summary>All of svm.c's fold, in its order (svm_vmexit).</summary>
    public static Plan<ExitFoldStep> WholeFold { get; } =
        new("complete", ExitFoldStep.CopyTpr, ExitFoldStep.FoldVIrq, ExitFoldStep.SaveIntInfo);

    /// <summary>The fold without TPR: the next VMRUN undoes what the guest has written to CR8.</summary>
    public static Plan<ExitFoldStep> FoldWithoutTpr { get; } = new("without-tpr", ExitFoldStep.FoldVIrq, ExitFoldStep.SaveIntInfo);

    /// <summary>The fold without EXITINTINFO: an event whose delivery was cut short is gone.</summary>
    public static Plan<ExitFoldStep> FoldWithoutIntInfo { get; } = new("without-intinfo", ExitFoldStep.CopyTpr, ExitFoldStep.FoldVIrq);

    /// <summary>How a vector gets into the guest.</summary>
    public SvmInjection Injection { get; init; }

    /// <summary>Which priority a vector needs.</summary>
    public TprSelection TprSelection
    {
        get => Scripts.Value(field);
        init;
    }

    /// <summary>Which accesses to CR8 exit.</summary>
    public Cr8Intercept Cr8Intercept { get; init; }

    /// <summary>How the end of a blocked window is noticed.</summary>
    public InterruptWindow InterruptWindow
    {
        get => Scripts.Value(field);
        init;
    }

    /// <summary>What happens after a #VMEXIT.</summary>
    public Plan<ExitFoldStep> ExitFold { get; init; } = WholeFold;
}
