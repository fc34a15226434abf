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
    private int _length;

    /// <summary>Creates the system of a board whose clock stands still, or whose ties are to be explored.</summary>
    /// <param name="board">The board.</param>
    public MachineSystem(Board board)
    {
        _board = board;
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
        var ways = _engine.Step(_machine, _board.Actors[actor], choice);
        return Taken(ways, _engine.HasRetired, 1);
    }

    private TakenStep Taken(int ways, bool retires, int links)
    {
        _length = _normal.Write(_machine, _scratch);
        ref var check = ref _machine.Ref(_board.Check);
        var kind = check.Violation.Exists ? StateKind.Violated : check.GoalReached != 0 ? StateKind.Goal : StateKind.Open;
        return new TakenStep(_normal.Hash(_machine, _scratch), kind, ways, retires, links);
    }
}
