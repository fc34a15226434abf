using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.State;

/// <summary>
/// States of machines whose clock stands still, in few bytes: the words that change as a rule, those of the others that differ from the
/// first state, and the frames that are in use. Observables are left out and saturating counters cut, as in the <see cref="NormalForm"/>;
/// times stay as they are. Two machines whose clocks agree are in the same state exactly if they pack to the same bytes. Immutable, so that
/// any number of threads can share it.
/// </summary>
/// <remarks>The bytes: how many rare words there are; the usual words; the rare words, each behind its offset; the frames.</remarks>
public sealed unsafe class PackedState
{
    private const int Vector = 32;
    private const int Word = sizeof(ulong);

    private readonly MachineLayout _layout;
    private readonly NormalForm _normal;
    private readonly int[] _fibers;
    private readonly byte[] _memory;
    private readonly byte* _first;
    private readonly byte* _rare;
    private readonly ulong* _usualMask;
    private readonly int* _usual;
    private readonly int _usualCount;
    private readonly (int From, int To)[] _allRare;
    private readonly int[] _partlyRare;

    /// <summary>Packs the states of the machine of which <paramref name="sample"/> is one.</summary>
    /// <param name="sample">Which words change as a rule. Bytes are comparable only if it was the same sample.</param>
    public PackedState(StateSample sample)
    {
        _layout = sample.First.Layout;
        _normal = sample.Normal;
        _fibers = [.. _layout.Fibers.Select(fiber => fiber.Slot.Offset)];
        int[] usual = [.. sample.Changing];
        _usualCount = usual.Length;
        var block = RoundUp(_layout.Size) + Vector;
        _memory = GC.AllocateArray<byte>((2 * block) + (usual.Length * (Word + sizeof(int))) + Vector, pinned: true);
        _first = (byte*)(((nuint)Unsafe.AsPointer(ref _memory[0]) + Vector - 1) & ~(nuint)(Vector - 1));
        _rare = _first + block;
        _usualMask = (ulong*)(_rare + block);
        _usual = (int*)(_usualMask + usual.Length);
        sample.Mask.CopyTo(new Span<byte>(_rare, _layout.Size));
        for (var at = 0; at < _layout.Size; at++)
        {
            _first[at] = (byte)(sample.First.Base[at] & _rare[at]);
        }

        for (var i = 0; i < usual.Length; i++)
        {
            _usual[i] = usual[i];
            _usualMask[i] = *(ulong*)(_rare + usual[i]);
            *(ulong*)(_rare + usual[i]) = 0;
        }

        (_allRare, _partlyRare) = RareVectors();
        RareWords = Enumerable.Range(0, _layout.Size / Word).Count(word => ((ulong*)_rare)[word] != 0);
        MaxBytes = Word + (usual.Length * Word) + (RareWords * 2 * Word) + _layout.Fibers.Sum(fiber => fiber.Slot.Arena) + Vector;
    }

    /// <summary>Room that <see cref="Pack"/> needs: a little more than the most bytes that a state takes.</summary>
    public int MaxBytes { get; }

    /// <summary>Words that can change and did not in the sample.</summary>
    public int RareWords { get; }

    /// <summary>Writes the state of <paramref name="machine"/>, whose saturating counters are cut, which no later step can tell.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="into">At least <see cref="MaxBytes"/> bytes.</param>
    /// <returns>How many bytes the state takes, a multiple of 8; what is written behind them means nothing.</returns>
    /// <exception cref="ArgumentException"><paramref name="into"/> is too short.</exception>
    public int Pack(Machine machine, Span<byte> into)
    {
        Cut(machine);
        return PackCut(machine, into, false);
    }

    /// <summary>As <see cref="Pack"/>, of a machine whose counters are cut.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="into">At least <see cref="MaxBytes"/> bytes.</param>
    /// <param name="isUsual">True if the state is known to have no rare words.</param>
    internal int PackCut(Machine machine, Span<byte> into, bool isUsual)
    {
        if (into.Length < MaxBytes)
        {
            throw new ArgumentException($"A packed state needs room for {MaxBytes} bytes.", nameof(into));
        }

        fixed (byte* start = into)
        {
            var to = PackUsualWords(machine.Base, (ulong*)start);
            if (!isUsual && HasRareWords(machine.Base))
            {
                to = PackRareWords(machine.Base, (ulong*)start, to);
            }

            var frames = (byte*)to;
            foreach (var offset in _fibers)
            {
                frames += CopyFrames(machine.Base + offset, frames);
            }

            return (int)(frames - start);
        }
    }

    /// <summary>
    /// Puts <paramref name="machine"/> into a state. Its clock shows what it has shown, and its observables are 0.
    /// </summary>
    /// <param name="state">What <see cref="Pack"/> has written.</param>
    /// <param name="machine">A machine with the same layout.</param>
    public void Unpack(ReadOnlySpan<byte> state, Machine machine) => UnpackOver(state, machine, machine, false);

