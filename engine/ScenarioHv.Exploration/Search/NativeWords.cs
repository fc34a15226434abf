using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ScenarioHv.Exploration.Search;

/// <summary>
/// Words by number, in pages that come when they are first written and never move. Several threads may write, each word once;
/// <see cref="Reserve"/>, <see cref="ReleaseBelow"/> and <see cref="Free"/> only while nobody else is here.
/// </summary>
internal sealed unsafe class NativeWords(MemoryMeter meter)
{
    private const int PageBits = 14;
    private const int PageBytes = sizeof(ulong) << PageBits;
    private const int PageMask = (1 << PageBits) - 1;

    // Behind the first pages, which are enough for most, come sixteen at a time, to lie on a huge page together.
    private const int SinglePages = 32;
    private const int BlockPages = 16;

    private readonly Stack<nint> _spare = new();
    private readonly List<(nint Memory, int Bytes)> _blocks = [];
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

    /// <summary>Tells the memory that a word will be read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(int number)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(&_pages[number >> PageBits][number & PageMask]);
        }
    }

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
        foreach (var (block, bytes) in _blocks)
        {
            meter.GiveAligned((void*)block, bytes);
        }

        _blocks.Clear();
        _spare.Clear();
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
                if (_spare.Count == 0)
                {
                    TakeBlock(_blocks.Count < SinglePages ? 1 : BlockPages);
                }

                Volatile.Write(ref *(nint*)&_pages[index], _spare.Pop());
            }

            return _pages[index];
        }
    }

    private void TakeBlock(int pages)
    {
        var bytes = pages * PageBytes;
        var block = (nint)meter.TakeScattered(bytes);
        _blocks.Add((block, bytes));
        for (var page = pages - 1; page >= 0; page--)
        {
            _spare.Push(block + (page * PageBytes));
        }
    }
}
