using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>MSI address and data (SDM3 10.11), KVM's reading of them, and QEMU's MSI of a redirection entry.</summary>
public class MsiFormatTests
{
    private static ApicMessage Decode(
        uint address, uint data, MsiRules rules = MsiRules.Kvm, MsiDestinationFormat format = MsiDestinationFormat.Bits8, uint high = 0)
    {
        var msi = new MsiMessage { AddressLow = address, AddressHigh = high, Data = data };
        Assert.That(MsiFormat.TryDecode(msi, rules, format, out var message), Is.True);
        return message;
    }

    [TestCase(0xFEE0_0000u, 0x0060u, 0x00u, 0x60, DeliveryMode.Fixed, ApicMessageFlags.None)]
    [TestCase(0xFEE0_3004u, 0x0161u, 0x03u, 0x61, DeliveryMode.LowestPriority, ApicMessageFlags.Logical)]
    [TestCase(0xFEEF_F00Cu, 0x0462u, 0xFFu, 0x62, DeliveryMode.Nmi, ApicMessageFlags.Logical | ApicMessageFlags.RedirectionHint)]
    [TestCase(0xFEE0_1008u, 0xC763u, 0x01u, 0x63, DeliveryMode.ExtInt, ApicMessageFlags.Level | ApicMessageFlags.RedirectionHint)]
    public void Fields(uint address, uint data, uint destination, int vector, DeliveryMode mode, ApicMessageFlags flags)
    {
        foreach (var rules in Enum.GetValues<MsiRules>())
        {
            var message = Decode(address, data, rules);
            Assert.That((message.Destination, (int)message.Vector, message.Mode, message.Flags),
                Is.EqualTo((destination, vector, mode, flags)));
        }
    }

    [TestCase(MsiRules.Architectural, 0x8050u, false)]
    [TestCase(MsiRules.Architectural, 0xC050u, true)]
    [TestCase(MsiRules.Architectural, 0x0050u, true)]
    [TestCase(MsiRules.Kvm, 0x8050u, true)]
    public void Level_bit_is_read_by_the_manual_and_not_by_KVM(MsiRules rules, uint data, bool asserts) =>
        Assert.That(Decode(0xFEE0_0000, data, rules).IsAssert, Is.EqualTo(asserts));

    [TestCase(0xFED0_0000u)]
    [TestCase(0xFEC0_0000u)]
    [TestCase(0xFEE0_0010u)]
    public void Address_that_is_no_interrupt_for_the_manual_but_is_one_for_KVM(uint address)
    {
        var msi = new MsiMessage { AddressLow = address, Data = 0x50 };
        Assert.That(MsiFormat.TryDecode(msi, MsiRules.Architectural, MsiDestinationFormat.Bits8, out _), Is.False);
        Assert.That(MsiFormat.TryDecode(msi, MsiRules.Kvm, MsiDestinationFormat.Bits8, out _), Is.True);
    }

    [TestCase(MsiDestinationFormat.Bits8, 0xFEE3_4FE0u, 0u, 0x34u)]
    [TestCase(MsiDestinationFormat.Bits15, 0xFEE3_4FE0u, 0u, 0x7F34u)]
    [TestCase(MsiDestinationFormat.Bits15, 0xFEE3_4020u, 0u, 0x0134u)]
    [TestCase(MsiDestinationFormat.Bits32, 0xFEE3_4FE0u, 0x1234_5600u, 0x1234_5634u)]
    [TestCase(MsiDestinationFormat.Bits8, 0xFEE3_4000u, 0x1234_5600u, 0x34u)]
    public void Destination_by_format(MsiDestinationFormat format, uint address, uint high, uint destination) =>
        Assert.That(Decode(address, 0x50, MsiRules.Kvm, format, high).Destination, Is.EqualTo(destination));

    [TestCase(MsiDestinationFormat.Bits32, false)]
    [TestCase(MsiDestinationFormat.Bits8, true)]
    public void High_address_with_low_bits_is_rejected_with_32_bit_IDs_only(MsiDestinationFormat format, bool accepted)
    {
        var msi = new MsiMessage { AddressLow = 0xFEE0_0000, AddressHigh = 1, Data = 0x50 };
        Assert.That(MsiFormat.TryDecode(msi, MsiRules.Kvm, format, out _), Is.EqualTo(accepted));
    }

    [TestCase(0x0000_0000_0000_8050ul, 0xFEE0_0000u, 0x8050u)]
    [TestCase(0x0D00_0000_0001_0951ul, 0xFEE0_D004u, 0x0151u)]
    [TestCase(0xFF00_0000_0000_E450ul, 0xFEEF_F000u, 0x8450u)]
    [TestCase(0x3402_0000_0000_0050ul, 0xFEE3_4020u, 0x0050u)]
    public void Entry_as_QEMU_writes_it(ulong entry, uint address, uint data)
    {
        var msi = MsiFormat.Encode(new RedirectionEntry(entry));
        Assert.That((msi.AddressLow, msi.AddressHigh, msi.Data), Is.EqualTo((address, 0u, data)));
    }

    [Test]
    public void Entry_through_an_MSI_means_the_same_as_directly()
    {
        for (uint low = 0; low < 0x2_0000; low += 7)
        {
            var entry = new RedirectionEntry(low | (ulong)(byte)(low * 31) << 56);
            var msi = MsiFormat.Encode(entry);
            MsiFormat.TryDecode(msi, MsiRules.Kvm, MsiDestinationFormat.Bits8, out var message);
            Assert.That(message, Is.EqualTo(entry.ToMessage()));
        }
    }

    [TestCase(MsiDestinationFormat.Bits8, 0xFFu)]
    [TestCase(MsiDestinationFormat.Bits15, 0x7FFFu)]
    [TestCase(MsiDestinationFormat.Bits15, 0x0134u)]
    [TestCase(MsiDestinationFormat.Bits32, 0xFFFF_FFFFu)]
    public void Message_survives_encoding_and_decoding(MsiDestinationFormat format, uint destination)
    {
        const ApicMessageFlags Deassert = ApicMessageFlags.Level | ApicMessageFlags.Deassert;
        foreach (var flags in new[] { ApicMessageFlags.Logical, Deassert, ApicMessageFlags.RedirectionHint })
        {
            var message = new ApicMessage { Destination = destination, Vector = 0xE1, Mode = DeliveryMode.LowestPriority, Flags = flags };
            var msi = MsiFormat.Encode(message, format);
            Assert.That(MsiFormat.TryDecode(msi, MsiRules.Architectural, format, out var read), Is.True);
            Assert.That(read, Is.EqualTo(message));
        }
    }

    [TestCase(MsiDestinationFormat.Bits8, 0x100u)]
    [TestCase(MsiDestinationFormat.Bits15, 0x8000u)]
    public void Destination_that_does_not_fit_is_refused(MsiDestinationFormat format, uint destination) =>
        Assert.That(() => MsiFormat.Encode(new ApicMessage { Destination = destination }, format), Throws.InvalidOperationException);
}
