using System.Runtime.InteropServices;
using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses;

/// <summary>
/// Gets a thread out of KVM_RUN. The signal is SIGURG, whose usual action is to do nothing: it is blocked in the thread and let through
/// in KVM_RUN alone (KVM_SET_SIGNAL_MASK), which it ends. No handler ever runs, and what the process does with signals is not changed.
/// </summary>
internal sealed class RunTimer : IDisposable
{
    /// <summary>SIGURG.</summary>
    public const int Signal = 23;

    private const int MillisecondsPerSecond = 1000;
    private const long NanosecondsPerMillisecond = 1_000_000;
    private const int Period = 100;

    private int thread;
    private nint timer;

    /// <summary>Blocks the signal in this thread. The timer is this thread's from now on.</summary>
    /// <returns>What <see cref="Leave"/> restores.</returns>
    /// <exception cref="WitnessException">The kernel gives no timer.</exception>
    public SignalSet Enter()
    {
        LibC.MaskSignals(LibC.BlockSignals, SignalSet.Of(Signal), out SignalSet old);
        int current = LibC.ThreadId();
        if (current != thread)
        {
            Release();
            var what = new SignalEvent { Signal = Signal, Notify = SignalEvent.ToThread, Thread = current };
            if (LibC.CreateTimer(LibC.ClockMonotonic, what, out timer) != 0)
                throw new WitnessException($"timer_create failed: {Marshal.GetLastPInvokeErrorMessage()}");
            thread = current;
        }

        return old;
    }

    /// <summary>Sends the signal so many milliseconds from now, and again every 100 ms.</summary>
    public void Start(int milliseconds) =>
        Set(milliseconds / MillisecondsPerSecond, milliseconds % MillisecondsPerSecond * NanosecondsPerMillisecond);

    /// <summary>Sends the signal at once: the next KVM_RUN ends before the guest executes.</summary>
    public void Raise() => _ = LibC.SignalThread(LibC.ProcessId(), thread, Signal);

    /// <summary>Takes a signal that is pending.</summary>
    public static void Clear() => _ = LibC.TakeSignal(SignalSet.Of(Signal), 0, default);

    /// <summary>Stops the timer and restores the thread's signals.</summary>
    public void Leave(SignalSet old)
    {
        Set(0, 0);
        Clear();
        LibC.MaskSignals(LibC.SetSignals, old, out _);
    }

    public void Dispose() => Release();

    private void Set(long seconds, long nanoseconds)
    {
        var value = new TimerValue
        {
            Interval = new TimeSpec { Nanoseconds = Period * NanosecondsPerMillisecond },
            First = new TimeSpec { Seconds = seconds, Nanoseconds = nanoseconds },
        };
        _ = LibC.SetTimer(timer, 0, value, 0);
    }

    private void Release()
    {
        if (thread != 0)
            _ = LibC.DeleteTimer(timer);
        thread = 0;
    }
}
