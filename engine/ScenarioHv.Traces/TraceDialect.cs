using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces;

/// <summary>The text of one event behind its name and colon: "vcpu 0" of "kvm_entry: vcpu 0".</summary>
public delegate string TraceFormatter(in TraceEvent traceEvent);

/// <summary>How an event is printed.</summary>
/// <param name="Kind">The event.</param>
/// <param name="Name">Its name in the kernel.</param>
/// <param name="Format">Makes its text.</param>
public sealed record TraceFormat(TraceEventKind Kind, string Name, TraceFormatter Format);

/// <summary>
/// How one era printed KVM's tracepoints: a table with a small formatter per event. Formats are not an interface and drift;
/// a trace in a mail can be read only by somebody who knows whose kernel and whose trace-cmd it came from.
/// </summary>
public sealed class TraceDialect
{
    private readonly TraceFormat?[] table = new TraceFormat?[byte.MaxValue + 1];

    /// <summary>Creates a dialect.</summary>
    /// <param name="name">The name it is asked for by.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="kernels">The kernels that print so.</param>
    /// <param name="formats">The events that they have.</param>
    /// <exception cref="ArgumentException">Two formatters for one event.</exception>
    public TraceDialect(string name, string description, string kernels, IEnumerable<TraceFormat> formats)
    {
        Name = name;
        Description = description;
        Kernels = kernels;
        foreach (var format in formats)
        {
            table[(int)format.Kind] = table[(int)format.Kind] is null ? format
                : throw new ArgumentException($"{name} has two formats for {format.Kind}.", nameof(formats));
        }
    }

    /// <summary>The name it is asked for by, as kvm-5.1.</summary>
    public string Name { get; }

    /// <summary>One sentence: which program of which time printed so.</summary>
    public string Description { get; }

    /// <summary>The kernels whose events it prints.</summary>
    public string Kernels { get; }

    /// <summary>True if its traces have the form of ktrdump, false for that of trace-cmd.</summary>
    public bool IsKtr => Knows(TraceEventKind.Ktr);

    /// <summary>True if the event is a tracepoint of these kernels; the laboratory's own events never are.</summary>
    public bool Knows(TraceEventKind kind) => table[(int)kind] is not null;

    /// <summary>The tracepoint's name, as kvm_exit; empty where a line of the trace is its text alone.</summary>
    /// <exception cref="ArgumentException">The dialect does not know the event.</exception>
    public string EventName(TraceEventKind kind) => Row(kind).Name;

    /// <summary>The event's text behind name and colon.</summary>
    /// <exception cref="ArgumentException">The dialect does not know the event.</exception>
    public string Text(in TraceEvent traceEvent) => Row(traceEvent.Kind).Format(traceEvent);

    /// <inheritdoc/>
    public override string ToString() => Name;

    private TraceFormat Row(TraceEventKind kind) =>
        table[(int)kind] ?? throw new ArgumentException($"The trace dialect {Name} has no tracepoint {kind}.", nameof(kind));
}
