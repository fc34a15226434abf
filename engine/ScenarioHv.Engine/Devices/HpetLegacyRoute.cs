using System.Runtime.InteropServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Devices;

/// <summary>One HPET timer as a source of interrupts (HPET 1.0a).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HpetTimer
{
    /// <summary>Configuration bit 1: level-triggered.</summary>
    public const byte LevelBit = 0x02;

    /// <summary>Configuration bit 2: the timer interrupts.</summary>
    public const byte InterruptEnable = 0x04;

    /// <summary>Configuration bit 3: periodic.</summary>
    public const byte PeriodicBit = 0x08;

    /// <summary>The comparator: the main counter value of the next match.</summary>
    public ulong Comparator;

    /// <summary>Periodic: what is added to the comparator at each match; 0 gives none.</summary>
    public ulong Period;

    /// <summary>Bits 3:1 of the configuration; the others are not modelled.</summary>
    public byte Configuration;

    /// <summary>1 while the general interrupt status bit of a level-triggered timer is set: its line is high.</summary>
    public byte Status;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved1;
}

/// <summary>What reached its comparator: bit 0 timer 0 (IRQ0), bit 1 timer 1 (IRQ8).</summary>
[Flags]
public enum HpetEvents : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Timer 0.</summary>
    Timer0 = 1,

    /// <summary>Timer 1.</summary>
    Timer1 = 2,
}

