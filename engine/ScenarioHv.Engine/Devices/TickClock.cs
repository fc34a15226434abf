using System.Runtime.InteropServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Devices;

/// <summary>
/// A moment that need not fall on a TSC cycle: <see cref="Cycle"/> is the first cycle not before it, and <see cref="Excess"/> says by how
/// much that is later, in cycles / denominator of the <see cref="TickClock"/> it was made by.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct TickInstant
{
    /// <summary>The first cycle at which the moment has come; <see cref="Instant.Never"/> if it never does.</summary>
    public Instant Cycle;

    /// <summary>0 to denominator − 1; 0 for <see cref="Instant.Never"/>.</summary>
    public long Excess;

    /// <summary>Creates the moment exactly at a cycle.</summary>
    /// <param name="cycle">The cycle.</param>
    public TickInstant(Instant cycle)
    {
        Cycle = cycle;
        Excess = 0;
    }

    /// <summary>Not armed.</summary>
    public static TickInstant Never => new(Instant.Never);
}

/// <summary>
/// A device's clock beside the TSC: one tick is <see cref="Numerator"/> / <see cref="Denominator"/> cycles. Configuration of the machine,
/// not state. All arithmetic is in integers; nothing is rounded between one moment and the next, so nothing drifts.
/// </summary>
public readonly struct TickClock
{
    /// <summary>The clock of the 8254: 1193182 Hz (KVM i8254.h KVM_PIT_FREQ).</summary>
    public const long PitHz = 1_193_182;

    /// <summary>The crystal of the RTC.</summary>
    public const long RtcHz = 32_768;

    /// <summary>Femtoseconds in a second: the unit of an HPET's period.</summary>
    public const long FemtosecondsPerSecond = 1_000_000_000_000_000;

    /// <summary>The longest period an HPET may have, in femtoseconds (HPET 1.0a).</summary>
    public const long HpetMaxPeriod = 100_000_000;

    /// <summary>The largest TSC frequency: 2⁴⁰ Hz.</summary>
    public const long MaxTscHz = 1L << 40;

    private TickClock(Int128 numerator, long denominator)
    {
        Numerator = numerator;
        Denominator = denominator;
    }

    /// <summary>Numerator of the cycles per tick.</summary>
    public Int128 Numerator { get; }

    /// <summary>Denominator of the cycles per tick.</summary>
    public long Denominator { get; }

    /// <summary>The clock of a device that runs at a whole number of Hz.</summary>
    /// <param name="tscHz">TSC frequency, 1 to <see cref="MaxTscHz"/>.</param>
    /// <param name="deviceHz">The device's frequency: <see cref="PitHz"/>, <see cref="RtcHz"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A frequency is out of range.</exception>
    public static TickClock OfFrequency(long tscHz, long deviceHz)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tscHz, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tscHz, MaxTscHz);
        ArgumentOutOfRangeException.ThrowIfLessThan(deviceHz, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(deviceHz, MaxTscHz);
        return new TickClock(tscHz, deviceHz);
    }

    /// <summary>The clock of an HPET, which announces its period.</summary>
    /// <param name="tscHz">TSC frequency, 1 to <see cref="MaxTscHz"/>.</param>
    /// <param name="femtoseconds">The period, 1 to <see cref="HpetMaxPeriod"/> (10000000 is 100 MHz; ICH: 69841279).</param>
    /// <exception cref="ArgumentOutOfRangeException">Frequency or period is out of range.</exception>
    public static TickClock OfPeriod(long tscHz, long femtoseconds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tscHz, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tscHz, MaxTscHz);
        ArgumentOutOfRangeException.ThrowIfLessThan(femtoseconds, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(femtoseconds, HpetMaxPeriod);
        return new TickClock((Int128)tscHz * femtoseconds, FemtosecondsPerSecond);
    }

    /// <summary>
    /// The moment a number of ticks later, or earlier; a moment beyond the end of time is <see cref="TickInstant.Never"/>.
    /// </summary>
    /// <param name="from">The moment to count from.</param>
    /// <param name="ticks">Ticks of this clock, −2⁶⁴ to 2⁶⁴.</param>
    public TickInstant Add(TickInstant from, Int128 ticks)
    {
        if (from.Cycle.IsNever)
            return from;
        // 2^64 ticks of at most 2^67 units would not fit: whole numerators and the rest are converted apart.
        Int128 wholeCycles = ticks / Denominator * Numerator;
        Int128 rest = ticks % Denominator * Numerator - from.Excess;
        Int128 cycles = CeilingDivide(rest, Denominator);
        Int128 cycle = from.Cycle.Cycle + wholeCycles + cycles;
        return cycle >= long.MaxValue
            ? TickInstant.Never
            : new TickInstant { Cycle = new Instant((long)cycle), Excess = (long)(cycles * Denominator - rest) };
    }

    /// <summary>Ticks from <paramref name="now"/> to <paramref name="due"/>, rounded up; 0 or less if that is not in the future.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="due">An armed moment.</param>
    public Int128 TicksUntil(Instant now, TickInstant due) =>
        CeilingDivide((Int128)(due.Cycle - now) * Denominator - due.Excess, Numerator);

    private static Int128 CeilingDivide(Int128 dividend, Int128 divisor)
    {
        Int128 quotient = dividend / divisor;
        return dividend % divisor > 0 ? quotient + 1 : quotient;
    }
}
