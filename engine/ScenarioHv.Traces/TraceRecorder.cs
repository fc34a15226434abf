using System.Collections;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces;

/// <summary>Keeps events: all of them, or the last ones up to a limit.</summary>
public sealed class TraceRecorder : ITraceSink, IReadOnlyList<TraceEvent>
{
    private readonly List<TraceEvent> events = [];
    private readonly int limit;
    private int oldest;

    /// <summary>Creates a recorder.</summary>
    /// <param name="limit">How many of the last events are kept, 1 or more; everything if left out.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 1.</exception>
    public TraceRecorder(int limit = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        this.limit = limit;
    }

    /// <summary>How many events are kept.</summary>
    public int Count => events.Count;

    /// <summary>How many older events gave way to the limit.</summary>
    public long Dropped { get; private set; }

    /// <summary>A kept event; 0 is the oldest.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not below <see cref="Count"/>.</exception>
    public TraceEvent this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            return events[(int)(((long)oldest + index) % events.Count)];
        }
    }

    /// <summary>Keeps one event, in the place of the oldest if the limit is reached.</summary>
    public void Emit(in TraceEvent traceEvent)
    {
        if (events.Count < limit)
        {
            events.Add(traceEvent);
            return;
        }

        events[oldest] = traceEvent;
        oldest = (oldest + 1) % limit;
        Dropped++;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        events.Clear();
        oldest = 0;
        Dropped = 0;
    }

    /// <summary>The kept events, oldest first.</summary>
    public IEnumerator<TraceEvent> GetEnumerator()
    {
        for (var index = 0; index < Count; index++)
            yield return this[index];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
