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
    /// <summary>Puts every line of the timeline at its first moment.</summary>
    public static void Reset(Board board, Machine machine)
    {
        for (var i = 0; i < board.Config.Timeline.Count; i++)
        {
            ref var state = ref machine.Ref(board.Stimuli, i);
            state.Next = new Instant(board.Config.Timeline[i].At);
            if (board.Config.Time is not null)
            {
                state.Next = Instant.Max(state.Next, new Instant(ClassTime.Now + 1));
            }

            state.Remaining = board.Config.Timeline[i].Count;
        }
    }

    /// <summary>When the next one comes; never if all are used up.</summary>
    public static Instant Next(Board board, Machine machine)
    {
        var next = Instant.Never;
        for (var i = 0; i < board.Config.Timeline.Count; i++)
        {
            next = Awaits(board, machine, i) ? next : Instant.Min(next, machine.Ref(board.Stimuli, i).Next);
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
            unused |= !state.Next.IsNever ? 1u << i : 0;
            waiting |= !state.Next.IsNever && state.Next.Cycle > machine.Now && !Awaits(board, machine, i) ? 1u << i : 0;
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
            if (next.Cycle <= machine.Now && !Awaits(board, machine, i)
                && (found < 0 || next < machine.Ref(board.Stimuli, found).Next))
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

    /// <summary>A guest has reported something: what waits for that can come.</summary>
    public static void Reported(Board board, Machine machine, int level, ulong number)
    {
        for (var i = 0; i < board.Config.Timeline.Count; i++)
        {
            if (board.Config.Timeline[i].After is { } after && after.Level == level && board.Reports.Number(after.Report) == number)
            {
                machine.Ref(board.Stimuli, i).Told = 1;
            }
        }
    }

    private static bool Awaits(Board board, Machine machine, int index) =>
        board.Config.Timeline[index].After is not null && machine.Ref(board.Stimuli, index).Told == 0;

    private static void Advance(Board board, Machine machine, int index)
    {
        ref var state = ref machine.Ref(board.Stimuli, index);
        var stimulus = board.Config.Timeline[index];
        var last = state.Remaining == 1 || stimulus.Every == 0;
        state.Next = last ? Instant.Never : state.Next + stimulus.Every;
        state.Told = 0;
        state.Remaining = last ? 0 : Math.Max(0, state.Remaining - 1);
    }
}
