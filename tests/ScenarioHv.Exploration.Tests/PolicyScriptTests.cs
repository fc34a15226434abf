using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Exploration.Search;
using static ScenarioHv.Engine.Tests.Policies.PolicyPrograms;

namespace ScenarioHv.Exploration.Tests;

/// <summary>Machines whose policies are scripts: what is said of them is what is said of the built-in policies.</summary>
public sealed class PolicyScriptTests
{
    private static readonly PolicyProgram ZeroTimer = Decision(_ => ImmediateExitDecision.PreemptionTimer(0));

    [Test]
    public void A_livelock_under_a_script_has_the_prefix_and_the_period_that_it_has_under_the_word()
    {
        var word = new Runner(new Board(HypervMachine.Livelock)).Run();
        var script = new Runner(new Board(HypervMachine.Livelock with { ImmediateExit = ImmediateExit(ZeroTimer) })).Run();
        Assert.That((script.Outcome, script.Recurrence!.PrefixSteps, script.Recurrence.Steps, script.Recurrence.Cycles),
            Is.EqualTo((RunOutcome.Livelock, word.Recurrence!.PrefixSteps, word.Recurrence.Steps, word.Recurrence.Cycles)));
    }

    [Test]
    public void A_count_that_never_stops_hides_no_recurrence_from_the_author_and_none_is_claimed()
    {
        // The state names what the script remembers: with a count that grows no state recurs.
        var counting = Decision(_ =>
        {
            Vars.Count++;
            return ImmediateExitDecision.PreemptionTimer(0);
        });
        var board = new Board(HypervMachine.Livelock with { ImmediateExit = ImmediateExit(counting) });
        Assert.That(new Runner(board, new RunLimits { Steps = 20_000 }).Run().Outcome, Is.EqualTo(RunOutcome.Inconclusive));
    }

    [TestCase(false, GraphOutcome.Livelock)]
    [TestCase(true, GraphOutcome.Holds)]
    public void A_search_finds_as_many_states_under_a_script_as_under_the_word(bool throttles, GraphOutcome outcome)
    {
        // The script counts as far as the built-in policy.
        var word = Explore(Untimed with { ImmediateExit = throttles ? new Throttle(2, 100_000) : new ZeroTimer() });
        var script = Explore(Untimed with { ImmediateExit = ImmediateExit(throttles ? Throttle(2, 100_000) : ZeroTimer) });
        Assert.That((script.Outcome, script.Size.States, script.Size.Transitions),
            Is.EqualTo((outcome, word.Size.States, word.Size.Transitions)));
    }

    [Test]
    public void A_plan_of_a_script_gives_a_search_as_many_states_as_the_built_in_one()
    {
        var word = Explore(Untimed);
        var script = Explore(Untimed with { Kvm = new KvmPolicies { Enter = Like(EnterPlans.PublishThenRecheck) } });
        Assert.That((script.Outcome, script.Size.States, script.Size.Transitions),
            Is.EqualTo((word.Outcome, word.Size.States, word.Size.Transitions)));
    }

    [Test]
    public void Merged_steps_leave_a_search_fewer_states()
    {
        var kvm = new KvmPolicies { Enter = Scripted(Steps(EnterPlans.PublishThenRecheck), merges: step => step == EnterStep.PublishMode) };
        Assert.That(Explore(Untimed with { Kvm = kvm }).Size.States, Is.LessThan(Explore(Untimed).Size.States));
    }

    [Test]
    public void A_failure_that_a_search_finds_under_a_script_is_replayed_event_for_event()
    {
        var board = new Board(Untimed with { ImmediateExit = ImmediateExit(ZeroTimer) });
        var failure = new Explorer(board) { Chains = false }.Explore().Failure!;
        var (one, other) = (new Events(), new Events());
        new ScheduleReplay(board, failure.Schedule).Run(one);
        new ScheduleReplay(new Board(Untimed with { ImmediateExit = ImmediateExit(ZeroTimer) }), failure.Schedule).Run(other);
        Assert.That(one.All, Has.Count.GreaterThan(20));
        Assert.That(other.All, Is.EqualTo(one.All));
    }

    [Test]
    public void A_script_that_fails_ends_a_search_with_the_way_there()
    {
        var failing = Decision(ImmediateExitDecision (now) => throw new ArithmeticException("no answer"));
        var board = new Board(Untimed with { ImmediateExit = ImmediateExit(failing) });
        Assert.That(() => new Explorer(board).Explore(), Throws.InstanceOf<ExplorationException>()
            .With.Message.Contains("immediate-exit (test.csx): no answer").And.Property("Schedule").Not.Null);
    }

    /// <summary>Time in classes, and no tick of the host.</summary>
    private static MachineConfig Untimed => HypervMachine.Livelock with { Time = new ClassTime(2_400), Timing = TimingProfile.Untimed };

    private static Exploration Explore(MachineConfig config) => new Explorer(new Board(config)) { Chains = false }.Explore();

    private static TStep[] Steps<TStep>(Plan<TStep> plan)
        where TStep : struct, Enum => [.. Enumerable.Range(0, plan.Count).Select(i => plan[i])];

    private sealed class Events : ITraceSink
    {
        public List<TraceEvent> All { get; } = [];

        public void Emit(in TraceEvent traceEvent) => All.Add(traceEvent);
    }
}
