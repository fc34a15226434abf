using System.Runtime.InteropServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Devices;

/// <summary>When a count written to a running mode 2 or 3 takes effect.</summary>
public enum Pit8254Reload : byte
{
    /// <summary>At the end of the current period (82C54).</summary>
    AtPeriodEnd = 0,

    /// <summary>At once: the timer is restarted (KVM i8254.c:pit_load_count; QEMU i8254.c:pit_load_count).</summary>
    Immediately = 1,
}

/// <summary>The one-bit state of a channel.</summary>
[Flags]
public enum Pit8254Flags : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>
    /// A control word came and no count yet, or only half of one in mode 0: OUT is at its initial level and nothing counts.
    /// </summary>
    AwaitsCount = 1,

    /// <summary>Modes 0 and 4: the terminal count was reached; the counter wraps and counts on.</summary>
    Expired = 2,

    /// <summary>Mode 4: the strobe after the terminal count is over.</summary>
    Strobed = 4,

    /// <summary>The next byte written is the most significant one.</summary>
    WritesHigh = 8,

    /// <summary>The next byte read is the most significant one.</summary>
    ReadsHigh = 16,

    /// <summary><see cref="Pit8254.LatchedCount"/> is what is read.</summary>
    CountLatched = 32,

    /// <summary><see cref="Pit8254.LatchedStatus"/> is what is read first.</summary>
    StatusLatched = 64,

    /// <summary>Modes 2 and 3: <see cref="Pit8254.Reload"/> waits for the end of the period.</summary>
    ReloadPending = 128,
}

