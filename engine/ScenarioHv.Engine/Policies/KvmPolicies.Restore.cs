using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>A step by which a vector is posted to a vCPU (vmx.c:vmx_deliver_posted_interrupt, between atomic operations).</summary>
public enum PostStep : byte
{
    /// <summary>Sets the vector's bit in PIR; if it was set, its notification is somebody else's and the posting ends.</summary>
    SetPir,

    /// <summary>Sets ON; if it was set, a notification is outstanding and the posting ends.</summary>
    SetOn,

    /// <summary>Sets a flag of software's own; if it was set, the posting ends. The target clears it on its way into the guest.</summary>
    SetFlag,

    /// <summary>Reads where the target is (vcpu->mode).</summary>
    ReadMode,

    /// <summary>Sends the notification vector to a target in the guest, kicks or wakes any other.</summary>
    Notify,

    /// <summary>Sets the vector in IRR, makes KVM_REQ_EVENT and kicks: what vmx_deliver_interrupt does when posting failed.</summary>
    FallBackToIrr,
}

/// <summary>A step of the way from PIR to what the hardware delivers (vmx.c:vmx_sync_pir_to_irr).</summary>
public enum SyncStep : byte
{
    /// <summary>If ON is clear, the steps up to <see cref="WriteRvi"/> are left out.</summary>
    TestOn,

    /// <summary>Clears ON.</summary>
    ClearOn,

    /// <summary>Exchanges each word of PIR with 0 and sets its bits in IRR, word by word.</summary>
    Harvest,

    /// <summary>RVI := highest vector of IRR, while L1 runs with APICv; a request for events otherwise.</summary>
    WriteRvi,
}

/// <summary>When a vCPU on its way into the guest looks at PIR.</summary>
public enum SyncGate : byte
{
    /// <summary>At every entry.</summary>
    Always,

    /// <summary>Only while APICv is active.</summary>
    WhenApicvActive,

    /// <summary>Only if the choice of an event asked the local APIC: not when an NMI won.</summary>
    UnlessOtherEvent,

    /// <summary>Never: neither PIR nor RVI is looked at on the way in.</summary>
    Never,
}

/// <summary>How PIR reaches IRR.</summary>
/// <param name="Gate">When an entry does it.</param>
/// <param name="Steps">In which order.</param>
public sealed record PostedSyncOrder(SyncGate Gate, Plan<SyncStep> Steps);

/// <summary>A step of KVM_SET_LAPIC (lapic.c:kvm_apic_set_state).</summary>
public enum LapicRestoreStep : byte
{
    /// <summary>PIR := 0, ON := 0.</summary>
    Purge,

    /// <summary>The same, if APICv is active.</summary>
    PurgeIfApicvActive,

    /// <summary>The timer is cancelled and the page copied over the registers.</summary>
    Load,

    /// <summary>The timer is started again.</summary>
    StartTimer,

    /// <summary>If APICv is active, RVI := highest vector of IRR and SVI := highest of ISR; events are looked for.</summary>
    SyncHardware,
}

/// <summary>A step of KVM_GET_LAPIC (x86.c:kvm_vcpu_ioctl_get_lapic).</summary>
public enum LapicSaveStep : byte
{
    /// <summary>PIR is harvested into IRR.</summary>
    SyncPir,

    /// <summary>The same, if APICv is active.</summary>
    SyncPirIfApicvActive,

    /// <summary>The registers are copied.</summary>
    Copy,
}

/// <summary>What becomes of a local APIC timer's interrupt when KVM notices that it has expired (lapic.c:apic_timer_expired).</summary>
public enum TimerFire : byte
{
    /// <summary>It becomes pending; the vCPU's thread delivers it at its next pass. A host timer's callback also kicks the vCPU.</summary>
    Pend,

    /// <summary>As <see cref="Pend"/>, but the vCPU's own thread, with APICv active, delivers it where it stands.</summary>
    DeliverIfApicv,

    /// <summary>As <see cref="DeliverIfApicv"/>, and the callback delivers to a vCPU that runs guest code with APICv.</summary>
    DeliverInCallback,
}

/// <summary>In which order a monitor restores a local APIC's page and its deadline MSR.</summary>
public enum RestoreOrder : byte
{
    /// <summary>KVM_SET_LAPIC, then IA32_TSC_DEADLINE.</summary>
    LapicFirst,

    /// <summary>IA32_TSC_DEADLINE, then KVM_SET_LAPIC.</summary>
    MsrFirst,
}

// Posted interrupts, the local APIC timer, and the saving and restoring of local APICs.
public sealed partial record KvmPolicies
{
    /// <summary>The order of KVM: PIR bit, ON, mode, notification.</summary>
    public static Plan<PostStep> PirOnMode { get; } =
        new("pir-on-mode", PostStep.SetPir, PostStep.SetOn, PostStep.ReadMode, PostStep.Notify);

    /// <summary>ON cleared before PIR is exchanged, at every entry.</summary>
    public static PostedSyncOrder SyncAlways { get; } =
        new(SyncGate.Always, new("always", SyncStep.TestOn, SyncStep.ClearOn, SyncStep.Harvest, SyncStep.WriteRvi));

    /// <summary>The order after the fix: purge, load, start the timer, bring the hardware's copies up to date.</summary>
    public static Plan<LapicRestoreStep> PurgeFirst { get; } = new(
        "purge-first", LapicRestoreStep.Purge, LapicRestoreStep.Load, LapicRestoreStep.StartTimer, LapicRestoreStep.SyncHardware);

    /// <summary>PIR into IRR, whether APICv is active or not, then the copy.</summary>
    public static Plan<LapicSaveStep> SyncThenCopy { get; } = new("sync-always", LapicSaveStep.SyncPir, LapicSaveStep.Copy);

    /// <summary>How a vector is posted.</summary>
    public Plan<PostStep> Post { get; init; } = PirOnMode;

    /// <summary>How PIR reaches IRR and RVI.</summary>
    public PostedSyncOrder SyncPosted { get; init; } = SyncAlways;

    /// <summary>The order of KVM_SET_LAPIC.</summary>
    public Plan<LapicRestoreStep> LapicRestore { get; init; } = PurgeFirst;

    /// <summary>The order of KVM_GET_LAPIC.</summary>
    public Plan<LapicSaveStep> Save { get; init; } = SyncThenCopy;

    /// <summary>From where a restored timer counts.</summary>
    public RestoredCount TimerStart
    {
        get => Scripts.Value(field);
        init;
    } = RestoredCount.Current;

    /// <summary>Who delivers an expired timer's interrupt, and when.</summary>
    public TimerFire TimerFire
    {
        get => Scripts.Value(field);
        init;
    } = TimerFire.DeliverIfApicv;

    /// <summary>The monitor's order.</summary>
    public RestoreOrder RestoreOrder
    {
        get => Scripts.Value(field);
        init;
    } = RestoreOrder.LapicFirst;

    /// <summary>True if the kernel has the tracepoint kvm_apicv_accept_irq: since 5.17.</summary>
    public bool TracesApicvAccept { get; init; } = true;
}
