using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces;

/// <summary>Sinks made of sinks.</summary>
public static class TraceSinks
{
    /// <summary>A sink that hands every event to each of the others, in their order.</summary>
    public static ITraceSink Tee(params IReadOnlyList<ITraceSink> sinks) => new TeeSink([.. sinks]);

    private sealed class TeeSink(ITraceSink[] sinks) : ITraceSink
    {
        public void Emit(in TraceEvent traceEvent)
        {
            foreach (var sink in sinks)
                sink.Emit(traceEvent);
        }
    }
}
