using ScenarioHv.Engine.Tracing;
using static System.FormattableString;

namespace ScenarioHv.Traces;

/// <summary>
/// Writes events as ktrdump -c -t prints FreeBSD's kernel trace: a number, the CPU, the TSC, and the text; but the oldest first. Lines end
/// with a line feed on every system. An event the dialect's kernels do not have is left out.
/// </summary>
public sealed class KtrWriter : ITraceSink
{
    private readonly TextWriter _output;
    private readonly TraceDialect _dialect;
    private readonly IReadOnlyList<TraceActor> _actors;
    private int _index;

    /// <summary>Creates the writer and writes the two header lines.</summary>
    /// <param name="output">Takes the text.</param>
    /// <param name="dialect">How the lines are printed.</param>
    /// <param name="actors">Actors by their number in the events.</param>
    public KtrWriter(TextWriter output, TraceDialect dialect, IReadOnlyList<TraceActor> actors)
    {
        (_output, _dialect, _actors) = (output, dialect, actors);
        output.Write("index  cpu timestamp        trace\n------ --- ---------------- -----\n");
    }

    /// <summary>Writes the event's line, if it has one.</summary>
    public void Emit(in TraceEvent traceEvent)
    {
        if (_dialect.Knows(traceEvent.Kind))
        {
            var text = _dialect.Text(traceEvent);
            _output.Write(Invariant($"{_index++,6} {_actors[traceEvent.Actor].Cpu,3} {traceEvent.Cycle,16} {text}\n"));
        }
    }
}
