using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces.Tests;

/// <summary>The lines of vmm's kernel trace, by the format strings of FreeBSD 10.4.</summary>
public sealed class BhyveKtrDialectTests
{
    [TestCase(KtrMessage.VIrqProgrammed, 64, 0, 0, 0, "vm lab[1]: Injecting vector 64 using V_IRQ")]
    [TestCase(KtrMessage.VIrqOutcome, 64, 1, 0, 0, "vm lab[1]: v_intr_vector 64 accepted")]
    [TestCase(KtrMessage.VIrqOutcome, 64, 0, 0, 0, "vm lab[1]: v_intr_vector 64 pending")]
    [TestCase(KtrMessage.EventInjected, 64, 0, 0, 0, "vm lab[1]: Injecting hwintr at vector 64")]
    [TestCase(KtrMessage.BlockedByEvent, 64, 0x80000050, 0, 0, "vm lab[1]: Cannot inject vector 64 due to eventinj 0x80000050")]
    [TestCase(KtrMessage.VTprChanged, 0, 8, 0, 0, "vm lab[1]: VMCB V_TPR changed from 0 to 0x8")]
    [TestCase(KtrMessage.VmExit, 1, 0x60, 0x1000, 0, "vm lab[1]: handled extintr vmexit at 0x1000/0")]
    [TestCase(KtrMessage.VmExit, 0, 0x78, 0x1000, 1, "vm lab[1]: unhandled hlt vmexit at 0x1000/1")]
    [TestCase(KtrMessage.VmExit, 1, 0x18, 0x1000, 4, "vm lab[1]: handled 0x18 vmexit at 0x1000/4")]
    [TestCase(KtrMessage.IntrReady, 64, 1, 0, 0, "vm lab[1]: vlapic_set_intr_ready irr2 0x00000001")]
    [TestCase(KtrMessage.IcrWritten, 0x0100000000004040, 64, 0, 0, "vm lab[1]: icrlo 0x0100000000004040 triggered ipi 64")]
    [TestCase(KtrMessage.IntInfoPending, 0x80000040, 0, 0, 0, "vm lab[1]: SVM:Pending INTINFO(0x80000040), vector=64.")]
    [TestCase(KtrMessage.StateChanged, 0, 1, 0, 0, "vm lab[1]: vcpu state changed from frozen to running")]
    public void Line(KtrMessage message, long b, long c, long d, long e, string line) => Assert.That(
        TraceEventText.Format(Event(message, (ulong)b, (ulong)c, (ulong)d, (ulong)e), TraceDialects.BhyveKtr), Is.EqualTo(line));

    [Test]
    public void Every_message_has_a_line_and_a_sentence([ValueSource(nameof(Messages))] KtrMessage message)
    {
        var e = Event(message, 64, 1, 2, 3);
        Assert.That(TraceEventText.Format(e, TraceDialects.BhyveKtr), Does.StartWith("vm lab[1]: ").And.Length.GreaterThan(15));
        Assert.That(TraceExplainer.Explain(e), Does.Not.EndWith(".").And.Length.GreaterThan(20));
    }

    [Test]
    public void A_trace_has_the_columns_of_ktrdump()
    {
        var output = new StringWriter();
        var writer = new KtrWriter(output, TraceDialects.BhyveKtr, [TraceActor.VcpuThread(0, 0), new TraceActor("vcpu 1", 1)]);
        writer.Emit(new TraceEvent(7_550, TraceEventKind.Ktr, 1, 1, (ulong)KtrMessage.VIrqProgrammed, 64));
        writer.Emit(new TraceEvent(7_600, TraceEventKind.GuestInterrupt, 1, 1, 64, 1));
        writer.Emit(new TraceEvent(11_400, TraceEventKind.Ktr, 1, 1, (ulong)KtrMessage.VIrqOutcome, 64, 1));
        Assert.That(output.ToString(), Is.EqualTo(
            """
            index  cpu timestamp        trace
            ------ --- ---------------- -----
                 0   1             7550 vm lab[1]: Injecting vector 64 using V_IRQ
                 1   1            11400 vm lab[1]: v_intr_vector 64 accepted

            """.ReplaceLineEndings("\n")));
    }

    private static IEnumerable<KtrMessage> Messages => Enum.GetValues<KtrMessage>().Where(message => message != KtrMessage.None);

    private static TraceEvent Event(KtrMessage message, ulong b, ulong c, ulong d, ulong e) =>
        new(1_000, TraceEventKind.Ktr, 1, 1, (ulong)message, b, c, d, e);
}
