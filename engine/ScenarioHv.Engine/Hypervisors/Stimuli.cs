using System.Numerics;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors;

/// <summary>The timeline: which stimulus comes next, and when.</summary>
internal static class Stimuli
{
    /// <summary>Puts every line of the timeline at its first moment, but for those that wait for a report.</summary>
    public static void Reset(Board board, Machine machine)
    {
        for (var i = 0; i < board.Config.Timeline.Count; i++)
        {
            ref var state = ref machine.Ref(board.Stimuli, i);
            var stimulus = board.Config.Timeline[i];
            state.Next = stimulus.After is null ? Due(board, new Instant(stimulus.At)) : Instant.Never;
            state.Wait = stimulus.After is null ? ReportWait.None : ReportWait.Awaited;
            state.Remaining = stimulus.Count;
        }
    }

    /// <summary>When the next one comes; never if all are used up or wait for a report.</summary>
    public static Instant Next(Board board, Machine machine)
    {
        var next = Instant.Never;
        foreach (ref var state in machine.Span(board.Stimuli))
        {
            next = Instant.Min(next, state.Next);
        }

        return next;
    }

    /// <summary>
    /// Where the clock stands still: the lines that can come next, a bit each. Those that belong in an order keep it; otherwise each comes
    /// when it likes.
    /// </summary>
    public static uint CanCome(Board board, Machine machine)
    {
        uint waiting = 0, unused = 0;
        for (var i = 0; i < board.Config.Timeline.Count; i++)
        {
            ref var state = ref machine.Ref(board.Stimuli, i);
            unused |= !state.Next.IsNever || state.Wait == ReportWait.Awaited ? 1u << i : 0;
            waiting |= !state.Next.IsNever && state.Next.Cycle > machine.Now ? 1u << i : 0;
        }

        var can = waiting;
        for (var left = waiting; left != 0; left &= left - 1)
        {
            var i = BitOperations.TrailingZeroCount(left);
            can &= (board.StimuliBefore[i] & unused) == 0 ? uint.MaxValue : ~(1u << i);
        }

        return can;
    }

    /// <summary>One of them comes.</summary>
    public static void Come(StepContext context)
    {
        var can = CanCome(context.Board, context.Machine);
        for (var turn = context.Choose(BitOperations.PopCount(can)); turn > 0; turn--)
        {
            can &= can - 1;
        }

        context.Machine.Ref(context.Board.Stimuli, BitOperations.TrailingZeroCount(can)).Next = new Instant(context.Machine.Now);
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

    /// <summary>A guest has reported something: what waits for that comes at its moment, or at once if that has passed.</summary>
    public static void Reported(Board board, Machine machine, int level, ulong number)
    {
        var now = new Instant(machine.Now);
        for (var i = 0; i < board.Config.Timeline.Count; i++)
        {
            ref var state = ref machine.Ref(board.Stimuli, i);
            var stimulus = board.Config.Timeline[i];
            if (state.Wait == ReportWait.Awaited && stimulus.After!.Level == level && board.Reports.Number(stimulus.After.Report) == number)
            {
                state.Wait = ReportWait.Told;
                var isFirst = state.Remaining == stimulus.Count;
                state.Next = Due(board, Instant.Max(isFirst ? new Instant(stimulus.At) : now + stimulus.Every, now));
            }
        }
    }

    /// <summary>Where the clock stands still, nothing comes by itself: it has to be made to come.</summary>
    private static Instant Due(Board board, Instant moment) =>
        board.Config.Time is null ? moment : Instant.Max(moment, new Instant(ClassTime.Now + 1));

    private static void Advance(Board board, Machine machine, int index)
    {
        ref var state = ref machine.Ref(board.Stimuli, index);
        var stimulus = board.Config.Timeline[index];
        var isLast = state.Remaining == 1 || stimulus.Every == 0;
        var awaits = !isLast && stimulus.After is not null;
        state.Next = isLast || awaits ? Instant.Never : state.Next + stimulus.Every;
        state.Wait = awaits ? ReportWait.Awaited : ReportWait.None;
        state.Remaining = isLast ? 0 : Math.Max(0, state.Remaining - 1);
    }
}
