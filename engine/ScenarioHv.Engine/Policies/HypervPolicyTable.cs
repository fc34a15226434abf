using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>The choices of the Hyper-V interfaces to a local APIC in words.</summary>
internal static class HypervPolicyTable
{
    /// <summary>The points.</summary>
    public static IReadOnlyList<ControllerPolicyPoint> Points { get; } =
    [
        Of(
            nameof(HypervPolicies.ApicAssist),
            "which rule decides before an entry whether the guest may omit its EOI",
            p => p.ApicAssist, (p, value) => p with { ApicAssist = value },
            (ApicAssistRule.Tlfs,
                "the latest interrupt in service is edge, and nothing is pending in IRR below it or above",
                "TLFS virtual-interrupts"),
            (ApicAssistRule.Kvm,
                "nothing pending; the vector in service is the last dispensed, with no EOI since; no I/O APIC needs its EOI. "
                    + "Its trigger mode is not looked at",
                "KVM lapic.c:apic_sync_pv_eoi_to_guest"),
            (ApicAssistRule.OpenVmm,
                "edge, and either nothing pending with something in service, or exactly one pending with nothing in service: "
                    + "that one is about to be dispensed",
                "OpenVMM virt_support_apic")),
        Of(
            nameof(HypervPolicies.ApicMsrs),
            "what implementations of the Hyper-V APIC MSRs check differently",
            p => p.ApicMsrs, (p, value) => p with { ApicMsrs = value },
            (HypervApicMsrRule.Tlfs, "TPR above FFh is #GP", "TLFS: 63:8 RsvdZ; OpenVMM"),
            (HypervApicMsrRule.Kvm,
                "TPR bits 31:8 are ignored and 63:32 are #GP; ICR is checked for the reserved bits of the x2APIC register "
                    + "even in xAPIC mode",
                "KVM lapic.c:kvm_lapic_msr_write, kvm_x2apic_icr_write")),
    ];

    private static ControllerPolicyPoint Of<T>(
        string property,
        string summary,
        Func<HypervPolicies, T> get,
        Func<HypervPolicies, T, HypervPolicies> set,
        params ReadOnlySpan<(T Value, string Meaning, string Source)> values)
        where T : struct, Enum =>
        ControllerPolicyPoint.Of(
            new ControllerPolicyName(ControllerKind.Hyperv, property),
            summary,
            controllers => get(controllers.Hyperv),
            (controllers, value) => controllers with { Hyperv = set(controllers.Hyperv, value) },
            values);
}
