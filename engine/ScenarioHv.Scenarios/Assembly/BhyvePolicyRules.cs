using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>
/// bhyve's policies on SVM, as the review of January 2018 discusses them: how a vector gets into the guest, and what becomes of TPR.
/// </summary>
internal static class BhyvePolicyRules
{
    /// <summary>How a vector gets into the guest, and with that when IRR moves to ISR.</summary>
    public const string SvmInjectionPoint = "svm-injection";

    /// <summary>Whether the vLAPIC's TPR counts when a vector is chosen.</summary>
    public const string TprSelectionPoint = "tpr-selection";

    private const string Review = "reviews.freebsd.org, the alternative to D13780, January 2018";
    private const string ByAvic = "with svm-injection: avic TPR is in the page that the processor and the local APIC share";
    private const string SvmC = "FreeBSD sys/amd64/vmm/amd/svm.c";

    /// <summary>The points, in the order in which reports name them. Later ones look at what the first has chosen.</summary>
    public static PolicyRule[] All { get; } =
    [
        new()
        {
            Name = SvmInjectionPoint,
            MakeScript = () => PolicyShape.OfMaking(config => config.Bhyve.Injection),
            Summary = "how bhyve brings a vector of the local APIC into the guest, and with that when it moves from IRR to ISR",
            Values =
            [
                Software(
                    "v-irq", "V_IRQ offers the vector, which stays in IRR until an exit finds V_IRQ = 0 and moves it to ISR",
                    $"{SvmC}:svm_update_virqinfo, FreeBSD 10.4",
                    config => With(config, bhyve => bhyve with { Injection = SvmInjection.VIrq })),
                Software(
                    "v-irq-pending-state",
                    "V_IRQ offers the vector, which has left IRR for a state of its own; the next exit moves it to ISR, or back to IRR",
                    Review,
                    config => With(config, bhyve => bhyve with { Injection = SvmInjection.VIrqPendingState })),
                Software(
                    "event-injection",
                    "EVENTINJ injects the vector as soon as the guest can take it; it moves from IRR to ISR before VMRUN",
                    $"D13780; {SvmC}:svm_inj_interrupts since",
                    config => With(config, bhyve => bhyve with { Injection = SvmInjection.EventInjection })),
                new(
                    new PolicyValueInfo(
                        "avic", [], "AVIC: the processor takes vectors from IRR by itself, and tells running vCPUs by a doorbell",
                        $"{Review}: 'IMHO that is the way to go'; APM2 15.29; no release has it, its exits are handled as in KVM"),
                    config => config.Apicv ? null
                        : "svm-injection: avic needs a processor with AVIC: write 'cpu: { vendor: amd, apicv: true }'",
                    (_, config) => With(config, bhyve => bhyve with { Injection = SvmInjection.Avic })),
            ],
            Absence = IsElsewhere(SvmInjectionPoint),
            IsAlwaysReported = true,
        },
        new()
        {
            Name = TprSelectionPoint,
            MakeScript = () => PolicyShape.Decision(
                PolicyScope.Vcpu,
                config => config.Bhyve.TprSelection,
                (config, script) => With(
                    config, bhyve => bhyve with { Scripts = bhyve.Scripts.With(nameof(BhyvePolicies.TprSelection), script) })),
            Summary = "whether the guest's TPR, as it was at the last exit, counts when a vector is chosen to be offered",
            Values =
            [
                PolicyEntry.Plain(
                    "honour", "a vector is offered if its class is above PPR's", "FreeBSD sys/amd64/vmm/io/vlapic.c:vlapic_pending_intr",
                    config => With(config, bhyve => bhyve with { TprSelection = TprSelection.Honour })),
                new(
                    new PolicyValueInfo(
                        "ignore", [], "a vector is offered if its class is above those in service; the processor compares it with V_TPR",
                        $"{Review}, its update of 12 January"),
                    config => config.Bhyve.Injection switch
                    {
                        SvmInjection.EventInjection =>
                            "tpr-selection: ignore leaves the comparison to V_IRQ; EVENTINJ compares nothing (APM2 15.20), so that with "
                            + "svm-injection: event-injection a vector would be delivered below the guest's TPR",
                        SvmInjection.Avic => $"tpr-selection: ignore has no effect here: {ByAvic}",
                        _ => null,
                    },
                    (_, config) => With(config, bhyve => bhyve with { TprSelection = TprSelection.Ignore })),
            ],
            Absence = IsElsewhere(TprSelectionPoint),
            Usual = _ => "honour",
        },
        new()
        {
            Name = "cr8-intercept",
            MakeScript = () => PolicyShape.OfMaking(config => config.Bhyve.Cr8Intercept),
            Summary = "whether bhyve hears of the guest's writes to CR8 at once",
            Values =
            [
                PolicyEntry.Plain(
                    "none", "CR8 is V_TPR, without an exit; the local APIC's TPR follows at the next exit", $"{SvmC}:vmcb_init, always",
                    config => With(config, bhyve => bhyve with { Cr8Intercept = Cr8Intercept.None })),
                new(
                    new PolicyValueInfo(
                        "writes", [], "a write to CR8 exits, and the local APIC's TPR follows at once",
                        $"{Review}: 'With the event injection we have to intercept CR8 writes'; no release does"),
                    config => config.Bhyve.Injection == SvmInjection.Avic ? $"cr8-intercept: writes has no effect here: {ByAvic}" : null,
                    (_, config) => With(config, bhyve => bhyve with { Cr8Intercept = Cr8Intercept.Writes })),
            ],
            Absence = IsElsewhere("cr8-intercept"),
            Usual = _ => "none",
        },
        new()
        {
            Name = "interrupt-window",
            MakeScript = () => PolicyShape.Decision(
                PolicyScope.Vcpu,
                config => config.Bhyve.InterruptWindow,
                (config, script) => With(
                    config, bhyve => bhyve with { Scripts = bhyve.Scripts.With(nameof(BhyvePolicies.InterruptWindow), script) })),
            Summary = "how bhyve hears that the guest can take a vector that could not be injected before",
            Values =
            [
                PolicyEntry.Plain(
                    "vintr", "by #VMEXIT(VINTR): V_IRQ without a vector, asked for also after every injection, since there may be more",
                    $"{SvmC}:enable_intr_window_exiting",
                    config => With(config, bhyve => bhyve with { InterruptWindow = InterruptWindow.Vintr })),
                new(
                    new PolicyValueInfo(
                        "none", [], "not at all: the vector waits for whatever makes the guest exit next", "what is lost without a window"),
                    config => config.Bhyve.Injection != SvmInjection.EventInjection
                        ? "interrupt-window: none has no effect here: only svm-injection: event-injection asks for windows, "
                            + "V_IRQ waits in the processor by itself"
                        : null,
                    (_, config) => With(config, bhyve => bhyve with { InterruptWindow = InterruptWindow.None })),
            ],
            Absence = IsElsewhere("interrupt-window"),
            Usual = _ => "vintr",
        },
        new()
        {
            Name = "exit-fold",
            MakeScript = () => PolicyShape.Plan<ExitFoldStep>(
                PolicyScope.Vcpu, (config, plan) => With(config, bhyve => bhyve with { ExitFold = plan })),
            Summary = "what bhyve reads back from the VMCB after an exit, in this order",
            Values =
            [
                Fold(BhyvePolicies.WholeFold, "V_TPR, then what has become of V_IRQ, then an event whose delivery was cut short",
                    $"{SvmC}:svm_vmexit"),
                Fold(BhyvePolicies.FoldWithoutTpr, "not V_TPR: what the guest has written to CR8 is undone by the next VMRUN",
                    "what is lost without the step") with
                {
                    Problem = config => config.Bhyve.Injection == SvmInjection.Avic
                        ? $"exit-fold: without-tpr has no effect here: {ByAvic}" : null,
                },
                Fold(BhyvePolicies.FoldWithoutIntInfo, "not EXITINTINFO: an event whose delivery was cut short by an exit is gone",
                    "what is lost without the step"),
            ],
            Absence = IsElsewhere("exit-fold"),
            Usual = _ => BhyvePolicies.WholeFold.Text,
        },
    ];

    /// <summary>A way of injection by software: with AVIC on, V_IRQ is ignored, and so there is no interrupt window either.</summary>
    private static PolicyEntry Software(string name, string summary, string source, Func<MachineConfig, MachineConfig> apply) =>
        PolicyEntry.Plain(name, summary, source, apply) with
        {
            Problem = config => config.Apicv
                ? $"svm-injection: {name} uses V_IRQ, which a processor with AVIC on ignores (APM2 15.29): "
                    + "leave 'apicv: true' out, or write svm-injection: avic"
                : null,
        };

    private static PolicyEntry Fold(Plan<ExitFoldStep> plan, string summary, string source) =>
        PolicyEntry.Plain(plan.Text, summary, source, config => With(config, bhyve => bhyve with { ExitFold = plan }));

    private static Func<MachineConfig, string?> IsElsewhere(string point) => config => config.Hypervisor == HypervisorKind.Bhyve ? null
        : $"{point} is bhyve's: it exists with a hypervisor such as bhyve@10.4";

    private static MachineConfig With(MachineConfig config, Func<BhyvePolicies, BhyvePolicies> change) =>
        config with { Bhyve = change(config.Bhyve) };
}
