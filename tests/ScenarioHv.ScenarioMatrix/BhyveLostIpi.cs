using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Exploration.Search;
using ScenarioHv.Traces;

namespace ScenarioHv.ScenarioMatrix;

/// <summary>What bhyve-lost-ipi.yaml has to show of its thread, beyond the outcomes of its cells.</summary>
public sealed class BhyveLostIpi
{
    private const string Scenario = "bhyve-lost-ipi";

    [Test]
    public void The_steps_come_in_the_order_in_which_the_review_tells_them()
    {
        string[] story =
        [
            "vm lab[0]: icrlo 0x0100000000004040 triggered ipi 64",             // "vCPU0 posts an inter-processor interrupt to vCPU1"
            "vm lab[1]: vlapic_set_intr_ready irr2 0x00000001",
            "vm lab[1]: Injecting vector 64 using V_IRQ",                       // "injected as a virtual interrupt by the hypervisor"
            "guest_interrupt: vcpu 1 L1 vec 64",                                // "an interrupt handler is invoked"
            "vm lab[0]: icrlo 0x0100000000004040 triggered ipi 64",             // "sends another IPI with the same vector"
            "vm lab[1]: vlapic interrupt 64 collapsed irr2 0x00000001",         // "gets collapsed into the previous IPI in the IRR"
            "vm lab[1]: v_intr_vector 64 accepted",                             // "Only after that a VMEXIT of vCPU1 occurs"
            "vm lab[1]: vlapic_intr_accepted irr2 0x00000000 isr2 0x00000001",  // "cleared in the IRR and is set in the ISR"
        ];
        var lines = Lines("svm-injection=v-irq");
        var at = -1;
        foreach (var line in story)
        {
            at = lines.IndexOf(line, at + 1);
            Assert.That(at, Is.Not.Negative, line);
        }

        Assert.That(at, Is.EqualTo(lines.Count - 1), "the run ends where the request is lost");
    }

    /// <summary>
    /// "The IPI gets collapsed into the previous IPI in the IRR of vCPU1. Only after that a VMEXIT of vCPU1 occurs": lost at the exit, and
    /// for certain at the collapse. No timing is tuned.
    /// </summary>
    [Test]
    public void Exploring_finds_the_loss_and_calls_it_inevitable_from_the_collapse_on()
    {
        var found = new Explorer(Shipped.ExploredBoardOf(Base)).Explore();
        var steps = found.Failure!.Replay.Steps;
        var inevitable = found.Failure.Inevitable;

        Assert.That((found.Outcome, found.Property), Is.EqualTo((GraphOutcome.Violated, "custody")));
        Assert.That(inevitable.Kind, Is.EqualTo(InevitableKind.After));
        Assert.That(Says(steps[inevitable.Steps - 1], KtrMessage.Collapsed), Is.True);
        Assert.That(Says(steps[^1], KtrMessage.IntrAccepted), Is.True);
    }

    [Test]
    public void A_failure_of_a_random_walk_is_told_without_the_steps_that_it_does_not_need()
    {
        var options = new RandomOptions { Walks = 200, Seed = 3 };
        var board = Shipped.ExploredBoardOf(Base);
        var walk = new RandomSearch(new MachineSystems(board, chains: false).NewSystem(), options).Run().Failure!;
        var found = new Explorer(board).Sample(options);

        Assert.That((found.Outcome, found.Property), Is.EqualTo((GraphOutcome.Violated, "custody")));
        Assert.That(found.Failure!.Replay.Steps, Has.Count.LessThan(walk.Schedule.Count));
        var shortest = new Explorer(board).Explore().Failure!.Replay.Steps.Count;
        Assert.That(found.Failure.Replay.Steps, Has.Count.InRange(shortest, 2 * shortest));
    }

    [TestCase("svm-injection=v-irq-pending-state", "vm lab[1]: vlapic_intr_accepted irr2 0x00000001 isr2 0x00000001")]
    [TestCase("svm-injection=event-injection", "vm lab[1]: Injecting hwintr at vector 64")]
    public void The_other_designs_keep_the_second_request(string cell, string line)
    {
        var lines = Lines(cell);
        Assert.That(lines, Does.Contain(line));
        Assert.That(lines.Count(l => l == "guest_interrupt: vcpu 1 L1 vec 64"), Is.EqualTo(2));
        Assert.That(lines, Has.None.Contains("collapsed"));
    }

    [TestCase("latency, halted, v-irq", 12_600)]
    [TestCase("latency, halted, event-injection", 12_600)]
    [TestCase("latency, computing, v-irq", 2_850)]
    [TestCase("latency, computing, event-injection", 2_850)]
    [TestCase("latency, computing, AVIC", 300)]
    public void Latency_of_the_header_from_the_first_request_to_its_handler(string cell, long cycles)
    {
        var recorder = new TraceRecorder();
        Shipped.Run(Shipped.Cell(Scenario, cell), recorder);
        var request = recorder.First(e => e.Kind == TraceEventKind.AvicRequest
            || (e.Kind == TraceEventKind.Ktr && (KtrMessage)e.A == KtrMessage.IntrReady));
        var handler = recorder.First(e => e.Kind == TraceEventKind.GuestInterrupt);
        Assert.That(handler.Cycle - request.Cycle, Is.EqualTo(cycles));
    }

    private static List<string> Lines(string cell)
    {
        var recorder = new TraceRecorder();
        Shipped.Run(Shipped.Cell(Scenario, cell), recorder);
        return [.. recorder.Where(e => e.Kind is TraceEventKind.Ktr or TraceEventKind.GuestInterrupt)
            .Select(e => TraceEventText.Format(e, TraceDialects.BhyveKtr))];
    }

    private static Scenarios.Scenario Base => Shipped.Cell(Scenario, "base");

    private static bool Says(ReplayStep step, KtrMessage message) =>
        step.Events.Any(e => e.Kind == TraceEventKind.Ktr && (KtrMessage)e.A == message);
}
