using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Output;

/// <summary>Which events can be printed.</summary>
internal static class TraceText
{
    /// <summary>True for a tracepoint of the dialect's kernels and for the laboratory's own events.</summary>
    public static bool IsPrinted(TraceEventKind kind, TraceDialect dialect) =>
        dialect.Knows(kind) || TraceEventText.IsLaboratory(kind);
}
