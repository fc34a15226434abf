namespace ScenarioHv.Engine.Policies;

/// <summary>KVM's choices, by release or patch. Each subject has a file of its own.</summary>
public sealed partial record KvmPolicies;
