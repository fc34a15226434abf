namespace ScenarioHv.Engine.Policies;

/// <summary>
/// What KVM's versions and patches do differently, apart from the immediate exit and the I/O APIC's EOI. Immutable; a default instance is
/// a recent KVM.
/// </summary>
public sealed partial record KvmPolicies;
