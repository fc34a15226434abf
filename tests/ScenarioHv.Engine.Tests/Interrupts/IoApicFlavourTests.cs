using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>
/// What KVM and QEMU do alike, and where they part; "recorded" means that Linux 6.18 and QEMU 7.2 were seen to do it.
/// </summary>
public class IoApicFlavourTests
{
    private const uint Level = RedirectionEntry.LevelBit;
    private const uint Masked = RedirectionEntry.MaskBit;
    private const IoApicFlavour Bare = IoApicFlavour.Architectural;
    private const IoApicFlavour Kvm = IoApicFlavour.KvmKernel;
    private const IoApicFlavour Qemu = IoApicFlavour.QemuUserspace;

    [Test]
    public void Edge_on_a_masked_pin_is_lost_even_if_still_high_at_unmask([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Masked);
        bench.Line(3, true);
        bench.EntryLow(3, 0x51);
        Assert.That(bench.Sent, Is.Empty);
    }

    [Test]
    public void Polarity_bit_is_stored_and_ignored([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | RedirectionEntry.PolarityBit);
        Assert.That(bench.Sent, Is.Empty);
        bench.Line(3, true);
        Assert.That(bench.SentVectors, Is.EqualTo(new[] { 0x51 }));
        Assert.That(bench.ReadLow(3), Is.EqualTo(0x2051));
    }

    [Test]
    public void Remote_irr_and_delivery_status_are_read_only([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0xD051);
        Assert.That(bench.ReadLow(3), Is.EqualTo(0x8051));
        bench.Line(3, true);
        Assert.That(bench.ReadLow(3), Is.EqualTo(0xC051));
        bench.EntryLow(3, 0x8051);
        Assert.That(bench.ReadLow(3), Is.EqualTo(0xC051));
    }

    [Test]
    public void Level_to_edge_clears_remote_irr_and_back_again_fires_anew([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Level);
        bench.Line(3, true);
        bench.EntryLow(3, 0x51 | Masked);
        Assert.That(bench.ReadLow(3), Is.EqualTo(0x10051));
        Assert.That(bench.Sent, Has.Count.EqualTo(1));
        bench.EntryLow(3, 0x51 | Level);
        Assert.That(bench.ReadLow(3), Is.EqualTo(0xC051));
        Assert.That(bench.Sent, Has.Count.EqualTo(2));
    }

    [Test]
    public void Vector_rewritten_under_remote_irr_orphans_the_eoi_and_wedges_the_pin([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Level);
        bench.Line(3, true);
        bench.EntryLow(3, 0x61 | Level);
        bench.Broadcast(0x51);
        bench.Line(3, false);
        bench.Line(3, true);
        Assert.That(bench.Sent, Has.Count.EqualTo(1));
        Assert.That(bench.ReadLow(3), Is.EqualTo(0xC061));
        bench.Broadcast(0x61);
        Assert.That(bench.SentVectors, Is.EqualTo(new[] { 0x51, 0x61 }), "an EOI of the new vector frees it");
    }

    [Test]
    public void Destination_rewritten_under_remote_irr_leaves_the_eoi_matching([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour, cpus: 2);
        bench.Entry(3, 0x51 | Level);
        bench.Line(3, true);
        bench.EntryHigh(3, 1);
        Assert.That(bench.RemoteIrr(3), Is.True);
        bench.Broadcast(0x51);
        Assert.That(bench.Sent.Select(message => message.Destination), Is.EqualTo(new[] { 0u, 1u }));
    }

    [Test]
    public void Eoi_reaches_every_level_pin_with_the_vector([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Level);
        bench.Entry(4, 0x51 | Level);
        bench.Entry(5, 0x61 | Level);
        foreach (var pin in new[] { 3, 4, 5 })
            bench.Line(pin, true);
        bench.Line(3, false);
        bench.Line(4, false);
        bench.Broadcast(0x51);
        Assert.That(new[] { 3, 4, 5 }.Select(bench.RemoteIrr), Is.EqualTo(new[] { false, false, true }));
    }

    [Test]
    public void Line_still_asserted_at_the_eoi_is_sent_again([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Level);
        bench.Line(3, true);
        bench.Broadcast(0x51);
        Assert.That(bench.SentVectors, Is.EqualTo(new[] { 0x51, 0x51 }));
        Assert.That(bench.RemoteIrr(3), Is.True);
    }

    [Test]
    public void Nothing_is_sent_however_the_line_moves_under_remote_irr([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Level);
        bench.Line(3, true);
        bench.Line(3, false);
        bench.Line(3, true);
        Assert.That(bench.Sent, Has.Count.EqualTo(1));
        bench.Line(3, false);
        Assert.That(bench.RemoteIrr(3), Is.True, "it waits for the EOI");
    }

