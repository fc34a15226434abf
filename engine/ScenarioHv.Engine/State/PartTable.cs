using System.Runtime.CompilerServices;

namespace ScenarioHv.Engine.State;

/// <summary>
/// The contents that one part of a machine has had, each kept once and known by its address. Any number of threads may look and add.
/// </summary>
/// <param name="most">So many are kept.</param>
internal sealed unsafe class PartTable(int most)
{
    private const int AddressBits = 48;
    private const ulong AddressMask = (1UL << AddressBits) - 1;
    private const int FirstChunkBytes = 1 << 12;
    private const int HeadBytes = sizeof(long);
    private const int FirstBits = 6;

    private readonly Lock _adding = new();
    private readonly List<byte[]> _chunks = [];

    // A slot is the address of a content, and of its hash the bits above. There are at least twice as many as contents.
    private ulong[] _slots = new ulong[1 << FirstBits];
    private byte* _room;
    private int _left;
    private int _count;
    private long _bytes;

    /// <summary>Bytes held.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Where a content is kept; it is kept from now on if there is room.</summary>
    /// <param name="content">Its bytes, a multiple of 8.</param>
    /// <param name="length">How many.</param>
    /// <returns>The same bytes, which stay where they are; null if they are not kept.</returns>
    public byte* Find(byte* content, int length)
    {
        var hash = Fingerprint.Of(new ReadOnlySpan<byte>(content, length));
        var found = Find(Volatile.Read(ref _slots), hash, content, length);
        return found != null || Volatile.Read(ref _count) == most ? found : Add(hash, content, length);
    }

    private static byte* Find(ulong[] slots, ulong hash, byte* content, int length)
    {
        for (var slot = First(hash, slots); ; slot = (slot + 1) & (slots.Length - 1))
        {
            var entry = Volatile.Read(ref slots[slot]);
            if (entry == 0)
            {
                return null;
            }

            var kept = (byte*)(entry & AddressMask);
            if (((entry ^ hash) & ~AddressMask) == 0
                && *(long*)(kept - HeadBytes) == length
                && new ReadOnlySpan<byte>(kept, length).SequenceEqual(new ReadOnlySpan<byte>(content, length)))
            {
                return kept;
            }
        }
    }

    private byte* Add(ulong hash, byte* content, int length)
    {
        lock (_adding)
        {
            var kept = Find(_slots, hash, content, length);
            if (kept != null || _count == most)
            {
                return kept;
            }

            if (2 * (_count + 1) > _slots.Length)
            {
                Grow();
            }

            kept = Keep(content, length);
            Set(_slots, hash, kept);
            Volatile.Write(ref _count, _count + 1);
            return kept;
        }
    }

    private byte* Keep(byte* content, int length)
    {
        var bytes = HeadBytes + length;
        if (bytes > _left)
        {
            _left = Math.Max(FirstChunkBytes << Math.Min(_chunks.Count, 4), bytes);
            _chunks.Add(GC.AllocateUninitializedArray<byte>(_left, pinned: true));
            _room = (byte*)Unsafe.AsPointer(ref _chunks[^1][0]);
            Volatile.Write(ref _bytes, _bytes + _left);
        }

        var place = _room + HeadBytes;
        if (((ulong)place & ~AddressMask) != 0)
        {
            throw new InvalidOperationException($"An address of more than {AddressBits} bits.");
        }

        *(long*)_room = length;
        Unsafe.CopyBlockUnaligned(place, content, (uint)length);
        _room += bytes;
        _left -= bytes;
        return place;
    }

    private void Grow()
    {
        var slots = new ulong[2 * _slots.Length];
        foreach (var entry in _slots)
        {
            if (entry != 0)
            {
                var kept = (byte*)(entry & AddressMask);
                Set(slots, Fingerprint.Of(new ReadOnlySpan<byte>(kept, (int)*(long*)(kept - HeadBytes))), kept);
            }
        }

        Volatile.Write(ref _slots, slots);
    }

    private static void Set(ulong[] slots, ulong hash, byte* kept)
    {
        var slot = First(hash, slots);
        while (slots[slot] != 0)
        {
            slot = (slot + 1) & (slots.Length - 1);
        }

        // Whoever finds the address finds what lies there.
        Volatile.Write(ref slots[slot], (hash & ~AddressMask) | (ulong)kept);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int First(ulong hash, ulong[] slots) => (int)hash & (slots.Length - 1);
}
