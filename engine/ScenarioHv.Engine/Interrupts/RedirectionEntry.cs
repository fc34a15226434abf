namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// An I/O APIC redirection table entry (82093AA 3.2.4). The two halves are separate registers, written by separate events.
/// </summary>
public struct RedirectionEntry
{
    /// <summary>Bit 12 of the low half, read-only: delivery status, 1 while a message waits to be sent.</summary>
    public const uint DeliveryStatusBit = 1u << 12;

    /// <summary>
    /// Bit 13 of the low half: polarity, 1 active low. Stored and without effect: the lines of this model are assertions.
    /// </summary>
    public const uint PolarityBit = 1u << 13;

    /// <summary>Bit 14 of the low half, read-only: remote IRR, 1 from the acceptance of a level interrupt to the matching EOI.</summary>
    public const uint RemoteIrrBit = 1u << 14;

    /// <summary>Bit 15 of the low half: trigger mode, 1 level.</summary>
    public const uint LevelBit = 1u << 15;

    /// <summary>Bit 16 of the low half: mask.</summary>
    public const uint MaskBit = 1u << 16;

    /// <summary>Bit 11 of the low half: destination mode, 1 logical.</summary>
    public const uint LogicalBit = 1u << 11;

    /// <summary>
    /// The bits of the low half that a write cannot change (82093AA 3.2.4; KVM ioapic.c:ioapic_write_indirect; QEMU IOAPIC_RO_BITS).
    /// </summary>
    public const uint ReadOnlyBits = DeliveryStatusBit | RemoteIrrBit;

    /// <summary>Bits 31:0 (register 10h + 2n).</summary>
    public uint Low;

    /// <summary>Bits 63:32 (register 11h + 2n).</summary>
    public uint High;

    /// <summary>Creates the entry from its 64 bits.</summary>
    /// <param name="bits">Bits 63:0.</param>
    public RedirectionEntry(ulong bits)
    {
        Low = (uint)bits;
        High = (uint)(bits >> 32);
    }

    /// <summary>The entry after reset: masked, everything else 0 (10000h; QEMU ioapic_common.c, and KVM's first reset).</summary>
    public static RedirectionEntry Reset => new(MaskBit);

    /// <summary>Bits 63:0, as <c>kvm_ioapic_set_irq</c> prints them.</summary>
    public readonly ulong Bits => ((ulong)High << 32) | Low;

    /// <summary>Bits 7:0: the vector. 10h..FEh are valid on the 82093AA.</summary>
    public byte Vector
    {
        readonly get => (byte)Low;
        set => Low = (Low & ~0xFFu) | value;
    }

    /// <summary>Bits 10:8: the delivery mode.</summary>
    public DeliveryMode Mode
    {
        readonly get => (DeliveryMode)((Low >> 8) & 7);
        set => Low = (Low & ~0x700u) | ((uint)value & 7) << 8;
    }

    /// <summary>Bit 11: true for a logical destination.</summary>
    public bool IsLogical
    {
        readonly get => (Low & LogicalBit) != 0;
        set => Set(LogicalBit, value);
    }

    /// <summary>Bit 12: delivery status.</summary>
    public bool DeliveryStatus
    {
        readonly get => (Low & DeliveryStatusBit) != 0;
        set => Set(DeliveryStatusBit, value);
    }

    /// <summary>Bit 13: true for active low.</summary>
    public bool IsActiveLow
    {
        readonly get => (Low & PolarityBit) != 0;
        set => Set(PolarityBit, value);
    }

    /// <summary>Bit 14: remote IRR.</summary>
    public bool RemoteIrr
    {
        readonly get => (Low & RemoteIrrBit) != 0;
        set => Set(RemoteIrrBit, value);
    }

    /// <summary>Bit 15: true for trigger mode level.</summary>
    public bool IsLevel
    {
        readonly get => (Low & LevelBit) != 0;
        set => Set(LevelBit, value);
    }

    /// <summary>Bit 16: true if masked.</summary>
    public bool IsMasked
    {
        readonly get => (Low & MaskBit) != 0;
        set => Set(MaskBit, value);
    }

    /// <summary>Bits 63:56: the destination, an APIC ID or an MDA.</summary>
    public byte Destination
    {
        readonly get => (byte)(High >> 24);
        set => High = (High & 0x00FF_FFFF) | (uint)value << 24;
    }

    /// <summary>
    /// The message this entry sends, always an assertion. Bits 55:49 (the extended destination) are not in it:
    /// a platform that uses them goes through <see cref="MsiFormat.Encode(RedirectionEntry)"/>. The vector of an
    /// <see cref="DeliveryMode.ExtInt"/> message is the entry's; the one the CPU takes comes from the 8259A.
    /// </summary>
    public readonly ApicMessage ToMessage() => new()
    {
        Destination = Destination,
        Vector = Vector,
        Mode = Mode,
        Flags = (IsLogical ? ApicMessageFlags.Logical : 0) | (IsLevel ? ApicMessageFlags.Level : 0),
    };

    private void Set(uint bit, bool value) => Low = value ? Low | bit : Low & ~bit;
}
