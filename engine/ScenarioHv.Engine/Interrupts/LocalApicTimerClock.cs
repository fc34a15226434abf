using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// The two clocks of a local APIC timer: it counts ticks of the bus (or crystal) clock, and the machine's time is TSC cycles (SDM3 10.5.4).
/// It is configuration of the machine and must stay the same while a timer runs. The default value is no clock.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct LocalApicTimerClock
{
    /// <summary>The largest frequency either clock may have: 2⁴⁰ Hz.</summary>
    public const long MaxHz = 1L << 40;

    /// <summary>TSC cycles per bus tick stay below this, so that the longest count, 2³² × 128 ticks, fits an <c>Instant</c>.</summary>
    public const long MaxRatio = 1L << 20;

    /// <summary>Creates the pair of clocks.</summary>
    /// <param name="tscHz">TSC frequency in Hz, 1..<see cref="MaxHz"/>.</param>
    /// <param name="busHz">The timer's base clock in Hz, before the divider, 1..<see cref="MaxHz"/>. KVM's default is 10⁹.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A frequency is out of range, or the TSC is <see cref="MaxRatio"/> times the bus clock or more.
    /// </exception>
    public LocalApicTimerClock(long tscHz, long busHz)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tscHz, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(busHz, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tscHz, MaxHz);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(busHz, MaxHz);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(tscHz / busHz, MaxRatio, nameof(tscHz));
        TscHz = tscHz;
        BusHz = busHz;
    }

    /// <summary>TSC cycles per second.</summary>
    public long TscHz { get; }

    /// <summary>Ticks of the timer's base clock per second, before the divider.</summary>
    public long BusHz { get; }
}
