using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace ScenarioHv.Exploration.Search;

/// <summary>
/// The states seen so far: a fingerprint for each, by number, and a table that finds the number of a fingerprint. A slot of the table is a
/// state's number plus one in its low bits and, in as many bits as that leaves, some of the fingerprint, so that hardly a look at a slot
/// of another state goes on to that state's fingerprint. Slots are probed one after the other.
/// </summary>
internal sealed unsafe class VisitedStates
{
    /// <summary>The most states: the table is four fifths full with them, and their numbers still fit.</summary>
    public const int MostStates = 1_700_000_000;

    private const int FirstBits = 12;
    private const int MostBits = 31;
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;

    private readonly MemoryMeter _meter;
    private uint* _table;
    private int _bits;
    private Alone _count;

    public VisitedStates(MemoryMeter meter)
    {
        _meter = meter;
        Fingerprints = new NativeWords(meter);
        Resize(FirstBits);
    }

    /// <summary>The fingerprints by number.</summary>
    public NativeWords Fingerprints { get; }

    /// <summary>How many states there are.</summary>
    public int Count => Volatile.Read(ref _count.Value);

    /// <summary>Numbers below this one have room.</summary>
    public int Capacity { get; private set; }

    /// <summary>True when so many states are here that <see cref="Grow"/> must come before the next one.</summary>
    public bool IsFull => Count >= Capacity;

    /// <summary>True if it cannot grow any more.</summary>
    public bool IsAtItsMost => _bits == MostBits;

    /// <summary>Bytes that growing would add, for the time being.</summary>
    public long GrowthBytes => (long)sizeof(uint) << _bits;

    /// <summary>Numbers are below this one as long as <see cref="Grow"/> does not come.</summary>
    public long MostNumbers => 1L << _bits;

    private uint NumberMask => (1u << _bits) - 1;

    /// <summary>Finds a state, or adds it with the next number. For one thread alone.</summary>
    /// <returns>Its number, which is the old <see cref="Count"/> if it is new.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Add(ulong fingerprint)
    {
        var product = fingerprint * Golden;
        var mask = NumberMask;
        var tag = (uint)((product << _bits) >> 32) & ~mask;
        for (var slot = (uint)(product >> (64 - _bits)); ; slot = (slot + 1) & mask)
        {
            var entry = _table[slot];
            if (entry == 0)
            {
                var number = _count.Value++;
                Fingerprints.Set(number, fingerprint);
                _table[slot] = tag | (uint)(number + 1);
                return number;
            }

            if ((entry & ~mask) == tag && Fingerprints.Get((int)(entry & mask) - 1) == fingerprint)
            {
                return (int)(entry & mask) - 1;
            }
        }
    }

    /// <summary>Tells the memory that a fingerprint will be looked for: its slot is wanted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchSlot(ulong fingerprint)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(_table + (fingerprint * Golden >> (64 - _bits)));
        }
    }

    /// <summary>The same one moment later, when the slot is there: the fingerprint to which it points is wanted next.</summary>
    /// <returns>The number of the state that it very probably is; -1 if it is not known, or not known well enough.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Guess(ulong fingerprint)
    {
        var product = fingerprint * Golden;
        var mask = NumberMask;
        var tag = (uint)((product << _bits) >> 32) & ~mask;
        for (var slot = (uint)(product >> (64 - _bits)); Volatile.Read(ref _table[slot]) is var entry and not 0; slot = (slot + 1) & mask)
        {
            if ((entry & ~mask) == tag)
            {
                // A number of all ones is on the way into the table.
                var number = (entry & mask) == mask ? -1 : (int)(entry & mask) - 1;
                if (number >= 0)
                {
                    Fingerprints.Prefetch(number);
                }

                return number;
            }
        }

        return -1;
    }

    /// <summary>Finds a state, or adds it, while other threads do the same.</summary>
    /// <param name="fingerprint">The state's fingerprint.</param>
    /// <param name="isNew">True if this call has added it.</param>
    /// <returns>Its number.</returns>
    public int AddShared(ulong fingerprint, out bool isNew)
    {
        var product = fingerprint * Golden;
        var mask = NumberMask;
        var tag = (uint)((product << _bits) >> 32) & ~mask;
        var slot = (uint)(product >> (64 - _bits));
        var spin = new SpinWait();
        while (true)
        {
            var entry = Volatile.Read(ref _table[slot]);
            if (entry == 0)
            {
                // A number of all ones is nobody's: it says that the slot is taken and its number is on the way.
                if (Interlocked.CompareExchange(ref _table[slot], tag | mask, 0) != 0)
                {
                    continue;
                }

                var number = Interlocked.Increment(ref _count.Value) - 1;
                Fingerprints.Set(number, fingerprint);
                Volatile.Write(ref _table[slot], tag | (uint)(number + 1));
                isNew = true;
                return number;
            }

            if ((entry & ~mask) == tag)
            {
                if ((entry & mask) == mask)
                {
                    spin.SpinOnce(sleep1Threshold: -1);
                    continue;
                }

                if (Fingerprints.Get((int)(entry & mask) - 1) == fingerprint)
                {
                    isNew = false;
                    return (int)(entry & mask) - 1;
                }
            }

            slot = (slot + 1) & mask;
        }
    }

    /// <summary>Doubles the table. Nobody else may be here.</summary>
    public void Grow()
    {
        if (IsAtItsMost)
        {
            throw new InvalidOperationException("No more states can be kept.");
        }

        Resize(_bits + 1);
    }

    /// <summary>Takes room that is left in the table, at the cost of speed, so that growing can wait. Nobody else may be here.</summary>
    /// <returns>False if that was done already.</returns>
    public bool Stretch()
    {
        var most = (int)(MostNumbers / 16 * 15);
        var isDone = Capacity == most;
        Capacity = most;
        return !isDone;
    }

    /// <summary>Gives the table back; the fingerprints stay, and nothing can be added any more.</summary>
    public void FreeTable()
    {
        if (_table != null)
        {
            _meter.GiveAligned(_table, (long)sizeof(uint) << _bits);
            _table = null;
        }
    }

    private void Resize(int bits)
    {
        // The fingerprints are enough to fill a table: the old one can go before the new one comes.
        FreeTable();
        _bits = bits;
        _table = (uint*)_meter.TakeScattered((long)sizeof(uint) << bits);
        NativeMemory.Clear(_table, (nuint)sizeof(uint) << bits);
        Capacity = bits == MostBits ? MostStates : (int)((1L << bits) * 2 / 3);
        Fingerprints.Reserve(MostNumbers);
        var mask = NumberMask;
        for (var number = 0; number < _count.Value; number++)
        {
            var product = Fingerprints.Get(number) * Golden;
            var slot = (uint)(product >> (64 - bits));
            while (_table[slot] != 0)
            {
                slot = (slot + 1) & mask;
            }

            _table[slot] = ((uint)((product << bits) >> 32) & ~mask) | (uint)(number + 1);
        }
    }

    /// <summary>A number that all threads write has its cache lines alone, so that reading what lies beside it waits for nobody.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Alone
    {
        [FieldOffset(128)]
        public int Value;
    }
}
