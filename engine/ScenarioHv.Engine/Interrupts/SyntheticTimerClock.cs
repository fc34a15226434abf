using System.Runtime.InteropServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// The partition's reference counter (MSR 40000020h): units of 100 ns, counted from the TSC with integers (TLFS timers). At cycle c it is
/// floor(c × 10⁷ / TscHz) plus what it was at cycle 0. Configuration of the machine; it must stay the same while a timer runs.
/// </summary>
/// <remarks>
/// Who lets a guest read the counter, or starts a timer by it, reads the machine's clock and has to record that
/// (<see cref="State.MachineClock"/>).
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly struct SyntheticTimerClock
{
    /// <summary>The reference counter's MSR; a write is #GP.</summary>
    public const uint TimeRefCountMsr = 0x4000_0020;

    /// <summary>Units per second.</summary>
    public const long UnitsPerSecond = 10_000_000;

    /// <summary>The smallest TSC frequency: one cycle per unit, so that each count has a cycle of its own.</summary>
    public const long MinTscHz = UnitsPerSecond;

    /// <summary>Creates the clock.</summary>
    /// <param name="tscHz">TSC cycles per second, <see cref="MinTscHz"/> to <see cref="LocalApicTimerClock.MaxHz"/>.</param>
    /// <param name="countAtCycleZero">The counter at cycle 0: 0 if the partition was created then, at most 2⁶² − 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of range.</exception>
    public SyntheticTimerClock(long tscHz, ulong countAtCycleZero = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tscHz, MinTscHz);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tscHz, LocalApicTimerClock.MaxHz);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(countAtCycleZero, 1UL << 62);
        TscHz = tscHz;
        CountAtCycleZero = countAtCycleZero;
    }

    /// <summary>TSC cycles per second.</summary>
    public long TscHz { get; }

    /// <summary>The counter at cycle 0.</summary>
    public ulong CountAtCycleZero { get; }

    /// <summary>The reference counter at a moment.</summary>
    /// <param name="instant">The moment; not <see cref="Instant.Never"/>.</param>
    public ulong CountAt(Instant instant) =>
        CountAtCycleZero + (ulong)((UInt128)(ulong)instant.Cycle * (ulong)UnitsPerSecond / (ulong)TscHz);

    /// <summary>
    /// The first moment at which the counter is at least <paramref name="count"/>: cycle 0 if it always was, <see cref="Instant.Never"/>
    /// if the machine's time does not reach it. <see cref="CountAt"/> of the result is <paramref name="count"/> again.
    /// </summary>
    /// <param name="count">A value of the counter, or beyond its 64 bits.</param>
    public Instant FirstInstantOf(UInt128 count)
    {
        if (count <= CountAtCycleZero)
            return new Instant(0);
        UInt128 units = count - CountAtCycleZero;
        if (units >= (UInt128)1 << 66)
            return Instant.Never;
        UInt128 cycles = (units * (ulong)TscHz + (ulong)(UnitsPerSecond - 1)) / (ulong)UnitsPerSecond;
        return cycles >= long.MaxValue ? Instant.Never : new Instant((long)cycles);
    }
}
