using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>How the orders are named in which a hypervisor goes into a guest, and out of its guest's guest.</summary>
internal static class EntryPolicies
{
    /// <summary>The order of a pass into the guest.</summary>
    public static PolicyRule Enter { get; } = new()
    {
        Name = "enter",
        MakeScript = () => PolicyShape.Plan<EnterStep>(
            PolicyScope.Vcpu, (config, plan) => config with { Kvm = config.Kvm with { Enter = plan } }),
        Summary = "the order in which a pass into the guest looks at what is pending and lets others see that it is on its way",
        Values =
        [
            Entering(
                EnterPlans.PublishThenRecheck,
                "choose and write the event, publish the mode, look again; what has come meanwhile takes the event back and starts anew",
                "KVM since 2.6.37 (b463a6f744a2: injection is undone if the guest cannot be entered); x86.c:vcpu_enter_guest"),
            Entering(
                EnterPlans.PublishThenInject,
                "publish the mode, then look at events, once: whatever comes later finds the mode and sends an interrupt",
                "KVM 2.6.26 and some after it, x86.c:__vcpu_run: the mode is not to be set after the test of pending vectors"),
            Entering(
                EnterPlans.InjectThenPublish,
                "look at events, then publish the mode: a kick between the two interrupts nobody",
                "KVM before that order; the same hole later elsewhere: KVM arm 325f9c649c8a (2017)"),
            Entering(
                EnterPlans.RecheckThenPublish,
                "look twice, and publish the mode after both",
                "what a missing barrier between mode and second look amounts to; Linux Documentation/virt/kvm/vcpu-requests.rst"),
            Entering(
                EnterPlans.PublishWithoutBarrier,
                "the right order in the program, without the barrier: the store to vcpu->mode may stay behind the loads of the second look",
                "SDM3 8.2.3.4; the remark before smp_mb__after_srcu_read_unlock in x86.c:vcpu_enter_guest"),
            Entering(
                EnterPlans.RecheckWithoutCancel,
                "the right order, but an abandoned pass leaves the event in the entry field, and the next pass writes over it",
                "ACRN before ea849177a (2019)"),
        ],
        Absence = config => NeedsKvm("enter", config),
        Usual = _ => EnterPlans.PublishThenRecheck.Text,
    };

    /// <summary>The order of an external interrupt that ends L2.</summary>
    public static PolicyRule NestedReflect { get; } = new()
    {
        Name = "nested-reflect",
        MakeScript = () => PolicyShape.Plan<ReflectStep>(
            PolicyScope.Vcpu, (config, plan) => config with { Kvm = config.Kvm with { NestedReflect = plan } }),
        Summary = "the order in which an interrupt of L1 ends L2, if L1 has asked for its acknowledgement",
        Values =
        [
            Reflecting(
                ReflectPlans.SwitchThenAcknowledge,
                "L1's control structure first: SVI is written there",
                "KVM nested.c:vmx_check_nested_events (\"ACK the interrupt _after_ emulating VM-Exit\")",
                needsApicv: false),
            Reflecting(
                ReflectPlans.AcknowledgeThenSwitch,
                "IRR to ISR while L2's control structure is loaded: SVI is written there and lost",
                "KVM in 2014, when it fetched the vector before it loaded vmcs01",
                needsApicv: true),
            Reflecting(
                ReflectPlans.ReadVectorOnly,
                "the vector goes to L1's exit information only; IRR, ISR, RVI and SVI stay as they are",
                "Xen before 84e6af587075 (2013)",
                needsApicv: false),
        ],
        Absence = config => NeedsKvm("nested-reflect", config)
            ?? (config.Vendor == Engine.Configuration.CpuVendor.Amd
                ? "nested-reflect is VMX's: an exit of SVM acknowledges nothing" : null),
        Usual = _ => ReflectPlans.SwitchThenAcknowledge.Text,
    };

    /// <summary>Why a machine without KVM has no rule of its code; null if it runs KVM.</summary>
    public static string? NeedsKvm(string point, MachineConfig config) =>
        config.Hypervisor == HypervisorKind.Kvm ? null : $"{point} is a rule of KVM's code, which does not run on this machine";

    private static PolicyEntry Entering(Plan<EnterStep> plan, string summary, string source) =>
        PolicyEntry.Plain(plan.Text, summary, source, config => config with { Kvm = config.Kvm with { Enter = plan } });

    private static PolicyEntry Reflecting(Plan<ReflectStep> plan, string summary, string source, bool needsApicv) => new(
        new PolicyValueInfo(plan.Text, [], summary, source),
        config => needsApicv && !config.Apicv
            ? $"{plan.Text} is about the processor's copy of ISR, which it has only with 'apicv: true'" : null,
        (_, config) => config with { Kvm = config.Kvm with { NestedReflect = plan } });
}
