using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>
/// How KVM's delivery of events is named, as the thread of 2008 has it: when an NMI handler is over, which event an entry injects, and what
/// becomes of one whose delivery is cut.
/// </summary>
internal static class NmiPolicies
{
    /// <summary>The value of nmi-tracking that injects nothing.</summary>
    public const string NoInjection = "no-injection";

    /// <summary>The value of nmi-tracking that leaves it to an AMD processor.</summary>
    public const string HardwareVnmi = "hardware-vnmi";

    /// <summary>The value of choose-event that looks before every entry.</summary>
    public const string EveryEntry = "every-entry";

    /// <summary>The value of choose-event in which an NMI that waits holds back interrupts.</summary>
    public const string NmiHoldsInterrupts = "nmi-holds-interrupts";

    private const string Requeue = "requeue";

    /// <summary>How the end of an NMI handler is found.</summary>
    public static PolicyRule NmiTracking { get; } = new()
    {
        Name = PolicyTable.NmiTracking,
        MakeScript = () => PolicyShape.OfMaking(config => config.Kvm.NmiTracking),
        Summary = "how KVM knows whether a guest is inside an NMI handler, so that the next NMI has to wait",
        Values =
        [
            Tracking(
                NoInjection, "no NMI is injected", "KVM VMX before 2.6.29 without virtual NMIs", Engine.Policies.NmiTracking.NoInjection),
            Tracking(
                "untracked", "every NMI is injected at once, inside an NMI handler too",
                "no kernel: what the patch of 8 December 2008 guards against", Engine.Policies.NmiTracking.Untracked),
            Tracking(
                "irq-window",
                "a flag in software, cleared by an exit that finds the guest open for interrupts; the interrupt window is asked for",
                "the patch of 8 December 2008 without its limit in time", Engine.Policies.NmiTracking.IrqWindow),
            Tracking(
                "irq-window+timeout", "as irq-window, and after 1 s of guest time the flag is cleared by force if an NMI is wanted",
                "J. Kiszka, 'KVM: VMX: work around lacking VNMI support', 8 December 2008; vmx.c:soft_vnmi_blocked, 2.6.29 and later",
                Engine.Policies.NmiTracking.IrqWindowTimeout),
            Tracking(
                "virtual-nmi", "virtual-NMI blocking and NMI-window exiting of the processor",
                "SDM3 24.6.1, 25.3; KVM VMX wherever it exists",
                Engine.Policies.NmiTracking.VirtualNmi),
            Tracking(
                "iret-intercept", "a flag in software that is cleared behind the IRET, which is intercepted and stepped over",
                "KVM svm.c:iret_interception, svm_enable_nmi_window, 2.6.31 and later", Engine.Policies.NmiTracking.IretIntercept),
            Tracking(
                HardwareVnmi, "V_NMI_MASK of the processor, which keeps one NMI in V_NMI",
                "APM2 15.21.10; KVM svm.c:svm_set_vnmi_pending, 6.4",
                Engine.Policies.NmiTracking.HardwareVnmi),
        ],
        Absence = KvmOnly(PolicyTable.NmiTracking),
        Usual = machine => machine.Cpu.Vendor == CpuVendor.Amd ? "iret-intercept"
            : machine.Cpu.VirtualNmis ? "virtual-nmi" : "irq-window+timeout",
    };

    /// <summary>Which event an entry injects.</summary>
    public static PolicyRule ChooseEvent { get; } = new()
    {
        Name = PolicyTable.ChooseEvent,
        MakeScript = () => PolicyShape.Decision(
            PolicyScope.Vcpu,
            config => config.Kvm.EventChoice,
            (config, script) => config with
            {
                Kvm = config.Kvm with { Scripts = config.Kvm.Scripts.With(nameof(KvmPolicies.EventChoice), script) },
            }),
        Summary = "which event an entry injects, and when that is looked at",
        Values =
        [
            Choice(
                "on-request", "after KVM_REQ_EVENT; what was begun, then an NMI, then an interrupt, each of which asks for its own window",
                "KVM x86.c:inject_pending_event, 4.19 to 5.1", EventChoice.OnRequest),
            Choice(
                NmiHoldsInterrupts, "as on-request, but an NMI that has to wait holds back new interrupts",
                "KVM x86.c:inject_pending_event, 2.6.37 to 4.2", EventChoice.NmiHoldsInterrupts),
            Choice(
                EveryEntry, "before every entry; an interrupt whose delivery was cut goes first, and an NMI asks for a window",
                "KVM vmx.c:vmx_intr_assist, 2.6.29: in-kernel irqchip", EventChoice.EveryEntry),
            Choice(
                "every-entry-nmi-first", "before every entry; an NMI goes before an interrupt whose delivery was cut",
                "KVM vmx.c:do_interrupt_requests, 2.6.29: local APIC in userspace, of which only this choice is modelled; 2.6.30 has "
                    + "every-entry there too",
                EventChoice.EveryEntryNmiFirst),
        ],
        Absence = KvmOnly(PolicyTable.ChooseEvent),
        Usual = _ => "on-request",
    };

