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
        Packed = board.Config.Time is null ? null : new PackedState(Sample(board));
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
    private readonly StepEngine _engine;
    private readonly NormalForm _normal;
    private readonly Machine _machine;
    private readonly Machine _parent;
    private readonly byte[] _bytes;
    private readonly ulong[] _labels = new ulong[LongestChain];
    private int _length;

    internal MachineSystem(MachineSystems systems)
    {
        _systems = systems;
        _board = systems.Board;
        _engine = new StepEngine(_board);
        _normal = NormalForm.Of(_board.Layout);
        _parent = _engine.Create();
        _machine = _parent.Fork();
        _bytes = new byte[systems.Packed?.MaxBytes ?? _board.Layout.Size];
    }

    /// <inheritdoc/>
    public int Actors => _board.Actors.Count;

    /// <inheritdoc/>
    public int MaxStateBytes => _bytes.Length;

    /// <inheritdoc/>
    public ulong Enabled => _engine.Enabled(_parent);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Result => _systems.Packed is null ? _machine.Bytes : _bytes.AsSpan(0, _length);

    /// <summary>The machine to which the last step has led; valid until the next.</summary>
    public Machine Machine => _machine;

    /// <inheritdoc/>
    public TakenStep Begin()
    {
        _machine.CopyFrom(_engine.Create());
        return Taken(1, false, 1);
    }

    /// <inheritdoc/>
    public void Load(ReadOnlySpan<byte> state)
    {
        if (_systems.Packed is { } packed)
        {
            packed.Unpack(state, _parent);
        }
        else
        {
            state.CopyTo(_parent.Bytes);
        }
    }

    /// <inheritdoc/>
    public TakenStep Take(int actor, int choice)
    {
        if (_systems.Packed is { } packed)
        {
            packed.Copy(_parent, _machine);
        }
        else
        {
            _machine.CopyFrom(_parent);
        }

        var who = _board.Actors[actor];
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

    private TakenStep Taken(int ways, bool retires, int links)
    {
        if (_systems.Packed is { } packed)
        {
            _length = packed.Pack(_machine, _bytes);
            return new TakenStep(Fingerprint.Of(_bytes.AsSpan(0, _length)), Kind, ways, retires, links);
        }

        return new TakenStep(_normal.Hash(_machine, _bytes), Kind, ways, retires, links);
    }
}
