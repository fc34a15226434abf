namespace ScenarioHv.Engine.Policies;

/// <summary>One micro-step of an external interrupt that ends L2 (nested.c:vmx_check_nested_events, nested_vmx_vmexit).</summary>
public enum ReflectStep : byte
{
    /// <summary>L1's control structure becomes the current one.</summary>
    SwitchControls,

    /// <summary>If L1 asked for it, the interrupt goes from IRR to ISR and its vector into the exit information.</summary>
    Acknowledge,

    /// <summary>As <see cref="Acknowledge"/>, but the vector is only read: IRR and ISR stay as they are.</summary>
    ReadVector,
}

/// <summary>The orders in which an interrupt of L1 has ended L2.</summary>
public static class ReflectPlans
{
    /// <summary>The vector is marked in service while L1's control structure is current.</summary>
    public static readonly Plan<ReflectStep> SwitchThenAcknowledge = new(
        "switch-then-acknowledge", ReflectStep.SwitchControls, ReflectStep.Acknowledge);

    /// <summary>SVI is written to L2's control structure, where it is lost.</summary>
    public static readonly Plan<ReflectStep> AcknowledgeThenSwitch = new(
        "acknowledge-then-switch", ReflectStep.Acknowledge, ReflectStep.SwitchControls);

    /// <summary>L1 is told of a vector that the local APIC goes on asking for.</summary>
    public static readonly Plan<ReflectStep> ReadVectorOnly = new("read-vector-only", ReflectStep.SwitchControls, ReflectStep.ReadVector);
}

/// <content>L2.</content>
public sealed partial record KvmPolicies
{
    /// <summary>The order of an external interrupt that ends L2.</summary>
    public Plan<ReflectStep> NestedReflect { get; init; } = ReflectPlans.SwitchThenAcknowledge;
}
