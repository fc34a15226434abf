using System.Runtime.InteropServices;

namespace ScenarioHv.Witnesses;

/// <summary>The system calls, through the C library. Every one that can fail leaves its errno for the caller.</summary>
internal static partial class LibC
{
    private const string Library = "libc";

    public const int OpenReadWrite = 2;
    public const int OpenCloseOnExec = 0x80000;
    public const int ProtectReadWrite = 3;
    public const int MapShared = 1;
    public const int MapAnonymous = 0x20;
    public const int ErrorNotPermitted = 1;
    public const int ErrorInterrupted = 4;
    public const int BlockSignals = 0;
    public const int SetSignals = 2;
    public const int ClockMonotonic = 1;

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    // An argument that the request does not use is ignored by the kernel.
    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Ioctl(KvmFile file, ulong request, nint argument);

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport(Library, EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nuint length);

    [LibraryImport(Library, EntryPoint = "gettid")]
    public static partial int ThreadId();

    [LibraryImport(Library, EntryPoint = "getpid")]
    public static partial int ProcessId();

    [LibraryImport(Library, EntryPoint = "tgkill", SetLastError = true)]
    public static partial int SignalThread(int process, int thread, int signal);

    // The sets are the C library's sigset_t.
    [LibraryImport(Library, EntryPoint = "pthread_sigmask")]
    public static partial int MaskSignals(int how, in SignalSet set, out SignalSet old);

    [LibraryImport(Library, EntryPoint = "sigtimedwait", SetLastError = true)]
    public static partial int TakeSignal(in SignalSet set, nint information, in TimeSpec patience);

    [LibraryImport(Library, EntryPoint = "timer_create", SetLastError = true)]
    public static partial int CreateTimer(int clock, in SignalEvent what, out nint timer);

    [LibraryImport(Library, EntryPoint = "timer_settime", SetLastError = true)]
    public static partial int SetTimer(nint timer, int flags, in TimerValue value, nint old);

    [LibraryImport(Library, EntryPoint = "timer_delete", SetLastError = true)]
    public static partial int DeleteTimer(nint timer);
}

/// <summary>The C library's <c>sigset_t</c>: bit n - 1 of the first word is signal n, of 1..64.</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal struct SignalSet
{
    public ulong Signals;

    public static SignalSet Of(int signal) => new() { Signals = 1ul << (signal - 1) };
}

/// <summary><c>struct timespec</c>.</summary>
internal struct TimeSpec
{
    public long Seconds;
    public long Nanoseconds;
}

/// <summary><c>struct itimerspec</c>.</summary>
internal struct TimerValue
{
    public TimeSpec Interval;
    public TimeSpec First;
}

/// <summary><c>struct sigevent</c> as it names a thread.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct SignalEvent
{
    public const int ToThread = 4;

    public nint Value;
    public int Signal;
    public int Notify;
    public int Thread;
}
