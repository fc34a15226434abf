using ScenarioHv.Exploration.Search;
using static ScenarioHv.Exploration.Tests.Search.HandGraph;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>The canonical shortest path, by hand and against a listing of all paths.</summary>
public sealed class GraphPathsTests
{
    private const int Seeds = 400;

    [Test]
    public void Fewest_steps_come_before_fewest_context_switches() =>
        Assert.That(Names(ToViolated("0: a1 b2; 1: a3; 2: a9; 3: a9; 9 violated")), Is.EqualTo("b a"));

    [Test]
    public void Fewest_context_switches_come_before_the_order_of_actors() =>
        Assert.That(Names(ToViolated("0: a1 b2; 1: b3; 2: b4; 3: a9; 4: b9; 9 violated")), Is.EqualTo("b b b"), "a b a has two switches");

    [Test]
    public void Among_equals_the_first_actor_then_the_first_choice_decides() =>
        Assert.That(Names(ToViolated("0: a1 a2 b3; 1: a8; 2: a8 a9; 3: b9; 9 violated")), Is.EqualTo("a1 a1"), "a1 is a's second choice");

    /// <summary>State 3 lies on both ways: which step goes on best from there depends on who has come.</summary>
    [TestCase("0: a1; 1: a3; 3: a4 b5; 4: b9; 5: b9; 9 violated", "a a a b")]
    [TestCase("0: b1; 1: b3; 3: a4 b5; 4: b9; 5: b9; 9 violated", "b b b b")]
    [TestCase("0: a1; 1: b3; 3: a4 b5; 4: a9; 5: c9; 9 violated", "a b a a")]
    public void Switches_are_counted_with_the_actor_that_came_before(string graph, string path) =>
        Assert.That(Names(ToViolated(graph)), Is.EqualTo(path));

    [Test]
    public void Path_to_a_step_counts_the_switch_to_its_actor()
    {
        var paths = new GraphPaths(Of("0: a1 b1; 1: a1 b1"));

        Assert.That((Names(paths.To(1, actor: 0)), Names(paths.To(1, actor: 1))), Is.EqualTo(("a", "b")));
    }

    [Test]
    public void First_state_is_reached_by_no_step_and_a_state_behind_an_end_not_at_all()
    {
        var paths = new GraphPaths(Of("0: a1; 1 goal: a2; 2: a0"));

        Assert.That((Names(paths.To(state => state == 0)), Names(paths.To(state => state == 2))), Is.EqualTo(("", "none")));
        Assert.That((paths.Reachable, paths.Depth, paths.DepthOf(1), paths.DepthOf(2)), Is.EqualTo((2, 1, 1, -1)));
    }

    [Test]
    public void Path_is_the_first_in_a_list_of_all_paths()
    {
        var longest = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var graph = seed % 2 == 0 ? Random(seed) : Layers(seed);
            for (var target = 1; target < graph.States; target++)
            {
                var path = new GraphPaths(graph).To(state => state == target);
                var expected = AllPaths(graph, target);
                Assert.That(Names(path), Is.EqualTo(Names(expected)), $"seed {seed}, state {target}");
                longest = Math.Max(longest, expected?.Count ?? 0);
            }
        }

        Assert.That(longest, Is.EqualTo(6), "long paths are among them");
    }

    private static IReadOnlyList<GraphStep>? ToViolated(string text)
    {
        var graph = Of(text);
        return new GraphPaths(graph).To(state => graph.Kind(state) == StateKind.Violated);
    }

    private static List<GraphStep>? AllPaths(HandGraph graph, int target)
    {
        List<List<GraphStep>> paths = [[]];
        for (var length = 0; length < graph.States; length++)
        {
            var there = paths.Where(path => End(path) == target).ToList();
            if (there.Count > 0)
            {
                return there.OrderBy(Switches).ThenBy(Numbers, StringComparer.Ordinal).First();
            }

            paths = [.. paths.SelectMany(path => Steps(graph, End(path)), (path, step) => (List<GraphStep>)[.. path, step])];
        }

        return null;
    }

    private static int End(List<GraphStep> path) => path.Count == 0 ? 0 : path[^1].Edge.Target;

    private static IEnumerable<GraphStep> Steps(HandGraph graph, int state) =>
        graph.Edges(state).ToArray().Select(edge => new GraphStep(state, edge));

    private static int Switches(List<GraphStep> path) =>
        path.Zip(path.Skip(1)).Count(pair => pair.First.Edge.Actor != pair.Second.Edge.Actor);

    private static string Numbers(List<GraphStep> path) => string.Concat(path.Select(step => $"{step.Edge.Actor}{step.Edge.Choice}"));
}
