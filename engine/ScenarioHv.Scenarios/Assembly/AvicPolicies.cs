using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>
/// How the policies of the thread of 2021 on SynIC, AVIC and the 8259A are named: when APICv is inhibited, in which order and under which
/// locks, and how an interrupt window opens under AVIC.
/// </summary>
internal static class AvicPolicies
{
    /// <summary>The point at which a SynIC makes KVM inhibit APICv.</summary>
    public const string OnSynIc = "apicv-inhibit-on-synic";

    /// <summary>The point at which APICv is inhibited, or that is lifted.</summary>
    public const string Update = "inhibit-update";

    /// <summary>The point at which an interrupt window is asked for.</summary>
    public const string WindowPoint = "window";

    /// <summary>When a SynIC makes KVM inhibit APICv.</summary>
    public static PolicyRule InhibitOnSynIc { get; } = new()
    {
        Name = OnSynIc,
        MakeScript = () => PolicyShape.OfMaking(config => config.Kvm.SynIcInhibit),
        Summary = "when a SynIC makes KVM inhibit APICv or AVIC, which do not know that an AutoEOI vector ends as it is delivered",
        Values =
        [
            PolicyEntry.Plain(
                "always", "from the moment the guest has a SynIC, for good", "KVM hyperv.c:kvm_hv_activate_synic, 4.5 to 5.14",
                config => With(config, kvm => kvm with { SynIcInhibit = SynIcInhibit.Always })),
            PolicyEntry.Plain(
                "when-autoeoi-used", "while some vCPU has an unmasked SINT with AutoEOI",
                "KVM hyperv.c:synic_update_vector, 0f250a646382, 5.15 and later",
                config => With(config, kvm => kvm with { SynIcInhibit = SynIcInhibit.WhenAutoEoiUsed })),
            PolicyEntry.Plain(
                "never", "never: the hardware delivers AutoEOI vectors like any other", "no release: what the inhibit prevents",
                config => With(config, kvm => kvm with { SynIcInhibit = SynIcInhibit.Never })),
        ],
        Absence = config => NeedsApicv(OnSynIc, config)
            ?? (config.Hyperv is { SynIc: true } ? null
                : $"{OnSynIc} is about a SynIC, which this machine has not: hyperv: {{ synic: true }}"),
        Usual = _ => "when-autoeoi-used",
        IsAlwaysReported = true,
    };

    /// <summary>In which order APICv is inhibited, and under which locks.</summary>
    public static PolicyRule InhibitUpdate { get; } = new()
    {
        Name = Update,
        MakeScript = () => PolicyShape.Plan<InhibitStep>(
            PolicyScope.Vm, (config, plan) => config with { Kvm = config.Kvm with { Inhibit = plan } }),
        Summary = "in which order APICv or AVIC is inhibited, and with which locks held",
        Values =
        [
            PolicyEntry.Plain(
                "under-srcu",
                "mask, memory slot, vCPUs, in that order; the write of a SINT calls it as a reader of kvm->srcu, "
                    + "for which the slot's change waits",
                "KVM x86.c:kvm_request_apicv_update of 5.6 to 5.14 with V. Kuznetsov's second version, 18 May 2021",
                config => With(config, kvm => kvm with { Inhibit = KvmPolicies.InhibitByMemslot, InhibitCall = InhibitCall.Directly })),
            PolicyEntry.Plain(
                "drop-srcu", "as under-srcu, but a guest's write of a SINT drops kvm->srcu around the call",
                "M. Levitsky's \"gross hack\", 26 May 2021; the interrupt window's code did the same",
                config => With(config, kvm => kvm with { Inhibit = KvmPolicies.InhibitByMemslot, InhibitCall = InhibitCall.SrcuDropped })),
            new(
                new PolicyValueInfo(
                    "deferred",
                    [
                        new ParameterInfo("to", ParameterKind.Choice)
                        {
                            Choices =
                            [
                                new PolicyValueInfo(
                                    "work", [], "to a work item, which cannot change the guest's memory map",
                                    "V. Kuznetsov's third version, 9 June 2021 (hv_apicv_update_work)"),
                                new PolicyValueInfo(
                                    "vcpu", [], "to the vCPU's own next pass, before its entry, with kvm->srcu dropped",
                                    "M. Levitsky's answer, 16 June 2021: \"the whole thing with KVM's requests\""),
                            ],
                        },
                    ],
                    "as under-srcu, but the write of a SINT only leaves it to somebody else", "the thread's third version and its answer"),
                _ => null,
                (value, config) => With(config, kvm => kvm with
                {
                    Inhibit = KvmPolicies.InhibitByMemslot,
                    InhibitCall = value.ChoiceAt(0).Name == "work" ? InhibitCall.ByWork : InhibitCall.ByRequest,
                })),
            PolicyEntry.Plain(
                "own-lock", "a lock of its own: vCPUs leave the guest, then the mask, then the page's mapping; the memory slot stays",
                "KVM x86.c:__kvm_set_or_clear_apicv_inhibit, 5.15 and later",
                config => With(config, kvm => kvm with { Inhibit = KvmPolicies.InhibitByOwnLock, InhibitCall = InhibitCall.Directly })),
        ],
        Absence = config => NeedsApicv(Update, config),
        Usual = _ => "own-lock",
    };

    /// <summary>How an interrupt window opens where AVIC ignores V_IRQ.</summary>
    public static PolicyRule Window { get; } = new()
    {
        Name = WindowPoint,
        MakeScript = () => PolicyShape.Decision(
            PolicyScope.Vcpu,
            config => config.Kvm.AvicWindow,
            (config, script) => config with
            {
                Kvm = config.Kvm with { Scripts = config.Kvm.Scripts.With(nameof(KvmPolicies.AvicWindow), script) },
            }),
        Summary = "how a hypervisor learns that the guest can take an interrupt, where AVIC ignores the V_IRQ that would say so",
        Values =
        [
            PolicyEntry.Plain(
                "inhibit-avic", "AVIC is off for the machine until the window of some vCPU has opened",
                "KVM svm.c:svm_enable_irq_window, interrupt_window_interception, 5.6 and later",
                config => With(config, kvm => kvm with { AvicWindow = AvicWindow.Inhibit })),
            PolicyEntry.Plain(
                "inhibit-avic-counted", "AVIC is off for the machine until the windows of all vCPUs that wait have opened",
                "KVM svm.c, 6563ddadd169, January 2026",
                config => With(config, kvm => kvm with { AvicWindow = AvicWindow.InhibitCounted })),
            PolicyEntry.Plain(
                "ignore", "as without AVIC: V_IRQ is set, and nothing comes of it",
                "KVM before 5.6, where AVIC and ExtINT did not go together",
                config => With(config, kvm => kvm with { AvicWindow = AvicWindow.Ignore })),
        ],
        Absence = config => config is { Hypervisor: HypervisorKind.Kvm, Vendor: Engine.Configuration.CpuVendor.Amd, Apicv: true } ? null
            : "window is about AVIC, which only KVM on an AMD processor with 'apicv: true' has",
        Usual = _ => "inhibit-avic",
    };

    private static string? NeedsApicv(string name, MachineConfig config) =>
        config is { Hypervisor: HypervisorKind.Kvm, Apicv: true } ? null
        : $"{name} is about APICv or AVIC, which only KVM with 'apicv: true' has";

    private static MachineConfig With(MachineConfig config, Func<KvmPolicies, KvmPolicies> change) =>
        config with { Kvm = change(config.Kvm) };
}
