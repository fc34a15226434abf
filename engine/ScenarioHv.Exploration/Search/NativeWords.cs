using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ScenarioHv.Exploration.Search;

/// <summary>Takes memory that the garbage collector does not see, and knows how much of it is held. Safe for several threads.</summary>
internal sealed unsafe class MemoryMeter
{
    private long _bytes;
    private long _peak;

    /// <summary>Bytes held.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>The most bytes that were ever held.</summary>
    public long Peak => Volatile.Read(ref _peak);

    /// <summary>Memory with anything in it.</summary>
    public void* Take(long bytes) => Counted(bytes, NativeMemory.Alloc((nuint)bytes));

    /// <summary>Memory full of zeros.</summary>
    public void* TakeZeroed(long bytes) => Counted(bytes, NativeMemory.AllocZeroed((nuint)bytes));

    /// <summary>
    /// Memory at an address that is a multiple of its own size, which is a power of two. It goes back by <see cref="GiveAligned"/>.
    /// </summary>
    public void* TakeAligned(int bytes) => Counted(bytes, NativeMemory.AlignedAlloc((nuint)bytes, (nuint)bytes));

    /// <summary>Gives memory of <see cref="Take"/> or <see cref="TakeZeroed"/> back.</summary>
    public void Give(void* memory, long bytes)
    {
        NativeMemory.Free(memory);
        Interlocked.Add(ref _bytes, -bytes);
    }

    /// <summary>Gives memory of <see cref="TakeAligned"/> back.</summary>
    public void GiveAligned(void* memory, int bytes)
    {
        NativeMemory.AlignedFree(memory);
        Interlocked.Add(ref _bytes, -bytes);
    }

    private void* Counted(long bytes, void* memory)
    {
        var now = Interlocked.Add(ref _bytes, bytes);
        for (var peak = Peak; now > peak; peak = Peak)
        {
            Interlocked.CompareExchange(ref _peak, now, peak);
        }

        return memory;
    }
}

/// <summary>
/// Words by number, in pages that come when they are first written and never move. Several threads may write, each word once;
/// <see cref="Reserve"/>, <see cref="ReleaseBelow"/> and <see cref="Free"/> only while nobody else is here.
/// </summary>
internal sealed unsafe class NativeWords(MemoryMeter meter)
{
    private const int PageBits = 14;
    private const int PageBytes = sizeof(ulong) << PageBits;
    private const int PageMask = (1 << PageBits) - 1;

    private readonly Stack<nint> _spare = new();
    private ulong** _pages;
    private int _length;
    private int _released;

    /// <summary>Makes room for the numbers below <paramref name="numbers"/>: that they have room is a condition of writing them.</summary>
    public void Reserve(long numbers)
    {
        var length = (int)((numbers + PageMask) >> PageBits);
        if (length <= _length)
        {
            return;
        }

        var pages = (ulong**)meter.TakeZeroed((long)length * sizeof(ulong*));
        Unsafe.CopyBlockUnaligned(pages, _pages, (uint)(_length * sizeof(ulong*)));
        meter.Give(_pages, (long)_length * sizeof(ulong*));
        _pages = pages;
        _length = length;
    }

    /// <summary>Reads a word that was written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Get(int number) => _pages[number >> PageBits][number & PageMask];

    /// <summary>Writes a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Set(int number, ulong word)
    {
        var page = _pages[number >> PageBits];
        if (page == null)
        {
            page = TakePage(number >> PageBits);
        }

        page[number & PageMask] = word;
    }

    /// <summary>The words below a number are not wanted any more: whole pages of them are used again.</summary>
    public void ReleaseBelow(int number)
    {
        for (; _released < number >> PageBits; _released++)
        {
            _spare.Push((nint)_pages[_released]);
            _pages[_released] = null;
        }
    }

    /// <summary>Gives everything back.</summary>
    public void Free()
    {
        for (var page = _released; page < _length; page++)
        {
            if (_pages[page] != null)
            {
                meter.Give(_pages[page], PageBytes);
            }
        }

        while (_spare.TryPop(out var page))
        {
            meter.Give((void*)page, PageBytes);
        }

        meter.Give(_pages, (long)_length * sizeof(ulong*));
        _pages = null;
        _length = _released = 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong* TakePage(int index)
    {
        lock (_spare)
        {
            if (_pages[index] == null)
            {
                var page = (ulong*)(_spare.TryPop(out var spare) ? (void*)spare : meter.Take(PageBytes));
                Volatile.Write(ref *(nint*)&_pages[index], (nint)page);
            }

            return _pages[index];
        }
    }
}
