using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.State;

/// <summary>
/// A state, and the machine that takes one step from it after the other. A step changes few words: the fingerprint of the new state is made
/// of that of the old one and of these words, and the machine goes back by restoring them. Where the clock stands still only; one instance
/// belongs to one thread.
/// </summary>
/// <remarks>
/// The fingerprint is multilinear: the sum of all words, each times a 128-bit key of its place, modulo 2¹²⁸, of which the upper half is
/// taken (Lemire and Kaser, Strongly universal string hashing is fast). For random keys two different states share it with a probability of
/// 2⁻⁶⁴. Observables and what lies behind the frames in use count as 0.
/// </remarks>
public sealed unsafe class SteppedState
{
    private const int Word = sizeof(ulong);
    private const int SumBytes = 2 * Word;
    private const int HeadWords = 6;
    private const int CacheLine = 64;

    private readonly PackedState _packed;
    private readonly LoadedParts _loaded;
    private readonly Machine _from;
    private readonly Machine _machine;
    private readonly FiberSlot[] _fibers;
    private readonly ulong[] _memory;
    private readonly ulong* _keys;
    private readonly ulong* _mask;
    private readonly int* _changed;
    private readonly byte[] _bytes;
    private readonly int _structWords;
    private readonly int _words;
    private readonly List<(int End, ulong Low, ulong High)> _steps = [];
    private (int At, ulong Value)[] _log;
    private int _logged;
    private int _changes;
    private int _length;
    private bool _isAstray;
    private ulong _low, _high;
    private ulong _stepLow, _stepHigh;

    /// <summary>Creates the machines.</summary>
    /// <param name="packed">How the states are packed.</param>
    /// <param name="first">The state to begin with.</param>
    public SteppedState(PackedState packed, Machine first)
    {
        _packed = packed;
        _loaded = new LoadedParts(packed.PartCount);
        _from = first.Fork();
        _machine = first.Fork();
        var layout = first.Layout;
        var normal = NormalForm.Of(layout);
        normal.Cut(_from);
        _fibers = [.. layout.Fibers.Select(fiber => fiber.Slot)];
        _structWords = normal.StructBytes / Word;
        var words = layout.Size / Word;
        _words = words;
        _log = new (int, ulong)[4 * words];
        _memory = GC.AllocateArray<ulong>((4 * words) + 1, pinned: true);
        _keys = (ulong*)Unsafe.AsPointer(ref _memory[0]);
        _mask = _keys + (2 * words);
        _changed = (int*)(_mask + words);
        MakeKeys(new Span<ulong>(_keys, 2 * words));
        new Span<ulong>(_mask, words).Fill(ulong.MaxValue);
        normal.CopyMask(new Span<byte>(_mask, normal.StructBytes));
        _bytes = new byte[SumBytes + _packed.MaxBytes];
        _isAstray = true;
        AddFirst();
    }

    /// <summary>The state from which steps are taken; it is not to be changed.</summary>
    public Machine From => _from;

    /// <summary>The machine, which takes the step.</summary>
    public Machine Machine => _machine;

    /// <summary>The most bytes that <see cref="Result"/> has.</summary>
    public int MaxBytes => _bytes.Length;

    /// <summary>The state to which the step has led, in bytes; valid until something else is asked.</summary>
    public ReadOnlySpan<byte> Result
    {
        get
        {
            if (_length == 0)
            {
                Unsafe.WriteUnaligned(ref _bytes[0], _stepLow);
                Unsafe.WriteUnaligned(ref _bytes[Word], _stepHigh);
                var (changed, rare) = ChangedParts();
                _length = SumBytes + _packed.PackCut(_machine, _bytes.AsSpan(SumBytes), _loaded, changed, rare);
            }

            return _bytes.AsSpan(0, _length);
        }
    }

    /// <summary>Goes to a state.</summary>
    /// <param name="state">What <see cref="Result"/> has given, here or in an instance that was made from the same sample.</param>
    public void Load(ReadOnlySpan<byte> state)
    {
        _low = MemoryMarshal.Read<ulong>(state);
        _high = MemoryMarshal.Read<ulong>(state[Word..]);
        if (_isAstray)
        {
            _packed.UnpackOver(state[SumBytes..], _from, _from, _loaded);
        }
        else
        {
            // The machine goes back, and on with the other one.
            Back();
            _packed.UnpackOver(state[SumBytes..], _from, _machine, _loaded);
            (_changes, _isAstray) = (0, false);
        }

        _steps.Clear();
        _logged = 0;
        PrefetchNext(state);
    }

