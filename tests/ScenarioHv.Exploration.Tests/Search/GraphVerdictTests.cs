using ScenarioHv.Exploration.Search;
using static ScenarioHv.Exploration.Tests.Search.HandGraph;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>What a graph amounts to: which failure is told, how it comes, how it goes round, and from when it was inevitable.</summary>
public sealed class GraphVerdictTests
{
    private const int Seeds = 600;

    [TestCase("0: a1 b2; 1: b3; 2: a3; 3 goal", GraphOutcome.Holds, "", "")]
    [TestCase("0: a0; 1 violated", GraphOutcome.Stuck, "", "a", TestName = "State_that_no_path_leads_to_does_not_count")]
    [TestCase("0: a1 b2; 1: a3; 2: b2; 3 violated", GraphOutcome.Violated, "a a", "", TestName = "Violation_comes_before_a_nearer_cycle")]
    [TestCase("0: a1 b2 c3; 1: a1!; 2: a2; 3: c4", GraphOutcome.Stuck, "b", "a", TestName = "Nearest_failure_of_the_others_is_told")]
    [TestCase("0: a1 b2 c3; 1: a1!; 2: a2", GraphOutcome.Stuck, "c", "", TestName = "Terminal_state_comes_before_a_cycle_as_near")]
    [TestCase("0: a1 b2 c3; 1: a1!; 2: a2; 3 goal", GraphOutcome.Stuck, "b", "a", TestName = "Stuck_cycle_comes_before_a_livelock_as_near")]
    [TestCase("0: a1 b2; 1: a1!; 2 goal", GraphOutcome.Livelock, "a", "a")]
    [TestCase("0: a1 b2; 1 unknown; 2 goal", GraphOutcome.Inconclusive, "", "", TestName = "What_is_not_seen_in_full_does_not_hold")]
    [TestCase("0: a1 b2; 1 unknown; 2: a2", GraphOutcome.Stuck, "b", "a", TestName = "Cycle_stands_although_not_all_was_seen")]
    [TestCase("0: a1 b2; 1 unknown; 2 violated", GraphOutcome.Violated, "b", "", TestName = "Violation_stands_although_not_all_was_seen")]
    [TestCase("0 violated", GraphOutcome.Violated, "", "")]
    public void Failure_that_is_told_with_a_goal(string graph, GraphOutcome outcome, string path, string period)
    {
        var verdict = GraphVerdict.Of(Of(graph), hasGoal: true);

        Assert.That((verdict.Outcome, Names(verdict.Path), Names(verdict.Period)), Is.EqualTo((outcome, path, period)));
    }

    [TestCase("0: a1", GraphOutcome.Holds, "", "", TestName = "Rest_is_no_failure_without_a_goal")]
    [TestCase("0: a1 b2; 2: a3; 3: b3!", GraphOutcome.Livelock, "b a", "b", TestName = "Fair_cycle_is_a_failure_without_a_goal")]
    [TestCase("0: a1 b2; 2 violated", GraphOutcome.Violated, "b", "")]
    public void Failure_that_is_told_without_a_goal(string graph, GraphOutcome outcome, string path, string period)
    {
        var verdict = GraphVerdict.Of(Of(graph), hasGoal: false);

        Assert.That((verdict.Outcome, Names(verdict.Path), Names(verdict.Period)), Is.EqualTo((outcome, path, period)));
    }

    [TestCase("0: a1 b9; 1: a2 b9; 2: a3; 3 violated; 9 goal", InevitableKind.After, 2, TestName = "Failure_is_inevitable_before_it_comes")]
    [TestCase("0: a1; 1: a1; 9 goal", InevitableKind.After, 0, TestName = "Failure_is_inevitable_from_the_start")]
    [TestCase("0: a1; 1: a1! a2; 2 goal", InevitableKind.Never, 0, TestName = "Cycle_with_a_way_out_takes_the_same_bad_luck_for_ever")]
    [TestCase("0: a1 b9; 1: a2 b3; 2 violated; 3 unknown; 9 goal", InevitableKind.Unknown, 0, TestName = "What_follows_was_not_seen")]
    [TestCase("0: a1 b3; 1: a2 b9; 2 violated; 3 unknown; 9 goal", InevitableKind.After, 2, TestName = "What_was_not_seen_does_not_follow")]
    public void Inevitable_step_with_a_goal(string graph, InevitableKind kind, int steps) =>
        Assert.That(GraphVerdict.Of(Of(graph), hasGoal: true).Inevitable, Is.EqualTo(new Inevitable(kind, steps)));

    [TestCase("0: a1; 1: a2 b3; 2: a4; 4 violated", 2, TestName = "Rest_avoids_a_violation")]
    [TestCase("0: a1; 1: a2 b3; 2: a4; 3: a3!; 4 violated", 2, TestName = "Running_on_avoids_a_violation")]
    [TestCase("0: a1; 1: a2 b1; 2: a4; 4 violated", 0, TestName = "Unfair_cycle_does_not_avoid_a_violation")]
    [TestCase("0: a1 b2; 1: a3; 3: a3", 1, TestName = "Livelock_is_inevitable_when_nothing_comes_to_rest")]
    public void Inevitable_step_without_a_goal(string graph, int steps) =>
        Assert.That(GraphVerdict.Of(Of(graph), hasGoal: false).Inevitable, Is.EqualTo(new Inevitable(InevitableKind.After, steps)));

