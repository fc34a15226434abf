using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>Random walks.</summary>
public sealed class RandomSearchTests
{
    [TestCase(RandomScheduler.Uniform)]
    [TestCase(RandomScheduler.Pct)]
    public void A_violation_is_found_and_its_schedule_leads_to_it(RandomScheduler scheduler)
    {
        var system = new HandshakeThatEnds();
        var result = Run(system, scheduler, walks: 500);

        Assert.That(result.Failure?.Outcome, Is.EqualTo(WalkOutcome.Violated));
        Assert.That(result.Walks[result.Failure!.Walk], Is.EqualTo(new Walk(WalkOutcome.Violated, result.Failure.Schedule.Count)));
        Assert.That(result.Walks.Take(result.Failure.Walk).Select(walk => walk.Outcome), Has.None.EqualTo(WalkOutcome.Violated));
        Assert.That(Replay(system, result.Failure.Schedule), Is.EqualTo((StateKind.Violated, true)));
    }

    [TestCase(RandomScheduler.Uniform)]
    [TestCase(RandomScheduler.Pct)]
    public void A_walk_that_ends_without_the_goal_is_stuck(RandomScheduler scheduler)
    {
        var system = new DiningLocks(isOrdered: false);
        var result = Run(system, scheduler, walks: 500);

        Assert.That(result.Count(WalkOutcome.Stuck) + result.Count(WalkOutcome.Goal), Is.EqualTo(500));
        Assert.That(result.Failure?.Outcome, Is.EqualTo(WalkOutcome.Stuck));
        Assert.That(result.Failure!.Schedule.Select(step => step.Actor), Is.EquivalentTo(new[] { 0, 1 }));
        Assert.That(Replay(system, result.Failure.Schedule), Is.EqualTo((StateKind.Open, true)));
        system.Load(system.Result);
        Assert.That(system.Enabled, Is.Zero);
    }

    /// <summary>Six steps, three of each: uniformly, both hold their first lock after two steps in one walk of two.</summary>
    [Test]
    public void Uniform_walks_meet_the_deadlock_of_two_locks_every_second_time()
    {
        var result = Run(new DiningLocks(isOrdered: false), RandomScheduler.Uniform, walks: 4_000);

        // Six standard deviations of a binomial distribution, each of which is the root of 4 000 / 4.
        Assert.That(result.Count(WalkOutcome.Stuck), Is.EqualTo(2_000).Within(190));
    }

    /// <summary>
    /// Two constraints make the deadlock: each first lock before the other's second. With d = 2 a walk has one change among k = 6 steps; it
    /// deadlocks if the change is the first step, so in one walk of six, and with d = 1 never.
    /// </summary>
    [TestCase(2, 1_000)]
    [TestCase(1, 0)]
    public void Priority_changes_meet_the_deadlock_of_two_locks_as_often_as_the_change_is_the_first_step(int depth, int expected)
    {
        var options = new RandomOptions { Walks = 6_000, Seed = 3, Scheduler = RandomScheduler.Pct, Depth = depth, Steps = 6 };
        var result = new RandomSearch(new DiningLocks(isOrdered: false), options).Run();

        // Six standard deviations: the root of 6 000 * 5 / 36 is 29.
        Assert.That(result.Count(WalkOutcome.Stuck), Is.EqualTo(expected).Within(depth == 1 ? 0 : 175));
    }

    [TestCase(RandomScheduler.Uniform)]
    [TestCase(RandomScheduler.Pct)]
    public void Where_all_is_well_no_walk_fails(RandomScheduler scheduler)
    {
        var result = Run(new LostWakeup(isAtomic: true), scheduler, walks: 300);

        Assert.That(result.Failure, Is.Null);
        Assert.That((result.Count(WalkOutcome.Goal), result.IsCutShort), Is.EqualTo((300, false)));
    }

    [Test]
    public void A_walk_of_too_many_steps_is_cut_and_fails_nobody()
    {
        var options = new RandomOptions { Walks = 10, Seed = 1, MaxSteps = 7 };
        var result = new RandomSearch(new LostIpiSystem(2, 20, isFixed: true), options).Run();

        Assert.That(result.Walks, Is.All.EqualTo(new Walk(WalkOutcome.Cut, 7)));
        Assert.That((result.Failure, result.Steps), Is.EqualTo(((RandomFailure?)null, 70L)));
    }

