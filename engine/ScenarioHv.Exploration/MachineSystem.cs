using System.Numerics;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration;

/// <summary>The machines of a board as a system that can be searched: the same steps that a run takes, in every order.</summary>
public sealed class MachineSystem : ITransitionSystem
{
    private const int SampleWalks = 8;
    private const int SampleSteps = 512;

    private readonly Board _board;
    private readonly StepEngine _engine;
    private readonly Actor[] _actors;
    private readonly SteppedState _state;

    /// <summary>Creates the system of a board whose clock stands still.</summary>
    /// <param name="board">The board.</param>
    public MachineSystem(Board board)
    {
        _board = board;
        _engine = new StepEngine(board);
        _actors = [.. board.Actors];
        _state = new SteppedState(Sample());
    }

    /// <inheritdoc/>
    public int Actors => _actors.Length;

    /// <inheritdoc/>
    public int MaxStateBytes => _state.MaxBytes;

    /// <inheritdoc/>
    public ulong Enabled => _engine.Enabled(_state.From);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Result => _state.Result;

    /// <inheritdoc/>
    public TakenStep Begin()
    {
        _state.Back();
        return Taken(1, false, 1);
    }

    /// <inheritdoc/>
    public void Load(ReadOnlySpan<byte> state) => _state.Load(state);

    /// <inheritdoc/>
    public TakenStep Take(int actor, int choice)
    {
        _state.Back();
        var ways = _engine.Step(_state.Machine, _actors[actor], choice);
        return Taken(ways, _engine.HasRetired, 1);
    }

    private TakenStep Taken(int ways, bool retires, int links)
    {
        ref var check = ref _state.Machine.Ref(_board.Check);
        var kind = check.Violation.Exists ? StateKind.Violated : check.GoalReached != 0 ? StateKind.Goal : StateKind.Open;
        return new TakenStep(_state.Stepped(), kind, ways, retires, links);
    }

    /// <summary>
    /// States on a few long paths, the same in every instance: only what is stored of a state depends on them, and what it costs.
    /// </summary>
    private StateSample Sample()
    {
        var first = _engine.Create();
        var machine = first.Fork();
        var sample = new StateSample(first);
        ulong random = 1;
        for (var walk = 0; walk < SampleWalks; walk++)
        {
            machine.CopyFrom(first);
            for (var step = 0; step < SampleSteps && _engine.Enabled(machine) is var enabled && enabled != 0; step++)
            {
                random = (random * 6364136223846793005) + 1442695040888963407;
                for (var skip = (int)((random >> 33) % (ulong)BitOperations.PopCount(enabled)); skip > 0; skip--)
                {
                    enabled &= enabled - 1;
                }

                if (!TrySampleStep(machine, _actors[BitOperations.TrailingZeroCount(enabled)]))
                {
                    break;
                }

                sample.Add(machine);
            }
        }

        return sample;
    }

    /// <summary>A step that fails ends its path: the search will meet it, and say so.</summary>
    private bool TrySampleStep(Machine machine, Actor actor)
    {
        try
        {
            _engine.Step(machine, actor);
            return true;
        }
#pragma warning disable CA1031 // Whatever a guest's code can throw.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }
}
