using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces;

/// <summary>One event as one line without an envelope: name, colon, blank, text.</summary>
public static class TraceEventText
{
    /// <summary>The line, as "kvm_exit: reason VMRESUME rip 0xfffff80006a40115 info 0 0".</summary>
    /// <param name="traceEvent">The event: a tracepoint of the dialect or one of the laboratory's own.</param>
    /// <param name="dialect">How the tracepoints are printed.</param>
    /// <param name="names">Names for the numbers in the laboratory's own events; none if left out.</param>
    /// <exception cref="ArgumentException">The event is neither.</exception>
    public static string Format(in TraceEvent traceEvent, TraceDialect dialect, TraceNames? names = null)
    {
        var name = Name(traceEvent.Kind, dialect);
        var text = Text(traceEvent, dialect, names ?? TraceNames.None);
        return name.Length == 0 ? text : $"{name}: {text}";
    }

    internal static string Name(TraceEventKind kind, TraceDialect dialect) => LaboratoryFormats.EventName(kind) ?? dialect.EventName(kind);

    internal static string Text(in TraceEvent traceEvent, TraceDialect dialect, TraceNames names) =>
        IsLaboratory(traceEvent.Kind) ? LaboratoryFormats.Text(traceEvent, names) : dialect.Text(traceEvent);

    /// <summary>True for the laboratory's own events, which no kernel prints.</summary>
    public static bool IsLaboratory(TraceEventKind kind) => LaboratoryFormats.EventName(kind) is not null;
}
