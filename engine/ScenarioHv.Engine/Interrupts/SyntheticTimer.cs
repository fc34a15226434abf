using System.Runtime.InteropServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>The addresses of the timers' MSRs: configuration at B0h + 2n, count at B1h + 2n (TLFS timers).</summary>
public static class SyntheticTimerMsr
{
    /// <summary>STIMER0_CONFIG, the first.</summary>
    public const uint Config0 = 0x4000_00B0;

    /// <summary>STIMER0_COUNT.</summary>
    public const uint Count0 = 0x4000_00B1;

    /// <summary>STIMER3_COUNT, the last.</summary>
    public const uint Count3 = 0x4000_00B7;
}

/// <summary>A timer's configuration register (TLFS timers).</summary>
/// <param name="Value">The 64 bits.</param>
public readonly record struct SyntheticTimerConfig(ulong Value)
{
    /// <summary>Bit 0.</summary>
    public const ulong EnabledBit = 1;

    /// <summary>Bit 1.</summary>
    public const ulong PeriodicBit = 2;

    /// <summary>Bit 2.</summary>
    public const ulong LazyBit = 4;

    /// <summary>Bit 3.</summary>
    public const ulong AutoEnableBit = 8;

    /// <summary>Bit 12.</summary>
    public const ulong DirectBit = 1UL << 12;

    /// <summary>Bits 15:13 and 63:20, which must be zero.</summary>
    public const ulong ReservedBits = 0xFFFF_FFFF_FFF0_E000;

    /// <summary>Bit 0: the timer runs or waits to be delivered.</summary>
    public bool IsEnabled => (Value & EnabledBit) != 0;

    /// <summary>Bit 1: the count is a period, not a moment.</summary>
    public bool IsPeriodic => (Value & PeriodicBit) != 0;

    /// <summary>Bit 2: missed periods may be dropped.</summary>
    public bool IsLazy => (Value & LazyBit) != 0;

    /// <summary>Bit 3: writing a count other than 0 enables the timer.</summary>
    public bool IsAutoEnable => (Value & AutoEnableBit) != 0;

    /// <summary>Bits 11:4: the vector in direct mode.</summary>
    public byte Vector => (byte)(Value >> 4);

    /// <summary>Bit 12: expiry raises <see cref="Vector"/>, without message and SINT.</summary>
    public bool IsDirect => (Value & DirectBit) != 0;

    /// <summary>Bits 19:16: the SINT whose slot gets the message.</summary>
    public int Sint => (int)(Value >> 16) & 0xF;
}

/// <summary>What a timer remembers besides its registers.</summary>
[Flags]
public enum SyntheticTimerFlags : byte
{
    /// <summary>Stopped.</summary>
    None = 0,

    /// <summary>It was enabled and the next pass starts it.</summary>
    StartRequested = 1,

    /// <summary>It has a time of expiry, <see cref="SyntheticTimer.Deadline"/>.</summary>
    Armed = 2,

    /// <summary>It expired and its message or interrupt is not delivered yet (KVM msg_pending).</summary>
    Undelivered = 4,

    /// <summary>Its SINT was acknowledged: the next pass tries to deliver again.</summary>
    Retry = 8,
}

/// <summary>One synthetic timer. Make it with <see cref="SyntheticTimers.PowerOn"/>: stopped is a deadline of never, not 0.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SyntheticTimer
{
    /// <summary>The configuration register.</summary>
    public ulong Config;

    /// <summary>The count register: a moment of the reference counter, or a period; in 100 ns.</summary>
    public ulong Count;

    /// <summary>
    /// The first moment at which the timer is due, if armed; <see cref="Instant.Never"/> if beyond the machine's time. From a periodic
    /// timer's, its time of expiry in 100 ns is exactly recovered.
    /// </summary>
    public Instant Deadline;

    /// <summary>The rest.</summary>
    public SyntheticTimerFlags Flags;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved1;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved2;

    /// <summary>True if all of <paramref name="flags"/> are set.</summary>
    /// <param name="flags">The flags.</param>
    public readonly bool Has(SyntheticTimerFlags flags) => (Flags & flags) == flags;
}

/// <summary>The payload of a timer's message: 24 bytes (TLFS HV_TIMER_MESSAGE_PAYLOAD).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SyntheticTimerPayload
{
    /// <summary>Its size in bytes.</summary>
    public const byte Size = 24;

    /// <summary>The timer, 0..3.</summary>
    public uint TimerIndex;

    /// <summary>Reserved in the format, 0.</summary>
    public uint Reserved;

    /// <summary>The programmed time of expiry, in 100 ns.</summary>
    public ulong ExpirationTime;

    /// <summary>The reference counter when the message was delivered.</summary>
    public ulong DeliveryTime;
}

/// <summary>What one pass did with one timer.</summary>
public enum SyntheticTimerOutcome : byte
{
    /// <summary>Nothing to do.</summary>
    Idle = 0,

    /// <summary>It started to run.</summary>
    Started = 1,

    /// <summary>It expired and was delivered.</summary>
    Delivered = 2,

    /// <summary>It expired and its message waits in the SynIC's queue.</summary>
    Queued = 3,

    /// <summary>A periodic tick met a busy slot and is gone.</summary>
    Dropped = 4,

    /// <summary>It expired and is not delivered: it waits for an acknowledgement, or for the next pass.</summary>
    Undelivered = 5,
}

/// <summary>The answer of <see cref="SyntheticTimers.Process"/>.</summary>
/// <param name="Outcome">What was done.</param>
/// <param name="Interrupt">The interrupt that leaves, or null.</param>
public readonly record struct SyntheticTimerStep(SyntheticTimerOutcome Outcome, SynIcInterrupt? Interrupt = null);
