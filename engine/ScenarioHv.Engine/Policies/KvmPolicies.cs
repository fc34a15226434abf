namespace ScenarioHv.Engine.Policies;

/// <summary>
/// What KVM does where its versions, or patches to it, differ, besides the immediate exit and the I/O APIC's EOI. One file per subject;
/// the default of each is what current kernels do on a current processor.
/// </summary>
public sealed partial record KvmPolicies;
