using System.Runtime.CompilerServices;

namespace ScenarioHv.Exploration.Search;

/// <summary>
/// Writes the steps out of states, for one thread. States that follow one another by number are a run, at most <see cref="RunStates"/>
/// of them, which begins with the number of the state that was the newest at that time. A state is a head (kind in the two low bits, bytes
/// of its steps in the others, or 63 and then four bytes) and its steps. A step is a byte and up to four more:
/// <list type="bullet">
/// <item>bit 0: an operation of a guest retires in it;</item>
/// <item>bits 1-2, the actor: 0 the one of the step before, going on in the next way; 1 or 2 so many after it; 3 a byte follows, with the
/// actor in bits 0-5, and with bit 7 set if the target follows as a number of four bytes;</item>
/// <item>bits 3-4, bytes that follow: the distance of the target from the number after the greatest one met in the run, as
/// (distance * 2) or (-distance * 2 - 1), whose low three bits are bits 5-7. A new state is mostly that number, and takes one byte.</item>
/// </list>
/// </summary>
internal sealed unsafe class EdgeWriter : IDisposable
{
    /// <summary>States in a run, except in the last of a layer.</summary>
    public const int RunStates = 16;

    /// <summary>What a head says of an open state whose steps were not taken.</summary>
    public const int Unexpanded = 3;

    /// <summary>The greatest distance, doubled, that fits into three bits and three bytes.</summary>
    public const long Far = 1L << 27;

    private const int LongState = 63;
    private const int ChunkBytes = 1 << 16;

    private readonly MemoryMeter _meter;
    private readonly MemoryMeter _scratch;
    private readonly List<(nint Memory, int Bytes)> _chunks;
    private byte* _run;
    private int _runBytes = 4096;
    private int _at;
    private int _head;
    private int _actor;
    private int _next;
    private byte* _chunk;
    private int _left;

    /// <param name="meter">Counts what stays.</param>
    /// <param name="scratch">Counts the run that is being written.</param>
    /// <param name="chunks">Gets the memory that this writer takes for its runs; the list's owner gives it back.</param>
    public EdgeWriter(MemoryMeter meter, MemoryMeter scratch, List<(nint Memory, int Bytes)> chunks)
    {
        _meter = meter;
        _scratch = scratch;
        _chunks = chunks;
        _run = (byte*)scratch.Take(_runBytes);
    }

    public void Dispose()
    {
        _scratch.Give(_run, _runBytes);
        _run = null;
    }

    /// <summary>Begins a run.</summary>
    /// <param name="newest">The greatest number that a state has.</param>
    public void BeginRun(int newest)
    {
        *(int*)_run = newest;
        _next = newest + 1;
        _at = sizeof(int);
    }

    /// <summary>Begins the next state of the run.</summary>
    public void BeginState()
    {
        if (_at > _runBytes - 16)
        {
            Enlarge();
        }

        _head = _at++;
        _actor = -1;
    }

    /// <summary>Writes a step. Steps come in the order of (actor, choice).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int actor, int target, bool retires)
    {
        if (_at > _runBytes - 16)
        {
            Enlarge();
        }

        var distance = (long)_next - target;
        var folded = (ulong)(distance << 1 ^ distance >> 63);
        var ahead = actor - _actor;
        _actor = actor;
        if (target >= _next)
        {
            _next = target + 1;
        }

        if (ahead > 2 || folded >= (ulong)Far)
        {
            AddFar(actor, target, retires, folded);
            return;
        }

        var more = folded < 8 ? 0 : folded < 1 << 11 ? 1 : folded < 1 << 19 ? 2 : 3;
        _run[_at] = (byte)((retires ? 1u : 0) | (uint)ahead << 1 | (uint)more << 3 | (uint)folded << 5);
        *(int*)(_run + _at + 1) = (int)(folded >> 3);
        _at += 1 + more;
    }