    [Test]
    public void Mask_after_acceptance_does_not_change_what_waits_for_the_eoi([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Level);
        bench.Line(3, true);
        bench.EntryLow(3, 0x51 | Level | Masked);
        Assert.That(bench.ReadLow(3), Is.EqualTo(0x1C051));
        bench.Broadcast(0x51);
        Assert.That(bench.ReadLow(3), Is.EqualTo(0x18051));
        Assert.That(bench.Sent, Has.Count.EqualTo(1), "masked: not sent again");
        bench.EntryLow(3, 0x51 | Level);
        Assert.That(bench.Sent, Has.Count.EqualTo(2), "unmasked: the line is sampled");
    }

    [Test]
    public void Half_written_entry_uses_the_old_destination([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour, cpus: 2);
        bench.Entry(3, 0x51 | Level | Masked, destination: 1);
        bench.Line(3, true);
        bench.EntryLow(3, 0x51 | Level);
        bench.EntryHigh(3, 0);
        Assert.That(bench.Sent.Select(message => message.Destination), Is.EqualTo(new[] { 1u }));
    }

    [TestCase(0x400u, DeliveryMode.Nmi)]
    [TestCase(0x200u, DeliveryMode.Smi)]
    [TestCase(0x500u, DeliveryMode.Init)]
    [TestCase(0x700u, DeliveryMode.ExtInt)]
    [TestCase(0x100u, DeliveryMode.LowestPriority)]
    public void Delivery_mode_goes_into_the_message(uint bits, DeliveryMode mode)
    {
        var bench = new IoApicBench(Bare);
        bench.Entry(3, 0x51 | bits);
        bench.Pulse(3);
        Assert.That(bench.Sent.Single().Mode, Is.EqualTo(mode));
    }

