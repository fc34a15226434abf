using System.Runtime.InteropServices;

namespace ScenarioHv.Exploration.Search;

/// <summary>Takes memory that the garbage collector does not see, and knows how much of it is held. Safe for several threads.</summary>
internal sealed unsafe partial class MemoryMeter
{
    private const int HugePage = 1 << 21;
    private const int AdviseHugePages = 14;

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

    /// <summary>Memory for what is looked up all over: a power of two of bytes, on huge pages if it fills them.</summary>
    public void* TakeScattered(long bytes)
    {
        var memory = NativeMemory.AlignedAlloc((nuint)bytes, (nuint)Math.Min(bytes, HugePage));
        PreferHugePages(memory, bytes);
        return Counted(bytes, memory);
    }

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

    /// <summary>Gives memory of <see cref="TakeAligned"/> or <see cref="TakeScattered"/> back.</summary>
    public void GiveAligned(void* memory, long bytes)
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

    /// <summary>
    /// A table of many megabytes has more pages of 4 KiB than the processor keeps translations of, so that nearly every look at it costs a
    /// walk through the page tables besides. Linux gives pages of 2 MiB to whom asks; elsewhere, and where it has none, nothing changes.
    /// </summary>
    private static void PreferHugePages(void* memory, long bytes)
    {
        if (bytes >= HugePage && OperatingSystem.IsLinux())
        {
            _ = Advise(memory, (nuint)bytes, AdviseHugePages);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* memory, nuint bytes, int advice);
}
