using System.Numerics;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Traces;

namespace ScenarioHv.Exploration.Tests.Schedules;

/// <summary>A schedule replays the history of which it was made, and no other.</summary>
public sealed class ScheduleReplayTests
{
    [Test]
    public void Replay_leads_to_the_state_of_the_history_and_emits_its_events()
    {
        var random = new Random(4711);
        for (var i = 0; i < 40; i++)
        {
            var board = new Board(TwoRacers());
            var history = Walk(board, random, out var machine, out var hash);

            var replay = new ScheduleReplay(board, ScheduleRecorder.Record(board, history)) { KeepsSteps = true };
            var (result, replayed) = Run(replay);

            Assert.That(result.Run.Outcome, Is.EqualTo(RunOutcome.Reached));
            Assert.That(result.Run.Steps, Is.EqualTo(history.Count));
            Assert.That(result.Steps.Select(step => new ScheduledStep(step.Actor.Index, step.Choice)), Is.EqualTo(history));
            Assert.That(replayed, Is.EqualTo(hash));
            Assert.That(machine.Ref(board.Check).GoalReached, Is.EqualTo(1));
        }
    }

    [Test]
    public void Schedule_of_one_CPU_alone_is_empty()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Guests.ReportsAfterWork, ("a", 100))));
        var schedule = ScheduleRecorder.Record(board, [new(0, 0), new(0, 0)]);

        Assert.That(schedule.ToString(), Is.EqualTo("c:"));
        Assert.That(new ScheduleReplay(board, schedule).Run().Run.Outcome, Is.EqualTo(RunOutcome.Reached));
    }

    [Test]
    public void Steps_before_and_behind_the_choices_do_not_change_the_schedule()
    {
        var short_ = ScheduleOf(SmallMachines.BareMetal(Chooses, ("before", 1), ("behind", 1)));
        var long_ = ScheduleOf(SmallMachines.BareMetal(Chooses, ("before", 5), ("behind", 9)));

        Assert.That(short_.ToString(), Is.EqualTo("c:a.2"));
        Assert.That(long_, Is.EqualTo(short_));

        static Schedule ScheduleOf(MachineConfig config)
        {
            var board = new Board(Untimed(config));
            var steps = (int)(config.L1.Parameters["before"] + config.L1.Parameters["behind"]) + 2;
            var before = (int)config.L1.Parameters["before"];
            return ScheduleRecorder.Record(board, [.. Enumerable.Range(0, steps).Select(i => new ScheduledStep(0, i == before ? 2 : 0))]);
        }
    }

    [Test]
    public void Way_that_a_guest_leaves_open_is_taken_as_the_schedule_says()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Chooses, ("before", 2), ("behind", 2))));

        var outcomes = Enumerable.Range(0, 3).Select(way => new ScheduleReplay(board, Schedule.Parse($"c:a.{way}")).Run().Run.Outcome);

        Assert.That(outcomes, Is.EqualTo(new[] { RunOutcome.Stuck, RunOutcome.Stuck, RunOutcome.Reached }));
    }

    [Test]
    public void Period_is_compared_in_full_and_livelock_named()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Guests.Works, ("a", 7), ("b", 3)) with { Vcpus = 2 }));
        var result = new ScheduleReplay(board, Schedule.Parse("c:a@ba")) { KeepsSteps = true }.Run();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Run.Outcome, Is.EqualTo(RunOutcome.Livelock));
            Assert.That(result.Run.Recurrence!.PrefixSteps, Is.EqualTo(1));
            Assert.That(result.Run.Recurrence.Steps, Is.EqualTo(2));
            Assert.That(result.Run.Recurrence.Actors, Is.EqualTo(new ActorSteps[] { new("cpu0", 1), new("cpu1", 1) }));
            Assert.That(result.StateBytes, Is.Positive);
            Assert.That(result.Steps, Has.Count.EqualTo(3));
        }
    }

    [Test]
    public void Period_that_neglects_a_CPU_proves_nothing()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Guests.Works, ("a", 7), ("b", 3)) with { Vcpus = 2 }));
        var run = new ScheduleReplay(board, Schedule.Parse("c:@a")).Run().Run;

        Assert.That(run.Outcome, Is.EqualTo(RunOutcome.Inconclusive));
        Assert.That(run.Reason, Does.Contain("cpu1 could act all the while and never does"));
    }

    [Test]
    public void State_that_recurs_without_a_choice_needs_no_period_in_the_schedule()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Guests.CountsAndFallsBack, ("a", 10), ("k", 5), ("c", 2))));
        var schedule = ScheduleRecorder.Record(board, Steps(2), Steps(4));
        var run = new ScheduleReplay(board, schedule).Run().Run;

        Assert.That(schedule.ToString(), Is.EqualTo("c:"));
        Assert.That((run.Outcome, run.Recurrence!.PrefixSteps, run.Recurrence.Steps), Is.EqualTo((RunOutcome.Livelock, 2, 4)));

        static ScheduledStep[] Steps(int count) => [.. Enumerable.Repeat(new ScheduledStep(0, 0), count)];
    }

    [Test]
    public void Period_begins_where_there_is_something_to_choose()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(WorksAndChooses, ("a", 10))));
        ScheduledStep[] round = [new(0, 0), new(0, 0), new(0, 1)];
        var schedule = ScheduleRecorder.Record(board, round, round);
        var run = new ScheduleReplay(board, schedule).Run().Run;

        Assert.That(schedule.ToString(), Is.EqualTo("c:a.1@a.1"));
        Assert.That((run.Recurrence!.PrefixSteps, run.Recurrence.Steps), Is.EqualTo((5, 3)));
    }

    [Test]
    public void Events_are_stamped_with_the_numbers_of_their_steps_where_the_clock_stands_still()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Guests.ReportsAfterWork, ("a", 100))));
        var events = new TraceRecorder();
        var result = new ScheduleReplay(board, Schedule.Parse("c:")) { KeepsSteps = true }.Run(events);

        Assert.That(events.Single(e => e.Kind == TraceEventKind.GuestReported).Cycle, Is.EqualTo(2));
        Assert.That(result.Steps[1].Events.Single().Cycle, Is.EqualTo(2));
        Assert.That(result.Run.Cycles, Is.Zero);
    }

    [Test]
    public void Schedule_of_a_run_in_cycles_names_its_ties_and_replays_the_run()
    {
        var board = new Board(SmallMachines.Kvm(Guests.ReportsAfterWork, ("a", 5_000)) with { Vcpus = 3 });
        using var hash = new TraceHash();
        var run = new Runner(board).Run(hash);
        var engine = new StepEngine(board);
        var machine = engine.Create();
        var steps = new List<ScheduledStep>();
        while (steps.Count < run.Steps)
        {
            var actor = engine.Next(machine)!;
            engine.Step(machine, actor);
            steps.Add(new ScheduledStep(actor.Index, 0));
        }

        var schedule = ScheduleRecorder.Record(board, steps);
        var (replayed, digest) = Run(new ScheduleReplay(board, schedule));

        Assert.That(schedule.ToString(), Does.StartWith("t:ab"), "three vCPUs begin at one moment");
        Assert.That(replayed.Run, Is.EqualTo(run));
        Assert.That(digest, Is.EqualTo(hash.Digest()));
    }

    [TestCase("t:a", "the schedule is one of time in cycles ('t:'), and the machine has time in classes")]
    [TestCase("c:Z", "at step 1 the schedule names actor Z, and the machine has the actors a to ")]
    [TestCase("c:a.3", "at step 1 the schedule takes way 3 of actor 'cpu0': there is one way only")]
    [TestCase("c:a2b4", "the history ends behind step 2, and the schedule has 4 more choices")]
    [TestCase("c:a@b", "what stands behind '@' does not repeat")]
    public void Schedule_that_does_not_fit_is_refused_with_the_reason(string text, string message)
    {
        var config = SmallMachines.BareMetal(Guests.ReportsAfterWork, ("a", 100)) with { Vcpus = 2 };
        var replay = new ScheduleReplay(new Board(Untimed(config)), Schedule.Parse(text));

        Assert.That(() => replay.Run(), Throws.TypeOf<ScheduleException>().With.Message.Contains(message));
    }

    [Test]
    public void Actor_that_cannot_act_is_named_with_those_that_can()
    {
        var config = SmallMachines.BareMetal(Guests.HaltsOpen).WithHandler(Guests.ReportsDone).WithMessage(100_000) with { Vcpus = 2 };
        var board = new Board(Untimed(config));
        var outside = Schedule.LetterOf(board.Actors.Single(actor => actor.Name == "outside").Index);
        var replay = new ScheduleReplay(board, Schedule.Parse($"c:a2b2{outside}{outside}"));

        Assert.That(() => replay.Run(), Throws.TypeOf<ScheduleException>()
            .With.Message.Match("^at step [0-9]+ actor 'outside' cannot act: ").Or.Message.Contains("more choice"));
    }

    [Test]
    public void Own_schedule_that_does_not_fit_is_a_defect()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Guests.Works, ("a", 7), ("b", 3)) with { Vcpus = 2 }));
        var replay = new ScheduleReplay(board, Schedule.Parse("c:@a")) { IsOwn = true };

        Assert.That(() => replay.Run(), Throws.TypeOf<InvalidOperationException>().With.Message.Contains("neglects cpu1"));
    }

    [Test]
    public void Schedule_that_ends_too_early_says_who_can_act()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Guests.Works, ("a", 7), ("b", 3)) with { Vcpus = 2 }));
        var run = new ScheduleReplay(board, Schedule.Parse("c:a3")).Run().Run;

        Assert.That(run.Outcome, Is.EqualTo(RunOutcome.Inconclusive));
        Assert.That(run.Reason, Is.EqualTo("the schedule ends where cpu0 and cpu1 can act"));
    }

    [Test]
    public void Step_that_fails_is_told_with_the_events_before_it()
    {
        var board = new Board(Untimed(SmallMachines.BareMetal(Guests.FailsAfterWork, ("a", 7))));

        var failure = Assert.Throws<StepException>(() => new ScheduleReplay(board, Schedule.Parse("c:")).Run(new TraceRecorder()));

        Assert.That(failure!.Steps, Is.EqualTo(1));
        Assert.That(failure.Message, Does.Contain("the guest has a bug"));
    }

    /// <summary>The machine with time in classes, of which a microsecond is later.</summary>
    internal static MachineConfig Untimed(MachineConfig config) =>
        config with { Time = new ClassTime(config.TscHz / 1_000_000), Timing = TimingProfile.Untimed };

    private static MachineConfig TwoRacers() => Untimed(SmallMachines.Kvm(Guests.WorksOpen, ("a", 50))
        .WithHandler(Guests.ReportsDone).WithMessage(20_000) with
    { Vcpus = 2 });

    private static (ReplayResult Result, string Hash) Run(ScheduleReplay replay)
    {
        using var hash = new TraceHash();
        var result = replay.Run(hash);
        return (result, hash.Digest());
    }

    /// <summary>A history in which each step is anybody's who can act, up to the goal; its events stamped with their steps.</summary>
    private static List<ScheduledStep> Walk(Board board, Random random, out Machine machine, out string digest)
    {
        var events = new TraceRecorder();
        var engine = new StepEngine(board, events);
        machine = engine.Create();
        var steps = new List<ScheduledStep>();
        using var hash = new TraceHash();
        while (machine.Ref(board.Check).GoalReached == 0)
        {
            var enabled = engine.Enabled(machine);
            for (var skip = random.Next(BitOperations.PopCount(enabled)); skip > 0; skip--)
            {
                enabled &= enabled - 1;
            }

            var actor = BitOperations.TrailingZeroCount(enabled);
            var before = machine.Fork();
            events.Clear();
            var ways = engine.Step(machine, board.Actors[actor]);
            var choice = random.Next(ways);
            if (choice > 0)
            {
                machine.CopyFrom(before);
                events.Clear();
                engine.Step(machine, board.Actors[actor], choice);
            }

            steps.Add(new ScheduledStep(actor, choice));
            foreach (var e in events)
            {
                hash.Emit(new TraceEvent(steps.Count, e.Kind, e.Actor, e.Vcpu, e.A, e.B, e.C, e.D, e.E, e.F));
            }
        }

        digest = hash.Digest();
        return steps;
    }

    private static async GuestTask Chooses(Cpu cpu)
    {
        for (var i = 0; i < cpu.Parameter("before"); i++)
            await cpu.Work(10);
        if (await cpu.Choose(3) != 2)
            await cpu.Hlt();
        for (var i = 0; i < cpu.Parameter("behind"); i++)
            await cpu.Work(10);
        await cpu.Report("done");
    }

    private static async GuestTask WorksAndChooses(Cpu cpu)
    {
        while (true)
        {
            await cpu.Work(10);
            await cpu.Work(10);
            await cpu.Choose(2);
        }
    }
}
