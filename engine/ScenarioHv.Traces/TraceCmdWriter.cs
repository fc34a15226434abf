using System.Text;
using ScenarioHv.Engine.Tracing;
using static System.FormattableString;

namespace ScenarioHv.Traces;

/// <summary>What a <see cref="TraceCmdWriter"/> can be told.</summary>
public sealed class TraceCmdOptions
{
    /// <summary>How the tracepoints are printed; kvm-6.16 if not said.</summary>
    public TraceDialect Dialect { get; init; } = TraceDialects.Kvm616;

    /// <summary>The TSC's frequency in Hz.</summary>
    public required long TscHz { get; init; }

    /// <summary>Actors by their number in the events.</summary>
    public required IReadOnlyList<TraceActor> Actors { get; init; }

    /// <summary>The timestamps' decimals.</summary>
    public TraceResolution Resolution { get; init; } = TraceResolution.Microseconds;

    /// <summary>True to write the laboratory's own events as lines beginning with "# "; they are left out otherwise.</summary>
    public bool LaboratoryEvents { get; init; }

    /// <summary>Names for the numbers in the laboratory's own events.</summary>
    public TraceNames Names { get; init; } = TraceNames.None;
}

/// <summary>
/// Writes events as trace-cmd report prints them: a line with the number of CPUs, then one line per event with thread, process
/// number, CPU, time, name and text. Lines end with a line feed on every system.
/// </summary>
/// <remarks>
/// There is no flags column, as in trace-cmd before version 3. An event the dialect's kernels do not have is left out.
/// Process numbers are invented: 1000 plus the actor's number. Lost events do not occur.
/// </remarks>
public sealed class TraceCmdWriter : ITraceSink
{
    private const int FirstPid = 1000;
    private const int CommLength = 15;
    private const int NameColumns = 20;

    private readonly TextWriter output;
    private readonly TraceCmdOptions options;
    private readonly string[] envelopes;

    /// <summary>Creates the writer and writes the header line.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A TSC frequency below 1 Hz.</exception>
    public TraceCmdWriter(TextWriter output, TraceCmdOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.TscHz, 1);
        this.output = output;
        this.options = options;
        envelopes = [.. options.Actors.Select(Envelope)];
        var cpus = options.Actors.Select(actor => actor.Cpu + 1).DefaultIfEmpty(1).Max();
        output.Write(Invariant($"cpus={cpus}\n"));
    }

    /// <summary>Writes the event's line, if it has one.</summary>
    /// <exception cref="InvalidOperationException">The event's actor is not in the list.</exception>
    public void Emit(in TraceEvent traceEvent)
    {
        var laboratory = TraceEventText.IsLaboratory(traceEvent.Kind);
        if (laboratory ? !options.LaboratoryEvents : !options.Dialect.Knows(traceEvent.Kind))
            return;

        if (traceEvent.Actor >= envelopes.Length)
            throw new InvalidOperationException(
                $"Actor {traceEvent.Actor} of a {traceEvent.Kind} event has no name: {envelopes.Length} are known.");

        if (laboratory)
            output.Write("# ");
        output.Write(envelopes[traceEvent.Actor]);
        output.Write(TraceTimestamp.Format(traceEvent.Cycle, options.TscHz, options.Resolution));
        output.Write(": ");
        output.Write((TraceEventText.Name(traceEvent.Kind, options.Dialect) + ": ").PadRight(NameColumns + 2));
        output.Write(TraceEventText.Text(traceEvent, options.Dialect, options.Names));
        output.Write('\n');
    }

    private static string Envelope(TraceActor actor, int index) =>
        Invariant($"{Comm(actor.Comm),16}-{FirstPid + index,-5} [{actor.Cpu:d3}] ");

    private static string Comm(string name)
    {
        var length = name.Length;
        while (Encoding.UTF8.GetByteCount(name.AsSpan(0, length)) > CommLength)
            length--;
        return name[..length];
    }
}
