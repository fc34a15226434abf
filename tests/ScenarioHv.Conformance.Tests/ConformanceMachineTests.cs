namespace ScenarioHv.Conformance.Tests;

/// <summary>What each operation does and shows. Lists of operations are separated by semicolons; the last one's log is looked at.</summary>
public sealed class ConformanceMachineTests
{
    private const string Enabled = "mw 0 fee000f0 1ff;";
    private const string Pic = "out 0 20 11;out 0 21 20;out 0 21 4;out 0 21 1;out 0 a0 11;out 0 a1 28;out 0 a1 2;out 0 a1 1;";

    [TestCase("mr 0 fee000f0", "=000000ff")]
    [TestCase("mr 0 fee01000", "=ffffffff")]
    [TestCase("iow 0 10 51;ior 0 10", "=00000051")]
    [TestCase("mw 0 fec00000 1;mr 0 fec00010", "=00170011")]
    [TestCase("out 0 21 a5;in 0 21", "=a5")]
    [TestCase("out 0 4d0 ff;in 0 4d0", "=f8")]
    [TestCase("in 0 80", "=ff")]
    [TestCase("rdmsr 0 1b", "=00000000fee00900")]
    [TestCase("rdmsr 0 802", "#0d")]
    [TestCase("wrmsr 0 1b fee00d00;rdmsr 0 803", "=0000000000050014")]
    [TestCase("wrmsr 0 1b fec00900;ior 0 1", "=00000000", Description = "a local APIC moved onto the I/O APIC hides it from its CPU")]
    [TestCase("wcr8 0 7;rcr8 0", "=7")]
    [TestCase("wcr8 0 7;mr 0 fee00080", "=00000070")]
    [TestCase("mw 0 fee00080 35;ppr 0", "ppr=35")]
    public void Registers_are_read(string ops, string log) => Assert.That(Last(ops), Is.EqualTo(log));

    [TestCase(Enabled + "msi fee00000 41;msi fee00000 61;msi fee00000 51;win 0", "61 51 41")]
    [TestCase(Enabled + "msi fee00000 41;msi fee00000 61;msi fee00000 51;win 0 2", "61 51")]
    [TestCase(Enabled + "pol 0 41 0;msi fee00000 41;win 0;msi fee00000 42;win 0", "")]
    [TestCase(Enabled + "iow 0 16 61;pol 0 41 7;hook 41 i 3 1;msi fee00000 41;win 0", "41 >61")]
    [TestCase(Enabled + "iow 0 16 61;pol 0 41 5;hook 41 i 3 1;msi fee00000 41;win 0", "41 61")]
    [TestCase(Enabled + "iow 0 16 61;pol 0 41 7;hook 41 i 3 1;msi fee00000 41;win 0 1", "41")]
    [TestCase(Enabled + "pol 0 51 4;iow 0 16 8051;line i 3 1;win 0 3", "51 51 51")]
    [TestCase(Enabled + "pol 0 51 24;iow 0 16 8051;hook 51 i 3 0;line i 3 1;win 0 3", "51 51")]
    [TestCase(Enabled + "pol 0 51 5;iow 0 16 8051;hook 51 i 3 0;line i 3 1;win 0 3", "51")]
    public void Windows_nest_and_count(string ops, string log) => Assert.That(Last(ops), Is.EqualTo(log));

    // IR9 comes through IR2, above IR3; KVM keeps the request of a pulse that is over (i8259.c:pic_set_irq1).
    [TestCase(Enabled + Pic + "pol 0 23 8;pol 0 29 18;mw 0 fee00350 700;msi fee00000 f1;pulse p 3;line p 9 1;line p 9 0;win 0", "29 23 f1")]
    [TestCase(Enabled + Pic + "pol 0 23 8;mw 0 fee00350 700;iow 0 16 61;pulse b 3;win 0", "23 61")]
    [TestCase(Enabled + Pic + "pulse p 3;win 0", "")]
    public void The_8259s_interrupt_comes_through_LINT0_and_first(string ops, string log) => Assert.That(Last(ops), Is.EqualTo(log));

    [TestCase("nmi 0", "02")]
    [TestCase("lint1", "")]
    [TestCase(Enabled + "mw 0 fee00360 400;lint1", "02")]
    [TestCase(Enabled + "mw 1 fee00300 4400;mr 0 fee00080", "=00000000 02")]
    [TestCase(Enabled + "mw 1 fee00300 4400;nmi 0", "02")]
    [TestCase(Enabled + "mw 1 fee00300 4400;nmi 0;nop 0", "02")]
    [TestCase(Enabled + "mw 1 fee00300 4400;iow 0 16 10000;nop 0", "")]
    [TestCase(Enabled + "mw 1 fee00300 4400;msi fee00000 51;win 0 1", "02 51")]
    public void An_instruction_takes_one_NMI(string ops, string log) => Assert.That(Last(ops), Is.EqualTo(log));

