using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>The policies of a vCPU whose thread the host preempts.</summary>
internal static class PreemptPolicies
{
    /// <summary>How notifications are let in again.</summary>
    public static PolicyRule PostedLoad { get; } = new()
    {
        Name = "posted-load",
        MakeScript = () => PolicyShape.Plan<PostedLoadStep>(
            PolicyScope.Vcpu, (config, plan) => config with { Kvm = config.Kvm with { PostedLoad = plan } }),
        Summary = "what KVM does to the descriptor of a vCPU that was preempted, when an IOMMU may have posted without notification",
        Absence = LapicRestorePolicies.NeedsPostedInterrupts("posted-load"),
        Usual = _ => "on-if-posted",
        Values =
        [
            Loading(KvmPolicies.OnIfPosted, "SN is cleared, then ON is set if PIR is not empty", "KVM 5.0 and later, c112b5f50232"),
            Loading(
                new("leave-on", PostedLoadStep.ClearSn),
                "SN is cleared: what was posted meanwhile has no ON, and is not looked at until something else sets it",
                "KVM 4.4 to 4.20, vmx.c:vmx_vcpu_pi_load before c112b5f50232"),
            Loading(
                new("look-first", PostedLoadStep.SetOnIfPosted, PostedLoadStep.ClearSn),
                "PIR is looked at before SN is cleared: what is posted in between has no ON",
                "nobody's; what the comment on the barrier in vmx_vcpu_pi_load excludes"),
        ],
    };

    private static PolicyEntry Loading(Plan<PostedLoadStep> plan, string summary, string source) =>
        PolicyEntry.Plain(plan.Text, summary, source, config => config with { Kvm = config.Kvm with { PostedLoad = plan } });
}
