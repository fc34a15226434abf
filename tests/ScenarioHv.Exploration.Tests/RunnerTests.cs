using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Exploration.Tests;

/// <summary>How a run ends, and the proof that comes with it, on machines whose steps are counted by hand.</summary>
public sealed class RunnerTests
{
    private static readonly RunLimits FewSteps = new() { Steps = 10_000 };

    [TestCase(1)]
    [TestCase(100)]
    public void A_run_ends_with_the_step_that_meets_the_goal(long work)
    {
        // Work begins, work ends, the report.
        var result = SmallMachines.BareMetal(Guests.ReportsAfterWork, ("a", work)).Run();

        Assert.That((result.Outcome, result.Steps, result.Cycles), Is.EqualTo((RunOutcome.Reached, 3L, work)));
        Assert.That(result.Recurrence, Is.Null);
        Assert.That(result.Totals.L1Retired, Is.EqualTo(work + 1), "a cycle of work is an instruction");
    }

    [Test]
    public void A_report_of_the_other_level_is_not_the_goal()
    {
        var config = SmallMachines.BareMetal(Guests.ReportsAfterWork, ("a", 10)) with { Goal = new GoalConfig(2, "done") };

        Assert.That(config.Run().Outcome, Is.EqualTo(RunOutcome.Stuck));
    }

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(100_000)]
    public void Work_without_end_recurs_from_the_first_state_in_two_steps(long work)
    {
        var recurrence = Livelock(SmallMachines.BareMetal(Guests.Works, ("a", work)));

        RequireShape(recurrence, prefixSteps: 0, prefixCycles: 0, steps: 2, cycles: work);
        Assert.That(recurrence.Work.L1Retired, Is.EqualTo(work));
    }

    [Test]
    public void What_comes_before_the_loop_is_the_prefix()
    {
        // Two instructions; the state in which work has just begun is the first that recurs, since the one before it waited for the second
        // instruction.
        var recurrence = Livelock(SmallMachines.BareMetal(Guests.WorksAfterTwoInstructions, ("a", 30)));

        RequireShape(recurrence, prefixSteps: 3, prefixCycles: 2 * SmallMachines.Instruction, steps: 2, cycles: 30);
    }

    [Test]
    public void Two_kinds_of_work_make_a_period_of_both()
    {
        var recurrence = Livelock(SmallMachines.BareMetal(Guests.WorksInTurn, ("a", 30), ("b", 4)));

        RequireShape(recurrence, prefixSteps: 0, prefixCycles: 0, steps: 4, cycles: 34);
    }

    [Test]
    public void A_counter_modulo_k_multiplies_the_period_by_k([Values(1, 2, 3, 7, 64)] long k, [Values] bool inVariable)
    {
        var main = inVariable ? (Func<Cpu, GuestTask>)Guests.CountsInAVariable : Guests.CountsInALocal;

        RequireShape(Livelock(SmallMachines.BareMetal(main, ("a", 10), ("k", k))), prefixSteps: 0, prefixCycles: 0, steps: 2 * k,
            cycles: 10 * k);
    }

    [TestCase(0, 5)]
    [TestCase(3, 5)]
    [TestCase(40, 50)]
    [TestCase(50, 50)]
    public void A_counter_that_falls_back_has_its_tail_as_prefix(long back, long top)
    {
        var recurrence = Livelock(SmallMachines.BareMetal(Guests.CountsAndFallsBack, ("a", 10), ("c", back), ("k", top)));

        RequireShape(recurrence, prefixSteps: 2 * back, prefixCycles: 10 * back, steps: 2 * (top - back + 1),
            cycles: 10 * (top - back + 1));
    }

    [TestCase(6, 4, 12)]
    [TestCase(5, 7, 35)]
    [TestCase(10, 10, 10)]
    [TestCase(1, 97, 97)]
    public void Two_CPUs_recur_after_the_least_common_multiple(long a, long b, long multiple)
    {
        // In the first state both are about to begin; it never comes back, because the first CPU begins again before the second has ended.
        var recurrence = Livelock(SmallMachines.BareMetal(Guests.Works, ("a", a), ("b", b)) with { Vcpus = 2 });

        RequireShape(recurrence, prefixSteps: 1, prefixCycles: 0, steps: 2 * ((multiple / a) + (multiple / b)), cycles: multiple);
        Assert.That(
            recurrence.Actors.Select(entry => (entry.Actor, entry.Steps)),
            Is.EqualTo(new[] { ("cpu0", 2 * multiple / a), ("cpu1", 2 * multiple / b) }));
    }

    [TestCase(100, 10, 10)]
    [TestCase(95, 10, 10)]
    [TestCase(91, 30, 4)]
    public void A_deadline_is_part_of_a_loop(long delay, long work, long pieces)
    {
        var recurrence = Livelock(SmallMachines.BareMetal(Guests.WaitsForADeadline, ("k", delay), ("a", work)));

        RequireShape(recurrence, prefixSteps: 0, prefixCycles: 0, steps: 2 * pieces, cycles: work * pieces);
    }

    [Test]
    public void A_state_that_never_comes_back_is_inconclusive_at_the_limit_of_steps()
    {
        var result = SmallMachines.BareMetal(Guests.CountsForEver, ("a", 10)).Run(FewSteps);

        Assert.That((result.Outcome, result.Steps, result.Reason),
            Is.EqualTo((RunOutcome.Inconclusive, 10_000L, "the limit of 10000 steps was reached")));
        Assert.That(result.Recurrence, Is.Null);
    }

    [Test]
    public void A_state_that_never_comes_back_is_inconclusive_at_the_limit_of_cycles()
    {
        var result = SmallMachines.BareMetal(Guests.CountsForEver, ("a", 1000)).Run(new RunLimits { Cycles = 5_500 });

        // The last step is the beginning of the sixth piece of work, at cycle 5000; its end would be at 6000.
        Assert.That((result.Outcome, result.Cycles, result.Steps), Is.EqualTo((RunOutcome.Inconclusive, 5_000L, 11L)));
        Assert.That(result.Reason, Is.EqualTo("the limit of 5500 cycles was reached"));
    }

    [Test]
    public void A_guest_that_reads_the_TSC_as_a_number_never_recurs()
    {
        Assert.That(SmallMachines.BareMetal(Guests.ReadsTheTsc).Run(FewSteps).Outcome, Is.EqualTo(RunOutcome.Inconclusive));
        Assert.That(SmallMachines.BareMetal(Guests.ReadsCr8).Run(FewSteps).Outcome, Is.EqualTo(RunOutcome.Livelock),
            "the same loop without it does");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Halted_with_interrupts_off_is_stuck(bool kvm) =>
        RequireAtRest(kvm ? SmallMachines.Kvm(Guests.Halts) : SmallMachines.BareMetal(Guests.Halts));

    [TestCase(true)]
    [TestCase(false)]
    public void A_main_line_that_has_ended_is_stuck(bool kvm) =>
        RequireAtRest(kvm ? SmallMachines.Kvm(Guests.Ends) : SmallMachines.BareMetal(Guests.Ends));

    [Test]
    public void Without_a_goal_rest_is_what_was_to_be_reached()
    {
        var result = (SmallMachines.BareMetal(Guests.Ends) with { Goal = null }).Run();

        Assert.That((result.Outcome, result.Reason), Is.EqualTo((RunOutcome.Reached, "everything has come to rest")));
    }

    [Test]
    public void A_host_tick_over_a_guest_that_is_halted_for_ever_is_stuck_with_a_proof()
    {
        var result = (SmallMachines.Kvm(Guests.Halts) with { HostTickHz = 1000 }).Run(FewSteps);

        Assert.That(result.Outcome, Is.EqualTo(RunOutcome.Stuck));
        Assert.That((result.Recurrence!.Steps, result.Recurrence.Cycles), Is.EqualTo((1L, 2_400_000L)), "one tick: 2.4 GHz / 1000 Hz");
        Assert.That(result.Recurrence.Actors.Select(entry => entry.Actor), Is.EqualTo(new[] { "host-tick0" }));
        Assert.That(result.Recurrence.Work.L1Retired, Is.Zero);
    }

    [TestCase(10_000)]
    [TestCase(3_000)]
    public void A_loop_that_a_periodic_stimulus_feeds_is_reported_as_fed(long every)
    {
        var recurrence = Livelock(SmallMachines.BareMetal(Guests.HaltsOpen).WithHandler(Guests.Acknowledges).WithMessage(5_000, every));

        Assert.That(recurrence.IsFed, Is.True);
        Assert.That((recurrence.Cycles, recurrence.Work.Stimuli), Is.EqualTo((every, 1L)), "one stimulus, and the handler that it wakes");
    }

    [Test]
    public void A_loop_of_its_own_is_not_fed_even_if_a_stimulus_came_before_it()
    {
        var recurrence = Livelock(SmallMachines.BareMetal(Guests.WorksOpen, ("a", 100)).WithHandler(Guests.Acknowledges)
            .WithMessage(5_000));

        Assert.That(recurrence.IsFed, Is.False);
        Assert.That(recurrence.PrefixCycles, Is.GreaterThanOrEqualTo(5_000), "nothing recurs while the stimulus lies ahead");
        Assert.That(recurrence.Cycles, Is.EqualTo(100));
    }

    [Test]
    public void Nothing_recurs_while_a_stimulus_lies_ahead()
    {
        // The guest loops with a period of 10 cycles for 200 000 cycles, and only then is told.
        var result = SmallMachines.BareMetal(Guests.WorksOpen, ("a", 10)).WithHandler(Guests.ReportsDone).WithMessage(200_000).Run();

        Assert.That(result.Outcome, Is.EqualTo(RunOutcome.Reached));
        Assert.That(result.Cycles, Is.GreaterThan(200_000));
        Assert.That(SmallMachines.BareMetal(Guests.WorksOpen, ("a", 10)).Run().Outcome, Is.EqualTo(RunOutcome.Livelock),
            "without the stimulus it is");
    }

    [Test]
    public void A_bug_in_a_guest_is_told_with_its_cycle_its_step_and_its_actor()
    {
        // Work begins, work ends, CLI retires and the code behind it throws, in the same step.
        var problem = Assert.Throws<StepException>(() => SmallMachines.BareMetal(Guests.FailsAfterWork, ("a", 70)).Run())!;

        Assert.That(problem.Message, Is.EqualTo("cycle 70, step 3, cpu0: the guest has a bug"));
        Assert.That((problem.Cycle, problem.Actor!.Name), Is.EqualTo((70L, "cpu0")));
        Assert.That(problem.InnerException, Is.InstanceOf<InvalidOperationException>());
    }

    [Test]
    public void A_bug_before_the_first_operation_is_told_as_such()
    {
        var problem = Assert.Throws<StepException>(() => SmallMachines.BareMetal(Guests.FailsAtOnce).Run())!;

        Assert.That(problem.Message, Is.EqualTo("before the first step: the guest has no beginning"));
        Assert.That(problem.Actor, Is.Null);
    }

    [Test]
    public void A_parameter_of_the_wrong_range_is_told_as_such_before_the_first_operation() =>
        Assert.That(
            () => SmallMachines.BareMetal(Guests.Works, ("a", 0)).Run(),
            Throws.InstanceOf<StepException>().With.Message.StartsWith("before the first step: Work(0)"));

    [Test]
    public void The_machine_of_the_thread_is_a_livelock_that_feeds_itself()
    {
        var result = HypervMachine.Livelock.Run(new RunLimits { Steps = 100_000 });

        Assert.That(result.Outcome, Is.EqualTo(RunOutcome.Livelock));
        var recurrence = result.Recurrence!;
        Assert.Multiple(() =>
        {
            Assert.That(recurrence.IsFed, Is.False);
            Assert.That(recurrence.PrefixCycles, Is.GreaterThan(120_000), "it begins when the interrupts come, at 50 us");
            Assert.That(recurrence.Work.L2Retired, Is.Zero);
            Assert.That(recurrence.Work.L1Retired, Is.Positive);
            Assert.That(recurrence.Work.L2Entries, Is.EqualTo(recurrence.Work.L2WastedEntries).And.EqualTo(recurrence.Work.Resent)
                .And.Positive);
        });
    }

    [Test]
    public void The_throttle_of_the_RFC_reaches_the_goal() =>
        Assert.That(HypervMachine.Throttled.Run(new RunLimits { Steps = 100_000 }).Outcome, Is.EqualTo(RunOutcome.Reached));

    [Test]
    public void The_period_is_recorded_step_by_step()
    {
        var recurrence = HypervMachine.Livelock.Run().Recurrence!;

        Assert.That(recurrence.Actors.Sum(entry => entry.Steps), Is.EqualTo(recurrence.Steps));
        Assert.That(recurrence.Events.Count(entry => entry.Kind == TraceEventKind.KvmNestedVmexitInject),
            Is.EqualTo(recurrence.Work.L2Entries));
        Assert.That(recurrence.Events[^1].Cycle - recurrence.Events[0].Cycle, Is.LessThanOrEqualTo(recurrence.Cycles));
    }

    [Test]
    public void The_sink_hears_every_event_of_the_prefix_and_of_two_periods_once()
    {
        var (heard, taken) = (new Sink(), new Sink());
        var result = new Runner(new Board(HypervMachine.Livelock)).Run(heard);
        var engine = new StepEngine(new Board(HypervMachine.Livelock), taken);
        var machine = engine.Create();
        var proof = result.Recurrence!;
        for (long step = 0; step < proof.PrefixSteps + (2 * proof.Steps); step++)
        {
            engine.Step(machine, engine.Next(machine)!);
        }

        Assert.That(heard.Events, Is.EqualTo(taken.Events));
        Assert.That(machine.Now, Is.EqualTo(proof.PrefixCycles + (2 * proof.Cycles)));
    }

    [Test]
    public void Progress_is_told_now_and_then_and_changes_nothing()
    {
        var told = new List<(long Steps, long Cycles)>();
        var config = SmallMachines.BareMetal(Guests.CountsForEver, ("a", 10));
        var limits = new RunLimits { Steps = 200_000 };
        var result = new Runner(new Board(config), limits) { Progress = (steps, cycles) => told.Add((steps, cycles)) }.Run();

        Assert.That(result, Is.EqualTo(config.Run(limits)));
        Assert.That(told, Is.EqualTo(new[] { (65_536L, 327_680L), (131_072L, 655_360L), (196_608L, 983_040L) }), "5 cycles a step");
    }

    private static Recurrence Livelock(MachineConfig config)
    {
        var result = config.Run(new RunLimits { Steps = 100_000 });

        Assert.That(result.Outcome, Is.EqualTo(RunOutcome.Livelock), result.Reason);
        return result.Recurrence!;
    }

    private static void RequireShape(Recurrence recurrence, long prefixSteps, long prefixCycles, long steps, long cycles) => Assert.That(
        (recurrence.PrefixSteps, recurrence.PrefixCycles, recurrence.Steps, recurrence.Cycles),
        Is.EqualTo((prefixSteps, prefixCycles, steps, cycles)));

    private static void RequireAtRest(MachineConfig config)
    {
        var result = config.Run(FewSteps);

        Assert.That((result.Outcome, result.Reason), Is.EqualTo((RunOutcome.Stuck, "nobody can take another step")));
        Assert.That(result.Recurrence, Is.Null);
    }

    private sealed class Sink : ITraceSink
    {
        public List<TraceEvent> Events { get; } = [];

        public void Emit(in TraceEvent traceEvent) => Events.Add(traceEvent);
    }
}
