using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>KVM's in-kernel I/O APIC (KVM ioapic.c): results, line memory, save and restore, delayed work.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class IoApicKvmTests
{
    private const uint Level = RedirectionEntry.LevelBit;
    private const uint Masked = RedirectionEntry.MaskBit;

    private readonly IoApicBench _bench = new(IoApicFlavour.KvmKernel, cpus: 2);

    [TestCase(0x10051u, -1, TestName = "Masked edge is ignored: -1")]
    [TestCase(0x18051u, -1, TestName = "Masked level is ignored: -1")]
    [TestCase(0x00051u, 1, TestName = "Edge accepted by one: 1")]
    [TestCase(0x08051u, 1, TestName = "Level accepted by one: 1")]
    public void Result_of_the_first_assertion(uint low, int result)
    {
        _bench.Entry(3, low);
        Assert.That(_bench.Line(3, true), Is.EqualTo(result));
    }

    [Test]
    public void Result_counts_the_vcpus_that_accepted()
    {
        _bench.Entry(3, 0x51, destination: 0xFF);
        Assert.That(_bench.Line(3, true), Is.EqualTo(2));
    }

    [Test]
    public void Deassertion_results_in_1_and_a_second_edge_without_it_in_0()
    {
        _bench.Entry(3, 0x51);
        Assert.That(new[] { true, true, false, true }.Select(high => _bench.Line(3, high)), Is.EqualTo(new[] { 1, 0, 1, 1 }));
    }

    [Test]
    public void Second_assertion_of_a_level_line_under_remote_irr_results_in_minus_1()
    {
        _bench.Entry(3, 0x51 | Level);
        Assert.That(new[] { true, true }.Select(high => _bench.Line(3, high)), Is.EqualTo(new[] { 1, -1 }));
    }

    [Test]
    public void Edge_asserted_while_masked_coalesces_after_the_unmask()
    {
        _bench.Entry(3, 0x51 | Masked);
        _bench.Line(3, true);
        _bench.EntryLow(3, 0x51);
        Assert.That(_bench.Line(3, true), Is.Zero);
        Assert.That(_bench.Sent, Is.Empty);
    }

    [Test]
    public void Rtc_assertion_before_the_EOI_is_coalesced_and_leaves_no_trace()
    {
        _bench.Entry(8, 0x51);
        Assert.That(_bench.Chip.SetLine(8, true, rtcEoiOutstanding: true).Outcome, Is.EqualTo(IoApicLineOutcome.Coalesced));
        Assert.That(_bench.Chip.SavedIrr(8), Is.False);
        Assert.That(_bench.Chip.SetLine(7, true, rtcEoiOutstanding: true).Outcome, Is.EqualTo(IoApicLineOutcome.Ignored), "pin 8 only");
    }

    [Test]
    public void Rtc_deassertion_is_not_coalesced()
    {
        _bench.Entry(8, 0x51);
        _bench.Line(8, true);
        Assert.That(_bench.Chip.SetLine(8, false, rtcEoiOutstanding: true).Outcome, Is.EqualTo(IoApicLineOutcome.Deasserted));
        Assert.That(_bench.Line(8, true), Is.EqualTo(1));
    }

    [Test]
    public void Delivered_edge_is_not_saved_as_pending_but_a_masked_one_is()
    {
        _bench.Entry(3, 0x51);
        _bench.Entry(4, 0x61 | Masked);
        _bench.Line(3, true);
        _bench.Line(4, true);
        Assert.That(_bench.Chip.SavedIrr(3), Is.False);
        Assert.That(_bench.Chip.SavedIrr(4), Is.True);
    }

    [Test]
    public void Edge_asserted_again_is_saved_as_pending_until_it_is_delivered()
    {
        _bench.Entry(3, 0x51);
        _bench.Pulse(3);
        _bench.EntryLow(3, 0x51 | Masked);
        _bench.Line(3, true);
        Assert.That(_bench.Chip.SavedIrr(3), Is.True);
    }

    [Test]
    public void Coalesced_edge_is_saved_as_pending()
    {
        // ioapic_set_irq clears irr_delivered before it finds that the line was high already.
        _bench.Entry(3, 0x51);
        _bench.Line(3, true);
        _bench.Line(3, true);
        Assert.That(_bench.Chip.SavedIrr(3), Is.True);
    }

    [Test]
    public void Edge_delivered_and_made_level_is_still_saved_as_not_pending()
    {
        // Recorded: irr=000000 3=000000000000c051 with the line high.
        _bench.Entry(3, 0x51);
        _bench.Line(3, true);
        _bench.EntryLow(3, 0x51 | Level);
        Assert.That(_bench.ReadLow(3), Is.EqualTo(0xC051));
        Assert.That(_bench.Chip.SavedIrr(3), Is.False);
    }

    [Test]
    public void Restore_keeps_remote_irr_and_reasserts_without_sending()
    {
        _bench.Chip.RestorePin(3, new RedirectionEntry(0xC051));
        Assert.That(_bench.Line(3, true), Is.EqualTo(-1));
        Assert.That(_bench.ReadLow(3), Is.EqualTo(0xC051));
        _bench.Broadcast(0x51);
        Assert.That(_bench.SentVectors, Is.EqualTo(new[] { 0x51 }));
    }

    [Test]
    public void Delayed_work_tries_level_pins_only()
    {
        _bench.Entry(3, 0x51);
        _bench.Line(3, true);
        _bench.Entry(4, 0x61 | Level);
        _bench.Line(4, true);
        _bench.ClearRemoteIrrs(0x61);
        Assert.That(new[] { 3, 4 }.Select(pin => _bench.Chip.WantsDelayedService(pin)), Is.EqualTo(new[] { false, true }));
    }

    [Test]
    public void Edge_pin_held_high_is_sent_again_by_the_EOI_of_a_level_pin_with_its_vector()
    {
        // ioapic.c only asserts in debug builds that the entry is level.
        _bench.Entry(3, 0x51);
        _bench.Line(3, true);
        _bench.Sent.Clear();
        _bench.Broadcast(0x51);
        Assert.That(_bench.Sent.Single().IsLevel, Is.False);
    }

    [Test]
    public void Resampled_line_does_not_fire_at_the_unmask()
    {
        _bench.Entry(3, 0x51 | Level | Masked);
        _bench.Line(3, true);
        _bench.EntryLowOnly(3, 0x51 | Level);
        Assert.That(_bench.Chip.WantsService(3), Is.True);
        _bench.Chip.DropForResample(3);
        Assert.That(_bench.Chip.TryDispatch(3, out _), Is.False);
    }

    [Test]
    public void Reset_keeps_remote_irr_and_forgets_the_line()
    {
        _bench.Entry(3, 0x51 | Level);
        _bench.Line(3, true);
        _bench.Chip.Reset();
        Assert.That(_bench.ReadLow(3), Is.EqualTo(0x1C051));
        Assert.That(_bench.Chip.SavedIrr(3), Is.False);
    }

    [Test]
    public void Level_interrupt_to_two_cpus_loses_remote_irr_at_the_first_EOI()
    {
        // Recorded with two CPUs.
        _bench.Entry(3, 0x51 | Level, destination: 0xFF);
        _bench.Line(3, true);
        _bench.Line(3, false);
        _bench.Cpus[0].TryDispense(out _);
        _bench.Cpus[1].TryDispense(out _);
        _bench.Eoi(0);
        Assert.That(_bench.RemoteIrr(3), Is.False);
    }

    [Test]
    public void Other_flavours_have_no_save_format([Values(IoApicFlavour.Architectural, IoApicFlavour.QemuUserspace)] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        Assert.That(() => bench.Chip.SavedIrr(3), Throws.InvalidOperationException);
    }
}
