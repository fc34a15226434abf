using System.Collections.Frozen;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces;

/// <summary>The text of one event behind its name and colon: "vcpu 0" of "kvm_entry: vcpu 0".</summary>
public delegate string TraceFormatter(in TraceEvent traceEvent);

/// <summary>
/// How one era printed KVM's tracepoints: a table with a small formatter per event. Formats are not an interface and drift;
/// a trace in a mail can be read only by somebody who knows whose kernel and whose trace-cmd it came from.
/// </summary>
public sealed class TraceDialect
{
    private readonly FrozenDictionary<TraceEventKind, (string Name, TraceFormatter Format)> table;

    /// <summary>Creates a dialect.</summary>
    /// <param name="name">The name it is asked for by.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="kernels">The kernels that print so.</param>
    /// <param name="formats">Event, its name in the kernel and its formatter.</param>
    /// <exception cref="ArgumentException">Two formatters for one event.</exception>
    public TraceDialect(
        string name, string description, string kernels, IEnumerable<(TraceEventKind Kind, string Name, TraceFormatter Format)> formats)
    {
        Name = name;
        Description = description;
        Kernels = kernels;
        table = formats.ToDictionary(row => row.Kind, row => (row.Name, row.Format)).ToFrozenDictionary();
    }

    /// <summary>The name it is asked for by, as kvm-5.1.</summary>
    public string Name { get; }

    /// <summary>One sentence: which program of which time printed so.</summary>
    public string Description { get; }

    /// <summary>The kernels whose events it prints.</summary>
    public string Kernels { get; }

    /// <summary>True if its traces have the form of ktrdump, false for that of trace-cmd.</summary>
    public bool IsKtr => table.ContainsKey(TraceEventKind.Ktr);

    /// <summary>True if the event is a tracepoint of these kernels; the laboratory's own events never are.</summary>
    public bool Knows(TraceEventKind kind) => table.ContainsKey(kind);

    /// <summary>The tracepoint's name, as kvm_exit; empty where a line of the trace is its text alone.</summary>
    /// <exception cref="ArgumentException">The dialect does not know the event.</exception>
    public string EventName(TraceEventKind kind) => Row(kind).Name;

    /// <summary>The event's text behind name and colon.</summary>
    /// <exception cref="ArgumentException">The dialect does not know the event.</exception>
    public string Text(in TraceEvent traceEvent) => Row(traceEvent.Kind).Format(traceEvent);

    /// <inheritdoc/>
    public override string ToString() => Name;

    private (string Name, TraceFormatter Format) Row(TraceEventKind kind) =>
        table.TryGetValue(kind, out var row)
            ? row
            : throw new ArgumentException($"The trace dialect {Name} has no tracepoint {kind}.", nameof(kind));
}