    /// <summary>The machine is in the state that was loaded again, and may take a step.</summary>
    public void Back()
    {
        if (_isAstray)
        {
            _packed.Copy(_from, _machine);
        }
        else
        {
            for (var i = 0; i < _changes; i++)
            {
                var at = _changed[i];
                *(ulong*)(_machine.Base + at) = *(ulong*)(_from.Base + at);
            }
        }

        _isAstray = true;
        _machine.Reached = 0;
    }

    /// <summary>The machine has taken its step.</summary>
    /// <returns>The fingerprint of its state. Equal states have equal fingerprints; the converse is only probable.</returns>
    public ulong Stepped()
    {
        _packed.Cut(_machine);
        (_stepLow, _stepHigh) = (_low, _high);
        if (_logged > _log.Length - _words)
        {
            Array.Resize(ref _log, 2 * _log.Length);
        }

        var found = FindStructChanges(_changed);
        var reached = _machine.Reached;
        foreach (ref readonly var fiber in _fibers.AsSpan())
        {
            found = (fiber.Bit & reached) != 0 ? FindFiberChanges(found, fiber.Offset) : found;
        }

        _changes = (int)(found - _changed);
        AddChanges();
        _steps.Add((_logged, _stepLow, _stepHigh));
        _length = 0;
        _isAstray = false;
        return _stepHigh;
    }

    /// <summary>The machine is again where an earlier step from the loaded state has led.</summary>
    /// <param name="step">Which one: from 0, counted since <see cref="Load"/>.</param>
    public void Again(int step)
    {
        Back();
        var first = step == 0 ? 0 : _steps[step - 1].End;
        (var end, _stepLow, _stepHigh) = _steps[step];
        for (var i = first; i < end; i++)
        {
            var (at, value) = _log[i];
            *(ulong*)(_machine.Base + at) = value;
            _changed[i - first] = at;
        }

        _changes = end - first;
        _length = 0;
        _isAstray = false;
    }

