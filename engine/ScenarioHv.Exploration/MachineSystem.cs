using System.Numerics;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration;

/// <summary>
/// The machines of a board as systems that can be searched: the same steps that a run takes, in every order. Immutable, and shared by the
/// threads of a search, each with a system of its own.
/// </summary>
public sealed class MachineSystems
{
    private const int SampleSteps = 4_000;

    /// <summary>Creates the systems of a board whose clock stands still, or whose ties are to be explored.</summary>
    /// <param name="board">The board.</param>
    /// <param name="chains">
    /// True to take a step and the private ones behind it as one. With time in cycles there are no chains: each step has its moment.
    /// </param>
    public MachineSystems(Board board, bool chains = true)
    {
        Board = board;
        Chains = chains && board.Config.Time is not null;
        Packed = board.Config.Time is null ? null : new PackedState(Sample(board), board.Config.Vcpus);
    }

    /// <summary>The board.</summary>
    public Board Board { get; }

    /// <summary>Whether a step and the private ones behind it are one.</summary>
    public bool Chains { get; }

    /// <summary>How states are packed; null where the clock moves, and they are whole blocks.</summary>
    internal PackedState? Packed { get; }

    /// <summary>A system for one thread.</summary>
    public MachineSystem NewSystem() => new(this);

    /// <summary>A walk on which each actor gets its turn. Where it ends for good, it begins again with another turn.</summary>
    private static StateSample Sample(Board board)
    {
        var engine = new StepEngine(board);
        var first = engine.Create();
        var sample = new StateSample(first);
        var machine = first.Fork();
        for (var i = 0; i < SampleSteps; i++)
        {
            var enabled = engine.Enabled(machine);
            if (enabled == 0 || machine.Ref(board.Check).GoalReached != 0 || machine.Ref(board.Check).Violation.Exists)
            {
                machine.CopyFrom(first);
                continue;
            }

            // Each stays for a while, the next for another while: so most of what there is happens somewhere on the walk.
            var turn = i / (1 + (i / 64 % 7)) % BitOperations.PopCount(enabled);
            for (; turn > 0; turn--)
            {
                enabled &= enabled - 1;
            }

            try
            {
                engine.Step(machine, board.Actors[BitOperations.TrailingZeroCount(enabled)]);
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                // The search will come here again, and tell.
                break;
            }

            sample.Add(machine);
        }

        return sample;
    }
}

/// <summary>One thread's system: see <see cref="MachineSystems"/>.</summary>
public sealed class MachineSystem : ITransitionSystem
{
    /// <summary>The most steps that are taken as one.</summary>
    public const int LongestChain = 64;

    private readonly MachineSystems _systems;
    private readonly Board _board;
    private readonly Actor[] _actors;
    private readonly StepEngine _engine;
    private readonly SteppedState? _stepped;
    private readonly Machine _machine;
    private readonly Machine _parent;
    private readonly byte[] _scratch;
    private readonly ulong[] _labels = new ulong[LongestChain];
    private byte[] _first = [];

    internal MachineSystem(MachineSystems systems)
    {
        _systems = systems;
        _board = systems.Board;
        _actors = [.. _board.Actors];
        _engine = new StepEngine(_board);
        _parent = _engine.Create();
        _stepped = systems.Packed is { } packed ? new SteppedState(packed, _parent) : null;
        (_parent, _machine) = _stepped is null ? (_parent, _parent.Fork()) : (_stepped.From, _stepped.Machine);
        _scratch = _stepped is null ? new byte[_board.Layout.Size] : [];
    }

    /// <inheritdoc/>
    public int Actors => _actors.Length;

    /// <inheritdoc/>
    public int MaxStateBytes => _stepped?.MaxBytes ?? _board.Layout.Size;

    /// <inheritdoc/>
    public long HeldBytes => _systems.Packed?.HeldBytes ?? 0;

    /// <inheritdoc/>
    public ulong Enabled => _engine.Enabled(_parent);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Result => _stepped is null ? _machine.Bytes : _stepped.Result;

    /// <summary>The machine to which the last step has led; valid until the next.</summary>
    public Machine Machine => _machine;

    /// <inheritdoc/>
    public TakenStep Begin()
    {
        if (_first.Length > 0)
        {
            Load(_first);
        }

        Back();
        var begun = Taken(1, false, 1);
        _first = _first.Length > 0 ? _first : Result.ToArray();
        return begun;
    }

    /// <inheritdoc/>
    public void Load(ReadOnlySpan<byte> state)
    {
        if (_stepped is null)
        {
            state.CopyTo(_parent.Bytes);
        }
        else
        {
            _stepped.Load(state);
        }
    }

    /// <inheritdoc/>
    public TakenStep Take(int actor, int choice)
    {
        Back();
        var who = _actors[actor];
        var ways = _engine.Step(_machine, who, choice);
        var retires = _engine.HasRetired;
        var links = 1;
        while (_systems.Chains && links < LongestChain && IsChained(who, links))
        {
            _engine.Step(_machine, who);
            retires |= _engine.HasRetired;
            links++;
        }

        return Taken(ways, retires, links);
    }

    /// <inheritdoc/>
    public void Again(int step, int actor, int choice)
    {
        if (_stepped is null)
        {
            Take(actor, choice);
        }
        else
        {
            _stepped.Again(step);
        }
    }

    private void Back()
    {
        if (_stepped is null)
        {
            _machine.CopyFrom(_parent);
        }
        else
        {
            _stepped.Back();
        }
    }

    /// <summary>A chain goes on while the next step is private, and ends where it has been before.</summary>
    private bool IsChained(Actor who, int links) =>
        Kind == StateKind.Open
        && _engine.IsPrivate(_machine, who, out _labels[links])
        && !_labels.AsSpan(1, links - 1).Contains(_labels[links]);

    private StateKind Kind
    {
        get
        {
            ref var check = ref _machine.Ref(_board.Check);
            return check.Violation.Exists ? StateKind.Violated : check.GoalReached != 0 ? StateKind.Goal : StateKind.Open;
        }
    }

    private TakenStep Taken(int ways, bool retires, int links) =>
        new(_stepped?.Stepped() ?? NormalForm.Of(_board.Layout).Hash(_machine, _scratch), Kind, ways, retires, links);
}
