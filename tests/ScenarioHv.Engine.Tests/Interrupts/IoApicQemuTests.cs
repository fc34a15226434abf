using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>QEMU's userspace I/O APIC (QEMU hw/intc/ioapic.c): its scan, its late interrupts, its EOI register.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class IoApicQemuTests
{
    private const uint Level = RedirectionEntry.LevelBit;
    private const uint Masked = RedirectionEntry.MaskBit;

    private readonly IoApicBench _bench = new(IoApicFlavour.QemuUserspace);

    /// <summary>Pin 3 has been EOIed with its line high, and the policy delays the next interrupt.</summary>
    private void DelayPin3()
    {
        _bench.Entry(3, 0x51 | Level);
        _bench.Line(3, true);
        _bench.ClearRemoteIrrs(0x51);
        _bench.Sent.Clear();
    }

    [Test]
    public void Line_of_another_pin_sends_a_delayed_interrupt_early()
    {
        _bench.Entry(9, 0x61 | Level);
        DelayPin3();
        _bench.Line(9, true);
        Assert.That(_bench.SentVectors, Is.EqualTo(new[] { 0x51, 0x61 }));
    }

    [Test]
    public void Scan_runs_even_for_a_masked_level_pin()
    {
        _bench.Entry(9, 0x61 | Level | Masked);
        DelayPin3();
        Assert.That(_bench.Line(9, true), Is.EqualTo(-1));
        Assert.That(_bench.SentVectors, Is.EqualTo(new[] { 0x51 }));
    }

    [Test]
    public void Scan_does_not_run_for_a_masked_edge_pin()
    {
        DelayPin3();
        _bench.Line(9, true);
        Assert.That(_bench.Sent, Is.Empty);
    }

    [Test]
    public void Write_of_another_entry_sends_a_delayed_interrupt_early()
    {
        DelayPin3();
        _bench.EntryHigh(9, 1);
        Assert.That(_bench.SentVectors, Is.EqualTo(new[] { 0x51 }));
    }

    [Test]
    public void Delayed_service_sends_every_pin_that_waits()
    {
        DelayPin3();
        Assert.That(_bench.Chip.WantsDelayedService(3), Is.True);
        Assert.That(_bench.Chip.WantsDelayedService(4), Is.False);
    }

    [Test]
    public void Deassertion_of_an_edge_pin_does_not_clear_what_level_left_in_irr()
    {
        _bench.Entry(3, 0x51 | Level);
        _bench.Line(3, true);
        _bench.EntryLow(3, 0x61 | Masked);
        _bench.Line(3, false);
        _bench.EntryLow(3, 0x61);
        Assert.That(_bench.SentVectors, Is.EqualTo(new[] { 0x51, 0x61 }));
    }

    [Test]
    public void Eoi_register_ends_the_interrupt_of_version_20h()
    {
        _bench.Entry(3, 0x51 | Level);
        _bench.Line(3, true);
        _bench.Line(3, false);
        _bench.EoiRegister(0x51);
        Assert.That(_bench.RemoteIrr(3), Is.False);
    }

    [TestCase(0x151u, 4, -1)]
    [TestCase(0x51u, 1, -1)]
    [TestCase(0x51u, 4, 0x51)]
    public void Eoi_register_compares_32_bits_and_wants_4_bytes(uint value, int size, int vector)
    {
        Assert.That(_bench.Chip.WriteWindow(IoApic.EoiOffset, value, size).EoiVector, Is.EqualTo(vector));
    }
}
