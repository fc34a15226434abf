using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.State;

/// <summary>
/// Some words of a machine's block and some of its fibers, in few bytes: how many rare words there are; the usual words; the rare words,
/// each behind its offset; the frames. Immutable, but for the table of what it has been.
/// </summary>
internal sealed unsafe class StatePart
{
    private const int Vector = 32;
    private const int Word = sizeof(ulong);

    private readonly byte* _first;
    private readonly byte* _rareMask;
    private readonly int[] _fibers;
    private readonly int[] _memory;
    private readonly int* _usual;
    private readonly ulong* _usualMask;
    private readonly int _usualCount;
    private readonly int[] _rare;

    /// <param name="first">The first state, whose words are masked.</param>
    /// <param name="rareMask">The bits of each word that name the state, where a change is rare.</param>
    /// <param name="usual">Offsets and masks of the words that change as a rule.</param>
    /// <param name="rare">Offsets of the others.</param>
    /// <param name="fibers">Its fibers.</param>
    /// <param name="mostContents">So many of its contents are kept.</param>
    public StatePart(
        byte* first, byte* rareMask, IReadOnlyList<(int At, ulong Mask)> usual, IEnumerable<int> rare, IReadOnlyList<FiberSlot> fibers,
        int mostContents)
    {
        Contents = new PartTable(mostContents);
        _first = first;
        _rareMask = rareMask;
        _rare = [.. rare];
        _fibers = [.. fibers.Select(fiber => fiber.Offset)];
        _usualCount = usual.Count;
        _memory = GC.AllocateArray<int>((3 * _usualCount) + 2, pinned: true);
        _usualMask = (ulong*)(((nuint)Unsafe.AsPointer(ref _memory[0]) + Word - 1) & ~(nuint)(Word - 1));
        _usual = (int*)(_usualMask + _usualCount);
        for (var i = 0; i < _usualCount; i++)
        {
            (_usual[i], _usualMask[i]) = usual[i];
        }

        MaxBytes = Word + (_usualCount * Word) + (_rare.Length * 2 * Word) + fibers.Sum(fiber => fiber.Arena) + Vector;
    }

    /// <summary>What it has been.</summary>
    public PartTable Contents { get; }

    /// <summary>Room that <see cref="Pack"/> needs: a little more than the most bytes that it takes.</summary>
    public int MaxBytes { get; }

    /// <summary>Words that can change and did not in the sample.</summary>
    public int RareWords => _rare.Length;

    /// <summary>Writes the words of a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="into">Room for <see cref="MaxBytes"/>.</param>
    /// <param name="isUsual">True if the part is known to have no rare words.</param>
    /// <returns>How many bytes it takes, a multiple of 8; what is written behind them means nothing.</returns>
    public int Pack(byte* block, byte* into, bool isUsual)
    {
        var to = (ulong*)into;
        *to++ = 0;
        nint count = _usualCount;
        for (nint i = 0; i < count; i++)
        {
            to[i] = *(ulong*)(block + _usual[i]) & _usualMask[i];
        }

        var frames = (byte*)(to + count);
        frames = isUsual ? frames : (byte*)PackRareWords(block, (ulong*)into, (ulong*)frames);
        foreach (var offset in _fibers)
        {
            frames += CopyFrames(block + offset, frames);
        }

        return (int)(frames - into);
    }

    /// <summary>Writes what was packed into two blocks.</summary>
    /// <param name="from">What <see cref="Pack"/> has written.</param>
    /// <param name="block">A block.</param>
    /// <param name="other">Another one, or the first again.</param>
    /// <param name="isUsual">True if the blocks have no rare words of this part now.</param>
    /// <returns>True if they have none then.</returns>
    public bool Unpack(byte* from, byte* block, byte* other, bool isUsual)
    {
        if (!isUsual)
        {
            UnpackFirst(block, other);
        }

        var words = (ulong*)from;
        var rare = *words++;
        nint count = _usualCount;
        for (nint i = 0; i < count; i++)
        {
            nint at = _usual[i];
            var word = words[i];
            *(ulong*)(block + at) = word;
            *(ulong*)(other + at) = word;
        }

        words += count;
        for (var left = rare; left > 0; left--)
        {
            var offset = *words++;
            *(ulong*)(block + offset) = *words;
            *(ulong*)(other + offset) = *words++;
        }

        UnpackFrames((byte*)words, block, other);
        return rare == 0;
    }

    private void UnpackFirst(byte* block, byte* other)
    {
        foreach (var at in _rare)
        {
            var word = *(ulong*)(_first + at);
            *(ulong*)(block + at) = word;
            *(ulong*)(other + at) = word;
        }
    }

    private void UnpackFrames(byte* from, byte* block, byte* other)
    {
        foreach (var offset in _fibers)
        {
            int used = ((FiberHead*)(block + offset))->Used;
            var frames = offset + sizeof(FiberHead);
            for (var at = 0; at < used; at += Word)
            {
                var word = *(ulong*)(from + at);
                *(ulong*)(block + frames + at) = word;
                *(ulong*)(other + frames + at) = word;
            }

            from += used;
        }
    }

    private ulong* PackRareWords(byte* block, ulong* count, ulong* to)
    {
        foreach (var at in _rare)
        {
            var value = *(ulong*)(block + at) & *(ulong*)(_rareMask + at);
            if (value != *(ulong*)(_first + at))
            {
                ++*count;
                *to++ = (ulong)at;
                *to++ = value;
            }
        }

        return to;
    }

    /// <summary>Copies in whole vectors: up to 31 bytes behind the end are overwritten, and what belongs there comes later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CopyFrames(byte* fiber, byte* to)
    {
        int used = ((FiberHead*)fiber)->Used;
        for (var at = 0; at < used; at += Vector)
        {
            Vector256.Load(fiber + sizeof(FiberHead) + at).Store(to + at);
        }

        return used;
    }
}