    /// <summary>States are mostly kept one behind the other, and loaded so: the memory is told of what will probably be the next.</summary>
    private static void PrefetchNext(ReadOnlySpan<byte> state)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        ref var end = ref Unsafe.Add(ref MemoryMarshal.GetReference(state), state.Length);
        for (var at = 0; at < state.Length; at += CacheLine)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref end, at)));
        }
    }

    /// <summary>SplitMix64 from 0: any numbers without pattern will do.</summary>
    private static void MakeKeys(Span<ulong> keys)
    {
        for (var i = 0; i < keys.Length; i++)
        {
            var word = (ulong)(i + 1) * 0x9E3779B97F4A7C15;
            word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9;
            word = (word ^ (word >> 27)) * 0x94D049BB133111EB;
            keys[i] = word ^ (word >> 31);
        }
    }

    /// <summary>The sum of the first state.</summary>
    private void AddFirst()
    {
        (_stepLow, _stepHigh) = (0, 0);
        for (var at = 0; at < _structWords * Word; at += Word)
        {
            AddChange(at, 0, *(ulong*)(_from.Base + at));
        }

        foreach (var offset in _fibers.Select(fiber => fiber.Offset))
        {
            var end = offset + sizeof(FiberHead) + ((FiberHead*)(_from.Base + offset))->Used;
            for (var at = offset; at < end; at += Word)
            {
                AddChange(at, 0, *(ulong*)(_from.Base + at));
            }
        }

        (_low, _high) = (_stepLow, _stepHigh);
    }

    /// <summary>The parts in which the step has changed a word, and those in which a word has changed where that is rare.</summary>
    private (ulong Changed, ulong Rare) ChangedParts()
    {
        ulong changed = 0, rare = 0;
        for (var i = 0; i < _changes; i++)
        {
            var part = _packed.PartOf(_changed[i]);
            changed |= part;
            rare |= _packed.IsRare(_machine, _changed[i]) ? part : 0;
        }

        return (changed, rare);
    }

    private void AddChanges()
    {
        var (low, high) = (_stepLow, _stepHigh);
        var from = _from.Base;
        var to = _machine.Base;
        var log = _log.AsSpan(_logged, _changes);
        for (var i = 0; i < log.Length; i++)
        {
            var at = _changed[i];
            var value = *(ulong*)(to + at);
            log[i] = (at, value);
            Add(ref low, ref high, at, *(ulong*)(from + at), value);
        }

        _logged += log.Length;
        (_stepLow, _stepHigh) = (low, high);
    }

    private void AddChange(int at, ulong from, ulong to) => Add(ref _stepLow, ref _stepHigh, at, from, to);

    /// <summary>The key of a place, times what the word there has become larger.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(ref ulong low, ref ulong high, int at, ulong from, ulong to)
    {
        var mask = *(ulong*)((byte*)_mask + at);
        from &= mask;
        to &= mask;
        var key = (ulong*)((byte*)_keys + (2 * at));
        var more = to - from;
        var part = key[0] * more;
        high += MultiplyHigh(key[0], more) + (key[1] * more) - (to < from ? key[0] : 0);
        low += part;
        high += low < part ? 1UL : 0;
    }

    /// <summary>The upper half of a product. A multiplication more, but none of its results goes through the memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyHigh(ulong left, ulong right) =>
        Bmi2.X64.IsSupported ? Bmi2.X64.MultiplyNoFlags(left, right) : Math.BigMul(left, right, out _);

    private int* FindStructChanges(int* found)
    {
        var words = _structWords;
        var (from, to) = ((nint)_from.Base, (nint)_machine.Base);
        for (var first = 0; first < words; first += 64)
        {
            var differ = Differ((byte*)from + (first * Word), (byte*)to + (first * Word));
            differ = words - first < 64 ? differ & ((1UL << (words - first)) - 1) : differ;
            for (; differ != 0; differ &= differ - 1)
            {
                *found++ = (first + BitOperations.TrailingZeroCount(differ)) * Word;
            }
        }

        return found;
    }

    private int* FindFiberChanges(int* found, int offset)
    {
        var from = _from.Base + offset;
        var to = _machine.Base + offset;
        int before = ((FiberHead*)from)->Used, after = ((FiberHead*)to)->Used;
        var words = HeadWords + (Math.Min(before, after) / Word);
        for (var first = 0; first < words; first += 16)
        {
            var differ = Differ16(from + (first * Word), to + (first * Word)) & (uint)((1UL << Math.Min(words - first, 16)) - 1);
            for (; differ != 0; differ &= differ - 1)
            {
                *found++ = offset + ((first + BitOperations.TrailingZeroCount(differ)) * Word);
            }
        }

        if (before != after)
        {
            AddFrames(offset + sizeof(FiberHead), before, after);
        }

        return found;
    }

    /// <summary>Frames have come, and need no restoring, or have gone: they count as 0 where they are not.</summary>
    private void AddFrames(int arena, int before, int after)
    {
        for (var at = before; at < after; at += Word)
        {
            var value = *(ulong*)(_machine.Base + arena + at);
            _log[_logged++] = (arena + at, value);
            AddChange(arena + at, 0, value);
        }

        for (var at = after; at < before; at += Word)
        {
            AddChange(arena + at, *(ulong*)(_from.Base + arena + at), 0);
            *(ulong*)(_machine.Base + arena + at) = *(ulong*)(_from.Base + arena + at);
        }
    }

    /// <summary>Which of 64 words differ, a bit each.</summary>
    private static ulong Differ(byte* left, byte* right) =>
        Differ16(left, right)
        | ((ulong)Differ16(left + (16 * Word), right + (16 * Word)) << 16)
        | ((ulong)Differ16(left + (32 * Word), right + (32 * Word)) << 32)
        | ((ulong)Differ16(left + (48 * Word), right + (48 * Word)) << 48);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Differ16(byte* left, byte* right) => Vector512.IsHardwareAccelerated
        ? Differ8(left, right) | (Differ8(left + (8 * Word), right + (8 * Word)) << 8)
        : Differ4(left, right)
            | (Differ4(left + (4 * Word), right + (4 * Word)) << 4)
            | (Differ4(left + (8 * Word), right + (8 * Word)) << 8)
            | (Differ4(left + (12 * Word), right + (12 * Word)) << 12);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Differ8(byte* left, byte* right) =>
        (uint)(~Vector512.Equals(Vector512.Load((ulong*)left), Vector512.Load((ulong*)right))).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Differ4(byte* left, byte* right) =>
        Vector256.Equals(Vector256.Load((ulong*)left), Vector256.Load((ulong*)right)).ExtractMostSignificantBits() ^ 0xf;
}
