using ScenarioHv.Engine.Tracing;
using static System.FormattableString;

namespace ScenarioHv.Traces.Dialects;

/// <summary>
/// What vmm writes into FreeBSD's kernel trace with KTR_VMM, by the format strings of FreeBSD 10.4 (svm.c, vlapic.c, vmm.c, vmm_ktr.h); a
/// line begins with the name of the virtual machine and the number of the vCPU.
/// </summary>
/// <remarks>
/// Of the lines that show IRR and ISR, eight for each, only those of the vector's word are printed, in one. RFLAGS shows IF only, and
/// bit 1, which is always 1. The words of the line about a collapsed interrupt are the laboratory's: the revision that adds it is in no
/// tree.
/// </remarks>
internal static class BhyveKtr
{
    private const string VirtualMachine = "lab";

    /// <summary>What it is asked for by.</summary>
    public const string Name = "bhyve-ktr";

    public static TraceDialect Dialect { get; } = new(
        Name,
        "the kernel trace of FreeBSD's vmm (KTR_VMM), as ktrdump prints it",
        "FreeBSD 10.4 to 12",
        [new(TraceEventKind.Ktr, "", Line)]);

    private static string Line(in TraceEvent e) => Invariant($"vm {VirtualMachine}[{e.Vcpu}]: {Text(e)}");

    private static string Text(in TraceEvent e) => (KtrMessage)e.A switch
    {
        KtrMessage.IntrReady => Invariant($"vlapic_set_intr_ready irr{e.B >> 5} 0x{e.C:x8}"),
        KtrMessage.Collapsed => Invariant($"vlapic interrupt {e.B} collapsed irr{e.B >> 5} 0x{e.C:x8}"),
        KtrMessage.PendingInterrupt => Invariant($"pending intr {e.B}"),
        KtrMessage.IntrAccepted => Invariant($"vlapic_intr_accepted irr{e.B >> 5} 0x{e.C:x8} isr{e.B >> 5} 0x{e.D:x8}"),
        KtrMessage.VIrqProgrammed => Invariant($"Injecting vector {e.B} using V_IRQ"),
        KtrMessage.VIrqOutcome => Invariant($"v_intr_vector {e.B} {(e.C != 0 ? "accepted" : "pending")}"),
        KtrMessage.VIrqCleared => "Clearing V_IRQ interrupt injection",
        KtrMessage.EventInjected => Invariant($"Injecting hwintr at vector {e.B}"),
        KtrMessage.BlockedByRflags => Invariant($"Cannot inject vector {e.B} due to rflags 0x2"),
        KtrMessage.BlockedByShadow => Invariant($"Cannot inject vector {e.B} due to interrupt shadow"),
        KtrMessage.BlockedByEvent => Invariant($"Cannot inject vector {e.B} due to eventinj {Hex(e.C)}"),
        KtrMessage.WindowEnabled => "Enable intr window exiting",
        KtrMessage.WindowDisabled => "Disable intr window exiting",
        KtrMessage.VTprChanged => Invariant($"VMCB V_TPR changed from {Hex(e.B)} to {Hex(e.C)}"),
        KtrMessage.TprChanged => Invariant($"vlapic TPR changed from {Hex(e.B)} to {Hex(e.C)}"),
        KtrMessage.ResumeExecution => Invariant($"Resume execution at {Hex(e.B)}"),
        KtrMessage.VmExit => Invariant($"{(e.B != 0 ? "handled" : "unhandled")} {Reason(e.C)} vmexit at {Hex(e.D)}/{e.E}"),
        KtrMessage.IntInfoPending => Invariant($"SVM:Pending INTINFO(0x{e.B:x}), vector={(byte)e.B}."),
        KtrMessage.IntInfoInjected => Invariant($"Injected entry intinfo: {Hex(e.B)}"),
        KtrMessage.ApicRead => Invariant($"vlapic read offset {Hex(e.B)}, data {Hex(e.C)}"),
        KtrMessage.ApicWrite => Invariant($"vlapic write offset {Hex(e.B)}, data {Hex(e.C)}"),
        KtrMessage.Eoi => Invariant($"EOI vector {e.B}"),
        KtrMessage.GratuitousEoi => "Gratuitous EOI",
        KtrMessage.IcrWritten => Invariant($"icrlo 0x{e.B:x16} triggered ipi {e.C}"),
        KtrMessage.StateChanged => $"vcpu state changed from {State(e.B)} to {State(e.C)}",
        _ => throw new ArgumentException($"There is no line {e.A} in vmm's trace.", nameof(e)),
    };

    // Names as in svm.c:exit_reason_to_str; what it does not name it prints as a number.
    private static string Reason(ulong reason) => (uint)reason switch
    {
        0x60 => "extintr",
        0x64 => "vintr",
        0x78 => "hlt",
        0x7b => "inout",
        0x7c => "msr",
        0x400 => "nptfault",
        var code => Hex(code),
    };

    private static string State(ulong state) => state switch { 0 => "frozen", 1 => "running", _ => "sleeping" };

    // The kernel's %#lx has no prefix for zero.
    private static string Hex(ulong value) => value == 0 ? "0" : Invariant($"0x{value:x}");
}
