using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses.Tests;

/// <summary>What KVM's guest does with operations that no recording has, and what it refuses.</summary>
public sealed class KvmWitnessTests
{
    private const string Enabled = "mw 0 fee000f0 1ff;mw 1 fee000f0 1ff;";

    // The level request comes again as soon as its handler ends it: an NMI's handler that lets it in never returns.
    private const string Endless = Enabled + "pol 0 2 2;iow 0 16 8051;line i 3 1;nmi 0";

    // SDM3 6.7.1: a further NMI waits for the IRET, and any IRET will do.
    [TestCase("pol 0 2 2;msi fee00000 61;msi fee00000 400;msi fee00000 400;nop 0", "02 >61 >02")]
    [TestCase("pol 0 2 0;msi fee00000 61;msi fee00000 400;msi fee00000 400;win 0", "02 02 61")]
    public void A_second_NMI_waits_for_an_IRET(string ops, string log) =>
        Assert.That(LiveKvm.Run(Enabled + ops)[^1], Is.EqualTo(log));

    // SDM3 6.7: NMI is taken at the next instruction boundary, here that before the read.
    [TestCase("pol 0 2 4;pol 0 61 0;msi fee00000 61;win 0;msi fee00000 400;mr 0 fee00130", "=00000000 02")]
    [TestCase("mw 0 fee00300 44400", "02")]
    [TestCase("wrmsr 0 1b fee00d00;wrmsr 0 830 44400", "02")]
    [TestCase("iow 0 17 0;line i 3 1;iow 0 16 8451", "02")]
    public void An_NMI_is_taken_at_the_next_boundary(string ops, string log) =>
        Assert.That(LiveKvm.Run(Enabled + ops)[^1], Is.EqualTo(log));

    [TestCase("hlt 0;mr 0 fee00080", "!halted")]
    [TestCase("hlt 0;run 0", "halted")]
    [TestCase("run 0", "!running")]
    [TestCase("msi fee00000 400;hlt 0", "woke 02")]
    [TestCase("hlt 0 1;msi fee00000 51;msi fee00000 61;run 0", "woke 61")]
    [TestCase("hlt 0 1;msi fee00000 51;msi fee00000 61;run 0;win 0", "51")]
    [TestCase("mw 0 fee00320 61;mw 0 fee00380 2faf080;hlt 0;sleep 150;run 0", "woke 61")]
    public void A_CPU_halts_and_wakes(string ops, string log) => Assert.That(LiveKvm.Run(Enabled + ops)[^1], Is.EqualTo(log));

    [TestCase("mr 0 fee01000", "=ffffffff")]
    [TestCase("mr 0 1000", "=ffffffff")]
    [TestCase("mw 0 1000 0;mr 0 1000", "=ffffffff")]
    [TestCase("in 0 80", "=ff")]
    [TestCase("out 0 f4 1;in 0 f4", "=ff")]
    [TestCase("wrmsr 0 1b feed0900;mr 0 feed0030", "=00050014")]
    [TestCase("wrmsr 0 1b feed0900;mw 0 feed0080 35;ppr 0", "ppr=35")]
    [TestCase("rdmsr 0 802", "#0d")]
    public void What_no_controller_answers_reads_all_ones(string ops, string log) =>
        Assert.That(LiveKvm.Run(Enabled + ops)[^1], Is.EqualTo(log));

    [TestCase("mr 0 fee00350;mr 0 fee00040", "=00000000")]
    [TestCase("mr 0 fee00030;mr 0 fee00034", "=00000000")]
    [TestCase("mr 0 fee01000;mr 0 fee003f0", "=00000000")]
    public void What_is_no_register_of_a_local_APIC_reads_zero(string ops, string log) =>
        Assert.That(LiveKvm.Run(Enabled + ops)[^1], Is.EqualTo(log));

    [TestCase("rdmsr 0 10", "MSR 10h")]
    [TestCase("mw 0 fee00300 44500", "INIT")]
    [TestCase("mw 0 fee00310 1000000;mw 0 fee00300 4500", "CPU 1 gets INIT")]
    [TestCase("msi fee00000 500", "CPU 0 gets INIT")]
    [TestCase("iow 0 17 1000000;iow 0 16 551;pulse i 3", "CPU 1 gets INIT")]
    [TestCase(Endless, "deliveries in one operation")]
    public void What_the_guest_cannot_show_is_refused(string ops, string reason)
    {
        _ = LiveKvm.Source;
        Assert.That(() => LiveKvm.Run(Enabled + ops), Throws.TypeOf<NotSupportedException>().With.Message.Contains(reason));
    }

    [Test]
    public void After_a_refusal_the_witness_is_lost_and_the_next_one_is_not()
    {
        using IWitness witness = LiveKvm.Source.PowerOn(1, hasX2Apic: false);
        RecordedOp init = RecordedOp.Parse("msi fee00000 500", 1);
        witness.Execute(RecordedOp.Parse("mw 0 fee000f0 1ff", 1));
        Assert.That(() => witness.Execute(init), Throws.TypeOf<NotSupportedException>());
        Assert.That(() => witness.Execute(RecordedOp.Parse("nop 0", 1)), Throws.TypeOf<WitnessException>());
        witness.Dispose();
        Assert.That(LiveKvm.Run(Enabled + "msi fee00000 51;win 0")[^1], Is.EqualTo("51"));
    }

    [Test]
    public void A_handler_that_sends_no_EOI_leaves_its_vector_in_service()
    {
        string[] log = LiveKvm.Run(Enabled + "pol 0 51 0;msi fee00000 51;win 0;dumpL 0;ppr 0");
        Assert.That(log[^2], Does.Contain(" irr=- isr=51 tmr=-"));
        Assert.That(log[^1], Is.EqualTo("ppr=50"));
    }

    [TestCase(1)]
    [TestCase(Recording.MaxCpus)]
    public void Each_CPU_has_its_number_as_APIC_ID(int cpus)
    {
        string[] log = LiveKvm.Run(string.Join(';', Enumerable.Range(0, cpus).Select(cpu => $"mr {cpu} fee00020")), cpus);
        Assert.That(log, Is.EqualTo(Enumerable.Range(0, cpus).Select(cpu => $"={cpu << 24:x8}")));
    }
}
