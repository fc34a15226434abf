namespace ScenarioHv.Engine.Interrupts;

/// <summary>The choices of the Hyper-V interfaces to a local APIC, besides the SynIC. The default is the TLFS's.</summary>
public readonly record struct HypervPolicies
{
    /// <summary>KVM's.</summary>
    public static HypervPolicies Kvm => new() { ApicAssist = ApicAssistRule.Kvm, ApicMsrs = HypervApicMsrRule.Kvm };

    /// <summary>OpenVMM's.</summary>
    public static HypervPolicies OpenVmm => new() { ApicAssist = ApicAssistRule.OpenVmm };

    /// <summary>When the guest may omit its EOI.</summary>
    public ApicAssistRule ApicAssist { get; init; }

    /// <summary>What writes to the APIC MSRs are checked for.</summary>
    public HypervApicMsrRule ApicMsrs { get; init; }
}
