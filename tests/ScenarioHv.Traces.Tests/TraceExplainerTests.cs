using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Traces.Tests.TestEvents;

namespace ScenarioHv.Traces.Tests;

[TestFixture]
internal sealed class TraceExplainerTests
{
    [Test]
    public void Immediate_exit_left_before_the_first_instruction() => Assert.That(
        TraceExplainer.Explain(VmxExit(52, 0xfffff8022f3d8350), new() { Level = GuestLevel.L2, ImmediateExit = true }),
        Is.EqualTo("L0 regains control: the VMX-preemption timer was 0, so L2 left before its first instruction (SDM3 25.5.1)"));

    [Test]
    public void Preemption_timer_that_was_not_0_ran_out() => Assert.That(
        TraceExplainer.Explain(VmxExit(52), new() { Level = GuestLevel.L1, ImmediateExit = false }),
        Does.Contain("counted down to 0 while L1 ran"));

    [Test]
    public void Without_context_nothing_is_claimed_about_the_first_instruction() =>
        Assert.That(TraceExplainer.Explain(VmxExit(52)), Does.Not.Contain("before its first").And.Contains("the guest"));

    [TestCase(1u, 0ul, 0x800000f6u, "physical interrupt 246 arrived and the exit acknowledged it")]
    [TestCase(1u, 0ul, 0u, "was not acknowledged")]
    [TestCase(0u, 0ul, 0x80000202u, "an NMI arrived")]
    [TestCase(0u, 0ul, 0x80000b0eu, "exception 14 is intercepted")]
    [TestCase(30u, 0xa00040ul, 0u, "executed OUT of 1 at port 0xa0")]
    [TestCase(30u, 0x3f80009ul, 0u, "executed IN of 2 at port 0x3f8")]
    [TestCase(44u, 0x1390ul, 0u, "write to APIC_TMCCT is not virtualized")]
    [TestCase(45u, 0x50ul, 0u, "cleared VISR[80]")]
    [TestCase(56u, 0x300ul, 0u, "APIC_ICR was written")]
    [TestCase(10u, 0ul, 0u, "CPUID, basic exit reason 10")]
    [TestCase(0x80000021u, 0ul, 0u, "the VM entry failed, INVALID_STATE (SDM3 26.8)")]
    public void Vmx_exit_says_its_cause(uint reason, ulong qualification, uint intrInfo, string cause) =>
        Assert.That(
            TraceExplainer.Explain(VmxExit(reason, 0, qualification, 0, intrInfo)),
            Does.StartWith("L0 regains control: ").And.Contains(cause));

    [Test]
    public void Interrupted_delivery_is_mentioned() => Assert.That(
        TraceExplainer.Explain(VmxExit(48, info2: 0x80000060)),
        Does.EndWith("it interrupted the delivery of external interrupt 96 (SDM3 27.2.4)"));

    [TestCase(0x60u, 0ul, 0ul, "does not acknowledge it (APM2 15.13.1)")]
    [TestCase(0x64u, 0ul, 0ul, "V_IRQ is still 1")]
    [TestCase(0x401u, 0x1000000fdul, 0x100000001ul, "00000001:000000fd: a destination is not running; its IRR bit is set already")]
    [TestCase(0x402u, 0x1000000b0ul, 0ul, "write to APIC_EOI")]
    public void Svm_exit_says_its_cause(uint code, ulong info1, ulong info2, string cause) =>
        Assert.That(TraceExplainer.Explain(SvmExit(code, 0, info1, info2)), Does.Contain(cause));

    [TestCase(0x80000060u, "with vector 96 acknowledged: it moves from IRR to ISR")]
    [TestCase(0u, "without acknowledgement: the vector stays in IRR")]
    public void Interrupt_exit_given_to_L1_says_what_became_of_the_vector(uint intrInfo, string text) =>
        Assert.That(TraceExplainer.Explain(TraceEvent.KvmNestedVmexitInject(0, 0, 0, 1, 0, 0, intrInfo, 0)), Does.Contain(text));

    [TestCase(ApicMessageFlags.None, "IRR[80] is set and TMR[80] cleared: edge")]
    [TestCase(ApicMessageFlags.Level, "IRR[80] is set and TMR[80] set: level")]
    public void Accepted_vector_moves_IRR_and_TMR(ApicMessageFlags flags, string text) => Assert.That(
        TraceExplainer.Explain(TraceEvent.KvmApicAcceptIrq(0, 0, 0, 0, 80, DeliveryMode.Fixed, flags)), Does.Contain(text));

    [Test]
    public void Nmi_does_not_go_through_IRR() => Assert.That(
        TraceExplainer.Explain(TraceEvent.KvmApicAcceptIrq(0, 0, 0, 0, 2, DeliveryMode.Nmi, ApicMessageFlags.None)),
        Does.Contain("not through IRR"));

    [TestCase(80, "ISR[80] is clear now")]
    [TestCase(-1, "nothing in service")]
    public void Eoi_says_what_it_cleared(int vector, string text) =>
        Assert.That(TraceExplainer.Explain(TraceEvent.KvmEoi(0, 0, 0, 0, vector)), Does.Contain(text));

    [TestCase(0x10050ul, false, "masked, nothing is sent")]
    [TestCase(0xc050ul, false, "remote IRR is 1")]
    [TestCase(0x8050ul, false, "the entry sends vector 80")]
    [TestCase(0x50ul, true, "coalesced")]
    public void Ioapic_pin_says_what_became_of_it(ulong rte, bool coalesced, string text) =>
        Assert.That(TraceExplainer.Explain(TraceEvent.KvmIoapicSetIrq(0, 0, 23, rte, coalesced)), Does.Contain(text));

    [Test]
    public void Entry_says_what_it_delivers_and_that_it_leaves_again()
    {
        var text = TraceExplainer.Explain(TraceEvent.KvmEntry(0, 0, 0, 0x10, 0x80000060, 0, true), new() { Level = GuestLevel.L2 });
        Assert.That(text, Does.StartWith("L0 lets L2 run on vCPU 0 from rip 0x10; the entry delivers external interrupt 96 first"));
        Assert.That(text, Does.Contain("immediate exit"));
    }

    [Test]
    public void Every_kind_has_one_sentence([ValueSource(nameof(Kinds))] TraceEventKind kind)
    {
        var text = TraceExplainer.Explain(new TraceEvent(0, kind, 0, 0));
        Assert.That(text, Is.Not.Empty.And.Not.EndsWith(".").And.Not.Contain("\n"));
    }

    [Test]
    public void An_event_without_a_kind_is_refused() => Assert.That(() => TraceExplainer.Explain(default), Throws.ArgumentException);

    private static IEnumerable<TraceEventKind> Kinds => Enum.GetValues<TraceEventKind>().Where(kind => kind != TraceEventKind.None);
}
