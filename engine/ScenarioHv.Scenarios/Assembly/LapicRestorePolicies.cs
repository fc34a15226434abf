using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>
/// The policies of the thread of September 2023: posted interrupts, the local APIC timer, and a local APIC saved and restored.
/// </summary>
internal static class LapicRestorePolicies
{
    /// <summary>How a vector is posted.</summary>
    public static PolicyRule Post { get; } = new()
    {
        Name = "post",
        MakeScript = () => PolicyShape.Plan<PostStep>(
            PolicyScope.Vcpu, (config, plan) => config with { Kvm = config.Kvm with { Post = plan } }),
        Summary = "the order in which a vector is posted to a vCPU with APICv, whose descriptor its own thread and the processor also use",
        Absence = NeedsPostedInterrupts("post"),
        Usual = _ => "pir-on-mode",
        Values =
        [
            Posting(
                KvmPolicies.PirOnMode,
                "PIR bit, ON, then the target's mode: whoever comes second, sender or target, sees what the other has written",
                "KVM vmx.c:vmx_deliver_posted_interrupt"),
            Posting(
                new("mode-first", PostStep.ReadMode, PostStep.SetPir, PostStep.SetOn, PostStep.Notify),
                "the mode is read before the PIR bit is set: a target that looks at PIR and enters in between is not notified",
                "what the comment on barriers in vmx_deliver_posted_interrupt warns of"),
            Posting(
                new("on-first", PostStep.SetOn, PostStep.SetPir, PostStep.ReadMode, PostStep.Notify),
                "ON is set before the PIR bit: a target that clears ON in between finds PIR empty, and looks no more",
                "what SDM3 29.6 and pi_test_and_set_pir before pi_test_and_set_on exclude"),
            Posting(
                new("flag-suppresses", PostStep.SetPir, PostStep.SetOn, PostStep.SetFlag, PostStep.ReadMode, PostStep.Notify),
                "a flag that only software clears, on its way into the guest, stands for a notification that the processor took by itself",
                "Xen vmx.c:__vmx_deliver_posted_interrupt before b151125b4d"),
            Posting(
                new("irr-fallback", PostStep.FallBackToIrr),
                "posting fails although APICv is active: IRR, KVM_REQ_EVENT and a kick",
                "thread of 12 September 2023, 'never puts the interrupt in the IRR instead of the PIR'; vmx.c:vmx_deliver_interrupt"),
        ],
    };

    /// <summary>How PIR reaches IRR.</summary>
    public static PolicyRule SyncPosted { get; } = new()
    {
        Name = "sync-posted",
        MakeScript = () => PolicyShape.Plan<SyncStep>(
            PolicyScope.Vcpu,
            (config, plan) => config with { Kvm = config.Kvm with { SyncPosted = new(SyncGate.Always, plan) } }),
        Summary = "when, and in which order, a vCPU on its way into the guest brings PIR into IRR and RVI",
        Absence = NeedsPostedInterrupts("sync-posted"),
        Usual = _ => "always",
        Values =
        [
            Syncing(KvmPolicies.SyncAlways, "at every entry, ON cleared before PIR is looked at", "KVM 5.16 and later, 37c4dbf337c5"),
            Syncing(
                InOrder("when-active", SyncGate.WhenApicvActive, SyncStep.TestOn, SyncStep.ClearOn, SyncStep.Harvest, SyncStep.WriteRvi),
                "the same, only while APICv is active: what was posted before an inhibit waits for its end",
                "KVM before 5.16"),
            Syncing(
                InOrder("on-cleared-last", SyncGate.Always, SyncStep.TestOn, SyncStep.Harvest, SyncStep.ClearOn, SyncStep.WriteRvi),
                "ON is cleared after PIR was looked at: what is posted in between sends no notification, and then has no ON either",
                "the order that SDM3 29.6, steps 3 and 5, excludes"),
            Syncing(
                InOrder(
                    "unless-other-event", SyncGate.UnlessOtherEvent,
                    SyncStep.TestOn, SyncStep.ClearOn, SyncStep.Harvest, SyncStep.WriteRvi),
                "only as part of the question whether the local APIC has something: not at an entry that injects an NMI",
                "Xen before 56348df32b"),
            Syncing(
                InOrder("no-entry-sync", SyncGate.Never, SyncStep.TestOn, SyncStep.ClearOn, SyncStep.Harvest, SyncStep.WriteRvi),
                "neither PIR nor RVI is looked at on the way in: RVI is what was written last",
                "nobody's; it shows what the entry's look is worth"),
        ],
    };

