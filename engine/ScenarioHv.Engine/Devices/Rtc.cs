using System.Runtime.InteropServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Devices;

/// <summary>The interrupt causes of the RTC, as bits of registers B (enable) and C (flag).</summary>
[Flags]
public enum RtcCauses : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>UIE, UF: the once-a-second update has ended.</summary>
    UpdateEnded = 0x10,

    /// <summary>AIE, AF: the time equals the alarm.</summary>
    Alarm = 0x20,

    /// <summary>PIE, PF: the periodic rate of register A.</summary>
    Periodic = 0x40,
}

/// <summary>
/// The interrupt side of the MC146818-compatible RTC, whose output is IRQ8. A flag is set whether it is enabled or not; the line is high
/// while a flag and its enable are; reading register C clears all flags, and until then an edge-triggered input sees no further edge.
/// </summary>
/// <remarks>
/// The default value has no clock running: call <see cref="PowerOn"/> first. The caller calls <see cref="Advance"/> at <see
/// cref="NextEvent"/>
/// and before any other operation.
/// Not modelled: the time and alarm bytes as the guest reads them (the time is a second of the day, set with <see cref="SetTime"/>),
/// the calendar,
/// update in progress (register A bit 7 reads 0), the time bases other than 32768 Hz (register A bits 6:4 are stored; 11x holds the
/// divider in reset, everything else lets it run), square wave output, valid RAM (register D), KVM's count of EOIs of pin 8, which is
/// the I/O APIC's.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct Rtc
{
    /// <summary>The IRQ of the RTC.</summary>
    public const int Irq = 8;

    /// <summary>Register B bit 7: SET, no update.</summary>
    public const byte SetBit = 0x80;

    /// <summary>Register C bit 7: IRQF, the line.</summary>
    public const byte InterruptRequestFlag = 0x80;

    /// <summary>An alarm byte from C0h on matches every value.</summary>
    public const byte AnyValue = 0xC0;

    private const byte CauseMask = (byte)(RtcCauses.UpdateEnded | RtcCauses.Alarm | RtcCauses.Periodic);
    private const byte RegisterAReset = 0x26;
    private const byte RegisterBReset = 0x02;
    private const int SecondsPerDay = 86_400;

    /// <summary>The next update, which SET suppresses when it comes; <see cref="Instant.Never"/> while the divider is held.</summary>
    public TickInstant UpdateDue;

    /// <summary>The next periodic event; <see cref="Instant.Never"/> with rate 0 or while the divider is held.</summary>
    public TickInstant PeriodicDue;

    /// <summary>The second of the day, 0 to 86399.</summary>
    public int SecondOfDay;

    /// <summary>Register A: bits 6:4 divider, 3:0 rate.</summary>
    public byte RegisterA;

    /// <summary>Register B: bit 7 SET, 6 PIE, 5 AIE, 4 UIE; the others are stored.</summary>
    public byte RegisterB;

    /// <summary>The flags of register C.</summary>
    public RtcCauses Flags;

    /// <summary>Alarm hour 0 to 23, or <see cref="AnyValue"/> and above.</summary>
    public byte AlarmHour;

    /// <summary>Alarm minute 0 to 59, or <see cref="AnyValue"/> and above.</summary>
    public byte AlarmMinute;

    /// <summary>Alarm second 0 to 59, or <see cref="AnyValue"/> and above.</summary>
    public byte AlarmSecond;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved1;

    /// <summary>The level of IRQ8: IRQF.</summary>
    public readonly bool Line => ((byte)Flags & RegisterB & CauseMask) != 0;

    private readonly bool DividerHeld => (RegisterA & 0x60) == 0x60;

    /// <summary>Ticks of 32768 Hz between periodic events, 0 if there are none: rates 1 and 2 are those of 8 and 9.</summary>
    /// <param name="rate">Register A bits 3:0.</param>
    public static int PeriodicTicks(int rate) => rate switch
    {
        0 => 0,
        1 or 2 => 1 << (rate + 6),
        _ => 1 << (rate - 1),
    };

    /// <summary>Power-on: register A 26h (32768 Hz, 1024 Hz periodic), B 02h (nothing enabled), midnight; the clock starts.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The crystal.</param>
    public void PowerOn(Instant now, in TickClock clock)
    {
        this = new Rtc { RegisterA = RegisterAReset, RegisterB = RegisterBReset };
        UpdateDue = clock.Add(new TickInstant(now), TickClock.RtcHz);
        StartPeriodic(now, clock);
    }

    /// <summary>Sets the time, as the guest does under SET; updates keep their moments.</summary>
    /// <param name="secondOfDay">0 to 86399.</param>
    /// <exception cref="InvalidOperationException">No such second.</exception>
    public void SetTime(int secondOfDay)
    {
        if (secondOfDay is < 0 or >= SecondsPerDay)
            throw new InvalidOperationException($"A day has {SecondsPerDay} seconds; there is no second {secondOfDay}.");
        SecondOfDay = secondOfDay;
    }

    /// <summary>A write to register A. A new rate, or a divider let go, starts the period anew.</summary>
    /// <param name="value">Bit 7 is read-only.</param>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The crystal.</param>
    public void WriteA(byte value, Instant now, in TickClock clock)
    {
        byte before = RegisterA;
        bool wasHeld = DividerHeld;
        RegisterA = (byte)(value & 0x7F);
        if (RegisterA != before)
            StartPeriodic(now, clock);
        // After the divider's reset the first update comes half a second later.
        if (DividerHeld)
            UpdateDue = TickInstant.Never;
        else if (wasHeld)
            UpdateDue = clock.Add(new TickInstant(now), TickClock.RtcHz / 2);
    }

    /// <summary>A write to register B. Enabling a cause whose flag is set raises the line. SET suppresses updates and clears UIE.</summary>
    /// <param name="value">The register.</param>
    public void WriteB(byte value) =>
        RegisterB = (value & SetBit) != 0 ? (byte)(value & ~(int)RtcCauses.UpdateEnded) : value;

    /// <summary>A read of register C: IRQF and the flags, which it clears; the line drops.</summary>
    public byte ReadC()
    {
        var value = (byte)((byte)Flags | (Line ? InterruptRequestFlag : 0));
        Flags = RtcCauses.None;
        return value;
    }

    /// <summary>The next moment at which a flag is set.</summary>
    public readonly Instant NextEvent() => Instant.Min(UpdateDue.Cycle, PeriodicDue.Cycle);

    /// <summary>Brings the state up to now.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The crystal.</param>
    /// <returns>The causes that occurred, enabled or not.</returns>
    public RtcCauses Advance(Instant now, in TickClock clock)
    {
        var occurred = RtcCauses.None;
        if (PeriodicDue.Cycle <= now)
        {
            occurred |= RtcCauses.Periodic;
            int period = PeriodicTicks(RegisterA & 15);
            Int128 periods = 1 + -clock.TicksUntil(now, PeriodicDue) / period;
            PeriodicDue = clock.Add(PeriodicDue, periods * period);
        }

        while (UpdateDue.Cycle <= now)
        {
            UpdateDue = clock.Add(UpdateDue, TickClock.RtcHz);
            if ((RegisterB & SetBit) != 0)
                continue;
            occurred |= RtcCauses.UpdateEnded;
            SecondOfDay = (SecondOfDay + 1) % SecondsPerDay;
            if (AlarmMatches())
                occurred |= RtcCauses.Alarm;
        }

        Flags |= occurred;
        return occurred;
    }

    private readonly bool AlarmMatches() =>
        Matches(AlarmHour, SecondOfDay / 3600) && Matches(AlarmMinute, SecondOfDay / 60 % 60) && Matches(AlarmSecond, SecondOfDay % 60);

    private static bool Matches(byte alarm, int value) => alarm >= AnyValue || alarm == value;

    private void StartPeriodic(Instant now, in TickClock clock)
    {
        int ticks = DividerHeld ? 0 : PeriodicTicks(RegisterA & 15);
        PeriodicDue = ticks == 0 ? TickInstant.Never : clock.Add(new TickInstant(now), ticks);
    }
}
