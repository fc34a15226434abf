using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>What becomes of a message (SDM3 10.8.1, 10.8.4, 10.4.7.2, 10.5.2).</summary>
public class LocalApicAcceptanceTests
{
    [TestCase(DeliveryMode.Fixed)]
    [TestCase(DeliveryMode.LowestPriority)]
    public void Fixed_and_lowest_priority_go_to_IRR(DeliveryMode mode)
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Accept(mode, 0x41), Is.EqualTo(new AcceptResult(AcceptOutcome.Accepted, CoreRequest.None, 0x41)));
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0x41 }));
    }

    [TestCase(DeliveryMode.Nmi, CoreRequest.Nmi)]
    [TestCase(DeliveryMode.Smi, CoreRequest.Smi)]
    [TestCase(DeliveryMode.Init, CoreRequest.Init)]
    [TestCase(DeliveryMode.StartUp, CoreRequest.StartUp)]
    [TestCase(DeliveryMode.ExtInt, CoreRequest.ExtInt)]
    public void The_other_modes_go_to_the_core_past_IRR(DeliveryMode mode, CoreRequest request)
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Accept(mode, 0x41), Is.EqualTo(new AcceptResult(AcceptOutcome.Accepted, request, 0x41)));
        Assert.That(bench.Irr(), Is.Empty);
    }

    [TestCase(DeliveryMode.Nmi, true)]
    [TestCase(DeliveryMode.Smi, true)]
    [TestCase(DeliveryMode.Init, true)]
    [TestCase(DeliveryMode.StartUp, true)]
    [TestCase(DeliveryMode.Fixed, false)]
    [TestCase(DeliveryMode.LowestPriority, false)]
    [TestCase(DeliveryMode.ExtInt, false)]
    public void While_software_disabled_only_NMI_SMI_INIT_and_start_up_are_accepted(DeliveryMode mode, bool accepted)
    {
        var bench = new LocalApicBench(enabled: false);
        Assert.That(bench.Accept(mode, 0x41).IsAccepted, Is.EqualTo(accepted));
        Assert.That(bench.Irr(), Is.Empty);
    }

    [TestCase(DeliveryMode.Nmi)]
    [TestCase(DeliveryMode.StartUp)]
    public void A_vector_below_16_is_no_error_where_it_is_not_a_vector(DeliveryMode mode)
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Accept(mode, 0x08).IsAccepted, Is.True);
        Assert.That(bench.LatchedErrors(), Is.Zero);
    }

    [Test]
    public void The_reserved_mode_is_dropped() =>
        Assert.That(new LocalApicBench().Accept(DeliveryMode.Reserved3, 0x41).Outcome, Is.EqualTo(AcceptOutcome.Dropped));

    [TestCase(DeliveryMode.Fixed)]
    [TestCase(DeliveryMode.LowestPriority)]
    [TestCase(DeliveryMode.Init)]
    public void A_level_de_assert_is_nothing(DeliveryMode mode)
    {
        var bench = new LocalApicBench();
        AcceptResult result = bench.Accept(mode, 0x41, ApicMessageFlags.Level | ApicMessageFlags.Deassert);
        Assert.That(result, Is.EqualTo(new AcceptResult(AcceptOutcome.Dropped, CoreRequest.None, 0x41)));
        Assert.That(bench.Irr(), Is.Empty);
        Assert.That(bench.Tmr(), Is.Empty);
    }

    // KUT ioapic.c "TMR for ioapic edge interrupts (expected false)" and "TMR for ioapic level interrupts (expected true)".
    [Test]
    public void TMR_has_the_trigger_mode_of_the_latest_accepted_message()
    {
        var bench = new LocalApicBench();
        bench.Edge(0x41);
        Assert.That(bench.Tmr(), Is.Empty);
        bench.Level(0x41);
        Assert.That(bench.Tmr(), Is.EqualTo(new[] { 0x41 }));
        bench.Edge(0x41);
        Assert.That(bench.Tmr(), Is.Empty);
    }

    [Test]
    public void A_merged_message_still_writes_TMR()
    {
        var bench = new LocalApicBench();
        bench.Edge(0x41);
        Assert.That(bench.Level(0x41).Outcome, Is.EqualTo(AcceptOutcome.Merged));
        Assert.That(bench.Tmr(), Is.EqualTo(new[] { 0x41 }));
    }

    [Test]
    public void A_refused_message_does_not_write_TMR()
    {
        var bench = new LocalApicBench();
        bench.Level(0x41);
        bench.Write(LocalApicRegister.Svr, 0xFF);
        bench.Edge(0x41);
        Assert.That(bench.Tmr(), Is.EqualTo(new[] { 0x41 }));
    }

    [TestCase(0)]
    [TestCase(15)]
    public void A_received_vector_0_to_15_sets_ESR_bit_6_and_never_IRR_or_TMR(int vector)
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Level(vector).Outcome, Is.EqualTo(AcceptOutcome.Dropped));
        Assert.That(bench.LatchedErrors(), Is.EqualTo(0x40));
        Assert.That(bench.Irr(), Is.Empty);
        Assert.That(bench.Tmr(), Is.Empty);
    }

    [Test]
    public void Vector_16_is_legal()
    {
        var bench = new LocalApicBench();
        Assert.That(bench.Edge(16).IsAccepted, Is.True);
        Assert.That(bench.LatchedErrors(), Is.Zero);
    }

    [Test]
    public void What_is_in_IRR_when_the_APIC_is_disabled_can_still_be_taken()
    {
        var bench = new LocalApicBench();
        bench.Edge(0x41);
        bench.Write(LocalApicRegister.Svr, 0xFF);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(0x41));
    }

    [Test]
    public void TPR_does_not_keep_a_message_out_of_IRR()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.Tpr, 0xFF);
        Assert.That(bench.Edge(0x41).IsAccepted, Is.True);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(-1));
        bench.Write(LocalApicRegister.Tpr, 0x30);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(0x41));
    }
}
