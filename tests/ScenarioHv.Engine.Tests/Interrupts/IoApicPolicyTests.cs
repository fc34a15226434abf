using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>What the single choices of an I/O APIC do, and what OpenVMM's and Xen's do by them.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class IoApicPolicyTests
{
    private const uint Level = RedirectionEntry.LevelBit;
    private const uint Masked = RedirectionEntry.MaskBit;
    private const uint Nmi = 4 << 8;

    private readonly IoApicBench _openVmm = new(IoApicPolicies.OpenVmm);
    private readonly IoApicBench _xen = new(IoApicPolicies.Xen);

    [Test]
    public void OpenVmm_entry_is_masked_and_logical_after_power_on_and_reset()
    {
        Assert.That(_openVmm.ReadLow(5), Is.EqualTo(0x10800));
        _openVmm.Entry(5, 0x51);
        _openVmm.Chip.Reset();
        Assert.That(_openVmm.ReadLow(5), Is.EqualTo(0x10800));
    }

    [Test]
    public void OpenVmm_write_of_the_low_half_ends_remote_irr_and_sends_the_line_again()
    {
        _openVmm.Entry(3, 0x51 | Level);
        _openVmm.Line(3, true);
        _openVmm.EntryHigh(3, 0);
        Assert.That(_openVmm.Sent, Has.Count.EqualTo(1), "the high half leaves it");
        _openVmm.EntryLow(3, 0x51 | Level);
        Assert.That(_openVmm.Sent, Has.Count.EqualTo(2));
        Assert.That(_openVmm.RemoteIrr(3), Is.True);
    }

    [Test]
    public void OpenVmm_NMI_entry_of_trigger_mode_level_acts_on_the_edge_alone()
    {
        _openVmm.Entry(3, Nmi | Level);
        _openVmm.Line(3, true);
        _openVmm.EntryLow(3, Nmi | Level);
        Assert.That(_openVmm.Sent.Select(message => message.Mode), Is.EqualTo(new[] { DeliveryMode.Nmi }));
        Assert.That(_openVmm.RemoteIrr(3), Is.False);
        _openVmm.Line(3, false);
        _openVmm.Line(3, true);
        Assert.That(_openVmm.Sent, Has.Count.EqualTo(2), "no EOI is awaited");
    }

    [Test]
    public void OpenVmm_registers()
    {
        _openVmm.Write(IoApic.IdRegister, 0x0700_0000);
        Assert.That(_openVmm.Read(IoApic.VersionRegister), Is.EqualTo(0x0017_0011));
        Assert.That(_openVmm.Read(IoApic.IdRegister), Is.EqualTo(0x0700_0000));
        Assert.That(_openVmm.Read(IoApic.ArbitrationRegister), Is.Zero);
        Assert.That(_openVmm.Read(0x03), Is.EqualTo(uint.MaxValue), "below the table");
        Assert.That(_openVmm.Read(0x40), Is.Zero, "behind it");
        _openVmm.Write(0x10, uint.MaxValue);
        _openVmm.Write(0x11, uint.MaxValue);
        Assert.That(_openVmm.ReadLow(0), Is.EqualTo(0x1_AFFF));
        Assert.That(_openVmm.Read(0x11), Is.EqualTo(0xFFFF_0000));
    }

    [Test]
    public void OpenVmm_reads_any_size_and_writes_4_bytes_alone()
    {
        _openVmm.Chip.WriteWindow(IoApic.IoRegSel, IoApic.VersionRegister);
        Assert.That(_openVmm.Chip.ReadWindow(IoApic.IoWin, size: 1), Is.EqualTo(0x11));
        _openVmm.Chip.WriteWindow(IoApic.IoRegSel, 0x10);
        _openVmm.Chip.WriteWindow(IoApic.IoWin, 0x51, size: 2);
        Assert.That(_openVmm.ReadLow(0), Is.EqualTo(0x10800));
    }

    [Test]
    public void Xen_sets_remote_irr_whoever_accepts()
    {
        _xen.Entry(3, 0x51 | Level, destination: 5);
        _xen.Line(3, true);
        Assert.That(_xen.RemoteIrr(3), Is.True);
    }

    [Test]
    public void Xen_samples_the_line_of_an_entry_that_becomes_level_and_stores_every_bit_of_it()
    {
        _xen.Entry(3, 0x51);
        _xen.Line(3, true);
        _xen.EntryLow(3, 0xFFFE_0051 | Level);
        Assert.That(_xen.SentVectors, Is.EqualTo(new[] { 0x51, 0x51 }));
        Assert.That(_xen.ReadLow(3), Is.EqualTo(0xFFFE_C051));
    }

    // 82093AA 3.2.4 has it lost; early QEMU held it, and sent it once.
    [TestCase(IoApicEdgeLatch.UntilSent)]
    [TestCase(IoApicEdgeLatch.LineHigh)]
    public void Edge_at_a_masked_entry_is_sent_once_at_the_unmask_if_it_is_latched(IoApicEdgeLatch latch)
    {
        var bench = new IoApicBench(
            IoApicPolicies.Architectural with { EdgeLatch = latch, MaskedEdge = IoApicMaskedEdge.Latched });
        bench.Entry(3, 0x51 | Masked);
        bench.Line(3, true);
        bench.EntryLow(3, 0x52 | Masked);
        Assert.That(bench.Sent, Is.Empty);
        bench.EntryLow(3, 0x52);
        bench.EntryLow(3, 0x52);
        Assert.That(bench.SentVectors, Is.EqualTo(new[] { 0x52 }));
    }

    [Test]
    public void Latched_edge_survives_the_fall_of_its_line_and_the_line_itself_does_not()
    {
        foreach (var (latch, messages) in new[] { (IoApicEdgeLatch.UntilSent, 1), (IoApicEdgeLatch.LineHigh, 0) })
        {
            var bench = new IoApicBench(
                IoApicPolicies.Architectural with { EdgeLatch = latch, MaskedEdge = IoApicMaskedEdge.Latched });
            bench.Entry(3, 0x51 | Masked);
            bench.Pulse(3);
            bench.EntryLow(3, 0x51);
            Assert.That(bench.Sent, Has.Count.EqualTo(messages), latch.ToString());
        }
    }

    [TestCase(IoApicLatchAtWrite.Withdrawn, 1)]
    [TestCase(IoApicLatchAtWrite.Kept, 2)]
    public void Level_request_that_is_latched_counts_as_an_edge_if_it_is_kept(IoApicLatchAtWrite atWrite, int messages)
    {
        var bench = new IoApicBench(
            IoApicPolicies.Architectural with { LevelRequest = IoApicLevelRequest.Latch, LatchAtWrite = atWrite });
        bench.Entry(3, 0x51 | Level);
        bench.Line(3, true);
        bench.EntryLow(3, 0x61);
        Assert.That(bench.Sent, Has.Count.EqualTo(messages));
    }

    [TestCase(IoApicServicePins.OwnPin, 1)]
    [TestCase(IoApicServicePins.WholeTable, 2)]
    public void Line_of_one_pin_sends_the_owed_interrupt_of_another_if_the_table_is_scanned(IoApicServicePins pins, int messages)
    {
        var bench = new IoApicBench(IoApicPolicies.Architectural with { ServicePins = pins });
        bench.Entry(3, 0x51 | Level);
        bench.Entry(4, 0x61);
        bench.Chip.SetLine(3, true);
        bench.Line(4, true);
        Assert.That(bench.Sent, Has.Count.EqualTo(messages));
    }

    [TestCase(IoApicEoiWithoutRemoteIrr.SamplesLine, 1)]
    [TestCase(IoApicEoiWithoutRemoteIrr.Skipped, 0)]
    public void Eoi_at_an_entry_whose_interrupt_was_never_sent(IoApicEoiWithoutRemoteIrr policy, int messages)
    {
        var bench = new IoApicBench(IoApicPolicies.Architectural with { EoiWithoutRemoteIrr = policy });
        bench.Entry(3, 0x51 | Level);
        bench.Chip.SetLine(3, true);
        bench.Broadcast(0x51);
        Assert.That(bench.Sent, Has.Count.EqualTo(messages));
    }

    [TestCase(IoApicEoiValue.LowByte, 0x51)]
    [TestCase(IoApicEoiValue.AllBits, -1)]
    public void Eoi_register_written_with_a_value_above_FFh(IoApicEoiValue policy, int vector)
    {
        var bench = new IoApicBench(IoApicPolicies.Architectural with { EoiRegister = IoApicEoiRegister.Present, EoiValue = policy });
        Assert.That(bench.Chip.WriteWindow(IoApic.EoiOffset, 0x151).EoiVector, Is.EqualTo(vector));
    }

    [TestCase(IoApicRtc.Plain, 1)]
    [TestCase(IoApicRtc.Coalesced, 0)]
    public void Assertion_of_pin_8_while_an_EOI_of_the_RTC_is_outstanding(IoApicRtc policy, int messages)
    {
        var bench = new IoApicBench(IoApicPolicies.Architectural with { Rtc = policy });
        bench.Entry(8, 0x51);
        Assert.That(bench.Chip.SetLine(8, true, rtcEoiOutstanding: true).Service.IsEmpty, Is.EqualTo(messages == 0));
    }
}