    /// <summary>Ends a state.</summary>
    /// <param name="kind">Its <see cref="StateKind"/>, or <see cref="Unexpanded"/>.</param>
    public void EndState(int kind)
    {
        var bytes = _at - _head - 1;
        if (bytes < LongState)
        {
            _run[_head] = (byte)(kind | bytes << 2);
            return;
        }

        // A step begins with sixteen bytes free and takes at most six of them: there is room.
        Buffer.MemoryCopy(_run + _head + 1, _run + _head + 5, bytes, bytes);
        _run[_head] = (byte)(kind | LongState << 2);
        *(int*)(_run + _head + 1) = bytes;
        _at += sizeof(int);
    }

    /// <summary>Ends a run.</summary>
    /// <returns>Where it is, for good.</returns>
    public byte* EndRun()
    {
        if (_at > _left)
        {
            _left = Math.Max(ChunkBytes, _at);
            _chunk = (byte*)_meter.Take(_left);
            lock (_chunks)
            {
                _chunks.Add(((nint)_chunk, _left));
            }
        }

        var place = _chunk;
        Unsafe.CopyBlockUnaligned(place, _run, (uint)_at);
        _chunk += _at;
        _left -= _at;
        return place;
    }

    /// <summary>Reads the head of a state.</summary>
    /// <param name="at">The head; afterwards the first step.</param>
    /// <param name="kind">Its <see cref="StateKind"/>, or <see cref="Unexpanded"/>.</param>
    /// <returns>How many bytes its steps take.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ReadHead(ref byte* at, out int kind)
    {
        var head = *at++;
        kind = head & 3;
        if (head >> 2 != LongState)
        {
            return head >> 2;
        }

        var bytes = *(int*)at;
        at += sizeof(int);
        return bytes;
    }

    /// <summary>Reads a step.</summary>
    /// <param name="at">The step; afterwards the next.</param>
    /// <param name="actor">The actor of the step before, -1 if there was none; afterwards its own.</param>
    /// <param name="choice">The choice of the step before; afterwards its own.</param>
    /// <param name="next">The number after the greatest one met in the run.</param>
    /// <param name="retires">True if an operation of a guest retires in it.</param>
    /// <returns>The target.</returns>
    public static int ReadStep(ref byte* at, ref int actor, ref int choice, ref int next, out bool retires)
    {
        uint head = *at++;
        retires = (head & 1) != 0;
        var ahead = (int)(head >> 1 & 3);
        var isFar = false;
        if (ahead == 3)
        {
            isFar = (*at & 0x80) != 0;
            ahead = (*at++ & 0x3F) - actor;
        }

        choice = ahead == 0 ? choice + 1 : 0;
        actor += ahead;
        int target;
        if (isFar)
        {
            target = *(int*)at;
            at += sizeof(int);
        }
        else
        {
            ulong folded = head >> 5;
            var more = (int)(head >> 3 & 3);
            for (var n = 0; n < more; n++)
            {
                folded |= (ulong)*at++ << (3 + (8 * n));
            }

            target = (int)(next - ((long)(folded >> 1) ^ -(long)(folded & 1)));
        }

        next = Math.Max(next, target + 1);
        return target;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AddFar(int actor, int target, bool retires, ulong folded)
    {
        var isFar = folded >= (ulong)Far;
        var more = isFar ? 0 : folded < 8 ? 0 : folded < 1 << 11 ? 1 : folded < 1 << 19 ? 2 : 3;
        _run[_at] = (byte)((retires ? 1u : 0) | 3u << 1 | (uint)more << 3 | (isFar ? 0 : (uint)folded << 5));
        _run[_at + 1] = (byte)(actor | (isFar ? 0x80 : 0));
        *(int*)(_run + _at + 2) = isFar ? target : (int)(folded >> 3);
        _at += 2 + (isFar ? sizeof(int) : more);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Enlarge()
    {
        var run = (byte*)_scratch.Take(2 * _runBytes);
        Unsafe.CopyBlockUnaligned(run, _run, (uint)_at);
        _scratch.Give(_run, _runBytes);
        _run = run;
        _runBytes *= 2;
    }
}
