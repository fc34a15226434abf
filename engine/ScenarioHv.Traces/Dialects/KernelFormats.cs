using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Traces.Dialects;

/// <summary>
/// Formats that every kernel from 4.19 to 6.16 shares (arch/x86/kvm/trace.h, trace/events/kvm.h), and the pieces that differ
/// between eras in one detail, which is then a parameter.
/// </summary>
internal static class KernelFormats
{
    private const ulong RteLogical = 1 << 11;
    private const ulong RteLevel = 1 << 15;
    private const ulong RteMasked = 1 << 16;

    private const ulong IcrLogical = 1 << 11;
    private const ulong IcrAssert = 1 << 14;
    private const ulong IcrLevel = 1 << 15;

    /// <summary>The rows no dialect since 4.19 changes.</summary>
    public static TraceFormat[] Stable { get; } =
    [
        new(TraceEventKind.KvmSetIrq, "kvm_set_irq", SetIrq),
        new(TraceEventKind.KvmMsiSetIrq, "kvm_msi_set_irq", MsiSetIrq),
        new(TraceEventKind.KvmIoapicSetIrq, "kvm_ioapic_set_irq", IoapicSetIrq),
        new(TraceEventKind.KvmIoapicDelayedEoiInj, "kvm_ioapic_delayed_eoi_inj", IoapicDelayedEoiInj),
        new(TraceEventKind.KvmApicIpi, "kvm_apic_ipi", ApicIpi),
        new(TraceEventKind.KvmEoi, "kvm_eoi", Eoi),
        new(TraceEventKind.KvmAckIrq, "kvm_ack_irq", AckIrq),
        new(TraceEventKind.KvmPio, "kvm_pio", Pio),
        new(TraceEventKind.KvmMmio, "kvm_mmio", Mmio),
        new(TraceEventKind.KvmMsr, "kvm_msr", Msr),
        new(TraceEventKind.KvmAvicIncompleteIpi, "kvm_avic_incomplete_ipi", AvicIncompleteIpi),
        new(TraceEventKind.KvmAvicUnacceleratedAccess, "kvm_avic_unaccelerated_access", AvicUnacceleratedAccess),
        new(TraceEventKind.KvmAvicDoorbell, "kvm_avic_doorbell", AvicDoorbell),
        new(TraceEventKind.KvmPicSetIrq, "kvm_pic_set_irq", PicSetIrq),
        new(TraceEventKind.KvmHvSynicSetIrq, "kvm_hv_synic_set_irq", HvSynicSetIrq),
        new(TraceEventKind.KvmHvSynicSetMsr, "kvm_hv_synic_set_msr", HvSynicSetMsr),
        new(TraceEventKind.KvmHvSynicSendEoi, "kvm_hv_synic_send_eoi", HvSynicSendEoi),
        new(TraceEventKind.KvmPvEoi, "kvm_pv_eoi", Eoi),
    ];

    /// <summary>kvm_apic_accept_irq with the trigger mode that the kernel's field kept.</summary>
    public static string ApicAcceptIrq(in TraceEvent e, bool level) =>
        Invariant($"apicid {(uint)e.A:x} vec {(byte)e.B} ({KvmNames.DeliveryMode(e.C)}|{Trigger(level)})");

    /// <summary>True if the accepted message is level triggered.</summary>
    public static bool IsLevel(in TraceEvent e) => Has(e.D, (ulong)ApicMessageFlags.Level);

    /// <summary>kvm_userspace_exit with the symbol list up to <paramref name="last"/>.</summary>
    public static string UserspaceExit(in TraceEvent e, uint last)
    {
        const int eintr = 4;
        var errno = unchecked((int)e.B);
        return errno < 0
            ? Invariant($"reason {(errno == -eintr ? "restart" : "error")} ({-(long)errno})")
            : Invariant($"reason {KvmNames.UserspaceReason((uint)e.A, last)} ({(uint)e.A})");
    }

    /// <summary>kvm_apic with its value already cut to the width of the kernel's field.</summary>
    public static string Apic(in TraceEvent e, ulong value) =>
        Invariant($"apic_{Direction(e.A)} {KvmNames.ApicRegister((uint)e.B)} = 0x{value:x}");

    /// <summary>
    /// A line of the kernel's log, without the time that the console event puts before it (trace/events/printk.h).
    /// </summary>
    /// <param name="e">The event.</param>
    /// <param name="function">The function that prints it, which the text begins with.</param>
    public static string Console(in TraceEvent e, string function) => (KernelMessage)e.A switch
    {
        KernelMessage.BreakingOutOfNmiBlocked =>
            Invariant($"{function}: Breaking out of NMI-blocked state on VCPU {e.B} after 1 s timeout"),
        _ => throw new InvalidOperationException($"No kernel here prints message {e.A}."),
    };

    private static string SetIrq(in TraceEvent e) => Invariant($"gsi {(uint)e.A} level {(int)e.B} source {(int)e.C}");

