using ScenarioHv.Engine.Tracing;
using static System.FormattableString;

namespace ScenarioHv.Traces.Explanations;

/// <summary>The events of the SynIC, of omitted EOIs, and of the 8259A.</summary>
internal static class HypervExplanations
{
    public static string PicSetIrq(in TraceEvent e)
    {
        var irq = (8 * e.A) + e.B;
        return Invariant($"IRQ{irq} of the 8259A pair is driven, {(e.D != 0 ? "but masked in its IMR" : "and not masked")} (KVM i8259.c)");
    }

    public static string SetIrq(in TraceEvent e) => e.D == 0
        ? Invariant($"SINT{e.B} of vCPU {e.A} is raised and nobody accepts it (KVM hyperv.c:synic_set_irq)")
        : Invariant($"SINT{e.B} of vCPU {e.A} is raised: vector {(byte)e.C} goes to its local APIC (KVM hyperv.c:synic_set_irq)");

    public static string SetMsr(in TraceEvent e)
    {
        var who = e.D != 0 ? "The monitor" : "The guest";
        return Invariant($"{who} writes 0x{e.C:x} to MSR 0x{e.B:x} of the SynIC of vCPU {e.A} (KVM hyperv.c:synic_set_msr)");
    }

    public static string SendEoi(in TraceEvent e) =>
        Invariant($"The SynIC of vCPU {e.A} hears of the EOI of vector {(byte)e.B} (KVM hyperv.c:kvm_hv_synic_send_eoi)");

    public static string PvEoi(in TraceEvent e) =>
        Invariant($"The guest had cleared bit 0 of its assist page: the EOI of vector {(byte)e.B} is done now (KVM lapic.c)");
}