    /// <summary>Under strict priorities one that spins would starve the one for which it waits.</summary>
    [Test]
    public void An_actor_that_spins_lets_the_others_go_first_after_a_while()
    {
        var options = new RandomOptions { Walks = 50, Seed = 1, Scheduler = RandomScheduler.Pct, MaxSteps = 300, Patience = 100 };
        var result = new RandomSearch(new Spinner(), options).Run();

        Assert.That(result.Count(WalkOutcome.Goal), Is.EqualTo(50));
        Assert.That(result.Walks.Max(walk => walk.Steps), Is.InRange(101, 104));
    }

    [TestCase(RandomScheduler.Uniform)]
    [TestCase(RandomScheduler.Pct)]
    public void The_same_seed_gives_the_same_walks_and_another_one_others(RandomScheduler scheduler)
    {
        RandomResult With(ulong seed) => new RandomSearch(
            new RandomGraph(8, 500, 3, goals: 40, violations: 90, true),
            new RandomOptions { Walks = 100, Seed = seed, Scheduler = scheduler }).Run();
        var (one, same, other) = (With(5), With(5), With(6));

        Assert.That(same.Walks, Is.EqualTo(one.Walks));
        Assert.That(same.Failure!.Schedule, Is.EqualTo(one.Failure!.Schedule));
        Assert.That(other.Walks, Is.Not.EqualTo(one.Walks));
    }

    [Test]
    public void Every_way_in_which_a_step_can_go_on_is_tried()
    {
        var system = new RandomGraph(8, 60, 2, 0, 0, true);
        var (node, actor) = Enumerable.Range(0, 60).SelectMany(node => new[] { (node, 0), (node, 1) })
            .First(step => system.IsEnabled(step.node, step.Item2) && Choices(system, step.node, step.Item2) == 3);
        for (var choice = 0; choice < 3; choice++)
        {
            system.Throwing.Clear();
            system.Throwing.Add((node, actor, choice));
            var error = Assert.Throws<WalkException>(
                () => new RandomSearch(system, new RandomOptions { Walks = 2_000, Seed = 1, MaxSteps = 50 }).Run())!;
            Assert.That(error.Schedule[^1], Is.EqualTo(new ScheduledStep(actor, choice)));
            Assert.That(error.Message, Is.EqualTo($"node {node} throws"));
        }
    }

    [Test]
    public void A_search_that_was_stopped_has_fewer_walks()
    {
        var asked = 0;
        var options = new RandomOptions { Walks = 10, Seed = 1, Stop = () => asked++ == 4 };
        var result = new RandomSearch(new DiningLocks(true), options).Run();

        Assert.That((result.Walks.Count, result.IsCutShort), Is.EqualTo((4, true)));
    }

    private static RandomResult Run(ITransitionSystem system, RandomScheduler scheduler, int walks) =>
        new RandomSearch(system, new RandomOptions { Walks = walks, Seed = 1, Scheduler = scheduler }).Run();

    private static (StateKind Kind, bool WasOpenBefore) Replay(ITransitionSystem system, IReadOnlyList<ScheduledStep> schedule)
    {
        var kind = system.Begin().Kind;
        var wasOpen = true;
        foreach (var step in schedule)
        {
            wasOpen &= kind == StateKind.Open;
            system.Load(system.Result);
            Assert.That(system.Enabled >> step.Actor & 1, Is.EqualTo(1));
            kind = system.Take(step.Actor, step.Choice).Kind;
        }

        return (kind, wasOpen);
    }

    private static int Choices(RandomGraph system, int node, int actor)
    {
        var state = node;
        return system.Step(ref state, actor, 0);
    }

    /// <summary>The mode handshake without barriers, with a goal: somebody has seen the other.</summary>
    private sealed class HandshakeThatEnds() : ModeHandshake(false, false)
    {
        public override StateKind KindOf(in State state) =>
            state.Vcpu.Next == Does.HasSeen || state.Sender.Next == Does.HasSeen ? StateKind.Goal : base.KindOf(state);
    }

    /// <summary>Actor 0 looks at a flag until actor 1 has set it.</summary>
    private sealed class Spinner : ToySystem<byte>
    {
        public override int Actors => 2;

        public override byte First => 0;

        public override bool IsEnabled(in byte state, int actor) => actor == 0 || state == 0;

        public override int Step(ref byte state, int actor, int choice)
        {
            state = actor == 1 ? (byte)1 : state == 1 ? (byte)2 : state;
            return 1;
        }

        public override StateKind KindOf(in byte state) => state == 2 ? StateKind.Goal : StateKind.Open;
    }
}