    /// <summary>From where a restored timer counts.</summary>
    public static PolicyRule TimerStart { get; } = new()
    {
        Name = "timer-start",
        MakeScript = () => PolicyShape.Decision(
            PolicyScope.Vcpu,
            config => config.Kvm.TimerStart,
            (config, script) => config with
            {
                Kvm = config.Kvm with { Scripts = config.Kvm.Scripts.With(nameof(KvmPolicies.TimerStart), script) },
            }),
        Summary = "from where a one-shot or periodic timer goes on that is restored",
        Absence = NeedsKvm("timer-start"),
        Usual = _ => "fire",
        Values =
        [
            PolicyEntry.Plain(
                "fire", "from the saved current count; a one-shot timer saved with 0 has expired, and fires",
                "KVM 6.3 and later, 8e6ed96cdd50",
                config => config with { Kvm = config.Kvm with { TimerStart = RestoredCount.Current } }),
            PolicyEntry.Plain(
                "full-period", "from the saved current count; one saved with 0 counts from its initial count again",
                "KVM 5.8 to 6.2, 24647e0a39b6",
                config => config with { Kvm = config.Kvm with { TimerStart = RestoredCount.CurrentOrInitial } }),
            PolicyEntry.Plain(
                "from-initial", "from its initial count, whatever was left", "KVM before 5.8",
                config => config with { Kvm = config.Kvm with { TimerStart = RestoredCount.Initial } }),
        ],
    };

    /// <summary>Who delivers an expired timer's interrupt.</summary>
    public static PolicyRule TimerFire { get; } = new()
    {
        Name = "timer-fire",
        MakeScript = () => PolicyShape.Decision(
            PolicyScope.Vcpu,
            config => config.Kvm.TimerFire,
            (config, script) => config with
            {
                Kvm = config.Kvm with { Scripts = config.Kvm.Scripts.With(nameof(KvmPolicies.TimerFire), script) },
            }),
        Summary = "who delivers the interrupt of a local APIC timer that has expired, and when",
        Absence = NeedsKvm("timer-fire"),
        Usual = _ => "deliver-if-apicv",
        Values =
        [
            PolicyEntry.Plain(
                "pend", "it becomes pending, and the vCPU's thread delivers it at its next pass; a host timer's callback kicks it",
                "KVM lapic.c:apic_timer_expired before 5.8",
                config => config with { Kvm = config.Kvm with { TimerFire = Engine.Policies.TimerFire.Pend } }),
            PolicyEntry.Plain(
                "deliver-if-apicv", "as pend, but the vCPU's own thread delivers at once while APICv is active",
                "KVM 5.8 and later, ae95f566b3d2",
                config => config with { Kvm = config.Kvm with { TimerFire = Engine.Policies.TimerFire.DeliverIfApicv } }),
            PolicyEntry.Plain(
                "deliver-in-callback", "as deliver-if-apicv, and the callback posts to a vCPU that runs guest code with APICv",
                "KVM 5.3 and later with kvm.pi_inject_timer=1, 0c5f81dad46c",
                config => config with { Kvm = config.Kvm with { TimerFire = Engine.Policies.TimerFire.DeliverInCallback } }),
        ],
    };

    /// <summary>The order of KVM_SET_LAPIC.</summary>
    public static PolicyRule LapicRestore { get; } = new()
    {
        Name = "lapic-restore",
        MakeScript = () => PolicyShape.Plan<LapicRestoreStep>(
            PolicyScope.Vcpu, (config, plan) => config with { Kvm = config.Kvm with { LapicRestore = plan } }),
        Summary = "the order in which KVM_SET_LAPIC purges PIR, copies the page, starts the timer and brings RVI and SVI up to date",
        Absence = NeedsKvm("lapic-restore"),
        Usual = _ => "purge-first",
        Values =
        [
            Restoring(
                "no-purge", "PIR is never purged: what was posted before the restore is delivered after it",
                "KVM before 4.15 (967235d32032)",
                LapicRestoreStep.Load, LapicRestoreStep.StartTimer, LapicRestoreStep.SyncHardware),
            Restoring(
                "timer-then-purge", "the timer is started, then PIR is purged: an interrupt that the timer has posted is lost",
                "KVM 4.15 to 6.6, 967235d32032",
                LapicRestoreStep.Load, LapicRestoreStep.StartTimer, LapicRestoreStep.PurgeIfApicvActive, LapicRestoreStep.SyncHardware),
            Restoring(
                "timer-last", "the timer is started behind everything else, after RVI was written",
                "H. Shan's first patch, September 2023; not taken",
                LapicRestoreStep.Load, LapicRestoreStep.PurgeIfApicvActive, LapicRestoreStep.SyncHardware, LapicRestoreStep.StartTimer),
            Restoring(
                KvmPolicies.PurgeFirst, "PIR is purged before anything is restored, whether APICv is active or not",
                "KVM 6.7 and later, 9cfec6d097c6, as the reply asks"),
            Restoring(
                "purge-first-if-apicv-active", "the same, but not while APICv is inhibited: what was posted before is found when it is not",
                "the hook without the last paragraph of the reply; never merged",
                LapicRestoreStep.PurgeIfApicvActive, LapicRestoreStep.Load, LapicRestoreStep.StartTimer, LapicRestoreStep.SyncHardware),
        ],
    };

