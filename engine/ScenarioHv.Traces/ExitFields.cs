using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces;

/// <summary>The fields of the exit events that share a word; see <see cref="TraceEventKind.KvmExit"/>.</summary>
internal static class ExitFields
{
    public static bool IsSvm(in TraceEvent e) => (e.A & TraceEvent.SvmExit) != 0;

    public static uint Reason(in TraceEvent e) => (uint)e.A;

    public static uint IntrInfo(in TraceEvent e) => (uint)e.E;

    public static uint ErrorCode(in TraceEvent e) => (uint)e.F;

    public static ulong Requests(in TraceEvent e) => (e.E & 0xffffffff00000000) | (e.F >> 32);
}
