namespace ScenarioHv.Engine.Policies;

/// <summary>One micro-step of a pass into the guest (x86.c:vcpu_enter_guest).</summary>
public enum EnterStep : byte
{
    /// <summary>Requests other than for events are handled. One that needs userspace ends the pass.</summary>
    CheckRequests,

    /// <summary>If events were requested, the one to deliver is chosen and written for injection.</summary>
    InjectEvents,

    /// <summary>
    /// The host's interrupts go off, which takes a moment. Only where the mode is published after the last look does that moment matter;
    /// elsewhere it is part of <see cref="PublishMode"/>.
    /// </summary>
    DisableInterrupts,

    /// <summary>vcpu->mode becomes IN_GUEST_MODE: from here on a kick is an interrupt.</summary>
    PublishMode,

    /// <summary>
    /// As <see cref="PublishMode"/>, without the barrier behind it: the processor may keep the store back behind later loads.
    /// </summary>
    PublishModePlain,

    /// <summary>The hardware's copy of the highest request is refreshed, if there is one (sync_pir_to_irr).</summary>
    SyncApic,

    /// <summary>What has been requested meanwhile ends the pass; what was written for injection is taken back and kept.</summary>
    Recheck,

    /// <summary>As <see cref="Recheck"/>, but what was written stays written, and the next pass writes over it.</summary>
    RecheckWithoutCancel,
}

/// <summary>The orders in which hypervisors have gone into a guest.</summary>
public static class EnterPlans
{
    /// <summary>KVM since interrupts are chosen with the host's interrupts on.</summary>
    public static readonly Plan<EnterStep> PublishThenRecheck = new(
        "publish-then-recheck",
        EnterStep.CheckRequests, EnterStep.InjectEvents, EnterStep.PublishMode, EnterStep.SyncApic, EnterStep.Recheck);

    /// <summary>KVM before that: nothing is looked at before the mode is published, and so nothing is looked at twice.</summary>
    public static readonly Plan<EnterStep> PublishThenInject = new(
        "publish-then-inject",
        EnterStep.CheckRequests, EnterStep.PublishMode, EnterStep.InjectEvents, EnterStep.SyncApic);

    /// <summary>The last look at events comes before the mode.</summary>
    public static readonly Plan<EnterStep> InjectThenPublish = new(
        "inject-then-publish",
        EnterStep.CheckRequests, EnterStep.InjectEvents, EnterStep.SyncApic, EnterStep.DisableInterrupts, EnterStep.PublishMode);

    /// <summary>The second look comes before the mode as well: a processor's order, if the barrier between the two is missing.</summary>
    public static readonly Plan<EnterStep> RecheckThenPublish = new(
        "recheck-then-publish",
        EnterStep.CheckRequests, EnterStep.InjectEvents, EnterStep.SyncApic, EnterStep.Recheck, EnterStep.DisableInterrupts,
        EnterStep.PublishMode);

    /// <summary>The right order in the program, and no barrier between the mode and the second look.</summary>
    public static readonly Plan<EnterStep> PublishWithoutBarrier = new(
        "publish-without-barrier",
        EnterStep.CheckRequests, EnterStep.InjectEvents, EnterStep.PublishModePlain, EnterStep.SyncApic, EnterStep.Recheck);

    /// <summary>The right order, but the event that an abandoned pass has taken from the controller is kept nowhere.</summary>
    public static readonly Plan<EnterStep> RecheckWithoutCancel = new(
        "recheck-without-cancel",
        EnterStep.CheckRequests, EnterStep.InjectEvents, EnterStep.PublishMode, EnterStep.SyncApic, EnterStep.RecheckWithoutCancel);
}

/// <content>The pass into the guest.</content>
public sealed partial record KvmPolicies
{
    /// <summary>The order of a pass into the guest.</summary>
    public Plan<EnterStep> Enter { get; init; } = EnterPlans.PublishThenRecheck;
}
