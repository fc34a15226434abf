using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces.Tests;

/// <summary>Shorthands: an event's line in each dialect.</summary>
internal static class TestEvents
{
    public static string In51(in TraceEvent e) => TraceEventText.Format(e, TraceDialects.Kvm51);

    public static string In616(in TraceEvent e) => TraceEventText.Format(e, TraceDialects.Kvm616);

    public static TraceEvent VmxExit(uint reason, ulong rip = 0, ulong info1 = 0, ulong info2 = 0, uint intrInfo = 0, uint errorCode = 0) =>
        TraceEvent.KvmExit(0, 0, 0, reason, rip, info1, info2, intrInfo, errorCode);

    public static TraceEvent SvmExit(uint code, ulong rip = 0, ulong info1 = 0, ulong info2 = 0, uint intInfo = 0) =>
        TraceEvent.KvmExit(0, 0, 0, TraceEvent.SvmReason(code), rip, info1, info2, intInfo, 0);
}