    /// <summary>What becomes of the event that an entry injected.</summary>
    public static PolicyRule InjectedEvent { get; } = new()
    {
        Name = PolicyTable.InjectedEvent,
        MakeScript = () => PolicyShape.Plan<FoldStep>(
            PolicyScope.Vcpu, (config, plan) => config with { Kvm = config.Kvm with { ExitFold = plan } }),
        Summary = "what an exit does about the event that the entry injected, and whose delivery it may have cut",
        Values =
        [
            Fold(
                Requeue, "an event whose delivery was cut is injected again; of an NMI the blocking ends first",
                "SDM3 31.7.1.2; KVM vmx.c:__vmx_complete_interrupts, svm.c:svm_complete_interrupts", KvmPolicies.Requeue),
            Fold(
                "requeue-blocked", "as requeue, but blocking by NMI stays as the cut delivery has left it",
                "KVM VMX without the step that SDM3 31.7.1.2 asks for", KvmPolicies.RequeueBlocked),
            Fold("drop", "the IDT-vectoring information is not looked at", "as nested KVM before 36e2e98363e6", KvmPolicies.Drop),
            Fold(
                "stale-copy", "the event counts as delivered only when an exit goes up to userspace",
                "OpenVMM before 4d695f27a, with exits that are handled below", KvmPolicies.StaleCopy),
        ],
        Absence = KvmOnly(PolicyTable.InjectedEvent),
        Usual = _ => Requeue,
    };

    private static Func<MachineConfig, string?> KvmOnly(string point) => config => config.Hypervisor == HypervisorKind.Kvm
        ? null : $"{point} is KVM's, which does not run this machine's guest";

    private static PolicyEntry Tracking(string name, string summary, string source, NmiTracking value) => new(
        new PolicyValueInfo(name, [], summary, source),
        config => Problem(name, value, config),
        (_, config) => config with { Kvm = config.Kvm with { NmiTracking = value } });

    private static string? Problem(string name, NmiTracking value, MachineConfig config)
    {
        if (value is Engine.Policies.NmiTracking.IretIntercept or Engine.Policies.NmiTracking.HardwareVnmi)
        {
            return config.Vendor != Engine.Configuration.CpuVendor.Amd
                ? $"{name} is of AMD processors; on Intel it is virtual-nmi, or without virtual NMIs irq-window+timeout"
                : value == Engine.Policies.NmiTracking.HardwareVnmi && !config.Vnmi
                    ? $"{name} needs a processor that has V_NMI: 'cpu: {{ vendor: amd, vnmi: true }}'"
                    : null;
        }

        if (config.Vendor != Engine.Configuration.CpuVendor.Intel)
        {
            return $"{name} is of Intel processors; on AMD it is iret-intercept, or with V_NMI hardware-vnmi";
        }

        return value == Engine.Policies.NmiTracking.VirtualNmi == config.VirtualNmis ? null
            : config.VirtualNmis ? $"{name} is of processors without virtual NMIs: 'cpu: {{ vendor: intel, virtual-nmis: false }}'"
            : $"{name} needs a processor that has virtual NMIs, and this one has 'virtual-nmis: false'";
    }

    private static PolicyEntry Choice(string name, string summary, string source, EventChoice value) => new(
        new PolicyValueInfo(name, [], summary, source),
        config => value is not (EventChoice.EveryEntry or EventChoice.EveryEntryNmiFirst) ? null
            : config.Vendor != Engine.Configuration.CpuVendor.Intel ? $"{name} is modelled on Intel processors only"
            : config.Apicv ? $"{name} is older than APICv: write 'apicv: false'"
            : config.L2 is not null ? $"{name} is older than nested virtualization on Intel processors: there is no l2 with it"
            : null,
        (_, config) => config with { Kvm = config.Kvm with { EventChoice = value } });

    private static PolicyEntry Fold(string name, string summary, string source, Plan<FoldStep> plan) => new(
        new PolicyValueInfo(name, [], summary, source),
        config => !ReferenceEquals(plan, KvmPolicies.Drop) && !ReferenceEquals(plan, KvmPolicies.RequeueBlocked) ? null
            : config.Timeline.All(stimulus => stimulus.Action != StimulusAction.PageOut)
                ? $"{name} can have no effect here: nothing cuts a delivery, as 'page-out' in the timeline would"
            : ReferenceEquals(plan, KvmPolicies.RequeueBlocked) && config.Kvm.NmiTracking != Engine.Policies.NmiTracking.VirtualNmi
                ? $"{name} can have no effect here: only with nmi-tracking: virtual-nmi is the blocking in the control structure"
            : null,
        (_, config) => config with { Kvm = config.Kvm with { ExitFold = plan } });
}
