using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Devices;

/// <summary>The generic level device and the MSI capability.</summary>
public class PlainDeviceTests
{
    private static MsiDevice Msi(int vectors = 1, bool perVectorMask = false)
    {
        var device = new MsiDevice { Control = perVectorMask ? MsiDevice.PerVectorMaskBit : (ushort)0 };
        device.Configure(0x60, 0, DeliveryMode.Fixed, logical: false, MsiDestinationFormat.Bits8);
        device.EnableVectors(vectors);
        return device;
    }

    [Test]
    public void Line_stays_until_the_acknowledgement()
    {
        var device = default(LineDevice);
        Assert.That(device.Raise(), Is.True);
        Assert.That(device.Raise(), Is.False, "merged");
        Assert.That(device.ReadRegister(LineDevice.StatusOffset), Is.EqualTo(1));
        Assert.That(device.WriteRegister(LineDevice.AcknowledgeOffset, 0), Is.False);
        Assert.That(device.WriteRegister(LineDevice.StatusOffset, 1), Is.False, "the status is read-only");
        Assert.That(device.LineLevel, Is.True);
        Assert.That(device.WriteRegister(LineDevice.AcknowledgeOffset, 1), Is.True);
        Assert.That(device.LineLevel, Is.False);
        Assert.That(device.WriteRegister(LineDevice.AcknowledgeOffset, 1), Is.False, "low already");
    }

    [Test]
    public void Msi_is_an_edge_message_to_its_destination()
    {
        var device = default(MsiDevice);
        device.Configure(0x60, 3, DeliveryMode.LowestPriority, logical: true, MsiDestinationFormat.Bits8);
        Assert.That(device.TryFire(0, out var msi), Is.True);
        Assert.That((msi.AddressLow, msi.Data), Is.EqualTo((0xFEE0_3004u, 0x0160u)));
    }

    [TestCase(1, 0, 0x63)]
    [TestCase(4, 0, 0x60)]
    [TestCase(4, 3, 0x63)]
    [TestCase(32, 31, 0x7F)]
    public void Vector_replaces_the_low_bits_of_the_data(int vectors, int index, int data)
    {
        var device = Msi(vectors);
        device.Message.Data = 0x63;
        device.TryFire(index, out var msi);
        Assert.That(msi.Data, Is.EqualTo(data));
    }

    [Test]
    public void Event_of_a_disabled_function_is_lost()
    {
        var device = Msi();
        device.Control = 0;
        Assert.That(device.TryFire(0, out _), Is.False);
        device.Control = MsiDevice.EnableBit;
        Assert.That(device.TrySendPending(out _), Is.False);
    }

    [Test]
    public void Masked_events_merge_and_are_sent_once_at_the_unmask()
    {
        var device = Msi(vectors: 4, perVectorMask: true);
        device.WriteMask(0b0110);
        Assert.That(device.TryFire(1, out _) | device.TryFire(1, out _) | device.TryFire(2, out _), Is.False);
        Assert.That(device.Pending, Is.EqualTo(0b0110));
        device.WriteMask(0b0100);
        Assert.That(device.TrySendPending(out var msi), Is.True);
        Assert.That(msi.Data & 0xFF, Is.EqualTo(0x61));
        Assert.That(device.TrySendPending(out _), Is.False, "once; the other is still masked");
        Assert.That(device.Pending, Is.EqualTo(0b0100));
    }

    [Test]
    public void Function_without_per_vector_masking_ignores_the_mask()
    {
        var device = Msi();
        device.WriteMask(1);
        Assert.That(device.TryFire(0, out _), Is.True);
    }

    [TestCase(3)]
    [TestCase(0)]
    [TestCase(64)]
    public void Vectors_are_a_power_of_two_up_to_32(int count)
    {
        var device = Msi();
        Assert.That(() => device.EnableVectors(count), Throws.InvalidOperationException);
    }

    [Test]
    public void Vector_that_is_not_enabled_is_a_mistake()
    {
        var device = Msi(vectors: 2);
        Assert.That(() => device.TryFire(2, out _), Throws.InvalidOperationException);
    }

    [Test]
    public void Uhci_in_slot_4_raises_gsi_23_and_falls_when_its_driver_clears_the_status()
    {
        var uhci = Piix4Uhci.Reset;
        var lines = new GsiLines(new GsiLine[24]);
        var gsi = Ich9PirqRouting.Reset.Gsi(slot: 4, pin: 3);
        uhci.WriteRegister(Piix4Uhci.InterruptEnableOffset, 2, Piix4Uhci.IocEnable);
        uhci.WriteRegister(Piix4Uhci.CommandOffset, 2, Piix4Uhci.Run);
        uhci.CompleteTransfer(ioc: true, shortPacket: false);
        uhci.EndFrame();
        lines.Set(gsi, 0, uhci.LineLevel);
        Assert.That(lines.IsHigh(23), Is.True);
        uhci.WriteRegister(Piix4Uhci.StatusOffset, 2, Piix4Uhci.UsbInterrupt);
        lines.Set(gsi, 0, uhci.LineLevel);
        Assert.That(lines.IsHigh(23), Is.False);
    }
}
