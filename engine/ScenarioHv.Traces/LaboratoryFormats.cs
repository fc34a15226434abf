using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Traces;

/// <summary>The laboratory's own events: the same text in every dialect, since no kernel prints them.</summary>
internal static class LaboratoryFormats
{
    /// <summary>The event's name, or null if it is not the laboratory's own.</summary>
    public static string? EventName(TraceEventKind kind) => kind switch
    {
        TraceEventKind.LineChanged => "line_changed",
        TraceEventKind.DeviceFired => "device_fired",
        TraceEventKind.GuestReported => "guest_reported",
        TraceEventKind.GuestInterrupt => "guest_interrupt",
        TraceEventKind.PolicyDecided => "policy_decided",
        TraceEventKind.PointReached => "point_reached",
        TraceEventKind.VmEntry => "vm_entry",
        TraceEventKind.VmExit => "vm_exit",
        TraceEventKind.AvicRequest => "avic_request",
        _ => null,
    };

    public static string Text(in TraceEvent e, TraceNames names) => e.Kind switch
    {
        TraceEventKind.LineChanged => Invariant($"{names.Device(e.A)} gsi {e.C} level {e.B}"),
        TraceEventKind.DeviceFired => names.Device(e.A),
        TraceEventKind.GuestReported => Invariant($"vcpu {e.Vcpu} L{e.B} {names.Report(e.A)}"),
        TraceEventKind.GuestInterrupt => Invariant($"vcpu {e.Vcpu} L{e.B} vec {(byte)e.A}"),
        TraceEventKind.PolicyDecided => Invariant($"{names.PolicyPoint(e.A)} = {e.B}"),
        TraceEventKind.PointReached => names.Label(e.A),
        TraceEventKind.VmEntry => Invariant($"vcpu {e.Vcpu} rip 0x{e.A:x} intr_info 0x{(uint)e.B:x8}"),
        TraceEventKind.VmExit => VmExit(e),
        TraceEventKind.AvicRequest => Invariant($"vcpu {e.Vcpu} vec {(byte)e.A}"),
        _ => throw new InvalidOperationException($"{e.Kind} is not one of the laboratory's own events."),
    };

    private static string VmExit(in TraceEvent e)
    {
        var svm = ExitFields.IsSvm(e);
        var reason = svm ? SvmExitCodes.KernelText(ExitFields.Reason(e)) : VmxExitReasons.KernelText(ExitFields.Reason(e));
        return Invariant($"vcpu {e.Vcpu} reason {reason} rip 0x{e.B:x} info {e.C:x} {e.D:x} intr_info 0x{ExitFields.IntrInfo(e):x8}");
    }
}