/// <summary>
/// Channel 0 of an 8254, whose OUT is IRQ0 (82C54; KVM i8254.c). Nothing is stepped: the state is the moment at which the running count
/// ends, exact to the fraction of a cycle, and OUT and the count are computed from it. GATE 0 is high, as in every PC.
/// </summary>
/// <remarks>
/// The default value is the chip before its first control word: nothing counts and OUT is low. The caller calls <see cref="Advance"/> at
/// <see cref="NextChange"/> and before any other operation.
/// Not modelled: channels 1 and 2 and port 61h; modes 1 and 5, which need a rising edge of GATE and so never count here; the phase of the
/// 8254's own clock (a count begins at the cycle in which it is written); KVM's expiry of modes 0 and 4 after N ticks and its IRQ0,
/// a pulse per expiry (<see cref="PitReinjection"/> decides about those pulses), its delivery as NMI to LINT0, and the HPET's veto,
/// which is <see cref="HpetLegacyRoute"/>'s.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct Pit8254
{
    /// <summary>Data port of channel 0.</summary>
    public const ushort DataPort = 0x40;

    /// <summary>Control port.</summary>
    public const ushort ControlPort = 0x43;

    private const int BinaryRange = 0x1_0000;
    private const int BcdRange = 10_000;

    /// <summary>
    /// Modes 2 and 3: the end of the current period. Modes 0 and 4: the terminal count, after it the next wrap.
    /// <see cref="Instant.Never"/> or 0 while nothing counts.
    /// </summary>
    public TickInstant Due;

    /// <summary>Ticks of the current period or count, 1 to 65536.</summary>
    public int Period;

    /// <summary>The count as last written, 1 to 65536.</summary>
    public int Reload;

    /// <summary>The latched count, as it is read: BCD if the counter is.</summary>
    public ushort LatchedCount;

    /// <summary>The latched status byte.</summary>
    public byte LatchedStatus;

    /// <summary>The least significant byte written, waiting for the other.</summary>
    public byte WrittenLow;

    /// <summary>Bits 5:0 of the control word: access, mode, BCD.</summary>
    public byte Control;

    /// <summary>The one-bit state.</summary>
    public Pit8254Flags Flags;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved;

    /// <summary>The mode, 0 to 5; 6 and 7 are 2 and 3.</summary>
    public readonly int Mode => (Control >> 1 & 7) is var mode && mode > 5 ? mode - 4 : mode;

    private readonly bool IsBcd => (Control & 1) != 0;

    private readonly int Access => Control >> 4 & 3;

    private readonly int Range => IsBcd ? BcdRange : BinaryRange;

    private readonly bool IsPeriodic => Mode is 2 or 3;

    private readonly bool Counts => Period != 0 && (Flags & Pit8254Flags.AwaitsCount) == 0;

    /// <summary>A write to port 43h.</summary>
    /// <param name="value">The control word; one for another channel is ignored.</param>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The 8254's clock.</param>
    public void WriteControl(byte value, Instant now, in TickClock clock)
    {
        if (value >> 6 == 3)
        {
            // Read-back: bit 1 selects channel 0, the other two bits are low for what is to be latched.
            if ((value & 0x02) != 0 && (value & 0x10) == 0)
                LatchStatus(now, clock);
            if ((value & 0x02) != 0 && (value & 0x20) == 0)
                LatchCount(now, clock);
            return;
        }

        if (value >> 6 != 0)
            return;
        if ((value & 0x30) == 0)
        {
            LatchCount(now, clock);
            return;
        }

        this = new Pit8254 { Control = (byte)(value & 0x3F), Flags = Pit8254Flags.AwaitsCount, Due = TickInstant.Never };
    }

    /// <summary>A write to port 40h: a byte of the count. Counting starts when it is complete.</summary>
    /// <param name="value">The byte.</param>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The 8254's clock.</param>
    /// <param name="reload">When a running period takes it.</param>
    /// <returns>True if a count was completed (KVM forgets the ticks it owes: <see cref="PitReinjection.CountWritten"/>).</returns>
    public bool WriteData(byte value, Instant now, in TickClock clock, Pit8254Reload reload)
    {
        switch (Access)
        {
            case 1:
                Load(value, now, clock, reload);
                return true;
            case 2:
                Load(value << 8, now, clock, reload);
                return true;
            case 3 when (Flags & Pit8254Flags.WritesHigh) != 0:
                Flags &= ~Pit8254Flags.WritesHigh;
                Load(value << 8 | WrittenLow, now, clock, reload);
                return true;
            case 3:
                Flags |= Pit8254Flags.WritesHigh;
                WrittenLow = value;
                if (Mode == 0)
                    StopCounting();
                return false;
            default:
                return false;
        }
    }

    /// <summary>A read of port 40h: latched status, latched count, or the count as it is.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The 8254's clock.</param>
    public byte ReadData(Instant now, in TickClock clock)
    {
        if ((Flags & Pit8254Flags.StatusLatched) != 0)
        {
            Flags &= ~Pit8254Flags.StatusLatched;
            byte status = LatchedStatus;
            LatchedStatus = 0;
            return status;
        }

        int count = (Flags & Pit8254Flags.CountLatched) != 0 ? LatchedCount : Count(now, clock);
        bool high = Access == 2 || (Flags & Pit8254Flags.ReadsHigh) != 0;
        if (Access == 3)
            Flags ^= Pit8254Flags.ReadsHigh;
        if (Access != 3 || high)
        {
            Flags &= ~Pit8254Flags.CountLatched;
            LatchedCount = 0;
        }

        return (byte)(high ? count >> 8 : count);
    }

    /// <summary>The level of OUT, which is IRQ0.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The 8254's clock.</param>
    public readonly bool Output(Instant now, in TickClock clock)
    {
        if (!Counts)
            return Mode != 0 && Control != 0;
        int left = TicksLeft(now, clock);
        return Mode switch
        {
            0 => (Flags & Pit8254Flags.Expired) != 0 || Due.Cycle <= now,
            2 => left != 1,
            3 => left > Period / 2,
            _ => (Flags & Pit8254Flags.Strobed) != 0 || !((Flags & Pit8254Flags.Expired) != 0 ? left == Range : Due.Cycle <= now),
        };
    }

    /// <summary>The count as the counter would be read now, BCD if it counts so (82C54, figures of the modes).</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The 8254's clock.</param>
    public readonly ushort Count(Instant now, in TickClock clock)
    {
        if (!Counts)
            return 0;
        int left = TicksLeft(now, clock);
        // Mode 3 counts by two, twice a period; of an odd count the high half is one tick longer and passes through 0.
        int low = Period / 2;
        int count = Mode switch
        {
            2 => left,
            3 when left > low => 2 * (left - low) - 2 * (Period & 1),
            3 => 2 * left,
            _ => (Flags & Pit8254Flags.Expired) != 0 ? left : Math.Min(left, Period - 1),
        };
        count %= Range;
        return (ushort)(IsBcd ? ToBcd(count) : count);
    }

    /// <summary>The next moment after <paramref name="now"/> at which OUT changes, or a period ends.</summary>
    /// <param name="now">The present moment, to which the channel has been advanced.</param>
    /// <param name="clock">The 8254's clock.</param>
    public readonly Instant NextChange(Instant now, in TickClock clock)
    {
        if (!Counts || (Mode == 0 && (Flags & Pit8254Flags.Expired) != 0) || (Flags & Pit8254Flags.Strobed) != 0)
            return Instant.Never;
        Instant before = Mode switch
        {
            2 => clock.Add(Due, -1).Cycle,
            3 => clock.Add(Due, -(Period / 2)).Cycle,
            4 when (Flags & Pit8254Flags.Expired) != 0 => clock.Add(Due, 1 - Range).Cycle,
            _ => Due.Cycle,
        };
        return before > now ? before : Due.Cycle;
    }

    /// <summary>The next rising edge of OUT after <paramref name="now"/>: the next interrupt of an edge-triggered IRQ0.</summary>
    /// <param name="now">The present moment, to which the channel has been advanced.</param>
    /// <param name="clock">The 8254's clock.</param>
    public readonly Instant NextEdge(Instant now, in TickClock clock)
    {
        bool expired = (Flags & Pit8254Flags.Expired) != 0;
        if (!Counts || (Mode == 0 && expired) || (Flags & Pit8254Flags.Strobed) != 0)
            return Instant.Never;
        if (Mode == 4)
            return clock.Add(Due, expired ? 1 - Range : 1).Cycle;
        return Due.Cycle;
    }

    /// <summary>Brings the state up to now: ended periods are followed by the next, with the count written meanwhile.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The 8254's clock.</param>
    public void Advance(Instant now, in TickClock clock)
    {
        while (Counts && Due.Cycle <= now)
        {
            if (IsPeriodic)
            {
                if ((Flags & Pit8254Flags.ReloadPending) != 0)
                    Period = Reload;
                Flags &= ~Pit8254Flags.ReloadPending;
                Due = clock.Add(Due, Period);
                SkipPeriods(Period, now, clock);
            }
            else
            {
                Flags |= Pit8254Flags.Expired;
                Due = clock.Add(Due, Range);
                SkipPeriods(Range, now, clock);
            }
        }

        if (Mode == 4 && Counts && (Flags & Pit8254Flags.Expired) != 0 && clock.TicksUntil(now, Due) < Range)
            Flags |= Pit8254Flags.Strobed;
    }

    private static int ToBcd(int value) => value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 | value / 1000 % 10 << 12;

    private static int FromBcd(int value) => (value & 15) + (value >> 4 & 15) * 10 + (value >> 8 & 15) * 100 + (value >> 12 & 15) * 1000;

    /// <summary>Whole periods that have passed are skipped at once, so that a long silence costs nothing.</summary>
    private void SkipPeriods(int ticks, Instant now, in TickClock clock)
    {
        Int128 behind = -clock.TicksUntil(now, Due);
        if (behind < ticks)
            return;
        Due = clock.Add(Due, behind / ticks * ticks);
        if (Mode == 4)
            Flags |= Pit8254Flags.Strobed;
    }

    /// <summary>Ticks to the end, also of a period that has not been advanced to: 1 to the length of a period or lap.</summary>
    private readonly int TicksLeft(Instant now, in TickClock clock)
    {
        Int128 left = clock.TicksUntil(now, Due);
        int lap = IsPeriodic ? Period : Range;
        if (left <= 0)
            left = lap - -left % lap;
        return (int)left;
    }

    private void StopCounting()
    {
        Flags = Flags & ~(Pit8254Flags.Expired | Pit8254Flags.Strobed) | Pit8254Flags.AwaitsCount;
        Due = TickInstant.Never;
        Period = 0;
    }

    private void Load(int count, Instant now, in TickClock clock, Pit8254Reload reload)
    {
        int ticks = IsBcd ? FromBcd(count) : count;
        Reload = ticks == 0 ? Range : ticks;
        if (Mode is 1 or 5)
            return;
        if (IsPeriodic && Counts && reload == Pit8254Reload.AtPeriodEnd)
        {
            Flags |= Pit8254Flags.ReloadPending;
            return;
        }

        Flags &= ~(Pit8254Flags.AwaitsCount | Pit8254Flags.Expired | Pit8254Flags.Strobed | Pit8254Flags.ReloadPending);
        // One tick loads the counter: modes 0 and 4 end N + 1 ticks after the write (82C54).
        Period = IsPeriodic ? Reload : Reload + 1;
        Due = clock.Add(new TickInstant(now), Period);
    }

    private void LatchCount(Instant now, in TickClock clock)
    {
        if ((Flags & Pit8254Flags.CountLatched) != 0)
            return;
        LatchedCount = Count(now, clock);
        Flags |= Pit8254Flags.CountLatched;
    }

    // Bit 7 is OUT, bit 6 "null count": the count written last is not yet the one that is counting.
    private void LatchStatus(Instant now, in TickClock clock)
    {
        if ((Flags & Pit8254Flags.StatusLatched) != 0)
            return;
        bool isNull = !Counts || (Flags & Pit8254Flags.ReloadPending) != 0;
        LatchedStatus = (byte)((Output(now, clock) ? 0x80 : 0) | (isNull ? 0x40 : 0) | Control);
        Flags |= Pit8254Flags.StatusLatched;
    }
}
