using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests;

/// <summary>What exploring a machine says of it.</summary>
public sealed class ExplorerTests
{
    private const long OneMicrosecond = 2_400;

    private static readonly ClassTime Classes = new(OneMicrosecond);

    [Test]
    public void Guest_that_always_reports_holds_and_every_transition_is_counted()
    {
        var found = Explore(SmallMachines.BareMetal(Guests.ReportsAfterWork, ("a", 100)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found.Outcome, Is.EqualTo(GraphOutcome.Holds));
            Assert.That(found.Failure, Is.Null);
            Assert.That(found.EndedBy, Is.Null);
            Assert.That(found.Counts.Goals, Is.EqualTo(1));
            Assert.That(found.Size.States, Is.EqualTo(found.Size.Transitions + 1), "there is one order of steps, so the states are a line");
            Assert.That(found.CollisionProbability, Is.LessThan(1e-15));
        }
    }

    [Test]
    public void Guest_that_works_for_ever_is_a_livelock_whose_replay_retires_operations()
    {
        var found = Explore(SmallMachines.BareMetal(Guests.Works, ("a", 100)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found.Outcome, Is.EqualTo(GraphOutcome.Livelock));
            Assert.That(found.Failure!.Replay.Run.Recurrence!.Work.L1Retired, Is.Positive);
            Assert.That(found.Failure.Replay.StateBytes, Is.Positive);
            Assert.That(found.Failure.Inevitable, Is.EqualTo(new Inevitable(InevitableKind.After, 0)));
        }
    }

    [Test]
    public void Guest_that_halts_with_interrupts_off_is_stuck()
    {
        var found = Explore(SmallMachines.BareMetal(Guests.Halts));

        Assert.That(found.Outcome, Is.EqualTo(GraphOutcome.Stuck));
        Assert.That(found.Reason, Does.Contain("nobody can take another step"));
    }

    [Test]
    public void Without_a_goal_a_machine_may_come_to_rest()
    {
        var found = Explore(SmallMachines.BareMetal(Guests.Halts) with { Goal = null });

        Assert.That(found.Outcome, Is.EqualTo(GraphOutcome.Holds));
        Assert.That(found.Reason, Does.Contain("comes to rest"));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Guest_that_throws_is_told_with_the_history_that_makes_it_throw(bool chains)
    {
        var board = BoardOf(SmallMachines.BareMetal(Guests.FailsAfterWork, ("a", 100)));
        var problem = Assert.Throws<ExplorationException>(() => new Explorer(board) { Chains = chains }.Explore())!;
        var replayed = Assert.Throws<StepException>(() => new ScheduleReplay(board, problem.Schedule!).Run())!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(problem.Step.InnerException!.Message, Is.EqualTo("the guest has a bug"));
            Assert.That(problem.Step.Steps, Is.EqualTo(replayed.Steps));
            Assert.That(problem.Step.Actor!.Name, Is.EqualTo(replayed.Actor!.Name));
        }
    }

    [Test]
    public void Guest_that_throws_before_its_first_operation_has_no_history()
    {
        var problem = Assert.Throws<ExplorationException>(() => Explore(SmallMachines.BareMetal(Guests.FailsAtOnce)))!;

        Assert.That(problem.Schedule, Is.Null);
        Assert.That(problem.Step.Steps, Is.EqualTo(-1));
    }

    [Test]
    public void Limit_that_comes_first_is_named_and_proves_nothing()
    {
        var board = BoardOf(SmallMachines.BareMetal(Guests.CountsForEver, ("a", 100)));
        (SearchLimits Limits, string Words)[] limits =
        [
            (new SearchLimits { MaxStates = 100 }, "100 states"),
            (new SearchLimits { MaxDepth = 20 }, "20 transitions"),
            (new SearchLimits { MemoryBytes = 1 }, "1 bytes"),
            (new SearchLimits { Stop = () => true }, "stopped"),
        ];
        foreach (var (limit, words) in limits)
        {
            var found = new Explorer(board) { Limits = limit }.Explore();

            Assert.That(found.Outcome, Is.EqualTo(GraphOutcome.Inconclusive), words);
            Assert.That(found.Reason, Does.Contain(words));
        }
    }