    /// <summary>As <see cref="Unpack"/>, and faster where less has to be written.</summary>
    /// <param name="state">What <see cref="Pack"/> has written.</param>
    /// <param name="machine">A machine with the same layout.</param>
    /// <param name="other">Another one, which is in the same state as the first, and comes into the same state; or the first again.</param>
    /// <param name="isUsual">True if nothing but this has written the machine, and the last state had no rare words.</param>
    /// <returns>True if this state has none.</returns>
    internal bool UnpackOver(ReadOnlySpan<byte> state, Machine machine, Machine other, bool isUsual)
    {
        fixed (byte* start = state)
        {
            if (!isUsual)
            {
                UnpackFirst(machine);
                UnpackFirst(other);
            }

            var from = (ulong*)start;
            var rare = *from++;
            from = UnpackUsualWords(from, machine.Base, other.Base);
            for (var left = rare; left > 0; left--)
            {
                var offset = *from++;
                *(ulong*)(machine.Base + offset) = *from;
                *(ulong*)(other.Base + offset) = *from++;
            }

            UnpackFrames((byte*)from, machine.Base, other.Base);
            return rare == 0;
        }
    }

    /// <summary>Puts <paramref name="machine"/> into the state of another one; frames that are not in use are not copied.</summary>
    /// <param name="from">The other one.</param>
    /// <param name="machine">A machine with the same layout.</param>
    public void Copy(Machine from, Machine machine)
    {
        Unsafe.CopyBlockUnaligned(machine.Base, from.Base, (uint)_normal.StructBytes);
        foreach (var offset in _fibers)
        {
            var fiber = from.Base + offset;
            CopyVectors(fiber, machine.Base + offset, sizeof(FiberHead) + ((FiberHead*)fiber)->Used);
        }
    }

    /// <summary>Cuts the saturating counters of a machine.</summary>
    internal void Cut(Machine machine) => _normal.Cut(machine);

    /// <summary>True if a word of the structs or of a fiber's head has changed where that is rare.</summary>
    internal bool IsRare(Machine machine, int at) =>
        ((*(ulong*)(machine.Base + at) ^ *(ulong*)(_first + at)) & *(ulong*)(_rare + at)) != 0;

    private static int RoundUp(int bytes) => (bytes + Vector - 1) & ~(Vector - 1);

    /// <summary>Copies in whole vectors: up to 31 bytes behind the end are overwritten, and what belongs there is copied later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyVectors(byte* from, byte* to, int length)
    {
        for (var at = 0; at < length; at += Vector)
        {
            Vector256.Load(from + at).Store(to + at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CopyFrames(byte* fiber, byte* to)
    {
        int used = ((FiberHead*)fiber)->Used;
        CopyVectors(fiber + sizeof(FiberHead), to, used);
        return used;
    }

    /// <summary>The words of the first state, all but the frames.</summary>
    private void UnpackFirst(Machine machine)
    {
        var now = machine.Now;
        Unsafe.CopyBlockUnaligned(machine.Base, _first, (uint)_normal.StructBytes);
        foreach (var offset in _fibers)
        {
            Unsafe.CopyBlockUnaligned(machine.Base + offset, _first + offset, (uint)sizeof(FiberHead));
        }

        ((MachineClock*)machine.Base)->Now = now;
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

    /// <summary>The vectors of the block that consist of rare words alone, as ranges, and those that have others beside them.</summary>
    private ((int From, int To)[] All, int[] Partly) RareVectors()
    {
        var (all, partly) = (new List<(int From, int To)>(), new List<int>());
        for (var at = 0; at < _layout.Size; at += Vector)
        {
            var mask = new ReadOnlySpan<byte>(_rare + at, Vector);
            if (mask.IndexOfAnyExcept((byte)0xff) >= 0)
            {
                partly.AddRange(mask.IndexOfAnyExcept((byte)0) >= 0 ? [at] : []);
            }
            else if (all.Count > 0 && all[^1].To == at)
            {
                all[^1] = (all[^1].From, at + Vector);
            }
            else
            {
                all.Add((at, at + Vector));
            }
        }

        return ([.. all], [.. partly]);
    }

    /// <summary>True if a word differs from the first state that did not in the sample.</summary>
    private bool HasRareWords(byte* block)
    {
        var difference = Vector256<byte>.Zero;
        var first = _first;
        var rare = _rare;
        foreach (var (from, to) in _allRare)
        {
            for (nint at = from; at < to; at += Vector)
            {
                difference |= Vector256.Load(block + at) ^ Vector256.Load(first + at);
            }
        }

        foreach (nint at in _partlyRare)
        {
            difference |= (Vector256.Load(block + at) ^ Vector256.Load(first + at)) & Vector256.Load(rare + at);
        }

        return difference != Vector256<byte>.Zero;
    }

    private ulong* PackUsualWords(byte* block, ulong* to)
    {
        var usual = _usual;
        var mask = _usualMask;
        nint count = _usualCount;
        *to++ = 0;
        for (nint i = 0; i < count; i++)
        {
            to[i] = *(ulong*)(block + usual[i]) & mask[i];
        }

        return to + count;
    }

    private ulong* UnpackUsualWords(ulong* from, byte* block, byte* other)
    {
        var usual = _usual;
        nint count = _usualCount;
        for (nint i = 0; i < count; i++)
        {
            nint at = usual[i];
            var word = from[i];
            *(ulong*)(block + at) = word;
            *(ulong*)(other + at) = word;
        }

        return from + count;
    }

    private ulong* PackRareWords(byte* block, ulong* count, ulong* to)
    {
        for (var at = 0; at < _layout.Size; at += Word)
        {
            var mask = *(ulong*)(_rare + at);
            var value = *(ulong*)(block + at) & mask;
            if (mask != 0 && value != (*(ulong*)(_first + at) & mask))
            {
                ++*count;
                *to++ = (ulong)at;
                *to++ = value;
            }
        }

        return to;
    }
}