    // Row 15 of the recorded differences.
    [TestCase(Bare, 2)]
    [TestCase(Kvm, 2)]
    [TestCase(Qemu, 1)]
    public void Edge_to_level_with_the_line_high_and_delivered(IoApicFlavour flavour, int messages)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51);
        bench.Line(3, true);
        bench.EntryLow(3, 0x51 | Level);
        Assert.That(bench.Sent, Has.Count.EqualTo(messages));
    }

    // Row 16: QEMU has ignored the assertion on the masked edge pin that the entry was then.
    [TestCase(Bare, 1)]
    [TestCase(Kvm, 1)]
    [TestCase(Qemu, 0)]
    public void Line_high_before_the_entry_becomes_level_and_unmasked(IoApicFlavour flavour, int messages)
    {
        var bench = new IoApicBench(flavour);
        bench.Line(3, true);
        bench.EntryLow(3, 0x51 | Level);
        Assert.That(bench.Sent, Has.Count.EqualTo(messages));
    }

    // Row 17.
    [TestCase(Bare, false, 2)]
    [TestCase(Kvm, false, 2)]
    [TestCase(Qemu, true, 1)]
    public void Level_interrupt_that_nobody_accepts(IoApicFlavour flavour, bool remoteIrr, int messages)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Level, destination: 5);
        bench.Line(3, true);
        Assert.That(bench.RemoteIrr(3), Is.EqualTo(remoteIrr));
        bench.EntryHigh(3, 0);
        Assert.That(bench.Sent, Has.Count.EqualTo(messages), "a rewrite sends it again unless remote IRR is stuck");
    }

    [TestCase(Bare, false)]
    [TestCase(Kvm, true)]
    public void Result_minus_one_counts_as_acceptance_in_KVM(IoApicFlavour flavour, bool remoteIrr)
    {
        var chip = new IoApicBench(flavour);
        chip.EntryLow(3, 0x51 | Level);
        chip.Chip.SetLine(3, true);
        Assert.That(chip.Chip.TryDispatch(3, out _), Is.True);
        Assert.That(chip.Chip.Dispatched(3, -1), Is.EqualTo(-1));
        Assert.That(chip.RemoteIrr(3), Is.EqualTo(remoteIrr));
    }

    // Row 24.
    [TestCase(Bare, new[] { 0x51 })]
    [TestCase(Kvm, new[] { 0x51 })]
    [TestCase(Qemu, new[] { 0x51, 0x61 })]
    public void Level_to_edge_unmasked_with_the_line_high(IoApicFlavour flavour, int[] vectors)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Level);
        bench.Line(3, true);
        bench.EntryLow(3, 0x61);
        bench.EntryLow(3, 0x61);
        Assert.That(bench.SentVectors, Is.EqualTo(vectors));
    }

    [TestCase(Bare, 1)]
    [TestCase(Kvm, 1)]
    [TestCase(Qemu, 2)]
    public void Edge_asserted_twice_without_a_falling_edge(IoApicFlavour flavour, int messages)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51);
        bench.Line(3, true);
        bench.Line(3, true);
        Assert.That(bench.Sent, Has.Count.EqualTo(messages));
    }

    [TestCase(Bare, 0)]
    [TestCase(Kvm, 0)]
    [TestCase(Qemu, 2)]
    public void Pin_0_is_pin_2_in_QEMU(IoApicFlavour flavour, int pin)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(pin, 0x51);
        bench.Line(0, true);
        Assert.That(bench.SentVectors, Is.EqualTo(new[] { 0x51 }));
    }

    [TestCase(Bare, false)]
    [TestCase(Kvm, false)]
    [TestCase(Qemu, true)]
    public void Remote_irr_between_sending_and_acceptance(IoApicFlavour flavour, bool set)
    {
        var bench = new IoApicBench(flavour);
        bench.EntryLow(3, 0x51 | Level);
        bench.Chip.SetLine(3, true);
        bench.Chip.TryDispatch(3, out _);
        Assert.That(bench.RemoteIrr(3), Is.EqualTo(set));
        Assert.That(bench.Chip.TryDispatch(3, out _), Is.False, "one message at a time");
        bench.Chip.Dispatched(3, 1);
        Assert.That(bench.RemoteIrr(3), Is.True);
    }

    [TestCase(Bare, false)]
    [TestCase(Kvm, true)]
    [TestCase(Qemu, false)]
    public void Eoi_of_a_vector_visits_an_edge_entry_only_in_KVM(IoApicFlavour flavour, bool visited)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(7, 0x51);
        Assert.That(bench.Chip.NextEoiPin(0x51, 0), Is.EqualTo(visited ? 7 : -1));
    }

    [Test]
    public void Eoi_visits_pins_in_ascending_order_from_the_one_asked([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(20, 0x51 | Level);
        bench.Entry(4, 0x51 | Level);
        Assert.That(bench.Chip.NextEoiPin(0x51, 0), Is.EqualTo(4));
        Assert.That(bench.Chip.NextEoiPin(0x51, 5), Is.EqualTo(20));
        Assert.That(bench.Chip.NextEoiPin(0x51, 21), Is.EqualTo(-1));
        Assert.That(bench.Chip.NextEoiPin(0x52, 0), Is.EqualTo(-1));
    }

    [TestCase(Bare, true)]
    [TestCase(Kvm, true)]
    [TestCase(Qemu, false)]
    public void Eoi_without_remote_irr_is_skipped_by_QEMU(IoApicFlavour flavour, bool matches)
    {
        var bench = new IoApicBench(flavour);
        bench.EntryLow(3, 0x51 | Level);
        Assert.That(bench.Chip.ClearRemoteIrr(3, 0x51), Is.EqualTo(matches));
    }

    [TestCase(true, false, false)]
    [TestCase(true, true, true)]
    [TestCase(false, false, true)]
    public void Eoi_clears_remote_irr_only_if_level_and_broadcast(bool tmr, bool directed, bool remains)
    {
        var bench = new IoApicBench(Kvm);
        bench.Entry(3, 0x51 | Level);
        bench.Line(3, true);
        bench.Line(3, false);
        bench.Broadcast(0x51, tmr, directed);
        Assert.That(bench.RemoteIrr(3), Is.EqualTo(remains));
    }

    [Test]
    public void Line_still_asserted_asks_for_mask_and_line([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Entry(3, 0x51 | Level);
        Assert.That(bench.Chip.LineStillAsserted(3), Is.False, "low");
        bench.Line(3, true);
        Assert.That(bench.Chip.LineStillAsserted(3), Is.True, "high");
        bench.EntryLow(3, 0x51 | Level | Masked);
        Assert.That(bench.Chip.LineStillAsserted(3), Is.False, "masked");
    }

    [Test]
    public void Reset_masks_every_entry_and_forgets_id_and_index([Values] IoApicFlavour flavour)
    {
        var bench = new IoApicBench(flavour);
        bench.Write(0, 0x0500_0000);
        bench.Entry(3, 0x51);
        bench.Chip.Reset();
        Assert.That(bench.Chip.ReadWindow(IoApic.IoRegSel), Is.Zero);
        Assert.That(bench.Read(0), Is.Zero);
        Assert.That(bench.ReadLow(3), Is.EqualTo(flavour == Kvm ? 0x10051 : 0x10000), "KVM leaves the rest of the entry");
    }
}
