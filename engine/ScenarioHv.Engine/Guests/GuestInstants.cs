using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Guests;

/// <summary>The moments that a guest's script keeps in its locals and in its variables.</summary>
internal static unsafe class GuestInstants
{
    /// <summary>The earliest that has not come; never if there is none.</summary>
    public static Instant Earliest(Board board, Machine machine, int vcpu, int level)
    {
        var earliest = Instant.Never;
        foreach (var word in Of(board, machine, vcpu, level))
        {
            var at = *(Instant*)word;
            earliest = at.Cycle > machine.Now ? Instant.Min(earliest, at) : earliest;
        }

        return earliest;
    }

    /// <summary>All that are <paramref name="moment"/> become <paramref name="now"/>.</summary>
    public static void Pass(Board board, Machine machine, int vcpu, int level, Instant moment, Instant now)
    {
        foreach (var word in Of(board, machine, vcpu, level))
        {
            if (*(Instant*)word == moment)
            {
                *(Instant*)word = now;
            }
        }
    }

    private static List<nint> Of(Board board, Machine machine, int vcpu, int level)
    {
        var found = new List<nint>();
        foreach (var offset in board.VariableInstants(level))
        {
            found.Add((nint)(machine.Base + board.VariablesOffset(vcpu, level) + offset));
        }

        var slot = board.GuestFiber(vcpu, level);
        var fiber = (byte*)Unsafe.AsPointer(ref machine.Fiber(slot));
        var head = (FiberHead*)fiber;
        for (var at = (int)head->Top; head->Used != 0; at = ((FrameHead*)(fiber + sizeof(FiberHead) + at))->Prev)
        {
            var frame = (FrameHead*)(fiber + sizeof(FiberHead) + at);
            foreach (var offset in frame->Type == FrameTypes.InterruptRecord ? [] : FrameTypes.Instants(frame->Type))
            {
                found.Add((nint)((byte*)(frame + 1) + offset));
            }

            if (at == 0)
            {
                break;
            }
        }

        return found;
    }
}
