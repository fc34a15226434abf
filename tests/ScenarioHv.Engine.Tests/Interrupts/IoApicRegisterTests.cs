using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The memory window and the registers behind it.</summary>
public class IoApicRegisterTests
{
    private const IoApicFlavour Bare = IoApicFlavour.Architectural;
    private const IoApicFlavour Kvm = IoApicFlavour.KvmKernel;
    private const IoApicFlavour Qemu = IoApicFlavour.QemuUserspace;

    [TestCase(Bare, 0x0017_0011u)]
    [TestCase(Kvm, 0x0017_0011u)]
    [TestCase(Qemu, 0x0017_0020u)]
    public void Version_of_24_pins(IoApicFlavour flavour, uint version) =>
        Assert.That(new IoApicBench(flavour).Read(1), Is.EqualTo(version));

    [TestCase(240, 0x00EF_0011u)]
    [TestCase(120, 0x0077_0011u)]
    [TestCase(1, 0x0000_0011u)]
    public void Version_announces_the_highest_entry(int pins, uint version) =>
        Assert.That(new IoApicBench(Bare, pins: pins).Read(1), Is.EqualTo(version));

    [TestCase(0)]
    [TestCase(241)]
    public void Pins_are_1_to_240(int pins) => Assert.That(() => new IoApicBench(Bare, pins: pins), Throws.InvalidOperationException);

    [TestCase(Bare, (byte)0x40, 0u)]
    [TestCase(Kvm, (byte)0x40, 0xFFFF_FFFFu)]
    [TestCase(Qemu, (byte)0x40, 0u)]
    [TestCase(Bare, (byte)0x03, 0u)]
    [TestCase(Kvm, (byte)0x03, 0xFFFF_FFFFu)]
    [TestCase(Qemu, (byte)0x0F, 0u)]
    public void Index_without_a_register(IoApicFlavour flavour, byte index, uint value)
    {
        var bench = new IoApicBench(flavour);
        bench.Write(index, 0x1234_5678);
        Assert.That(bench.Read(index), Is.EqualTo(value));
        Assert.That(Enumerable.Range(0, 24).Select(bench.ReadLow), Is.All.EqualTo(0x10000));
    }

    [TestCase(Bare, 0x1_AFFFu)]
    [TestCase(Kvm, 0xFFFF_AFFFu)]
    [TestCase(Qemu, 0xFFFF_AFFFu)]
    public void Entry_written_with_ones(IoApicFlavour flavour, uint low)
    {
        var bench = new IoApicBench(flavour);
        bench.EntryLow(0, 0xFFFF_FFFF);
        Assert.That(bench.ReadLow(0), Is.EqualTo(low));
    }

    [Test]
    public void Index_3Fh_is_the_high_half_of_entry_23([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.EntryHigh(23, 0xA5);
        Assert.That(bench.Read(0x3F), Is.EqualTo(0xA500_0000));
        Assert.That(bench.Chip[23].Entry.Destination, Is.EqualTo(0xA5));
    }

    [Test]
    public void Ioregsel_keeps_8_bits([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Chip.WriteWindow(IoApic.IoRegSel, 0x1234_5611);
        Assert.That(bench.Chip.ReadWindow(IoApic.IoRegSel), Is.EqualTo(0x11));
    }

    [TestCase(Bare, 1, 0u)]
    [TestCase(Qemu, 2, 0u)]
    [TestCase(Kvm, 1, 0x11u)]
    [TestCase(Kvm, 2, 0x0011u)]
    [TestCase(Kvm, 8, 0x0017_0011u)]
    public void Read_of_Iowin_with_another_size_than_4(IoApicFlavour flavour, int size, uint value)
    {
        var bench = new IoApicBench(flavour);
        bench.Chip.WriteWindow(IoApic.IoRegSel, 1);
        Assert.That(bench.Chip.ReadWindow(IoApic.IoWin, size), Is.EqualTo(value));
    }

    [TestCase(Bare, 0x10000u)]
    [TestCase(Qemu, 0x10000u)]
    [TestCase(Kvm, 0x0051u)]
    public void Write_of_Iowin_with_2_bytes(IoApicFlavour flavour, uint low)
    {
        var bench = new IoApicBench(flavour);
        bench.Chip.WriteWindow(IoApic.IoRegSel, 0x16);
        bench.Chip.WriteWindow(IoApic.IoWin, 0xFFFF_0051, 2);
        Assert.That(bench.ReadLow(3), Is.EqualTo(low));
    }

    [Test]
    public void Other_offsets_read_0_and_ignore_writes([Values(0x04u, 0x20u, 0x30u, 0x40u)] uint offset)
    {
        var bench = new IoApicBench(Kvm);
        var write = bench.Chip.WriteWindow(offset, 0x51);
        Assert.That(write.EoiVector, Is.EqualTo(-1));
        Assert.That(write.Service.IsEmpty, Is.True);
        Assert.That(bench.Chip.ReadWindow(offset), Is.Zero);
    }

    [Test]
    public void Eoi_register_needs_version_20h([Values] IoApicFlavour flavour)
    {
        var policies = IoApicBench.PoliciesOf(flavour);
        var old = new IoApicBench(policies with { EoiRegister = IoApicEoiRegister.Absent });
        Assert.That(old.Read(1), Is.EqualTo(0x0017_0011));
        Assert.That(old.Chip.WriteWindow(IoApic.EoiOffset, 0x51).EoiVector, Is.EqualTo(-1));
        var recent = new IoApicBench(policies with { EoiRegister = IoApicEoiRegister.Present });
        Assert.That(recent.Read(1), Is.EqualTo(0x0017_0020));
        Assert.That(recent.Chip.WriteWindow(IoApic.EoiOffset, 0x51).EoiVector, Is.EqualTo(0x51));
    }

    [Test]
    public void Bits_7_to_0_of_the_address_are_decoded([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Chip.WriteWindow(IoApic.BaseAddress, 1);
        Assert.That(bench.Chip.ReadWindow(IoApic.BaseAddress + 0x10), Is.EqualTo(bench.Read(1)));
    }

    [Test]
    public void Fields_of_an_entry_are_where_the_datasheet_has_them()
    {
        var entry = new RedirectionEntry(0xA500_0000_0001_FD51);
        Assert.That(entry.Vector, Is.EqualTo(0x51));
        Assert.That(entry.Mode, Is.EqualTo(DeliveryMode.Init));
        Assert.That((entry.IsLogical, entry.DeliveryStatus, entry.IsActiveLow, entry.RemoteIrr, entry.IsLevel, entry.IsMasked),
            Is.EqualTo((true, true, true, true, true, true)));
        Assert.That(entry.Destination, Is.EqualTo(0xA5));
        Assert.That(entry.Bits, Is.EqualTo(0xA500_0000_0001_FD51));
    }

    [Test]
    public void Each_field_of_an_entry_is_set_alone()
    {
        var entry = new RedirectionEntry(0)
        {
            Vector = 0x51,
            Mode = DeliveryMode.ExtInt,
            Destination = 0x0D,
            IsLogical = true,
            IsActiveLow = true,
            IsLevel = true,
            DeliveryStatus = true,
            RemoteIrr = true,
            IsMasked = true,
        };
        Assert.That(entry.Bits, Is.EqualTo(0x0D00_0000_0001_FF51));
        entry.IsLevel = entry.IsMasked = false;
        Assert.That(entry.Bits, Is.EqualTo(0x0D00_0000_0000_7F51));
    }
}
