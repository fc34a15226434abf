namespace ScenarioHv.Engine.Interrupts;

/// <summary>What the next write to the odd port of an 8259A is.</summary>
public enum Pic8259Init : byte
{
    /// <summary>OCW1, the IMR.</summary>
    Ready = 0,

    /// <summary>ICW2, the vector base.</summary>
    ExpectsIcw2 = 1,

    /// <summary>ICW3, the cascade.</summary>
    ExpectsIcw3 = 2,

    /// <summary>ICW4, the modes.</summary>
    ExpectsIcw4 = 3,
}

/// <summary>The one-bit state of an 8259A.</summary>
[Flags]
public enum Pic8259Modes : ushort
{
    /// <summary>Fully nested, normal EOI, reads return the IRR.</summary>
    None = 0,

    /// <summary>OCW3: reads of the even port return the ISR.</summary>
    ReadIsr = 1,

    /// <summary>OCW3: the next read is a poll.</summary>
    Poll = 2,

    /// <summary>OCW3: special mask mode.</summary>
    SpecialMask = 4,

    /// <summary>ICW4: automatic EOI.</summary>
    AutoEoi = 8,

    /// <summary>OCW2: rotate in AEOI.</summary>
    RotateInAutoEoi = 16,

    /// <summary>ICW4: special fully nested mode.</summary>
    SpecialFullyNested = 32,

    /// <summary>ICW1 bit 0: ICW4 ends the initialisation.</summary>
    Icw4Follows = 64,

    /// <summary>ICW1 bit 1, where it is honoured: there is no ICW3.</summary>
    Single = 128,

    /// <summary>ICW1 bit 3, where it is honoured: every input is level-triggered.</summary>
    LevelTriggered = 256,

    /// <summary>OpenVMM: the last OCW3 selected no register.</summary>
    ReadNothing = 512,
}

/// <summary>What a change of a line did. The numbers are the results of KVM's <c>pic_set_irq1</c>; other models report nothing.</summary>
public enum Pic8259LineOutcome : sbyte
{
    /// <summary>The input is masked in the IMR. The request is remembered all the same.</summary>
    Masked = -1,

    /// <summary>The line rose (or, level, is high) while its IRR bit was already set.</summary>
    Coalesced = 0,

    /// <summary>Anything else, a fall and a line driven high again included.</summary>
    Done = 1,
}

/// <summary>What a write to, or a poll of, one chip leaves to the pair.</summary>
public readonly struct Pic8259Effect
{
    /// <summary>Creates the effect.</summary>
    /// <param name="ended">The inputs ended.</param>
    /// <param name="updates">True if KVM, or QEMU, recomputes.</param>
    public Pic8259Effect(int ended, bool updates)
    {
        Ended = (byte)ended;
        Updates = updates;
    }

    /// <summary>The inputs, one bit each, whose EOI this was; KVM calls their ack notifiers, also if nothing was in service.</summary>
    public byte Ended { get; }

    /// <summary>True if KVM, or QEMU, recomputes cascade and INT after it (<c>pic_update_irq</c> in both).</summary>
    public bool Updates { get; }
}

/// <summary>The answer of <see cref="Pic8259Pair.Read"/>.</summary>
public readonly struct Pic8259Read
{
    /// <summary>Creates the answer.</summary>
    /// <param name="value">The byte read.</param>
    /// <param name="ended">The IRQs ended.</param>
    public Pic8259Read(byte value, ushort ended)
    {
        Value = value;
        Ended = ended;
    }

    /// <summary>The byte read.</summary>
    public byte Value { get; }

    /// <summary>The IRQs 0 to 15, one bit each, that a poll ended.</summary>
    public ushort Ended { get; }
}

/// <summary>The answer of <see cref="Pic8259Pair.Acknowledge"/>: what an INTA sequence gave.</summary>
public readonly struct Pic8259Acknowledge
{
    /// <summary>Creates the answer.</summary>
    /// <param name="vector">The vector.</param>
    /// <param name="irq">The IRQ.</param>
    /// <param name="isSpurious">True if no chip had a request for it.</param>
    /// <param name="ended">The IRQs ended by AEOI.</param>
    public Pic8259Acknowledge(byte vector, int irq, bool isSpurious, ushort ended)
    {
        Vector = vector;
        Irq = irq;
        IsSpurious = isSpurious;
        Ended = ended;
    }

    /// <summary>The vector on the bus in the second pulse.</summary>
    public byte Vector { get; }

    /// <summary>The IRQ, 0 to 15; 7 or 15 if spurious.</summary>
    public int Irq { get; }

    /// <summary>True for the level 7 that a chip supplies without a request. ISR bit 2 of the master is set if it is the slave's.</summary>
    public bool IsSpurious { get; }

    /// <summary>The IRQs 0 to 15, one bit each, that AEOI ended.</summary>
    public ushort Ended { get; }
}
