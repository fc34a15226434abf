namespace ScenarioHv.Engine.Interrupts;

/// <summary>A message-signalled interrupt as it is on the bus: a 32-bit write of <see cref="Data"/> (SDM3 10.11).</summary>
public struct MsiMessage
{
    /// <summary>Address bits 31:0.</summary>
    public uint AddressLow;

    /// <summary>Address bits 63:32: 0, or in KVM's format destination bits 31:8 with bits 7:0 zero.</summary>
    public uint AddressHigh;

    /// <summary>The data word.</summary>
    public uint Data;
}

/// <summary>Where the destination ID of an MSI address is.</summary>
public enum MsiDestinationFormat : byte
{
    /// <summary>8 bits, in address bits 19:12 (SDM3 10.11.1).</summary>
    Bits8 = 0,

    /// <summary>15 bits: bits 14:8 are in address bits 11:5 (KVM_FEATURE_MSI_EXT_DEST_ID; Hyper-V; Xen).</summary>
    Bits15 = 1,

    /// <summary>32 bits: bits 31:8 are in address bits 63:40 (KVM_X2APIC_API_USE_32BIT_IDS).</summary>
    Bits32 = 2,
}

/// <summary>Who reads an MSI.</summary>
public enum MsiRules : byte
{
    /// <summary>
    /// The manual: only addresses FEExxxxxh, and trigger mode level with data bit 14 clear is a de-assertion (SDM3 10.11.1, 10.11.2).
    /// </summary>
    Architectural = 0,

    /// <summary>
    /// KVM and QEMU: address bits 31:20 and data bit 14 are not looked at, every message asserts (KVM irq.c:kvm_set_msi_irq).
    /// </summary>
    Kvm = 1,
}

/// <summary>
/// The format of an MSI. The destination mode bit is obeyed whatever the redirection hint is, as KVM, QEMU and the fixed logical MSIs
/// of existing guests have it. Not modelled: the remappable format (address bit 4), which architectural decoding refuses.
/// </summary>
public static class MsiFormat
{
    /// <summary>Address bits 31:20 of every MSI, and the address of APIC ID 0.</summary>
    public const uint Address = 0xFEE0_0000;

    /// <summary>Address bit 2: destination mode, 1 logical.</summary>
    public const uint LogicalBit = 1u << 2;

    /// <summary>Address bit 3: redirection hint.</summary>
    public const uint RedirectionHintBit = 1u << 3;

    /// <summary>Address bit 4: remappable format.</summary>
    public const uint RemappableBit = 1u << 4;

    /// <summary>Data bit 14: level, 1 assert.</summary>
    public const uint AssertBit = 1u << 14;

    /// <summary>Data bit 15: trigger mode, 1 level.</summary>
    public const uint LevelBit = 1u << 15;

    private const uint ExtendedDestinationBits = 0xFE0;

    /// <summary>Reads an MSI.</summary>
    /// <param name="msi">The write.</param>
    /// <param name="rules">Who reads it.</param>
    /// <param name="format">Where the destination is.</param>
    /// <param name="message">The message for the local APICs.</param>
    /// <returns>False if it is no interrupt: the address is not FEExxxxxh or remappable (architectural), or bits 7:0 of the high address
    /// are set in <see cref="MsiDestinationFormat.Bits32"/> (KVM irq_comm.c:kvm_msi_route_invalid).</returns>
    public static bool TryDecode(in MsiMessage msi, MsiRules rules, MsiDestinationFormat format, out ApicMessage message)
    {
        message = default;
        var isInterrupt = rules == MsiRules.Kvm || (msi.AddressLow & (0xFFF0_0000 | RemappableBit)) == Address;
        if (!isInterrupt || (format == MsiDestinationFormat.Bits32 && (msi.AddressHigh & 0xFF) != 0))
            return false;
        var isLevel = (msi.Data & LevelBit) != 0;
        var deasserts = rules == MsiRules.Architectural && isLevel && (msi.Data & AssertBit) == 0;
        message = new ApicMessage
        {
            Destination = Destination(msi, format),
            Vector = (byte)msi.Data,
            Mode = (DeliveryMode)((msi.Data >> 8) & 7),
            Flags = ((msi.AddressLow & LogicalBit) != 0 ? ApicMessageFlags.Logical : 0)
                | ((msi.AddressLow & RedirectionHintBit) != 0 ? ApicMessageFlags.RedirectionHint : 0)
                | (isLevel ? ApicMessageFlags.Level : 0)
                | (deasserts ? ApicMessageFlags.Deassert : 0),
        };
        return true;
    }

    /// <summary>
    /// The MSI that QEMU makes of a redirection entry, for its address space or a route of the split irqchip (QEMU
    /// ioapic.c:ioapic_entry_parse): bits 63:48 go to address bits 19:4, and data bit 14 stays clear.
    /// </summary>
    /// <param name="entry">The entry.</param>
    public static MsiMessage Encode(RedirectionEntry entry) => new()
    {
        AddressLow = Address | (entry.High >> 16) << 4 | (entry.IsLogical ? LogicalBit : 0),
        Data = entry.Vector | (uint)entry.Mode << 8 | (entry.IsLevel ? LevelBit : 0),
    };

    /// <summary>Writes a message as an MSI. An edge message has data bit 14 clear; of a level one it says assert or de-assert.</summary>
    /// <param name="message">The message.</param>
    /// <param name="format">Where the destination goes.</param>
    /// <exception cref="InvalidOperationException">The destination has more bits than the format.</exception>
    public static MsiMessage Encode(in ApicMessage message, MsiDestinationFormat format)
    {
        var limit = format switch
        {
            MsiDestinationFormat.Bits8 => 0xFFu,
            MsiDestinationFormat.Bits15 => 0x7FFFu,
            _ => uint.MaxValue,
        };
        if (message.Destination > limit)
            throw new InvalidOperationException($"Destination {message.Destination:X}h does not fit an MSI of format {format}.");
        var level = message.IsLevel ? LevelBit | (message.IsAssert ? AssertBit : 0) : 0;
        return new MsiMessage
        {
            AddressLow = Address
                | (message.Destination & 0xFF) << 12
                | (format == MsiDestinationFormat.Bits15 ? (message.Destination >> 8) << 5 : 0)
                | (message.IsLogical ? LogicalBit : 0)
                | (message.HasRedirectionHint ? RedirectionHintBit : 0),
            AddressHigh = format == MsiDestinationFormat.Bits32 ? message.Destination & 0xFFFF_FF00 : 0,
            Data = message.Vector | ((uint)message.Mode & 7) << 8 | level,
        };
    }

    private static uint Destination(in MsiMessage msi, MsiDestinationFormat format)
    {
        var low = (msi.AddressLow >> 12) & 0xFF;
        return format switch
        {
            MsiDestinationFormat.Bits15 => low | (msi.AddressLow & ExtendedDestinationBits) << 3,
            MsiDestinationFormat.Bits32 => low | (msi.AddressHigh & 0xFFFF_FF00),
            _ => low,
        };
    }
}
