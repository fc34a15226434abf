using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>A system whose state is one struct without padding, so that small machines can be written down in a few lines.</summary>
internal abstract class ToySystem<TState> : ITransitionSystem
    where TState : unmanaged
{
    private TState _loaded;
    private TState _result;

    public abstract int Actors { get; }

    public int MaxStateBytes => Unsafe.SizeOf<TState>();

    public ulong Enabled
    {
        get
        {
            var enabled = 0ul;
            for (var actor = 0; actor < Actors; actor++)
            {
                if (IsEnabled(_loaded, actor))
                {
                    enabled |= 1ul << actor;
                }
            }

            return enabled;
        }
    }

    public ReadOnlySpan<byte> Result => MemoryMarshal.AsBytes(new ReadOnlySpan<TState>(ref _result));

    public abstract TState First { get; }

    public TakenStep Begin()
    {
        _result = First;
        return new TakenStep(FingerprintOf(_result), KindOf(_result), 1, false, 0);
    }

    public void Load(ReadOnlySpan<byte> state) => _loaded = MemoryMarshal.Read<TState>(state);

    public TakenStep Take(int actor, int choice)
    {
        _result = _loaded;
        var choices = Step(ref _result, actor, choice);
        return new TakenStep(FingerprintOf(_result), KindOf(_result), choices, Retires(_loaded, actor), 1);
    }

    public abstract bool IsEnabled(in TState state, int actor);

    /// <summary>Takes a step, and says in how many ways it can go on.</summary>
    public abstract int Step(ref TState state, int actor, int choice);

    public virtual StateKind KindOf(in TState state) => StateKind.Open;

    public virtual bool Retires(in TState state, int actor) => false;

    public virtual ulong FingerprintOf(in TState state)
    {
        var words = MemoryMarshal.AsBytes(new ReadOnlySpan<TState>(in state));
        var hash = (ulong)words.Length;
        for (; words.Length >= 8; words = words[8..])
        {
            hash = Mix(hash, MemoryMarshal.Read<ulong>(words));
        }

        ulong rest = 0;
        foreach (var value in words)
        {
            rest = (rest << 8) | value;
        }

        return Mix(hash, rest);
    }

    private static ulong Mix(ulong hash, ulong word)
    {
        var high = Math.BigMul(hash ^ 0x9E37_79B9_7F4A_7C15, word ^ 0xD6E8_FEB8_6659_FD93, out var low);
        return BitOperations.RotateLeft(high, 17) ^ low;
    }
}

/// <summary>The same search, with nothing clever in it: whole states in a set, edges in lists.</summary>
internal sealed class NaiveSearch<TState>
    where TState : unmanaged
{
    public NaiveSearch(ToySystem<TState> system)
    {
        var queue = new Queue<TState>();
        Add(system.First);
        while (queue.TryDequeue(out var state))
        {
            var edges = new List<(ulong Target, int Actor, int Choice, bool Retires)>();
            for (var actor = 0; actor < system.Actors && system.KindOf(state) == StateKind.Open; actor++)
            {
                var choices = system.IsEnabled(state, actor) ? 1 : 0;
                for (var choice = 0; choice < choices; choice++)
                {
                    var next = state;
                    choices = system.Step(ref next, actor, choice);
                    edges.Add((system.FingerprintOf(next), actor, choice, system.Retires(state, actor)));
                    Add(next, Depths[state] + 1);
                }
            }

            Edges.Add(system.FingerprintOf(state), edges);
        }

        void Add(TState state, int depth = 0)
        {
            if (Depths.TryAdd(state, depth))
            {
                queue.Enqueue(state);
                Kinds[(int)system.KindOf(state)]++;
            }
        }
    }

    public Dictionary<TState, int> Depths { get; } = new(new ByBytes());

    public Dictionary<ulong, List<(ulong Target, int Actor, int Choice, bool Retires)>> Edges { get; } = [];

    public int[] Kinds { get; } = new int[3];

    public int States => Depths.Count;

    public long Transitions => Edges.Values.Sum(edges => edges.Count);

    public int Depth => Depths.Values.Max();

    private sealed class ByBytes : IEqualityComparer<TState>
    {
        public bool Equals(TState one, TState other) => BytesOf(one).SequenceEqual(BytesOf(other));

        public int GetHashCode(TState state)
        {
            var hash = new HashCode();
            hash.AddBytes(BytesOf(state));
            return hash.ToHashCode();
        }

        private static ReadOnlySpan<byte> BytesOf(in TState state) => MemoryMarshal.AsBytes(new ReadOnlySpan<TState>(in state));
    }
}
