using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The APIC assist bit and the Hyper-V APIC MSRs (TLFS virtual-interrupts).</summary>
public class ApicAssistTests
{
    private static readonly LocalApicTimerClock Clock = new(1_000_000_000, 1_000_000_000);

    [Test]
    public void Enabling_clears_the_assist_word_and_disabling_leaves_it()
    {
        var page = new ApicAssistPage { AssistWord = 0xFFFF_FFFF };
        page.WriteRegister(0x8000);
        Assert.That(page.AssistWord, Is.EqualTo(0xFFFF_FFFF));
        page.WriteRegister(0x8FFF);
        Assert.That((page.AssistWord, page.Register), Is.EqualTo((0u, 0x8FFFUL)));
    }

    [TestCase(0, 0x40, false, false, true)]
    [TestCase(1, 0x40, false, false, false)]
    [TestCase(0, -1, false, false, false)]
    [TestCase(0, 0x40, true, false, false)]
    [TestCase(0, 0x40, false, true, true)]
    public void TLFS_offers_for_an_edge_interrupt_with_nothing_pending(int pending, int inService, bool level, bool ioApic, bool offered)
    {
        Assert.That(Offers(ApicAssistRule.Tlfs, pending, inService, level, ioApic), Is.EqualTo(offered));
    }

    [TestCase(0, 0x40, false, false, true)]
    [TestCase(1, 0x40, false, false, false)]
    [TestCase(0, 0x30, false, false, false)]
    [TestCase(0, 0x40, true, false, true)]
    [TestCase(0, 0x40, false, true, false)]
    public void KVM_offers_for_the_last_dispensed_unless_an_IO_APIC_wants_the_EOI(
        int pending, int inService, bool level, bool ioApic, bool offered)
    {
        Assert.That(Offers(ApicAssistRule.Kvm, pending, inService, level, ioApic), Is.EqualTo(offered));
    }

    [TestCase(0, 0x40, false, true)]
    [TestCase(1, -1, false, true)]
    [TestCase(2, -1, false, false)]
    [TestCase(1, 0x40, false, false)]
    [TestCase(0, -1, false, false)]
    [TestCase(1, -1, true, false)]
    public void OpenVMM_offers_for_the_one_in_service_or_the_one_about_to_be(int pending, int inService, bool level, bool offered)
    {
        Assert.That(Offers(ApicAssistRule.OpenVmm, pending, inService, level, false), Is.EqualTo(offered));
    }

    [Test]
    public void KVM_does_not_offer_after_an_EOI_because_it_no_longer_knows_the_highest()
    {
        var page = Enabled();
        page.Dispensed(0x40);
        page.Ended();
        Assert.That(page.TryOffer(new ApicAssistFacts(0, 0x30, false, false), ApicAssistRule.Kvm), Is.False);
    }

    [Test]
    public void Nothing_is_offered_while_the_page_is_disabled()
    {
        var page = new ApicAssistPage();
        Assert.That(page.TryOffer(new ApicAssistFacts(0, 0x40, false, false), ApicAssistRule.Tlfs), Is.False);
        Assert.That(page.GuestEoi(), Is.False);
    }

    [Test]
    public void EOI_is_owed_after_the_exit_if_the_guest_took_the_offer_and_only_once()
    {
        var page = Offered();
        Assert.That(page.GuestEoi(), Is.True);
        Assert.That(page.GuestEoi(), Is.False, "the next one must be written");
        Assert.That(page.TakeBack(), Is.True);
        Assert.That(page.TakeBack(), Is.False);
    }

    [Test]
    public void Offer_not_taken_is_withdrawn_and_the_guest_must_write_EOI()
    {
        var page = Offered();
        Assert.That(page.TakeBack(), Is.False);
        Assert.That(page.AssistWord, Is.EqualTo(0));
        Assert.That(page.GuestEoi(), Is.False);
    }

    [Test]
    public void Second_offer_without_an_exit_is_an_inconsistency()
    {
        var page = Offered();
        Assert.That(() => page.TryOffer(new ApicAssistFacts(0, 0x40, false, false), ApicAssistRule.Tlfs), Throws.InvalidOperationException);
    }

