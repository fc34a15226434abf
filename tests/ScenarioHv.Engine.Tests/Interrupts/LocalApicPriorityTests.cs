using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>PPR, dispensing, INTA, EOI and CR8 (SDM3 10.8.3 to 10.9).</summary>
public class LocalApicPriorityTests
{
    // PPR = TPR if class(TPR) >= class(ISRV), else class(ISRV) << 4.
    [TestCase(0x00, -1, 0x00)]
    [TestCase(0x35, -1, 0x35)]
    [TestCase(0x00, 0x51, 0x50)]
    [TestCase(0x4F, 0x51, 0x50)]
    [TestCase(0x50, 0x5F, 0x50)]
    [TestCase(0x5A, 0x5F, 0x5A)]
    [TestCase(0x67, 0x51, 0x67)]
    [TestCase(0xFF, 0xFE, 0xFF)]
    public void PPR_is_TPR_or_the_class_of_the_vector_in_service(int tpr, int inService, int ppr)
    {
        var bench = new LocalApicBench();
        if (inService >= 0)
            bench.InService(inService);
        bench.Write(LocalApicRegister.Tpr, (uint)tpr);
        Assert.That(bench.Read(LocalApicRegister.Ppr), Is.EqualTo(ppr));
    }

    [TestCase(0x00, 0x20, true)]
    [TestCase(0x1F, 0x20, true)]
    [TestCase(0x20, 0x2F, false, Description = "the same class is not enough")]
    [TestCase(0x2F, 0x30, true, Description = "sub-classes are not compared")]
    [TestCase(0x00, 0x10, true, Description = "vectors 16..31 are class 1 and need class 0")]
    [TestCase(0x10, 0x1F, false)]
    [TestCase(0xF0, 0xFF, false)]
    [TestCase(0xEF, 0xF0, true)]
    public void A_vector_is_deliverable_if_its_class_is_strictly_above_PPRs(int tpr, int vector, bool deliverable)
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.Tpr, (uint)tpr);
        bench.Edge(vector);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(deliverable ? vector : -1));
    }

    [Test]
    public void With_nothing_requested_nothing_is_deliverable() =>
        Assert.That(new LocalApicBench().Apic.HighestDeliverable(), Is.EqualTo(-1));

    [Test]
    public void Dispensing_moves_the_vector_from_IRR_to_ISR_and_raises_PPR_to_its_class()
    {
        var bench = new LocalApicBench();
        bench.Edge(0x53);
        bench.Apic.Dispense(0x53);
        Assert.That(bench.Irr(), Is.Empty);
        Assert.That(bench.Isr(), Is.EqualTo(new[] { 0x53 }));
        Assert.That(bench.Read(LocalApicRegister.Ppr), Is.EqualTo(0x50));
    }

    [Test]
    public void Dispensing_what_is_not_requested_is_an_inconsistency()
    {
        var bench = new LocalApicBench();
        Assert.That(() => bench.Apic.Dispense(0x53), Throws.InvalidOperationException.With.Message.Contains("not in IRR"));
    }

    [Test]
    public void Dispensing_against_PPR_is_an_inconsistency()
    {
        var bench = new LocalApicBench();
        bench.InService(0x5F);
        bench.Edge(0x51);
        Assert.That(() => bench.Apic.Dispense(0x51), Throws.InvalidOperationException.With.Message.Contains("PPR"));
    }

    [Test]
    public void A_higher_class_nests_and_a_lower_one_waits_for_both_EOIs()
    {
        var bench = new LocalApicBench();
        bench.InService(0x41);
        bench.Edge(0x31);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(-1));
        bench.InService(0x61);
        Assert.That(bench.Apic.Eoi().Vector, Is.EqualTo(0x61));
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(-1));
        Assert.That(bench.Apic.Eoi().Vector, Is.EqualTo(0x41));
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(0x31));
    }

    [Test]
    public void One_request_waits_in_IRR_while_one_is_in_service_and_a_third_is_lost()
    {
        var bench = new LocalApicBench();
        bench.InService(0x41);
        Assert.That(bench.Edge(0x41).Outcome, Is.EqualTo(AcceptOutcome.Accepted));
        Assert.That(bench.Edge(0x41).Outcome, Is.EqualTo(AcceptOutcome.Merged));
        bench.Apic.Eoi();
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(0x41));
        bench.Apic.Eoi();
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(-1));
    }

    [Test]
    public void INTA_takes_the_highest_vector_of_its_own_moment()
    {
        var bench = new LocalApicBench();
        bench.Edge(0x41);
        Assert.That(bench.Apic.HighestDeliverable(), Is.EqualTo(0x41));
        bench.Edge(0x91);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(0x91));
    }

    [TestCase(0x1FFu, 0xFF)]
    [TestCase(0x1EDu, 0xED)]
    [TestCase(0x120u, 0x20)]
    public void INTA_gets_the_spurious_vector_if_TPR_was_raised_meanwhile_and_ISR_stays(uint svr, int spurious)
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.Svr, svr);
        bench.Edge(0x41);
        bench.Write(LocalApicRegister.Tpr, 0x40);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(spurious));
        Assert.That(bench.Isr(), Is.Empty);
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0x41 }));
    }

    [Test]
    public void EOI_with_nothing_in_service_is_a_no_op()
    {
        var bench = new LocalApicBench();
        bench.Level(0x41);
        Assert.That(bench.Apic.Eoi(), Is.EqualTo(new EoiResult(-1, false)));
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0x41 }));
    }

    [Test]
    public void EOI_takes_the_highest_vector_in_service_not_the_latest()
    {
        var bench = new LocalApicBench();
        bench.Apic.Isr.Set(0x91);
        bench.Apic.Isr.Set(0x41);
        bench.Apic.UpdatePpr();
        Assert.That(bench.Apic.Eoi().Vector, Is.EqualTo(0x91));
        Assert.That(bench.Isr(), Is.EqualTo(new[] { 0x41 }));
        Assert.That(bench.Read(LocalApicRegister.Ppr), Is.EqualTo(0x40));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void EOI_is_broadcast_for_level_and_not_for_edge(bool level)
    {
        var bench = new LocalApicBench();
        _ = level ? bench.Level(0x41) : bench.Edge(0x41);
        bench.Apic.Acknowledge();
        Assert.That(bench.Apic.Eoi(), Is.EqualTo(new EoiResult(0x41, level)));
    }

    [Test]
    public void TMR_is_not_cleared_by_EOI()
    {
        var bench = new LocalApicBench();
        bench.Level(0x41);
        bench.Apic.Acknowledge();
        bench.Apic.Eoi();
        Assert.That(bench.Tmr(), Is.EqualTo(new[] { 0x41 }));
    }

    [Test]
    public void An_edge_of_the_same_vector_while_the_level_one_is_in_service_loses_the_broadcast()
    {
        var bench = new LocalApicBench();
        bench.Level(0x41);
        bench.Apic.Acknowledge();
        bench.Edge(0x41);
        Assert.That(bench.Apic.Eoi(), Is.EqualTo(new EoiResult(0x41, false)));
    }

    [TestCase(LocalApicOptions.SixLvtVersion | LocalApicOptions.EoiBroadcastSuppression, 0x11FFu, false)]
    [TestCase(LocalApicOptions.SixLvtVersion, 0x1FFu, true)]
    public void SVR_bit_12_suppresses_the_broadcast_if_the_version_register_offers_it(uint version, uint svrRead, bool broadcast)
    {
        var bench = new LocalApicBench(version: version);
        bench.Write(LocalApicRegister.Svr, 0x11FF);
        Assert.That(bench.Read(LocalApicRegister.Svr), Is.EqualTo(svrRead));
        bench.Level(0x41);
        bench.Apic.Acknowledge();
        Assert.That(bench.Apic.Eoi().Broadcast, Is.EqualTo(broadcast));
    }

    [TestCase(0u)]
    [TestCase(0xFFFF_FFFFu)]
    public void The_EOI_register_takes_any_value_and_reports_what_ended(uint value)
    {
        var bench = new LocalApicBench();
        bench.Level(0x41);
        bench.Apic.Acknowledge();
        RegisterWriteEffect effect = bench.Write(LocalApicRegister.Eoi, value);
        Assert.That(effect.Eoi, Is.EqualTo(new EoiResult(0x41, true)));
        Assert.That(effect.Has(LocalApicEffects.Eoi | LocalApicEffects.DeliverabilityMayHaveChanged), Is.True);
        Assert.That(bench.Isr(), Is.Empty);
    }

    // KUT apic.c "apic_disable: CR8 xor 15 shows in 080h as value << 4".
    [Test]
    public void CR8_is_the_class_of_TPR_and_writing_it_clears_the_sub_class()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.Tpr, 0x37);
        Assert.That(bench.Apic.ReadCr8(), Is.EqualTo(3));
        Assert.That(bench.Apic.WriteCr8(3 ^ 15), Is.True);
        Assert.That(bench.Read(LocalApicRegister.Tpr), Is.EqualTo(0xC0));
    }

    [TestCase(-1)]
    [TestCase(16)]
    public void CR8_outside_0_to_15_is_the_cores_general_protection_fault(int value)
    {
        var bench = new LocalApicBench();
        Assert.That(() => bench.Apic.WriteCr8(value), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_TPR_below_the_class_in_service_changes_nothing_and_says_so()
    {
        var bench = new LocalApicBench();
        bench.InService(0x71);
        Assert.That(bench.Apic.WriteCr8(6), Is.False);
        Assert.That(bench.Write(LocalApicRegister.Tpr, 0x10).Effects, Is.EqualTo(LocalApicEffects.None));
        Assert.That(bench.Write(LocalApicRegister.Tpr, 0x80).Effects, Is.EqualTo(LocalApicEffects.DeliverabilityMayHaveChanged));
    }

    [Test]
    public void Request_dispense_and_EOI_allocate_nothing()
    {
        LocalApic apic = new LocalApicBench().Apic;
        var message = new ApicMessage { Destination = 3, Vector = 0x41 };
        int taken = Rounds(ref apic, ref message, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        taken += Rounds(ref apic, ref message, 10_000);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.That(allocated, Is.Zero);
        Assert.That(taken, Is.EqualTo(10_001));
    }

    private static int Rounds(ref LocalApic apic, ref ApicMessage message, int count)
    {
        int taken = 0;
        for (int i = 0; i < count; i++)
        {
            message.Vector = (byte)(0x20 + i % 0xE0);
            apic.Accept(message);
            int vector = apic.HighestDeliverable();
            apic.Dispense(vector);
            if (apic.Eoi().Vector == message.Vector)
                taken++;
        }
        return taken;
    }
}
