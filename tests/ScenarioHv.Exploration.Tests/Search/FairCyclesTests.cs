using ScenarioHv.Exploration.Search;
using static ScenarioHv.Exploration.Tests.Search.HandGraph;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>Fair and unfair cycles, by hand and by the definition on small random graphs.</summary>
public sealed class FairCyclesTests
{
    private const int Seeds = 600;

    [TestCase("0: a1 b2; 1: a0 b2; 2 goal", PathEnds.None, TestName = "Cycle_that_neglects_an_actor_that_is_always_enabled_is_not_fair")]
    [TestCase("0: a1 b2; 1: a0; 2 goal", PathEnds.Stuck, TestName = "Cycle_in_which_the_neglected_actor_is_disabled_somewhere_is_fair")]
    [TestCase("0: a0! b1; 1 goal", PathEnds.None, TestName = "Poll_is_no_livelock_while_another_actor_is_enabled")]
    [TestCase("0: a0!", PathEnds.Livelock, TestName = "Poll_alone_is_a_livelock")]
    [TestCase("0: a0! b0", PathEnds.Livelock, TestName = "Poll_is_a_livelock_if_the_other_actor_only_steps_in_place")]
    [TestCase("0: a1 b0; 1: b0", PathEnds.Stuck, TestName = "Cycle_in_which_nothing_retires_is_stuck")]
    [TestCase("0: a1 b0; 1: b0!", PathEnds.Livelock, TestName = "Component_with_one_step_that_retires_is_a_livelock")]
    [TestCase("0: a1 b2; 1: a0 b2; 2: a1 b0", PathEnds.Stuck, TestName = "Two_cycles_that_each_neglect_an_actor_make_a_fair_one")]
    [TestCase("0: a1; 1 goal: a0", PathEnds.None, TestName = "Cycle_through_the_goal_is_none")]
    [TestCase("0: a1; 1 violated: a0", PathEnds.None, TestName = "Cycle_through_a_violation_is_none")]
    [TestCase("0: a1; 1 unknown: a0", PathEnds.None, TestName = "Cycle_through_a_state_that_was_not_expanded_is_none")]
    [TestCase("0: a0 a1; 1 goal", PathEnds.Stuck, TestName = "Choice_is_not_bound_to_be_fair")]
    public void Cycle_at_the_first_state(string graph, PathEnds expected) =>
        Assert.That(FairCycles.Find(Of(graph)).At(0), Is.EqualTo(expected));

    [Test]
    public void What_paths_can_end_in_is_known_for_each_state()
    {
        var cycles = FairCycles.Find(Of("0: a1 b2; 1: a1; 2: a3 b4 c5; 3 violated; 4 unknown; 5: a6; 6 goal"));

        Assert.That(cycles.From(0), Is.EqualTo(PathEnds.Stuck | PathEnds.Violated | PathEnds.Unknown | PathEnds.Goal));
        Assert.That((cycles.From(1), cycles.From(5)), Is.EqualTo((PathEnds.Stuck, PathEnds.Goal)));
        Assert.That(FairCycles.Find(Of("0: a1")).From(0), Is.EqualTo(PathEnds.Terminal));
    }

    [Test]
    public void Path_a_million_states_long_needs_no_stack()
    {
        var cycles = FairCycles.Find(new Ring(1_000_000));

        Assert.That((cycles.Livelocks, cycles.At(999_999)), Is.EqualTo((1, PathEnds.Livelock)));
    }

    [Test]
    public void Components_and_their_cycles_are_those_of_the_definition()
    {
        var (fair, unfair) = (0, 0);
        for (var seed = 0; seed < Seeds; seed++)
        {
            var graph = Random(seed);
            var cycles = FairCycles.Find(graph);
            var reach = Closure(graph);
            foreach (var state in Enumerable.Range(0, graph.States).Where(state => state == 0 || reach[0, state]))
            {
                var same = Enumerable.Range(0, graph.States).Where(other => other == state || (reach[state, other] && reach[other, state]));
                Assert.That(same, Is.EqualTo(Enumerable.Range(0, graph.States)
                    .Where(other => cycles.ComponentOf(other) == cycles.ComponentOf(state))), $"seed {seed}, state {state}");
                var at = End(graph, state, [.. same]);
                Assert.That(cycles.At(state), Is.EqualTo(at), $"seed {seed}, state {state}");
                Assert.That(cycles.From(state), Is.EqualTo(Enumerable.Range(0, graph.States).Where(other => reach[state, other])
                    .Aggregate(at, (ends, other) => ends | cycles.At(other))), $"seed {seed}, state {state}");
                fair += (at & (PathEnds.Stuck | PathEnds.Livelock)) != 0 ? 1 : 0;
                unfair += at == PathEnds.None && reach[state, state] ? 1 : 0;
            }
        }

        Assert.That((fair, unfair), Is.GreaterThan((300, 50)), "states on either kind of cycle");
    }

    /// <summary>True where a step or more leads from one state to another.</summary>
    private static bool[,] Closure(HandGraph graph)
    {
        var reach = new bool[graph.States, graph.States];
        for (var state = 0; state < graph.States; state++)
        {
            foreach (var edge in graph.Edges(state))
            {
                reach[state, edge.Target] = true;
            }
        }

        for (var between = 0; between < graph.States; between++)
        {
            for (var from = 0; from < graph.States; from++)
            {
                for (var to = 0; to < graph.States; to++)
                {
                    reach[from, to] |= reach[from, between] && reach[between, to];
                }
            }
        }

        return reach;
    }

    private static PathEnds End(HandGraph graph, int state, int[] component)
    {
        // What a path sees for ever is a set of states in which each leads to each: one of the subsets of the component.
        var isFair = Enumerable.Range(1, (1 << component.Length) - 1)
            .Select(bits => component.Where((_, index) => (bits >> index & 1) != 0).ToHashSet())
            .Any(states => IsFairCycle(graph, states));
        var retires = component.Any(from => graph.Edges(from).ToArray().Any(edge => edge.Retires && component.Contains(edge.Target)));
        return (graph.Kind(state), graph.IsExpanded(state), isFair) switch
        {
            (StateKind.Goal, _, _) => PathEnds.Goal,
            (StateKind.Violated, _, _) => PathEnds.Violated,
            (_, false, _) => PathEnds.Unknown,
            (_, _, true) => retires ? PathEnds.Livelock : PathEnds.Stuck,
            _ => graph.Edges(state).Length == 0 ? PathEnds.Terminal : PathEnds.None,
        };
    }

    private static bool IsFairCycle(HandGraph graph, HashSet<int> states)
    {
        var inside = states.SelectMany(state => graph.Edges(state).ToArray(), (state, edge) => (State: state, Edge: edge))
            .Where(step => states.Contains(step.Edge.Target))
            .ToList();
        var isConnected = states.All(start =>
        {
            var seen = new HashSet<int>();
            var more = true;
            while (more)
            {
                more = inside.Any(step => (step.State == start || seen.Contains(step.State)) && seen.Add(step.Edge.Target));
            }

            return seen.Count == states.Count;
        });
        return isConnected && Enumerable.Range(0, 3).All(actor => inside.Any(step => step.Edge.Actor == actor)
            || states.Any(state => graph.Edges(state).ToArray().All(edge => edge.Actor != actor)));
    }
}