    /// <summary>The order of KVM_GET_LAPIC.</summary>
    public static PolicyRule Save { get; } = new()
    {
        Name = "save",
        MakeScript = () => PolicyShape.Plan<LapicSaveStep>(
            PolicyScope.Vcpu, (config, plan) => config with { Kvm = config.Kvm with { Save = plan } }),
        Summary = "whether KVM_GET_LAPIC brings PIR into IRR before it copies the registers",
        Absence = NeedsKvm("save"),
        Usual = _ => "sync-always",
        Values =
        [
            Saving(KvmPolicies.SyncThenCopy, "always", "KVM 5.16 and later"),
            Saving(
                new("sync-if-active", LapicSaveStep.SyncPirIfApicvActive, LapicSaveStep.Copy),
                "while APICv is active", "KVM before 5.16, x86.c:kvm_vcpu_ioctl_get_lapic"),
            Saving(
                new("registers-only", LapicSaveStep.Copy),
                "no: a vector that was posted and not brought over yet is not in the page", "Xen before 607e8494c4"),
        ],
    };

    /// <summary>The monitor's order.</summary>
    public static PolicyRule RestoreOrder { get; } = new()
    {
        Name = "restore-order",
        MakeScript = () => PolicyShape.Decision(
            PolicyScope.Vcpu,
            config => config.Kvm.RestoreOrder,
            (config, script) => config with
            {
                Kvm = config.Kvm with { Scripts = config.Kvm.Scripts.With(nameof(KvmPolicies.RestoreOrder), script) },
            }),
        Summary = "in which order the monitor restores the page of a local APIC and IA32_TSC_DEADLINE",
        Absence = NeedsKvm("restore-order"),
        Usual = _ => "lapic-first",
        Values =
        [
            PolicyEntry.Plain(
                "lapic-first", "the page, then the deadline", "QEMU: kvm_apic_post_load, later kvm_put_tscdeadline_msr",
                config => config with { Kvm = config.Kvm with { RestoreOrder = Engine.Policies.RestoreOrder.LapicFirst } }),
            PolicyEntry.Plain(
                "msr-first", "the deadline, then the page: a deadline that has passed fires before the page is copied over IRR",
                "no known monitor's; Documentation/virt/kvm/api.rst prescribes no order",
                config => config with { Kvm = config.Kvm with { RestoreOrder = Engine.Policies.RestoreOrder.MsrFirst } }),
        ],
    };

    private static PolicyEntry Posting(Plan<PostStep> plan, string summary, string source) =>
        PolicyEntry.Plain(plan.Text, summary, source, config => config with { Kvm = config.Kvm with { Post = plan } });

    private static PolicyEntry Syncing(PostedSyncOrder sync, string summary, string source) =>
        PolicyEntry.Plain(sync.Steps.Text, summary, source, config => config with { Kvm = config.Kvm with { SyncPosted = sync } });

    private static PolicyEntry Saving(Plan<LapicSaveStep> plan, string summary, string source) =>
        PolicyEntry.Plain(plan.Text, summary, source, config => config with { Kvm = config.Kvm with { Save = plan } });

    private static PolicyEntry Restoring(string name, string summary, string source, params ReadOnlySpan<LapicRestoreStep> steps) =>
        Restoring(new Plan<LapicRestoreStep>(name, steps), summary, source);

    private static PolicyEntry Restoring(Plan<LapicRestoreStep> plan, string summary, string source) =>
        PolicyEntry.Plain(plan.Text, summary, source, config => config with { Kvm = config.Kvm with { LapicRestore = plan } });

    private static PostedSyncOrder InOrder(string name, SyncGate gate, params ReadOnlySpan<SyncStep> steps) => new(gate, new(name, steps));

    private static Func<MachineConfig, string?> NeedsKvm(string point) => config => config.Hypervisor == HypervisorKind.Kvm
        ? null
        : $"{point} is KVM's; this machine has another hypervisor, or none";

    internal static Func<MachineConfig, string?> NeedsPostedInterrupts(string point) => config =>
        config is { Hypervisor: HypervisorKind.Kvm, Vendor: Engine.Configuration.CpuVendor.Intel, Apicv: true }
            ? null
            : $"{point} is about posted interrupts: it needs KVM on an Intel processor with 'apicv: true'";
}