    [TestCase(0UL, true)]
    [TestCase(0xFFFF_FFFFUL, true)]
    [TestCase(0x1_0000_0000UL, false)]
    public void EOI_MSR_is_the_local_EOI_and_its_high_half_must_be_zero(ulong value, bool ok)
    {
        var bench = new LocalApicBench();
        bench.InService(0x40);
        Assert.That(Write(bench, HypervApicMsrs.Eoi, value, HypervApicMsrRule.Tlfs, out var effect), Is.EqualTo(ok));
        Assert.That(bench.Apic.Isr.IsEmpty, Is.EqualTo(ok));
        Assert.That(effect.Has(LocalApicEffects.Eoi), Is.EqualTo(ok));
    }

    [TestCase(0x4000_0070u)]
    [TestCase(0x4000_0073u)]
    public void EOI_cannot_be_read_and_the_assist_page_is_not_here(uint msr)
    {
        Assert.That(HypervApicMsrs.TryRead(new LocalApicBench().Apic, msr, out _), Is.False);
    }

    [TestCase(HypervApicMsrRule.Tlfs, 0x100UL, false)]
    [TestCase(HypervApicMsrRule.Kvm, 0x1_0000_0000UL, false)]
    [TestCase(HypervApicMsrRule.Kvm, 0x155UL, true)]
    [TestCase(HypervApicMsrRule.Tlfs, 0x55UL, true)]
    public void TPR_above_FFh_faults_and_in_KVM_only_above_32_bits(HypervApicMsrRule rule, ulong value, bool ok)
    {
        var bench = new LocalApicBench();
        Assert.That(Write(bench, HypervApicMsrs.Tpr, value, rule, out _), Is.EqualTo(ok));
        HypervApicMsrs.TryRead(bench.Apic, HypervApicMsrs.Tpr, out ulong read);
        Assert.That(read, Is.EqualTo(ok ? 0x55UL : 0UL));
    }

    [Test]
    public void ICR_MSR_sends_to_the_destination_in_63_56_and_reads_back()
    {
        var bench = new LocalApicBench();
        Assert.That(Write(bench, HypervApicMsrs.Icr, 0x0500_0000_0000_4045, HypervApicMsrRule.Tlfs, out var effect));
        Assert.That(effect.Has(LocalApicEffects.SendIpi));
        Assert.That((effect.Ipi.Message.Destination, effect.Ipi.Message.Vector), Is.EqualTo((5u, (byte)0x45)));
        HypervApicMsrs.TryRead(bench.Apic, HypervApicMsrs.Icr, out ulong read);
        Assert.That(read >> 56, Is.EqualTo(5));
        Assert.That((byte)read, Is.EqualTo(0x45));
    }

    [TestCase(20)]
    [TestCase(16)]
    [TestCase(13)]
    public void KVM_checks_ICR_for_the_reserved_bits_of_x2APIC(int bit)
    {
        Assert.That(Write(new LocalApicBench(), HypervApicMsrs.Icr, 0x45 | 1UL << bit, HypervApicMsrRule.Kvm, out _), Is.False);
        Assert.That(Write(new LocalApicBench(), HypervApicMsrs.Icr, 0x45 | 1UL << bit, HypervApicMsrRule.Tlfs, out _), Is.True);
    }

    private static bool Write(LocalApicBench bench, uint msr, ulong value, HypervApicMsrRule rule, out RegisterWriteEffect effect) =>
        HypervApicMsrs.TryWrite(ref bench.Apic, msr, value, new Instant(0), Clock, rule, out effect);

    private static ApicAssistPage Enabled()
    {
        var page = new ApicAssistPage();
        page.WriteRegister(0x8001);
        return page;
    }

    private static ApicAssistPage Offered()
    {
        var page = Enabled();
        Assert.That(page.TryOffer(new ApicAssistFacts(0, 0x40, false, false), ApicAssistRule.Tlfs));
        Assert.That(page.AssistWord, Is.EqualTo(1));
        return page;
    }

    private static bool Offers(ApicAssistRule rule, int pending, int inService, bool level, bool ioApic)
    {
        var page = Enabled();
        page.Dispensed(0x40);
        return page.TryOffer(new ApicAssistFacts(pending, inService, level, ioApic), rule);
    }
}
