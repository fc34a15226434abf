using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;


namespace ScenarioHv.Engine.Hypervisors;

/// <summary>The timeline: which stimulus comes next, and when.</summary>
internal static class Stimuli
{
    /// <summary>Puts every line of the timeline at its first moment.</summary>
    public static void Reset(Board board, Machine machine)
    {
        for (var i = 0; i < board.Config.Timeline.Count; i++)
        {
            ref var state = ref machine.Ref(board.Stimuli, i);
            state.Next = new Instant(board.Config.Timeline[i].At);
            state.Remaining = board.Config.Timeline[i].Count;
        }
    }

    /// <summary>When the next one comes; never if all are used up.</summary>
    public static Instant Next(Board board, Machine machine)
    {
        var next = Instant.Never;
        foreach (ref var state in machine.Span(board.Stimuli))
        {
            next = Instant.Min(next, state.Next);
        }

        return next;
    }

    /// <summary>Takes the earliest that is due, the first in the file among equals; -1 if none is.</summary>
    public static int TakeDue(Board board, Machine machine)
    {
        var found = -1;
        for (var i = 0; i < board.Config.Timeline.Count; i++)
        {
            var next = machine.Ref(board.Stimuli, i).Next;
            if (next.Cycle <= machine.Now && (found < 0 || next < machine.Ref(board.Stimuli, found).Next))
            {
                found = i;
            }
        }

        if (found >= 0)
        {
            machine.Ref(board.Statistics).Stimuli++;
            Advance(board, machine, found);
        }

        return found;
    }

    private static void Advance(Board board, Machine machine, int index)
    {
        ref var state = ref machine.Ref(board.Stimuli, index);
        var stimulus = board.Config.Timeline[index];
        var last = state.Remaining == 1 || stimulus.Every == 0;
        state.Next = last ? Instant.Never : state.Next + stimulus.Every;
        state.Remaining = last ? 0 : Math.Max(0, state.Remaining - 1);
    }
}
