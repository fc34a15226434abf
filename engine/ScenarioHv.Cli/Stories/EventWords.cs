using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Cli.Stories;

/// <summary>A trace event in a few words, for what neither a point nor a change of the state tells.</summary>
internal static class EventWords
{
    private const ulong NoVector = unchecked((ulong)-1L);

    /// <summary>The words; null if others tell it.</summary>
    public static string? Of(in TraceEvent e, TraceNames names) => e.Kind switch
    {
        TraceEventKind.GuestInterrupt when e.A == 2 => "takes the NMI: its handler begins",
        TraceEventKind.GuestInterrupt => Invariant($"takes vector 0x{e.A:x2}: its handler begins"),
        TraceEventKind.GuestReported => $"reports \"{Find(names.Reports, e.A)}\"",
        TraceEventKind.LineChanged => $"{Find(names.Devices, e.A)}'s line goes {(e.B != 0 ? "high" : "low")}",
        TraceEventKind.DeviceFired => $"{Find(names.Devices, e.A)} sends its message",
        TraceEventKind.KvmEntry or TraceEventKind.VmEntry => "VM entry" + Injected(e.B),
        TraceEventKind.KvmExit or TraceEventKind.VmExit => $"VM exit {Reason(e)}",
        TraceEventKind.KvmNestedVmexitInject => $"gives L1 the exit {Reason(e)}",
        TraceEventKind.KvmUserspaceExit when (long)e.B < 0 => "KVM_RUN returns EINTR",
        TraceEventKind.KvmUserspaceExit => $"KVM_RUN returns {KvmNames.UserspaceReason((uint)e.A)}",
        TraceEventKind.KvmApicIpi => Invariant($"sends IPI 0x{(byte)e.A:x2}"),
        TraceEventKind.KvmEoi when e.B == NoVector => "EOI with nothing in service",
        TraceEventKind.KvmMsiSetIrq => Invariant($"a message with vector 0x{(byte)e.B:x2} enters the kernel"),
        TraceEventKind.KvmAvicDoorbell => Invariant($"rings the doorbell of vCPU {e.A}"),
        TraceEventKind.KvmAvicIncompleteIpi => "AVIC cannot complete the IPI",
        TraceEventKind.KvmApicvInhibitChanged => e.B != 0 ? "a reason against APICv comes" : "a reason against APICv goes",
        TraceEventKind.KvmPvEoi => "performs the EOI that the guest has omitted",
        TraceEventKind.KernelMessage => "the kernel writes a line to its log",
        TraceEventKind.PolicyDecided => PolicyDecisionText.Of(e),
        TraceEventKind.Ktr => Ktr(e),
        _ => null,
    };

    private static string? Ktr(in TraceEvent e) => (KtrMessage)e.A switch
    {
        KtrMessage.Collapsed => Invariant($"finds vector 0x{e.B:x2} requested already: the two requests are one now"),
        KtrMessage.VIrqProgrammed => Invariant($"V_IRQ offers vector 0x{e.B:x2}"),
        KtrMessage.VIrqOutcome when e.C != 0 => Invariant($"V_IRQ is 0: the guest has taken vector 0x{e.B:x2}"),
        KtrMessage.VIrqOutcome => Invariant($"V_IRQ is 1: the guest has not taken vector 0x{e.B:x2}"),
        KtrMessage.VIrqCleared => "V_IRQ offers nothing any more",
        KtrMessage.EventInjected => Invariant($"EVENTINJ := vector 0x{e.B:x2}"),
        KtrMessage.BlockedByRflags => Invariant($"vector 0x{e.B:x2} has to wait: IF is 0"),
        KtrMessage.BlockedByShadow => Invariant($"vector 0x{e.B:x2} has to wait: interrupt shadow"),
        KtrMessage.BlockedByEvent => Invariant($"vector 0x{e.B:x2} has to wait: EVENTINJ is in use"),
        KtrMessage.WindowEnabled => "asks for the interrupt window",
        KtrMessage.WindowDisabled => "asks for the interrupt window no more",
        KtrMessage.ResumeExecution => "VMRUN",
        KtrMessage.VmExit => $"#VMEXIT {SvmExitCodes.KernelText((uint)e.C)}",
        KtrMessage.IntInfoPending => "the exit has cut a delivery short: it is kept",
        KtrMessage.IntInfoInjected => "injects again what an exit had cut short",
        KtrMessage.GratuitousEoi => "EOI with nothing in service",
        KtrMessage.IcrWritten => Invariant($"sends IPI 0x{e.C:x2}"),
        _ => null,
    };

    private static string Reason(in TraceEvent e) => (e.A & TraceEvent.SvmExit) != 0
        ? SvmExitCodes.KernelText((uint)e.A) : VmxExitReasons.KernelText((uint)e.A);

    /// <summary>VM-entry interruption information, or EVENTINJ: vector 7:0, type 10:8, valid 31 (SDM3 24.8.3, APM2 15.20).</summary>
    private static string Injected(ulong information) =>
        (information & 0x80000000) == 0 ? ""
        : (information >> 8 & 7) == 2 ? ", injects the NMI"
        : Invariant($", injects 0x{(byte)information:x2}");

    private static string Find(IReadOnlyList<string> names, ulong index) =>
        index < (ulong)names.Count ? names[(int)index] : Invariant($"number {index}");
}
