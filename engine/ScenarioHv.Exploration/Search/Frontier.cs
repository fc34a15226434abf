using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ScenarioHv.Exploration.Search;

/// <summary>
/// The bytes of states whose steps are still to be taken, packed one after the other in chunks. A chunk that was read to its end is written
/// again, in the same layer already.
/// </summary>
internal sealed unsafe class Frontier(MemoryMeter meter, int maxStateBytes)
{
    private const int LeastChunkBytes = 1 << 18;
    private const int StatesPerChunk = 16;

    // Behind the first chunks, which are enough for most, come eight at a time, to lie on a huge page together.
    private const int BlockChunks = 8;

    private readonly Stack<nint> _spare = new();
    private readonly List<(nint Memory, int Bytes)> _blocks = [];

    /// <summary>Bytes of a chunk, a power of two: a state's address tells its chunk.</summary>
    public int ChunkBytes { get; } = checked((int)Math.Max(
        LeastChunkBytes, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(maxStateBytes + StateHeadBytes) * StatesPerChunk)));

    /// <summary>Bytes before those of a state: their number, and nothing.</summary>
    public static int StateHeadBytes => 8;

    /// <summary>The chunk of a state.</summary>
    public FrontierChunk* ChunkOf(byte* state) => (FrontierChunk*)((nint)state & ~(nint)(ChunkBytes - 1));

    /// <summary>An empty chunk.</summary>
    /// <param name="owner">The number of the thread that will write it.</param>
    public FrontierChunk* Take(int owner)
    {
        lock (_spare)
        {
            if (_spare.Count == 0)
            {
                TakeBlock(_blocks.Count < BlockChunks || ChunkBytes > LeastChunkBytes ? 1 : BlockChunks);
            }

            var chunk = _spare.Pop();
            *(FrontierChunk*)chunk = new FrontierChunk { Owner = owner };
            return (FrontierChunk*)chunk;
        }
    }

    /// <summary>So many states of a chunk were read; after the last it is empty.</summary>
    public void Read(FrontierChunk* chunk, int states)
    {
        if (Interlocked.Add(ref chunk->States, -states) == 0)
        {
            lock (_spare)
            {
                _spare.Push((nint)chunk);
            }
        }
    }

    /// <summary>Gives everything back.</summary>
    public void Free()
    {
        foreach (var (block, bytes) in _blocks)
        {
            meter.GiveAligned((void*)block, bytes);
        }

        _blocks.Clear();
        _spare.Clear();
    }

    private void TakeBlock(int chunks)
    {
        var bytes = chunks * ChunkBytes;
        var block = (nint)(chunks > 1 ? meter.TakeScattered(bytes) : meter.TakeAligned(bytes));
        _blocks.Add((block, bytes));
        for (var chunk = chunks - 1; chunk >= 0; chunk--)
        {
            _spare.Push(block + (chunk * ChunkBytes));
        }
    }
}

/// <summary>The head of a chunk of a <see cref="Frontier"/>.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct FrontierChunk
{
    /// <summary>States that it holds: set when its writer is done with it.</summary>
    public int States;

    /// <summary>The number of the thread that wrote it.</summary>
    public int Owner;
}

/// <summary>Writes states into the chunks of a <see cref="Frontier"/>, for one thread.</summary>
/// <param name="frontier">Where to.</param>
/// <param name="owner">The thread's number.</param>
internal sealed unsafe class FrontierWriter(Frontier frontier, int owner)
{
    private FrontierChunk* _chunk;
    private int _at;
    private int _states;

    /// <summary>Writes a state.</summary>
    /// <returns>Its address: that of <see cref="Frontier.StateHeadBytes"/>, then the state.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Write(ReadOnlySpan<byte> state)
    {
        var bytes = (Frontier.StateHeadBytes + state.Length + 7) & ~7;
        if (_chunk == null || _at + bytes > frontier.ChunkBytes)
        {
            TakeChunk();
        }

        var place = (byte*)_chunk + _at;
        *(long*)place = state.Length;
        state.CopyTo(new Span<byte>(place + Frontier.StateHeadBytes, frontier.ChunkBytes - _at - Frontier.StateHeadBytes));
        _at += bytes;
        _states++;
        return place;
    }

    /// <summary>Ends what a layer has to write: its states may be read.</summary>
    public void Seal()
    {
        if (_chunk != null)
        {
            _chunk->States = _states;
            _chunk = null;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TakeChunk()
    {
        Seal();
        _chunk = frontier.Take(owner);
        _at = sizeof(FrontierChunk);
        _states = 0;
    }
}

/// <summary>Reads states out of the chunks of a <see cref="Frontier"/>, for one thread.</summary>
/// <param name="frontier">Where from.</param>
/// <param name="owners">How many threads write.</param>
internal sealed unsafe class FrontierReader(Frontier frontier, int owners)
{
    // Neighbours by number come from the chunks of all writers in turn: what was read of each writer's last chunk is told once.
    private readonly (nint Chunk, int States)[] _read = new (nint, int)[owners];

    /// <summary>The bytes of a state, which are valid until the next call.</summary>
    /// <param name="state">What <see cref="FrontierWriter.Write"/> gave.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Read(byte* state)
    {
        var chunk = frontier.ChunkOf(state);
        ref var last = ref _read[chunk->Owner];
        if (last.Chunk != (nint)chunk)
        {
            Tell(ref last);
            last.Chunk = (nint)chunk;
        }

        last.States++;
        return new ReadOnlySpan<byte>(state + Frontier.StateHeadBytes, (int)*(long*)state);
    }

    /// <summary>Ends the reading of a layer.</summary>
    public void End()
    {
        foreach (ref var last in _read.AsSpan())
        {
            Tell(ref last);
        }
    }

    private void Tell(ref (nint Chunk, int States) last)
    {
        if (last.States > 0)
        {
            frontier.Read((FrontierChunk*)last.Chunk, last.States);
        }

        last = default;
    }
}