/// <summary>
/// The HPET as far as it replaces the legacy interrupt sources (HPET 1.0a, legacy replacement): with ENABLE_CNF and LEG_RT_CNF set,
/// timer 0 is IRQ0 of the 8259 and pin 2 of the I/O APIC, timer 1 is IRQ8 of both, and PIT and RTC reach neither.
/// </summary>
/// <remarks>
/// The main counter is 64 bits wide; guests read it, so states that differ in it are different states. The caller calls
/// <see cref="Advance"/> at <see cref="NextEvent"/> and before any other operation.
/// Not modelled: the register window, timers from 2 on, routing fields and FSB delivery (without LEG_RT_CNF nothing here interrupts),
/// 32-bit mode, the accumulator-set bit (<see cref="HpetTimer.Comparator"/> and <see cref="HpetTimer.Period"/> are set apart),
/// a match by wrap-around of a comparator more than 2⁶³ ticks ahead, which counts as passed.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct HpetLegacyRoute
{
    /// <summary>General configuration bit 0, ENABLE_CNF: the main counter runs and timers interrupt.</summary>
    public const byte EnableBit = 0x01;

    /// <summary>General configuration bit 1, LEG_RT_CNF: legacy replacement.</summary>
    public const byte LegacyBit = 0x02;

    /// <summary>The I/O APIC pin of timer 0.</summary>
    public const int Timer0Pin = 2;

    /// <summary>The I/O APIC pin of timer 1.</summary>
    public const int Timer1Pin = 8;

    /// <summary>While the counter runs: the moment of its next tick; else <see cref="Instant.Never"/>.</summary>
    public TickInstant NextTick;

    /// <summary>The main counter, while it stands; while it runs, its value before <see cref="NextTick"/>.</summary>
    public ulong Counter;

    /// <summary>Timer 0: IRQ0.</summary>
    public HpetTimer Timer0;

    /// <summary>Timer 1: IRQ8.</summary>
    public HpetTimer Timer1;

    /// <summary>General configuration, bits 1:0.</summary>
    public byte Configuration;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved1;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved2;

    /// <summary>True if IRQ0 and IRQ8 are the HPET's, and no longer those of PIT and RTC.</summary>
    public readonly bool ReplacesLegacy => (Configuration & (EnableBit | LegacyBit)) == (EnableBit | LegacyBit);

    private readonly bool Runs => (Configuration & EnableBit) != 0;

    /// <summary>After reset: disabled, counter 0.</summary>
    public void Reset() => this = new HpetLegacyRoute { NextTick = TickInstant.Never };

    /// <summary>A write to the general configuration register.</summary>
    /// <param name="value">Bits 1:0 are kept.</param>
    /// <param name="now">The present moment, to which the HPET has been advanced.</param>
    /// <param name="clock">The HPET's clock.</param>
    public void WriteConfiguration(byte value, Instant now, in TickClock clock)
    {
        bool ran = Runs;
        Counter = ReadCounter(now, clock);
        if (ran)
            NextTick = clock.Add(NextTick, 1 - clock.TicksUntil(now, NextTick));
        Configuration = (byte)(value & (EnableBit | LegacyBit));
        if (!Runs)
            NextTick = TickInstant.Never;
        else if (!ran)
            NextTick = clock.Add(new TickInstant(now), 1);
    }

    /// <summary>A write to the main counter, which must be stopped.</summary>
    /// <param name="value">The value.</param>
    /// <exception cref="InvalidOperationException">The counter runs.</exception>
    public void WriteCounter(ulong value)
    {
        if (Runs)
            throw new InvalidOperationException("The main counter of an HPET is written only while ENABLE_CNF is 0.");
        Counter = value;
    }

    /// <summary>The main counter.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The HPET's clock.</param>
    public readonly ulong ReadCounter(Instant now, in TickClock clock) =>
        Runs ? unchecked(Counter + (ulong)(1 - clock.TicksUntil(now, NextTick))) : Counter;

    /// <summary>The next moment at which a timer matches; <see cref="Instant.Never"/> if none will interrupt.</summary>
    /// <param name="clock">The HPET's clock.</param>
    public readonly Instant NextEvent(in TickClock clock) => Instant.Min(MatchOf(Timer0, clock), MatchOf(Timer1, clock));

    /// <summary>
    /// Brings the state up to now: each timer whose comparator has been reached interrupts once, however often it matched. An
    /// edge-triggered
    /// one pulses its line; a level-triggered one holds it until <see cref="ClearStatus"/>.
    /// </summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The HPET's clock.</param>
    /// <returns>The timers that interrupted, by whichever trigger.</returns>
    public HpetEvents Advance(Instant now, in TickClock clock)
    {
        if (!Runs)
            return HpetEvents.None;
        ulong before = Counter;
        ulong after = ReadCounter(now, clock);
        NextTick = clock.Add(NextTick, (Int128)unchecked(after - before));
        Counter = after;
        var events = Match(ref Timer0, before, after) ? HpetEvents.Timer0 : HpetEvents.None;
        if (Match(ref Timer1, before, after))
            events |= HpetEvents.Timer1;
        return events;
    }

    /// <summary>The level of a level-triggered timer's line, IRQ0 or IRQ8.</summary>
    /// <param name="timer">0 or 1.</param>
    public readonly bool Line(int timer) => ReplacesLegacy && (timer == 0 ? Timer0.Status : Timer1.Status) != 0;

    /// <summary>Software writes ones to the general interrupt status register.</summary>
    /// <param name="bits">The timers to clear.</param>
    public void ClearStatus(HpetEvents bits)
    {
        if ((bits & HpetEvents.Timer0) != 0)
            Timer0.Status = 0;
        if ((bits & HpetEvents.Timer1) != 0)
            Timer1.Status = 0;
    }

    private readonly Instant MatchOf(in HpetTimer timer, in TickClock clock)
    {
        ulong ticks = unchecked(timer.Comparator - Counter);
        bool isAhead = ticks - 1 < long.MaxValue;
        if (!ReplacesLegacy || (timer.Configuration & HpetTimer.InterruptEnable) == 0 || !isAhead)
            return Instant.Never;
        return clock.Add(NextTick, (Int128)ticks - 1).Cycle;
    }

    // The counter went from before to after; the comparator is in between, ends included only above.
    private readonly bool Match(ref HpetTimer timer, ulong before, ulong after)
    {
        if (unchecked(timer.Comparator - before - 1) >= unchecked(after - before))
            return false;
        if ((timer.Configuration & HpetTimer.PeriodicBit) != 0 && timer.Period != 0)
            timer.Comparator = unchecked(timer.Comparator + ((after - timer.Comparator) / timer.Period + 1) * timer.Period);
        if (!ReplacesLegacy || (timer.Configuration & HpetTimer.InterruptEnable) == 0)
            return false;
        if ((timer.Configuration & HpetTimer.LevelBit) != 0)
            timer.Status = 1;
        return true;
    }
}