    [Test]
    public void Everything_that_there_is_is_counted()
    {
        var graph = Of("0: a1 b2 c3 d4; 1: a1!; 2: a2; 3: a5 b6; 4: a4 b9; 5: a7 b8; 6 unknown; 8 violated; 9 goal");

        Assert.That(GraphVerdict.Of(graph, hasGoal: true).Counts, Is.EqualTo(new GraphCounts
        {
            States = 10,
            Steps = 12,
            Depth = 3,
            Goals = 1,
            Violated = 1,
            Terminals = 1,
            StuckCycles = 1,
            LivelockCycles = 1,
            UnfairCycles = 1,
            Unexpanded = 1,
        }));
    }

    /// <summary>With the exact search and without it.</summary>
    [TestCase("0: a1 b0; 1: a2 b1; 2: a0 b2!", "", "a a b a", TestName = "Period_takes_the_step_that_retires")]
    [TestCase("0: a1 b2; 1: a0 b2; 2: a1 b0", "", "a b b", TestName = "Period_lets_every_actor_step")]
    [TestCase("0: b1; 1: b2 b1!; 2: b0", "b", "b1", TestName = "Loop_that_is_enough_alone_is_taken_alone")]
    [TestCase("0: a1; 1: a2 b1!; 2: a0", "", "a b a a", TestName = "Loop_that_neglects_an_actor_is_not_enough_alone")]
    public void Period_is_short(string text, string prefix, string period)
    {
        var graph = Of(text);
        foreach (var limit in (int[])[0, 1000])
        {
            var lasso = Lasso.Find(graph, FairCycles.Find(graph), [], limit);
            Assert.That((Names(lasso.Prefix), Names(lasso.Period)), Is.EqualTo((prefix, period)), $"limit {limit}");
        }
    }

    [Test]
    public void Verdict_does_not_depend_on_how_the_states_are_numbered_and_its_lasso_is_fair([Values(true, false)] bool hasGoal)
    {
        var outcomes = new Dictionary<GraphOutcome, int>();
        for (var seed = 0; seed < Seeds; seed++)
        {
            var graph = Random(seed);
            var verdict = GraphVerdict.Of(graph, hasGoal);
            var other = GraphVerdict.Of(graph.Renumbered(seed), hasGoal);
            Assert.That(Words(other), Is.EqualTo(Words(verdict)), $"seed {seed}");
            if (verdict.Period.Count > 0)
            {
                RequireFair(graph, verdict, $"seed {seed}");
                RequireFairGreedily(graph, seed);
            }

            outcomes[verdict.Outcome] = outcomes.GetValueOrDefault(verdict.Outcome) + 1;
        }

        Assert.That(outcomes, Has.Count.EqualTo(5), "every outcome is among them");
        Assert.That(outcomes.Values.Min(), Is.GreaterThan(3));
    }

    [Test]
    public void Component_too_large_for_the_exact_search_has_a_lasso_all_the_same()
    {
        var graph = new Ring(300_000);
        var verdict = GraphVerdict.Of(graph, hasGoal: true);

        // To the place is a third of the way round. There actor 1 steps back and actor 0 on again: that loop is enough.
        Assert.That((verdict.Outcome, verdict.Path.Count, verdict.Period.Count), Is.EqualTo((GraphOutcome.Livelock, 99_999, 2)));
        RequireFair(graph, verdict, "ring");
    }

    private static void RequireFairGreedily(HandGraph graph, int seed)
    {
        var cycles = FairCycles.Find(graph);
        var prefix = new GraphPaths(graph).To(state => (cycles.At(state) & (PathEnds.Stuck | PathEnds.Livelock)) != 0)!;
        var entry = prefix.Count == 0 ? 0 : prefix[^1].Edge.Target;
        var outcome = cycles.At(entry) == PathEnds.Stuck ? GraphOutcome.Stuck : GraphOutcome.Livelock;
        var lasso = Lasso.Find(graph, cycles, prefix, exactLimit: 0);
        RequireFair(graph, new(outcome, lasso.Prefix, lasso.Period, default, new()), $"seed {seed}, greedily");
    }

    /// <summary>What a lasso has to be, by the words of the definition.</summary>
    private static void RequireFair(IStateGraph graph, GraphVerdict verdict, string name)
    {
        var state = 0;
        foreach (var step in verdict.Path.Concat(verdict.Period))
        {
            if (step.State != state || graph.Kind(state) != StateKind.Open || !graph.Edges(state).Contains(step.Edge))
            {
                Assert.Fail($"{name}: {step} is no step of state {state}");
            }

            state = step.Edge.Target;
        }

        Assert.That(state, Is.EqualTo(verdict.Period[0].State), $"{name}: the period closes");
        for (var actor = 0; actor < 4; actor++)
        {
            var hasStep = verdict.Period.Any(step => step.Edge.Actor == actor);
            var isDisabled = verdict.Period.Any(step => graph.Edges(step.State).ToArray().All(edge => edge.Actor != actor));
            Assert.That(hasStep || isDisabled, $"{name}: actor {actor} is neglected");
        }

        Assert.That(verdict.Period.Any(step => step.Edge.Retires), Is.EqualTo(verdict.Outcome == GraphOutcome.Livelock), name);
    }

    private static (GraphOutcome Outcome, string Path, string Period, Inevitable Inevitable, int Cycles) Words(GraphVerdict verdict) =>
        (verdict.Outcome, Names(verdict.Path), Names(verdict.Period), verdict.Inevitable, verdict.Counts.StuckCycles);
}
