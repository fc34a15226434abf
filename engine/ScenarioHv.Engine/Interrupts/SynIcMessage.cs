using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>Types of message. Bit 31: the hypervisor sent it. Those of posted messages are the sender's own, bit 31 clear.</summary>
public static class SynIcMessageType
{
    /// <summary>The slot is empty.</summary>
    public const uint None = 0;

    /// <summary>A synthetic timer expired; the payload is a <see cref="SyntheticTimerPayload"/>.</summary>
    public const uint TimerExpired = 0x8000_0010;
}

/// <summary>The flags byte of a message header.</summary>
[Flags]
public enum SynIcMessageFlags : byte
{
    /// <summary>Nothing waits.</summary>
    None = 0,

    /// <summary>Another message waits for the slot: who empties it must write EOM.</summary>
    Pending = 1,
}

/// <summary>The 240 bytes of payload.</summary>
[InlineArray(30)]
public struct SynIcPayload
{
    private ulong _word;
}

/// <summary>
/// A message, and a slot of the message page: 256 bytes in the member order that Linux, KVM, OpenVMM and kvm-unit-tests share.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SynIcMessage
{
    /// <summary>The largest payload in bytes.</summary>
    public const int MaxPayload = 240;

    /// <summary>The type; <see cref="SynIcMessageType.None"/> in an empty slot.</summary>
    public uint Type;

    /// <summary>Bytes of payload, 0..240.</summary>
    public byte PayloadSize;

    /// <summary>The flags.</summary>
    public SynIcMessageFlags Flags;

    /// <summary>Reserved in the format.</summary>
    public ushort Reserved;

    /// <summary>The sending partition or the port; 0 from a timer.</summary>
    public ulong Sender;

    /// <summary>The payload.</summary>
    public SynIcPayload Payload;

    /// <summary>The payload as bytes, all 240.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> PayloadBytes => MemoryMarshal.AsBytes((Span<ulong>)Payload);

    /// <summary>True if the slot holds nothing.</summary>
    public readonly bool IsEmpty => Type == SynIcMessageType.None;

    /// <summary>True if the pending flag is set.</summary>
    public readonly bool IsPending => (Flags & SynIcMessageFlags.Pending) != 0;
}

/// <summary>The message page of a virtual processor: slot n belongs to SINTn. 4096 bytes of guest memory.</summary>
[InlineArray(SynIcState.SintCount)]
public struct SynIcMessagePage
{
    private SynIcMessage _slot;
}

/// <summary>The event flags page of a virtual processor: 2048 flags per SINT in 32 words each. 4096 bytes of guest memory.</summary>
[InlineArray(SynIcState.SintCount * WordsPerSint)]
public struct SynIcEventPage
{
    /// <summary>Flags of one SINT.</summary>
    public const int FlagsPerSint = 2048;

    /// <summary>64-bit words of one SINT.</summary>
    public const int WordsPerSint = FlagsPerSint / 64;

    private ulong _word;

    /// <summary>Whether a flag is set.</summary>
    /// <param name="sint">0..15.</param>
    /// <param name="flag">0..2047.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    public readonly bool Contains(int sint, int flag) => (this[WordOf(sint, flag)] >> flag & 1) != 0;

    /// <summary>Sets a flag: a locked OR of bit (f &amp; 7) in byte 256 n + f / 8.</summary>
    /// <param name="sint">0..15.</param>
    /// <param name="flag">0..2047.</param>
    /// <returns>True if it was clear.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    public bool Set(int sint, int flag)
    {
        if (Contains(sint, flag))
            return false;
        this[WordOf(sint, flag)] |= 1UL << flag;
        return true;
    }

    /// <summary>Clears a flag: what the guest does with a locked AND.</summary>
    /// <param name="sint">0..15.</param>
    /// <param name="flag">0..2047.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    public void Clear(int sint, int flag) => this[WordOf(sint, flag)] &= ~(1UL << flag);

    private static int WordOf(int sint, int flag)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)sint, (uint)SynIcState.SintCount, nameof(sint));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)flag, (uint)FlagsPerSint, nameof(flag));
        return sint * WordsPerSint + (flag >> 6);
    }
}

/// <summary>A message that waits in the hypervisor for its slot. The unused entries of a queue are all zeroes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SynIcQueueEntry
{
    /// <summary>The message.</summary>
    public SynIcMessage Message;

    /// <summary>The SINT, 0..15.</summary>
    public byte Sint;

    /// <summary>0 for a posted message, n + 1 for that of timer n.</summary>
    public byte Origin;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved1;
}

/// <summary>What became of a message.</summary>
public enum SynIcPostOutcome : byte
{
    /// <summary>There was none to deliver.</summary>
    Nothing = 0,

    /// <summary>It is in the slot; whether an interrupt announced it is said beside.</summary>
    Delivered = 1,

    /// <summary>It waits for the slot.</summary>
    Queued = 2,

    /// <summary>No room to wait (HV_STATUS_INSUFFICIENT_BUFFERS; QEMU: the staging area is in use).</summary>
    InsufficientBuffers = 3,

    /// <summary>SynIC or page disabled, or the SINT masked or proxied (HV_STATUS_INVALID_SYNIC_STATE).</summary>
    InvalidSynicState = 4,

    /// <summary>A tick of a periodic timer met a busy slot and is gone.</summary>
    Dropped = 5,

    /// <summary>A timer's message is not delivered and does not wait here: the timer keeps it.</summary>
    Undelivered = 6,
}

/// <summary>The answer to a message.</summary>
/// <param name="Outcome">What became of the message.</param>
/// <param name="Interrupt">
/// The interrupt that leaves, or null. With <see cref="SynIcPostOutcome.Queued"/> it announces an older message that went into the slot.
/// </param>
/// <param name="Timer">The timer whose waiting message went into the slot: call <see cref="SyntheticTimers.Delivered"/>. Else null.</param>
public readonly record struct SynIcPost(SynIcPostOutcome Outcome, SynIcInterrupt? Interrupt = null, int? Timer = null);

/// <summary>What became of an event.</summary>
public enum SynIcSignalOutcome : byte
{
    /// <summary>The flag went from 0 to 1.</summary>
    Signaled = 0,

    /// <summary>The flag was set already: success, and no interrupt.</summary>
    AlreadySet = 1,

    /// <summary>SynIC or page disabled, or the SINT masked or proxied; the flag did not change.</summary>
    InvalidSynicState = 2,
}

/// <summary>The answer to an event.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Interrupt">The interrupt that leaves, or null.</param>
public readonly record struct SynIcSignal(SynIcSignalOutcome Outcome, SynIcInterrupt? Interrupt = null);
