namespace ScenarioHv.Engine.Policies;

/// <summary>The micro-steps of inhibiting APICv, and of lifting that again.</summary>
public enum InhibitStep : byte
{
    /// <summary>down_write(apicv_update_lock).</summary>
    TakeLock,

    /// <summary>up_write(apicv_update_lock).</summary>
    ReleaseLock,

    /// <summary>The mask of reasons changes.</summary>
    ChangeMask,

    /// <summary>
    /// AVIC's page for the local APIC enters the memory map or leaves it: slots_lock, and synchronize_srcu inside it. Nothing happens in a
    /// thread that has another address space, such as a work item's (avic.c:avic_update_access_page).
    /// </summary>
    ChangeMemslot,

    /// <summary>The page stays in the memory map; its mapping goes, and comes back by a fault (kvm_zap_gfn_range).</summary>
    ZapPage,

    /// <summary>The other vCPUs are asked to follow, and have left guest mode before this is over.</summary>
    RequestOthers,

    /// <summary>All vCPUs are asked to follow, the caller's too.</summary>
    RequestAll,

    /// <summary>The caller, if it is a vCPU, follows.</summary>
    FollowSelf,
}

/// <summary>When a SynIC makes KVM inhibit APICv.</summary>
public enum SynIcInhibit : byte
{
    /// <summary>While some vCPU has a SINT with AutoEOI.</summary>
    WhenAutoEoiUsed = 0,

    /// <summary>From its activation on, for good.</summary>
    Always,

    /// <summary>Never.</summary>
    Never,
}

/// <summary>How the write of a SINT gets APICv inhibited.</summary>
public enum InhibitCall : byte
{
    /// <summary>By a call, with whatever locks the write holds.</summary>
    Directly = 0,

    /// <summary>By a call; a guest's write drops kvm->srcu around it.</summary>
    SrcuDropped,

    /// <summary>By a work item.</summary>
    ByWork,

    /// <summary>By the vCPU itself, before its next entry, without kvm->srcu.</summary>
    ByRequest,
}

/// <summary>How an interrupt window is asked for where AVIC ignores V_IRQ.</summary>
public enum AvicWindow : byte
{
    /// <summary>AVIC is inhibited until the window of any vCPU has opened.</summary>
    Inhibit = 0,

    /// <summary>AVIC is inhibited until the window of every vCPU that waits has opened.</summary>
    InhibitCounted,

    /// <summary>As without AVIC.</summary>
    Ignore,
}

public sealed partial record KvmPolicies
{
    /// <summary>Linux 5.6 to 5.14 (x86.c:kvm_request_apicv_update).</summary>
    public static Plan<InhibitStep> InhibitByMemslot { get; } = new(
        "memslot", InhibitStep.ChangeMask, InhibitStep.ChangeMemslot, InhibitStep.RequestOthers, InhibitStep.FollowSelf);

    /// <summary>Linux 5.15 and later (x86.c:__kvm_set_or_clear_apicv_inhibit).</summary>
    public static Plan<InhibitStep> InhibitByOwnLock { get; } = new(
        "own-lock", InhibitStep.TakeLock, InhibitStep.RequestAll, InhibitStep.ChangeMask, InhibitStep.ZapPage, InhibitStep.ReleaseLock);

    /// <summary>The order in which APICv is inhibited.</summary>
    public Plan<InhibitStep> Inhibit { get; init; } = InhibitByOwnLock;

    /// <summary>How a SINT's write gets there.</summary>
    public InhibitCall InhibitCall { get; init; }

    /// <summary>When a SynIC makes KVM inhibit APICv.</summary>
    public SynIcInhibit SynIcInhibit { get; init; }

    /// <summary>How an interrupt window is asked for under AVIC.</summary>
    public AvicWindow AvicWindow
    {
        get => Scripts.Value(field);
        init;
    }
}
