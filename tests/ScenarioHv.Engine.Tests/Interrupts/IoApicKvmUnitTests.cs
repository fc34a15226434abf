using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The checks of kvm-unit-tests x86/ioapic.c, named after them. Every flavour passes every one.</summary>
[TestFixture(IoApicFlavour.Architectural)]
[TestFixture(IoApicFlavour.KvmKernel)]
[TestFixture(IoApicFlavour.QemuUserspace)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class IoApicKvmUnitTests(IoApicFlavour flavour)
{
    private const uint Level = RedirectionEntry.LevelBit;
    private const uint Masked = RedirectionEntry.MaskBit;
    private const uint Logical = RedirectionEntry.LogicalBit;

    private readonly IoApicBench _bench = new(flavour, cpus: 4);

    [Test]
    public void Version_register_read_only_test()
    {
        var version = _bench.Read(1);
        _bench.Write(1, ~version);
        Assert.That(_bench.Read(1), Is.EqualTo(version));
    }

    [Test]
    public void Id_register_only_bits_24_to_27_writable()
    {
        var id = _bench.Read(0);
        _bench.Write(0, ~id);
        Assert.That(_bench.Read(0), Is.EqualTo(id ^ 0x0F00_0000));
    }

    [Test]
    public void Arbitration_register_set_by_id()
    {
        _bench.Write(0, 0x0F00_0000);
        Assert.That(_bench.Read(2), Is.EqualTo(0x0F00_0000));
    }

    [Test]
    public void Arbitration_register_read_only()
    {
        _bench.Write(0, 0x0F00_0000);
        _bench.Write(2, 0);
        Assert.That(_bench.Read(2), Is.EqualTo(0x0F00_0000));
    }

    [Test]
    public void Edge_triggered_intr()
    {
        _bench.Entry(0x0E, 0x76);
        _bench.Pulse(0x0E);
        Assert.That(_bench.Take(), Is.EqualTo(1));
    }

    [Test]
    public void Level_triggered_intr()
    {
        _bench.Entry(0x0E, 0x77 | Level);
        _bench.Line(0x0E, true);
        Assert.That(_bench.Take(0, _ => _bench.Line(0x0E, false)), Is.EqualTo(1));
    }

    [Test]
    public void Ioapic_simultaneous_edge_interrupts()
    {
        _bench.Entry(0x0E, 0x78);
        _bench.Entry(0x0F, 0x66);
        _bench.Pulse(0x0F);
        _bench.Pulse(0x0E);
        var order = new List<int>();
        _bench.Take(0, vector => order.Add(vector));
        Assert.That(order, Is.EqualTo(new[] { 0x78, 0x66 }));
    }

    [Test]
    public void Coalesce_simultaneous_level_interrupts()
    {
        _bench.Entry(0x0E, 0x98 | Level);
        _bench.Line(0x0E, true);
        var taken = _bench.Take(0, _ =>
        {
            _bench.Line(0x0E, false);
            _bench.Line(0x0E, true);
            _bench.Line(0x0E, false);
        });
        Assert.That(taken, Is.EqualTo(1));
    }

    [Test]
    public void Sequential_level_interrupts()
    {
        _bench.Entry(0x0E, 0x99 | Level);
        var taken = 0;
        for (var i = 0; i < 2; i++)
        {
            _bench.Line(0x0E, true);
            taken += _bench.Take(0, _ => _bench.Line(0x0E, false));
        }

        Assert.That(taken, Is.EqualTo(2));
    }

    [Test]
    public void Retriggered_level_interrupts_without_masking()
    {
        _bench.Entry(0x0E, 0x9A | Level);
        _bench.Line(0x0E, true);
        var runs = 0;
        _bench.Take(0, _ =>
        {
            if (++runs == 2)
                _bench.Line(0x0E, false);
        });
        Assert.That(runs, Is.EqualTo(2));
    }

    [Test]
    public void Masked_and_unmasked_edge_interrupt()
    {
        _bench.Entry(0x0E, 0x81 | Masked);
        _bench.Pulse(0x0E);
        Assert.That(_bench.Take(), Is.Zero, "masked");
        _bench.EntryLow(0x0E, 0x81);
        Assert.That(_bench.Take(), Is.Zero, "the masked pulse is not replayed");
        _bench.Line(0x0E, true);
        Assert.That(_bench.Take(), Is.EqualTo(1), "unmasked");
    }

    [Test]
    public void Masked_and_unmasked_level_interrupt()
    {
        _bench.Entry(0x0E, 0x82 | Level | Masked);
        _bench.Line(0x0E, true);
        Assert.That(_bench.Take(), Is.Zero, "masked");
        _bench.EntryLow(0x0E, 0x82 | Level);
        Assert.That(_bench.Take(0, _ => _bench.Line(0x0E, false)), Is.EqualTo(1), "unmasked");
    }

    [Test]
    public void Retriggered_level_interrupts_with_mask()
    {
        _bench.Entry(0x0E, 0x83 | Level);
        _bench.Line(0x0E, true);
        var taken = 0;
        for (var i = 0; i < 2; i++)
        {
            taken += _bench.Take(0, _ => _bench.EntryLow(0x0E, 0x83 | Level | Masked));
            if (i == 0)
                _bench.EntryLow(0x0E, 0x83 | Level);
        }

        Assert.That(taken, Is.EqualTo(2));
    }

    [Test]
    public void Tmr_for_ioapic_edge_and_level_interrupts()
    {
        foreach (var level in new[] { false, true, true, false })
        {
            _bench.Entry(0x0E, 0x79 | (level ? Level : 0));
            _bench.Line(0x0E, true);
            var inside = !level;
            _bench.Take(0, vector =>
            {
                inside = _bench.Cpus[0].Tmr[vector];
                _bench.Line(0x0E, false);
            });
            _bench.Line(0x0E, false);
            Assert.That(inside, Is.EqualTo(level));
        }
    }

    [Test]
    public void Ioapic_physical_destination_mode()
    {
        _bench.Entry(0x0E, 0x85 | Level, destination: 1);
        _bench.Line(0x0E, true);
        Assert.That(_bench.Take(0), Is.Zero);
        Assert.That(_bench.Take(1, _ => _bench.Line(0x0E, false)), Is.EqualTo(1));
        Assert.That(_bench.RemoteIrr(0x0E), Is.False);
    }

    [Test]
    public void Ioapic_logical_destination_mode()
    {
        _bench.Entry(0x0E, 0x86 | Level | Logical, destination: 0x0D);
        _bench.Line(0x0E, true);
        var taken = Enumerable.Range(0, 4).Select(cpu => _bench.Take(cpu, _ => _bench.Line(0x0E, false)));
        Assert.That(taken, Is.EqualTo(new[] { 1, 0, 1, 1 }));
        Assert.That(_bench.RemoteIrr(0x0E), Is.False);
    }

    [Test]
    public void Reconfigure_self()
    {
        _bench.Entry(0x0D, 0x64 | Level);
        _bench.Entry(0x0E, 0x84 | Level);
        _bench.Line(0x0D, true);
        var order = new List<int>();
        _bench.Take(0, vector =>
        {
            order.Add(vector);
            if (vector != 0x64)
                return;
            _bench.Line(0x0E, true);
            foreach (var pin in new[] { 0x0E, 0x0D })
            {
                _bench.Line(pin, false);
                Assert.That(_bench.RemoteIrr(pin), Is.True);
                _bench.EntryHigh(pin, 1);
            }
        });
        Assert.That(order, Is.EqualTo(new[] { 0x64, 0x84 }));
        Assert.That(_bench.Take(1), Is.Zero, "the new destination gets nothing");
        Assert.That(_bench.RemoteIrr(0x0D) || _bench.RemoteIrr(0x0E), Is.False);
    }
}
