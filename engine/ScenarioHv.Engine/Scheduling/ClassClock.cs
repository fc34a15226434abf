using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// What must happen before a moment of class <i>later</i> can come: see <see cref="ClassTime"/>.
/// </summary>
public struct LaterGate
{
    /// <summary>Actors other than vCPUs that have still to take a step, a bit each.</summary>
    public ulong Waits;

    /// <summary>
    /// A byte for each vCPU: how many retired operations or entries of its outer levels would do in place of one of its innermost guest; 0
    /// if nothing is awaited of it.
    /// </summary>
    public ulong Left;

    /// <summary>1 while the moment is armed.</summary>
    public ulong Armed;

    /// <summary>True if the moment can come.</summary>
    public readonly bool IsOpen => (Waits | Left) == 0;
}

/// <summary>Who can act while the clock stands still, and how the gates of later moments open.</summary>
internal sealed class ClassClock
{
    private const ulong Patience = 64;

    private readonly Board _board;
    private readonly ClassTime _time;
    private readonly Actor[] _actors;
    private readonly Actor[] _gated;
    private readonly int _vcpus;
    private readonly ulong _others;

    /// <summary>Creates the clock of a board, whose actors are known; it numbers the gates.</summary>
    public ClassClock(Board board, ClassTime time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time.LaterFrom, 2, nameof(time));
        _board = board;
        _time = time;
        _vcpus = board.Config.Vcpus;
        _actors = [.. board.Actors];
        _gated = [.. board.Actors.Where(actor => actor.Moment == MomentKind.Armed)];
        for (var i = 0; i < _gated.Length; i++)
        {
            _gated[i].Gate = i;
        }

        foreach (var actor in board.Actors.Skip(_vcpus).Where(actor => actor.Moment is MomentKind.None or MomentKind.UnderWay))
        {
            _others |= 1UL << actor.Index;
        }
    }

    /// <summary>How many moments can be of class <i>later</i>.</summary>
    public int Gates => _gated.Length;

    /// <summary>The actors that can take a step.</summary>
    public ulong Enabled(Machine machine)
    {
        ulong enabled = 0, held = 0;
        foreach (var actor in _actors)
        {
            var wait = actor.ReadyAt(machine).Cycle - ClassTime.Now;
            if (wait <= 0 || (actor.Moment != MomentKind.None && Comes(machine, actor, wait)))
            {
                enabled |= 1UL << actor.Index;
                held |= wait <= 0 && actor.HoldsUp >= 0 ? 1UL << actor.HoldsUp : 0;
            }
        }

        return enabled & ~held;
    }

    /// <summary>A step has been taken: gates close, and open.</summary>
    /// <param name="machine">The machine behind the step.</param>
    /// <param name="actor">Whose step it was; -1 for the making of the machine.</param>
    /// <param name="retired">The levels of guests at which something has retired, a bit each.</param>
    /// <param name="entered">True if the step has entered a guest.</param>
    public void Stepped(Machine machine, int actor, int retired, bool entered)
    {
        var gates = machine.Span(_board.Gates);
        if (!IsAnyLater(machine, gates))
        {
            return;
        }

        var blocked = Blocked(machine, out var blockedLanes);
        var innermost = (retired >> (_board.L2 is null ? 1 : 2) & 1) != 0;
        for (var i = 0; i < gates.Length; i++)
        {
            ref var gate = ref gates[i];
            var at = _gated[i].ReadyAt(machine);
            if (at.IsNever || at.Cycle - ClassTime.Now < _time.LaterFrom)
            {
                gate = default;
            }
            else if (gate.Armed == 0 || _gated[i].Index == actor)
            {
                gate = new LaterGate { Waits = _others & ~blocked, Left = AllLanes & ~blockedLanes & (Patience * Ones), Armed = 1 };
            }
            else
            {
                gate.Waits &= actor < 0 ? ~blocked : ~blocked & ~(1UL << actor);
                gate.Left &= ~blockedLanes;
                Advance(ref gate, actor, innermost, retired != 0 || entered);
            }
        }
    }

    /// <summary>True if a moment of class <i>later</i> is armed, or was before the step.</summary>
    private bool IsAnyLater(Machine machine, Span<LaterGate> gates)
    {
        for (var i = 0; i < gates.Length; i++)
        {
            var at = _gated[i].ReadyAt(machine);
            if (gates[i].Armed != 0 || (!at.IsNever && at.Cycle - ClassTime.Now >= _time.LaterFrom))
            {
                return true;
            }
        }

        return false;
    }

    private const ulong Ones = 0x0101_0101_0101_0101;

    private ulong AllLanes => _vcpus == 8 ? ulong.MaxValue : (1UL << (8 * _vcpus)) - 1;

    private void Advance(ref LaterGate gate, int actor, bool innermost, bool counts)
    {
        if ((uint)actor >= (uint)_vcpus)
        {
            return;
        }

        var lane = 8 * actor;
        if (innermost)
        {
            gate.Left &= ~(0xffUL << lane);
        }
        else if (counts && (gate.Left >> lane & 0xff) != 0)
        {
            gate.Left -= 1UL << lane;
        }
    }

    private bool Comes(Machine machine, Actor actor, long wait) =>
        wait < _time.LaterFrom
        || (actor.Gate >= 0 && wait != long.MaxValue - ClassTime.Now && machine.Ref(_board.Gates, actor.Gate).IsOpen);

    /// <summary>The actors that wait for others, a bit each, and of them the vCPUs, a byte of ones each.</summary>
    private ulong Blocked(Machine machine, out ulong lanes)
    {
        ulong blocked = 0;
        lanes = 0;
        foreach (var actor in _actors)
        {
            if (actor.ReadyAt(machine).Cycle <= ClassTime.Now)
            {
                continue;
            }

            if (actor.Index < _vcpus)
            {
                lanes |= 0xffUL << (8 * actor.Index);
            }
            else if (actor.Moment == MomentKind.None || actor.ReadyAt(machine).IsNever)
            {
                blocked |= 1UL << actor.Index;
            }
        }

        return blocked;
    }
}
