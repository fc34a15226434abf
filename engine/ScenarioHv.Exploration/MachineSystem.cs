using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration;

/// <summary>The machines of a board as a system that can be searched: the same steps that a run takes, in every order.</summary>
public sealed class MachineSystem : ITransitionSystem
{
    private readonly Board _board;
    private readonly StepEngine _engine;
    private readonly NormalForm _normal;
    private readonly Machine _machine;
    private readonly Machine _parent;
    private readonly byte[] _scratch;
    private readonly ulong[] _labels = new ulong[LongestChain];
    private readonly bool _chains;

    /// <summary>The most steps that are taken as one.</summary>
    public const int LongestChain = 64;

    /// <summary>Creates the system of a board whose clock stands still, or whose ties are to be explored.</summary>
    /// <param name="board">The board.</param>
    /// <param name="chains">
    /// True to take a step and the private ones behind it as one. With time in cycles there are no chains: each step has its moment.
    /// </param>
    public MachineSystem(Board board, bool chains = true)
    {
        _board = board;
        _chains = chains && board.Config.Time is not null;
        _engine = new StepEngine(board);
        _normal = NormalForm.Of(board.Layout);
        _machine = new Machine(board.Layout);
        _parent = new Machine(board.Layout);
        _scratch = new byte[board.Layout.Size];
    }

    /// <inheritdoc/>
    public int Actors => _board.Actors.Count;

    /// <inheritdoc/>
    public int MaxStateBytes => _board.Layout.Size;

    /// <inheritdoc/>
    public ulong Enabled => _engine.Enabled(_parent);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Result => _machine.Bytes;

    /// <inheritdoc/>
    public TakenStep Begin()
    {
        _machine.CopyFrom(_engine.Create());
        return Taken(1, false, 1);
    }

    /// <inheritdoc/>
    public void Load(ReadOnlySpan<byte> state) => state.CopyTo(_parent.Bytes);

    /// <inheritdoc/>
    public TakenStep Take(int actor, int choice)
    {
        _machine.CopyFrom(_parent);
        var who = _board.Actors[actor];
        var ways = _engine.Step(_machine, who, choice);
        var retires = _engine.HasRetired;
        var links = 1;
        while (_chains && links < LongestChain && IsChained(who, links))
        {
            _engine.Step(_machine, who);
            retires |= _engine.HasRetired;
            links++;
        }

        return Taken(ways, retires, links);
    }

    /// <summary>A chain goes on while the next step is private, and ends where it has been before.</summary>
    private bool IsChained(Actor who, int links)
    {
        if (Kind != StateKind.Open || !_engine.IsPrivate(_machine, who, out _labels[links]))
        {
            return false;
        }

        return !_labels.AsSpan(1, links - 1).Contains(_labels[links]);
    }

    private StateKind Kind
    {
        get
        {
            ref var check = ref _machine.Ref(_board.Check);
            return check.Violation.Exists ? StateKind.Violated : check.GoalReached != 0 ? StateKind.Goal : StateKind.Open;
        }
    }

    private TakenStep Taken(int ways, bool retires, int links) =>
        new(_normal.Hash(_machine, _scratch), Kind, ways, retires, links);
}
