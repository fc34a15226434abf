using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Traces.Explanations;

/// <summary>The events of AVIC, and of the reasons against it.</summary>
internal static class AvicExplanations
{
    public static string Inhibit(in TraceEvent e)
    {
        var reason = ApicvInhibitNames.Joined((ApicvInhibits)e.A);
        var change = e.B != 0 ? "comes" : "goes";
        var left = e.C == 0 ? "hardware may deliver interrupts itself" : $"in force: {ApicvInhibitNames.Joined((ApicvInhibits)e.C)}";
        return $"A reason against APICv and AVIC {change}, {reason}; {left} (KVM x86.c:__kvm_set_or_clear_apicv_inhibit)";
    }

    public static string IncompleteIpi(in TraceEvent e) => e.B == 1
        ? Invariant($"AVIC has set the IRR bit of every target, and KVM has to wake target {e.C} (KVM avic.c:avic_kick_target_vcpus)")
        : Invariant($"AVIC does not send ICR {e.A:x16}, cause {e.B}: KVM sends it (KVM avic.c:avic_incomplete_ipi_interception)");

    public static string UnacceleratedAccess(in TraceEvent e)
    {
        var access = $"{(e.C != 0 ? "a write to" : "a read of")} {KvmNames.ApicRegister((uint)e.A)}";
        return e.B != 0
            ? Invariant($"AVIC has stored {access} and KVM does what it means (KVM avic.c:avic_unaccel_trap_write)")
            : Invariant($"AVIC leaves {access} to KVM, which emulates the instruction (KVM avic.c)");
    }

    public static string Doorbell(in TraceEvent e) =>
        Invariant($"KVM rings the doorbell of vCPU {e.A}'s processor: in guest mode it looks at its IRR again (APM2 15.29)");
}