    [Test]
    public void Verdict_and_schedule_are_the_same_with_any_number_of_threads()
    {
        var config = SmallMachines.Kvm(Guests.HaltsOpen).WithHandler(Guests.Acknowledges).WithMessage(10_000) with { Vcpus = 2 };
        var one = Explore(config);
        var two = new Explorer(BoardOf(config)) { Threads = 2 }.Explore();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(one.Outcome, Is.EqualTo(GraphOutcome.Stuck), "the goal is never reported");
            Assert.That(two.Outcome, Is.EqualTo(one.Outcome));
            Assert.That(two.Failure!.Schedule, Is.EqualTo(one.Failure!.Schedule));
            Assert.That(two.Size.States, Is.EqualTo(one.Size.States));
            Assert.That(two.Size.Transitions, Is.EqualTo(one.Size.Transitions));
        }
    }

    [Test]
    public void Chains_leave_states_out_and_no_verdict()
    {
        var config = SmallMachines.Kvm(Guests.HaltsOpen).WithHandler(Guests.ReportsDone).WithMessage(10_000);
        var chained = Explore(config);
        var single = new Explorer(BoardOf(config)) { Chains = false }.Explore();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(chained.Outcome, Is.EqualTo(single.Outcome));
            Assert.That(chained.Size.States, Is.LessThan(single.Size.States));
            Assert.That(single.Size.Steps, Is.EqualTo(single.Size.Transitions));
        }
    }

    // The guest opens its window for four instructions, closes it and halts. The message comes at 20 000: before the end of the window if
    // an instruction takes 10 000 cycles, long after it if it takes 100.
    [TestCase(GraphOutcome.Holds, 10_000L)]
    [TestCase(GraphOutcome.Stuck, 100L)]
    [TestCase(GraphOutcome.Stuck, 10_000L, 100L)]
    public void Cost_that_varies_is_explored_with_each_of_its_values(GraphOutcome outcome, params long[] cycles)
    {
        var config = SmallMachines.BareMetal(ExplorerGuests.OpensAWindow).WithHandler(Guests.ReportsDone).WithMessage(20_000);
        config = config with { Timing = config.Timing.With(TimingCost.Instruction, cycles) };
        var found = new Explorer(new Board(config)).Explore();

        Assert.That(found.Outcome, Is.EqualTo(outcome));
    }

    [Test]
    public void Run_takes_the_first_value_of_a_cost_that_varies()
    {
        var config = SmallMachines.BareMetal(ExplorerGuests.OpensAWindow).WithHandler(Guests.ReportsDone).WithMessage(20_000);
        var fixedCost = config with { Timing = config.Timing.With(TimingCost.Instruction, 10_000) };
        var varying = config with { Timing = config.Timing.With(TimingCost.Instruction, 10_000, 100) };

        Assert.That(varying.Run().Cycles, Is.EqualTo(fixedCost.Run().Cycles));
    }

    [Test]
    public void Time_in_cycles_lets_a_state_recur_at_another_cycle()
    {
        var found = new Explorer(new Board(SmallMachines.BareMetal(Guests.Works, ("a", 100)))).Explore();
        var run = SmallMachines.BareMetal(Guests.Works, ("a", 100)).Run();

        Assert.That(found.Outcome, Is.EqualTo(GraphOutcome.Livelock));
        Assert.That(found.Failure!.Replay.Run.Recurrence!.Cycles, Is.EqualTo(run.Recurrence!.Cycles));
    }

    [Test]
    public void Walks_at_random_find_a_real_failure_or_prove_nothing()
    {
        var options = new RandomOptions { Walks = 5, Seed = 1, MaxSteps = 100 };
        var stuck = new Explorer(BoardOf(SmallMachines.BareMetal(Guests.Halts))).Sample(options);
        var good = new Explorer(BoardOf(SmallMachines.BareMetal(Guests.ReportsAfterWork, ("a", 100)))).Sample(options);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(stuck.Outcome, Is.EqualTo(GraphOutcome.Stuck));
            Assert.That(stuck.Failure!.Replay.Run.Outcome, Is.EqualTo(RunOutcome.Stuck));
            Assert.That(good.Outcome, Is.EqualTo(GraphOutcome.Inconclusive), "a sample never holds");
            Assert.That(good.Sample!.Good, Is.EqualTo(5));
        }
    }

    [Test]
    public void Guest_that_throws_on_a_walk_is_told_with_the_history()
    {
        var board = BoardOf(SmallMachines.BareMetal(Guests.FailsAfterWork, ("a", 100)));
        var problem = Assert.Throws<ExplorationException>(
            () => new Explorer(board).Sample(new RandomOptions { Walks = 1, Seed = 1 }))!;

        Assert.Throws<StepException>(() => new ScheduleReplay(board, problem.Schedule!).Run());
    }

    private static Exploration Explore(MachineConfig config) => new Explorer(BoardOf(config)).Explore();

    private static Board BoardOf(MachineConfig config) => new(config with { Time = Classes, Timing = TimingProfile.Untimed });
}

internal static class ExplorerGuests
{
    public static async GuestTask OpensAWindow(Cpu cpu)
    {
        await cpu.Sti();
        await cpu.Sti();
        await cpu.Sti();
        await cpu.Sti();
        await cpu.Cli();
        await cpu.Hlt();
    }
}