    private static string MsiSetIrq(in TraceEvent e)
    {
        var destinationMode = Has(e.D, (ulong)ApicMessageFlags.Logical) ? "logical" : "physical";
        var hint = Has(e.D, (ulong)ApicMessageFlags.RedirectionHint) ? "|rh" : "";
        return Invariant($"dst {e.A:x} vec {(byte)e.B} ({KvmNames.DeliveryMode(e.C)}|{destinationMode}|{Trigger(IsLevel(e))}{hint})");
    }

    private static string IoapicSetIrq(in TraceEvent e) =>
        Invariant($"pin {(uint)e.A} {RedirectionEntry(e.B)}{(e.C != 0 ? " (coalesced)" : "")}");

    private static string IoapicDelayedEoiInj(in TraceEvent e) => RedirectionEntry(e.A);

    private static string RedirectionEntry(ulong rte)
    {
        var destinationMode = Has(rte, RteLogical) ? "logical" : "physical";
        var masked = Has(rte, RteMasked) ? "|masked" : "";
        var mode = KvmNames.DeliveryMode(rte >> 8);
        var trigger = Trigger(Has(rte, RteLevel));
        return Invariant($"dst {rte >> 56:x} vec {(byte)rte} ({mode}|{destinationMode}|{trigger}{masked})");
    }

    private static string ApicIpi(in TraceEvent e)
    {
        var destinationMode = Has(e.A, IcrLogical) ? "logical" : "physical";
        var assert = Has(e.A, IcrAssert) ? "assert" : "de-assert";
        var mode = KvmNames.DeliveryMode(e.A >> 8);
        var shorthand = KvmNames.Shorthand(e.A >> 18);
        var trigger = Trigger(Has(e.A, IcrLevel));
        return Invariant($"dst {(uint)e.B:x} vec {(byte)e.A} ({mode}|{destinationMode}|{assert}|{trigger}|{shorthand})");
    }

    private static string Eoi(in TraceEvent e) => Invariant($"apicid {(uint)e.A:x} vector {unchecked((int)e.B)}");

    private static string AckIrq(in TraceEvent e) => Invariant($"irqchip {KvmNames.Irqchip(e.A)} pin {(uint)e.B}");

    // The blank before the last field stays at the end of the line when there is one repetition.
    private static string Pio(in TraceEvent e)
    {
        var value = e.C switch { 1 => (byte)e.D, 2 => (ushort)e.D, _ => (uint)e.D };
        var count = e.E + 1;
        var more = count > 1 ? "(...)" : "";
        return Invariant($"pio_{Direction(e.A)} at 0x{(uint)e.B:x} size {(uint)e.C} count {count} val 0x{value:x} {more}");
    }

    private static string Mmio(in TraceEvent e) =>
        Invariant($"mmio {KvmNames.MmioAccess(e.A)} len {(uint)e.B} gpa 0x{e.C:x} val 0x{e.D:x}");

    private static string Msr(in TraceEvent e) =>
        Invariant($"msr_{Direction(e.A)} {(uint)e.B:x} = 0x{e.C:x}{(e.D != 0 ? " (#GP)" : "")}");

    private static string AvicIncompleteIpi(in TraceEvent e) =>
        Invariant($"vcpu={e.Vcpu}, icrh:icrl=0x{(uint)(e.A >> 32):x8}:{(uint)e.A:x8}, id={(uint)e.B}, index={(uint)e.C}");

    private static string AvicUnacceleratedAccess(in TraceEvent e)
    {
        var register = KvmNames.ApicRegister((uint)e.A);
        var kind = e.B != 0 ? "trap" : "fault";
        return Invariant($"vcpu={e.Vcpu}, offset=0x{(uint)e.A:x}({register}), {kind}, {Direction(e.C)}, vec={Alternate((uint)e.D)}");
    }

    private static string AvicDoorbell(in TraceEvent e) => Invariant($"vcpuid={(uint)e.A}, apicid={(uint)e.B}");

    private static string PicSetIrq(in TraceEvent e)
    {
        var (trigger, masked, coalesced) = (Trigger(e.C != 0), e.D != 0 ? "|masked" : "", e.E != 0 ? " (coalesced)" : "");
        return Invariant($"chip {(uint)e.A} pin {(uint)e.B} ({trigger}{masked}){coalesced}");
    }

    private static string HvSynicSetIrq(in TraceEvent e) =>
        Invariant($"vcpu_id {(int)e.A} sint {(uint)e.B} vector {(int)e.C} ret {unchecked((int)e.D)}");

    private static string HvSynicSetMsr(in TraceEvent e) =>
        Invariant($"vcpu_id {(int)e.A} msr 0x{(uint)e.B:x} data 0x{e.C:x} host {(int)e.D}");

    private static string HvSynicSendEoi(in TraceEvent e) => Invariant($"vcpu_id {(int)e.A} vector {(int)e.B}");

    /// <summary>printf's %#x: zero has no prefix.</summary>
    private static string Alternate(uint value) => value == 0 ? "0" : Invariant($"0x{value:x}");

    private static bool Has(ulong word, ulong bit) => (word & bit) != 0;

    private static string Trigger(bool level) => level ? "level" : "edge";

    private static string Direction(ulong write) => write != 0 ? "write" : "read";
}