    // CPU 0's NMI handler lets I/O APIC pin 3 send another NMI: KVM of Linux 6.18.44 took one NMI an operation.
    [TestCase(Enabled + "pol 0 2 3;hook 2 i 3 1;hook 2 i 3 0;iow 0 16 400;nmi 0", "02")]
    [TestCase(Enabled + "pol 0 2 3;hook 2 i 3 1;hook 2 i 3 0;iow 0 16 400;nmi 0;nop 0;nop 0", "02")]
    public void NMIs_are_blocked_until_the_handlers_IRET(string ops, string log) => Assert.That(Last(ops), Is.EqualTo(log));

    [Test]
    public void An_IRET_in_the_NMI_handlers_window_lets_the_next_NMI_in() =>
        Assert.That(Last(Enabled + "pol 0 2 3;hook 2 i 3 1;iow 0 16 400;msi fee00000 51;nmi 0"), Is.EqualTo("02 >51 >02"));

    [Test]
    public void A_window_without_end_is_refused() =>
        Assert.That(
            () => Last(Enabled + "pol 0 2 2;iow 0 16 8051;line i 3 1;nmi 0"),
            Throws.TypeOf<NotSupportedException>().With.Message.Contains("without end"));

    [Test]
    public void Handlers_nest_500_deep_at_most() =>
        Assert.That(
            () => Last(Enabled + Pic + "out 0 20 11;out 0 21 20;out 0 21 4;out 0 21 3;"
                + "mw 0 fee00350 700;out 0 4d0 8;pol 0 23 2;line p 3 1;win 0 2000"),
            Throws.TypeOf<NotSupportedException>().With.Message.Contains("500"));

    [TestCase("hlt 0", "halted")]
    [TestCase("hlt 0;mr 0 fee00080", "!halted")]
    [TestCase("run 0", "!running")]
    [TestCase("hlt 0;run 0", "halted")]
    [TestCase("hlt 0;nmi 0", "")]
    [TestCase("hlt 0;nmi 0;run 0", "woke 02")]
    [TestCase(Enabled + "msi fee00000 51;hlt 0", "woke 51")]
    [TestCase(Enabled + "hlt 0 1;msi fee00000 51;msi fee00000 61;run 0", "woke 61")]
    public void A_CPU_halts_and_wakes(string ops, string log) => Assert.That(Last(ops), Is.EqualTo(log));

    // 1000h counts by 1 are 4.096 us; 300000h are 3.1 ms.
    [TestCase(Enabled + "mw 0 fee00320 61;mw 0 fee003e0 b;mw 0 fee00380 1000;win 0", "")]
    [TestCase(Enabled + "mw 0 fee00320 61;mw 0 fee003e0 b;mw 0 fee00380 1000;sleep 1;win 0", "61")]
    [TestCase(Enabled + "mw 0 fee00320 61;mw 0 fee003e0 b;mw 0 fee00380 300000;sleep 3;win 0", "")]
    [TestCase(Enabled + "mw 0 fee00320 61;mw 0 fee003e0 b;mw 0 fee00380 300000;sleep 4;win 0", "61")]
    public void Time_passes_in_sleep_alone(string ops, string log) => Assert.That(Last(ops), Is.EqualTo(log));

    [TestCase("dumpL 1", "L1 id=1000000 tpr=00 ldr=00000000 dfr=ffffffff svr=0ff esr=0 icr=00000000:00000000 "
        + "lvt=10000,10000,10000,10000,10000,10000 tmict=0 tdcr=0 irr=- isr=- tmr=-")]
    [TestCase("line i 3 1;iow 0 17 1000000;dumpI", "I sel=17 id=0 irr=000008 3=0100000000010000")]
    [TestCase("dumpP", "M irr=00 isr=00 imr=00 base=00 low=0 rr=0 poll=0 smm=0 init=0 aeoi=0 raeoi=0 sfnm=0 elcr=00 "
        + "S irr=00 isr=00 imr=00 base=00 low=0 rr=0 poll=0 smm=0 init=0 aeoi=0 raeoi=0 sfnm=0 elcr=00")]
    public void Dumps_are_those_of_the_recordings(string ops, string log) => Assert.That(Last(ops), Is.EqualTo(log));

    [Test]
    public void A_handler_makes_at_most_four_line_changes() =>
        Assert.That(
            () => Last("hook 51 i 3 1;hook 51 i 3 0;hook 51 i 3 1;hook 51 i 3 0;hook 51 i 3 1"),
            Throws.TypeOf<NotSupportedException>());

    private static string Last(string ops)
    {
        var machine = new ConformanceMachine(ConformancePreset.Kvm618, cpus: 2, hasX2Apic: true);
        string log = "";
        foreach (string op in ops.Split(';'))
            log = machine.Execute(RecordedOp.Parse(op, cpus: 2));
        return log;
    }
}
