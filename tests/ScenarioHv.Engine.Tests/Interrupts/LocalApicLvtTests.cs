using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Local vector table and LINT inputs (SDM3 10.5.1).</summary>
public class LocalApicLvtTests
{
    private const uint Masked = LocalApicBench.Masked;
    private const uint Level = 1 << 15;
    private const uint RemoteIrr = 1 << 14;

    [TestCase(LvtEntry.Thermal, LocalApicRegister.LvtThermal)]
    [TestCase(LvtEntry.Performance, LocalApicRegister.LvtPerformance)]
    [TestCase(LvtEntry.Cmci, LocalApicRegister.LvtCmci)]
    public void An_internal_source_delivers_the_vector_of_its_entry_as_edge(LvtEntry entry, int offset)
    {
        var bench = new LocalApicBench(version: LocalApicOptions.SevenLvtVersion);
        bench.Write(offset, 0x61);
        Assert.That(bench.Apic.LocalInterrupt(entry), Is.EqualTo(new AcceptResult(AcceptOutcome.Accepted, CoreRequest.None, 0x61)));
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0x61 }));
        Assert.That(bench.Tmr(), Is.Empty);
    }

    [TestCase(0x200u, CoreRequest.Smi, true)]
    [TestCase(0x400u, CoreRequest.Nmi, true)]
    [TestCase(0x161u, CoreRequest.None, false)]
    [TestCase(0x361u, CoreRequest.None, false)]
    [TestCase(0x500u, CoreRequest.None, false)]
    [TestCase(0x661u, CoreRequest.None, false)]
    [TestCase(0x700u, CoreRequest.None, false)]
    public void An_internal_source_has_the_modes_fixed_SMI_and_NMI(uint lvt, CoreRequest core, bool accepted)
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtThermal, lvt);
        AcceptResult result = bench.Apic.LocalInterrupt(LvtEntry.Thermal);
        Assert.That((result.Core, result.IsAccepted), Is.EqualTo((core, accepted)));
        Assert.That(bench.Irr(), Is.Empty);
    }

    [Test]
    public void Masked_means_lost_and_unmasking_brings_nothing_back()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtThermal, Masked | 0x61);
        Assert.That(bench.Apic.LocalInterrupt(LvtEntry.Thermal).Outcome, Is.EqualTo(AcceptOutcome.Dropped));
        bench.Write(LocalApicRegister.LvtThermal, 0x61);
        Assert.That(bench.Irr(), Is.Empty);
    }

    [Test]
    public void Masking_does_not_take_a_request_out_of_IRR()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtThermal, 0x61);
        bench.Apic.LocalInterrupt(LvtEntry.Thermal);
        bench.Write(LocalApicRegister.LvtThermal, Masked | 0x61);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(0x61));
    }

    [TestCase(0x61u)]
    [TestCase(0x400u)]
    public void A_performance_interrupt_masks_its_own_entry(uint lvt)
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtPerformance, lvt);
        Assert.That(bench.Apic.LocalInterrupt(LvtEntry.Performance).IsAccepted, Is.True);
        Assert.That(bench.Read(LocalApicRegister.LvtPerformance), Is.EqualTo(Masked | lvt));
        Assert.That(bench.Apic.LocalInterrupt(LvtEntry.Performance).IsAccepted, Is.False);
    }

    [Test]
    public void A_local_vector_below_16_is_a_receive_error()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtThermal, 0x0F);
        Assert.That(bench.LatchedErrors(), Is.Zero, "not yet when written");
        Assert.That(bench.Apic.LocalInterrupt(LvtEntry.Thermal).IsAccepted, Is.False);
        Assert.That(bench.LatchedErrors(), Is.EqualTo(0x40));
    }

    [Test]
    public void Lines_and_missing_entries_are_refused_where_an_internal_source_is_meant()
    {
        var bench = new LocalApicBench();
        Assert.That(() => bench.Apic.LocalInterrupt(LvtEntry.Lint0), Throws.ArgumentException);
        Assert.That(() => bench.Apic.LocalInterrupt(LvtEntry.Cmci), Throws.ArgumentException);
        Assert.That(() => bench.Apic.SetLint(LvtEntry.Timer, true), Throws.ArgumentException);
    }

    [TestCase(LvtEntry.Lint0, LocalApicRegister.LvtLint0)]
    [TestCase(LvtEntry.Lint1, LocalApicRegister.LvtLint1)]
    public void A_fixed_edge_input_delivers_at_each_rising_edge(LvtEntry pin, int offset)
    {
        var bench = new LocalApicBench();
        bench.Write(offset, 0x61);
        Assert.That(bench.Apic.SetLint(pin, true).IsAccepted, Is.True);
        Assert.That(bench.Apic.SetLint(pin, true).IsAccepted, Is.False, "still high is no edge");
        Assert.That(bench.Apic.SetLint(pin, false).IsAccepted, Is.False);
        Assert.That(bench.Apic.SetLint(pin, true).Outcome, Is.EqualTo(AcceptOutcome.Merged));
    }

    [TestCase(0x200u, CoreRequest.Smi)]
    [TestCase(0x400u, CoreRequest.Nmi)]
    [TestCase(0x500u, CoreRequest.Init)]
    [TestCase(0x700u, CoreRequest.ExtInt)]
    [TestCase(0x400u | Level, CoreRequest.Nmi, Description = "NMI is edge whatever the trigger bit says")]
    public void The_other_modes_of_a_LINT_reach_the_core_at_the_rising_edge(uint lvt, CoreRequest core)
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtLint1, lvt);
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint1, true).Core, Is.EqualTo(core));
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint1, true).Core, Is.EqualTo(CoreRequest.None));
        Assert.That(bench.Irr(), Is.Empty);
    }

    [TestCase(0x161u)]
    [TestCase(0x361u)]
    [TestCase(0x661u)]
    public void The_reserved_modes_of_a_LINT_deliver_nothing(uint lvt)
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtLint0, lvt);
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint0, true).IsAccepted, Is.False);
    }

    [Test]
    public void An_edge_on_a_masked_input_is_lost_even_if_it_is_high_when_unmasked()
    {
        var bench = new LocalApicBench();
        bench.Apic.SetLint(LvtEntry.Lint1, true);
        Assert.That(bench.Write(LocalApicRegister.LvtLint1, 0x61).Effects, Is.EqualTo(LocalApicEffects.None));
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint1, true).IsAccepted, Is.False);
    }

    [Test]
    public void A_level_input_high_at_the_unmask_is_sent_then()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtLint0, Masked | Level | 0x61);
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint0, true).IsAccepted, Is.False);
        RegisterWriteEffect effect = bench.Write(LocalApicRegister.LvtLint0, Level | 0x61);
        Assert.That(effect.Effects, Is.EqualTo(LocalApicEffects.DeliverabilityMayHaveChanged));
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0x61 }));
        Assert.That(bench.Tmr(), Is.EqualTo(new[] { 0x61 }));
    }

    [Test]
    public void A_level_input_still_high_at_EOI_is_sent_again()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtLint0, Level | 0x61);
        bench.Apic.SetLint(LvtEntry.Lint0, true);
        Assert.That(bench.Read(LocalApicRegister.LvtLint0), Is.EqualTo(RemoteIrr | Level | 0x61));
        bench.Apic.Acknowledge();
        Assert.That(bench.Irr(), Is.Empty, "remote IRR holds it back while in service");
        Assert.That(bench.Apic.Eoi(), Is.EqualTo(new EoiResult(0x61, true)));
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0x61 }));
        Assert.That(bench.Read(LocalApicRegister.LvtLint0) & RemoteIrr, Is.EqualTo(RemoteIrr));
    }

    [Test]
    public void A_level_input_lowered_before_EOI_is_not_sent_again()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtLint0, Level | 0x61);
        bench.Apic.SetLint(LvtEntry.Lint0, true);
        bench.Apic.Acknowledge();
        bench.Apic.SetLint(LvtEntry.Lint0, false);
        bench.Apic.Eoi();
        Assert.That(bench.Irr(), Is.Empty);
        Assert.That(bench.Read(LocalApicRegister.LvtLint0), Is.EqualTo(Level | 0x61));
    }

    [Test]
    public void A_level_input_withdrawn_before_INTA_keeps_its_request()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtLint0, Level | 0x61);
        bench.Apic.SetLint(LvtEntry.Lint0, true);
        bench.Apic.SetLint(LvtEntry.Lint0, false);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(0x61));
    }

    [Test]
    public void Remote_IRR_is_ended_by_its_own_vector_only()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtLint0, Level | 0x61);
        bench.Apic.SetLint(LvtEntry.Lint0, true);
        bench.InService(0x91);
        bench.Apic.Eoi();
        Assert.That(bench.Read(LocalApicRegister.LvtLint0) & RemoteIrr, Is.EqualTo(RemoteIrr));
    }

    [Test]
    public void Remote_IRR_cannot_be_written_and_ends_with_the_level_mode()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtLint0, RemoteIrr | Level | 0x61);
        Assert.That(bench.Read(LocalApicRegister.LvtLint0), Is.EqualTo(Level | 0x61));
        bench.Apic.SetLint(LvtEntry.Lint0, true);
        bench.Write(LocalApicRegister.LvtLint0, Level | 0x61);
        Assert.That(bench.Read(LocalApicRegister.LvtLint0), Is.EqualTo(RemoteIrr | Level | 0x61));
        bench.Write(LocalApicRegister.LvtLint0, 0x61);
        Assert.That(bench.Read(LocalApicRegister.LvtLint0), Is.EqualTo(0x61));
    }

    [Test]
    public void An_illegal_vector_on_a_level_input_is_an_error_and_no_remote_IRR()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.LvtLint0, Level | 0x0F);
        Assert.That(bench.Apic.SetLint(LvtEntry.Lint0, true).IsAccepted, Is.False);
        Assert.That(bench.LatchedErrors(), Is.EqualTo(0x40));
        Assert.That(bench.Read(LocalApicRegister.LvtLint0), Is.EqualTo(Level | 0x0F));
    }

    [Test]
    public void ExtINT_is_up_while_the_line_is_high_and_the_entry_open_whatever_TPR_says()
    {
        var bench = new LocalApicBench();
        bench.Write(LocalApicRegister.Tpr, 0xFF);
        bench.Write(LocalApicRegister.LvtLint0, 0x700);
        Assert.That(bench.Apic.ExtIntAsserted, Is.False);
        bench.Apic.SetLint(LvtEntry.Lint0, true);
        Assert.That(bench.Apic.ExtIntAsserted, Is.True);
        bench.Apic.SetLint(LvtEntry.Lint0, false);
        Assert.That(bench.Apic.ExtIntAsserted, Is.False);
        Assert.That(bench.Irr(), Is.Empty);
    }

    [Test]
    public void Opening_LINT0_under_a_high_line_raises_ExtINT_and_software_disable_cuts_it_off()
    {
        var bench = new LocalApicBench();
        bench.Apic.SetLint(LvtEntry.Lint0, true);
        Assert.That(bench.Write(LocalApicRegister.LvtLint0, 0x700).Effects, Is.EqualTo(LocalApicEffects.DeliverabilityMayHaveChanged));
        Assert.That(bench.Apic.ExtIntAsserted, Is.True);
        Assert.That(bench.Write(LocalApicRegister.Svr, 0xFF).Effects, Is.EqualTo(LocalApicEffects.DeliverabilityMayHaveChanged));
        Assert.That(bench.Apic.ExtIntAsserted, Is.False);
    }
}
