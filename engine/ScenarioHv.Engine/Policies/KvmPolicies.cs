namespace ScenarioHv.Engine.Policies;

/// <summary>
/// What versions of KVM, and of other hypervisors that could be written as a KVM, do differently: plans and decisions, each with the value
/// that machines have if nothing is said. A file per subject.
/// </summary>
public sealed partial record KvmPolicies
{
    /// <summary>The scripts in the place of decisions.</summary>
    public DecisionScripts Scripts { get; init; } = DecisionScripts.None;
}
