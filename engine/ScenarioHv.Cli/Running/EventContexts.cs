using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Running;

/// <summary>What the neighbours of an event say about it: whose code an exit left, and what the entry before it asked for.</summary>
internal sealed class EventContexts(IReadOnlyList<TraceEvent> events, bool isPeriod, TraceNames names)
{
    /// <summary>The context of the event at <paramref name="index"/>. The events of a period go round.</summary>
    public ExplanationContext Of(int index)
    {
        var e = events[index];
        return e.Kind switch
        {
            TraceEventKind.KvmExit => new ExplanationContext
            {
                Names = names,
                Level = LevelOfExit(index),
                ImmediateExit = AskedToLeave(index),
            },
            TraceEventKind.KvmEntry => new ExplanationContext { Names = names, Level = LevelOfEntry(index) },
            TraceEventKind.VmExit => new ExplanationContext { Names = names, Level = GuestLevel.L2 },
            TraceEventKind.VmEntry => new ExplanationContext { Names = names, Level = GuestLevel.L2 },
            _ => new ExplanationContext { Names = names },
        };
    }

    private GuestLevel LevelOfEntry(int index) =>
        Find(index, 1, TraceEventKind.KvmExit) is { } exit ? LevelOfExit(exit) : GuestLevel.Unknown;

    /// <summary>KVM traces kvm_nested_vmexit right after the kvm_exit that came from L2.</summary>
    private GuestLevel LevelOfExit(int index) => Next(index, 1) is not { } next ? GuestLevel.Unknown
        : events[next].Kind == TraceEventKind.KvmNestedVmexit ? GuestLevel.L2 : GuestLevel.L1;

    private bool? AskedToLeave(int index) => Find(index, -1, TraceEventKind.KvmEntry) is { } entry ? events[entry].D != 0 : null;

    private int? Find(int index, int direction, TraceEventKind kind)
    {
        for (int? at = Next(index, direction); at is { } found && found != index; at = Next(found, direction))
        {
            if (events[found].Kind == kind && events[found].Vcpu == events[index].Vcpu)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>The neighbour; null at the end of what is known.</summary>
    private int? Next(int index, int direction)
    {
        var next = index + direction;
        return next >= 0 && next < events.Count ? next
            : isPeriod ? (next + events.Count) % events.Count
            : null;
    }
}
