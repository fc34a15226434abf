using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
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

    private readonly PackedState _packed;
    private readonly MachineLayout _layout;
    private readonly Machine _from;
    private readonly Machine _machine;
    private readonly int[] _fibers;
    private readonly ulong[] _memory;
    private readonly ulong* _keys;
    private readonly ulong* _mask;
    private readonly int* _changed;
    private readonly byte[] _bytes;
    private readonly int _structWords;
    private int _changes;
    private int _length;
    private bool _isAstray;
    private ulong _low, _high;
    private ulong _stepLow, _stepHigh;

    /// <summary>Creates the machines, both in the first state of the sample.</summary>
    /// <param name="sample">What is known of the states.</param>
    public SteppedState(StateSample sample)
    {
        _packed = new PackedState(sample);
        _layout = sample.First.Layout;
        _from = sample.First.Fork();
        _machine = sample.First.Fork();
        _fibers = [.. _layout.Fibers.Select(fiber => fiber.Slot.Offset)];
        _structWords = sample.Normal.StructBytes / Word;
        var words = _layout.Size / Word;
        _memory = GC.AllocateArray<ulong>((4 * words) + 1, pinned: true);
        _keys = (ulong*)Unsafe.AsPointer(ref _memory[0]);
        _mask = _keys + (2 * words);
        _changed = (int*)(_mask + words);
        MakeKeys(new Span<ulong>(_keys, 2 * words));
        MemoryMarshal.Cast<byte, ulong>(sample.Mask).CopyTo(new Span<ulong>(_mask, words));
        foreach (var (_, slot) in _layout.Fibers)
        {
            new Span<ulong>(_mask + ((slot.Offset + sizeof(FiberHead)) / Word), slot.Arena / Word).Fill(ulong.MaxValue);
        }

        _bytes = new byte[SumBytes + _packed.MaxBytes];
        Restart();
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
                _length = SumBytes + _packed.Pack(_machine, _bytes.AsSpan(SumBytes));
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
        _packed.Unpack(state[SumBytes..], _from);
        _isAstray = true;
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
    }

    /// <summary>The machine has taken its step.</summary>
    /// <returns>The fingerprint of its state. Equal states have equal fingerprints; the converse is only probable.</returns>
    public ulong Stepped()
    {
        _packed.Cut(_machine);
        (_stepLow, _stepHigh) = (_low, _high);
        var found = FindChanges(_changed, 0, _structWords);
        foreach (var offset in _fibers)
        {
            found = FindFiberChanges(found, offset);
        }

        _changes = (int)(found - _changed);
        for (var i = 0; i < _changes; i++)
        {
            var at = _changed[i];
            AddChange(at, *(ulong*)(_from.Base + at), *(ulong*)(_machine.Base + at));
        }

        _length = 0;
        _isAstray = false;
        return _stepHigh;
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

    /// <summary>The sum of the state in which both machines are.</summary>
    private void Restart()
    {
        (_stepLow, _stepHigh) = (0, 0);
        for (var at = 0; at < _structWords * Word; at += Word)
        {
            AddChange(at, 0, *(ulong*)(_from.Base + at));
        }

        foreach (var offset in _fibers)
        {
            var end = offset + sizeof(FiberHead) + ((FiberHead*)(_from.Base + offset))->Used;
            for (var at = offset; at < end; at += Word)
            {
                AddChange(at, 0, *(ulong*)(_from.Base + at));
            }
        }

        (_low, _high) = (_stepLow, _stepHigh);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddChange(int at, ulong from, ulong to)
    {
        var mask = *(ulong*)((byte*)_mask + at);
        from &= mask;
        to &= mask;
        var key = (ulong*)((byte*)_keys + (2 * at));
        var high = Math.BigMul(key[0], to - from, out var low);
        high += key[1] * (to - from);
        high -= to < from ? key[0] : 0;
        _stepLow += low;
        _stepHigh += high + (_stepLow < low ? 1UL : 0);
    }

    private int* FindFiberChanges(int* found, int offset)
    {
        int before = ((FiberHead*)(_from.Base + offset))->Used, after = ((FiberHead*)(_machine.Base + offset))->Used;
        found = FindChanges(found, offset, HeadWords + (Math.Min(before, after) / Word));
        return before == after ? found : FindFrames(found, offset + sizeof(FiberHead), before, after);
    }

    /// <summary>Frames have come or gone: they count as 0 where they are not. What has come needs no restoring.</summary>
    private int* FindFrames(int* found, int arena, int before, int after)
    {
        for (var at = before; at < after; at += Word)
        {
            AddChange(arena + at, 0, *(ulong*)(_machine.Base + arena + at));
        }

        for (var at = after; at < before; at += Word)
        {
            AddChange(arena + at, *(ulong*)(_from.Base + arena + at), 0);
            *(ulong*)(_machine.Base + arena + at) = *(ulong*)(_from.Base + arena + at);
        }

        return found;
    }

    /// <summary>Lists the offsets of words that differ.</summary>
    private int* FindChanges(int* found, int offset, int words)
    {
        var from = _from.Base + offset;
        var to = _machine.Base + offset;
        for (var first = 0; first < words; first += 64)
        {
            var count = Math.Min(64, words - first);
            ulong differ = 0;
            for (var i = 0; i < count; i += 4)
            {
                var same = Vector256.Equals(Vector256.Load((ulong*)from + first + i), Vector256.Load((ulong*)to + first + i));
                differ |= (ulong)(same.ExtractMostSignificantBits() ^ 0xf) << i;
            }

            for (differ &= ulong.MaxValue >> (64 - count); differ != 0; differ &= differ - 1)
            {
                *found++ = offset + ((first + BitOperations.TrailingZeroCount(differ)) * Word);
            }
        }

        return found;
    }
}
