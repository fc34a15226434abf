namespace ScenarioHv.Engine.Policies;

/// <summary>A step by which a vCPU that was preempted takes notifications again (posted_intr.c:vmx_vcpu_pi_load).</summary>
public enum PostedLoadStep : byte
{
    /// <summary>SN := 0.</summary>
    ClearSn,

    /// <summary>ON := 1 if some bit of PIR is set.</summary>
    SetOnIfPosted,
}

/// <content>A vCPU's thread that the host preempts.</content>
public sealed partial record KvmPolicies
{
    /// <summary>SN cleared, then ON made to agree with PIR.</summary>
    public static Plan<PostedLoadStep> OnIfPosted { get; } =
        new("on-if-posted", PostedLoadStep.ClearSn, PostedLoadStep.SetOnIfPosted);

    /// <summary>What is done to the descriptor when the thread has a CPU again.</summary>
    public Plan<PostedLoadStep> PostedLoad { get; init; } = OnIfPosted;
}
