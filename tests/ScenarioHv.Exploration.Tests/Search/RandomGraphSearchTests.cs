using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>The search against one that keeps whole states in a set, on random graphs.</summary>
public sealed class RandomGraphSearchTests
{
    public static IEnumerable<TestCaseData> Graphs =>
        from nodes in new[] { 3, 40, 900, 30_000 }
        from seed in new ulong[] { 1, 2, 3 }
        from threads in new[] { 1, 2, 3 }
        where nodes > 900 || threads == 1
        select new TestCaseData(nodes, seed, threads).SetArgDisplayNames($"{nodes} nodes", $"seed {seed}", $"threads {threads}");

    [TestCaseSource(nameof(Graphs))]
    public void States_steps_and_layers_are_those_of_a_search_that_keeps_whole_states(int nodes, ulong seed, int threads)
    {
        RandomGraph New() => new(seed, nodes, actors: 3, goals: 50, violations: 70, isHashed: seed != 2);
        var expected = new NaiveSearch<int>(New());
        var result = new LayeredSearch(New, new SearchLimits { AfterViolation = nodes }) { Threads = threads }.Run();
        using var graph = result.Graph;

        Assert.That(
            (result.States, result.Transitions, result.Links, result.Depth, result.EndedBy),
            Is.EqualTo((expected.States, expected.Transitions, expected.Transitions, expected.Depth, (SearchLimit?)null)));
        Assert.That((result.Goals, result.Violations), Is.EqualTo((expected.Kinds[1], expected.Kinds[2])));
        var system = New();
        var byFingerprint = expected.Depths.ToDictionary(state => system.FingerprintOf(state.Key), state => state.Value);
        foreach (var state in InAnyOrder(graph.States, seed))
        {
            var fingerprint = graph.Fingerprint(state);
            Assert.That(graph.Layer(state), Is.EqualTo(byFingerprint[fingerprint]));
            Assert.That(EdgesOf(graph, state), Is.EqualTo(expected.Edges[fingerprint]));
            Assert.That(graph.IsExpanded(state), Is.True);
        }
    }

    [Test]
    public void States_of_one_thread_are_numbered_as_they_are_met()
    {
        var result = new LayeredSearch(() => new RandomGraph(5, 5_000, 3, 0, 0, true)).Run();
        using var graph = result.Graph;

        var met = 0;
        for (var state = 0; state < graph.States; state++)
        {
            foreach (var edge in graph.Edges(state))
            {
                Assert.That(edge.Target, Is.LessThanOrEqualTo(met + 1));
                met = Math.Max(met, edge.Target);
            }
        }

        Assert.That(met, Is.EqualTo(graph.States - 1));
    }

    private static List<(ulong, int, int, bool)> EdgesOf(SearchGraph graph, int state)
    {
        var edges = new List<(ulong, int, int, bool)>();
        foreach (var edge in graph.Edges(state))
        {
            edges.Add((graph.Fingerprint(edge.Target), edge.Actor, edge.Choice, edge.Retires));
        }

        return edges;
    }

    private static int[] InAnyOrder(int states, ulong seed)
    {
        var random = new Engine.Scheduling.SplitMix(seed);
        var order = Enumerable.Range(0, states).ToArray();
        for (var unshuffled = states; unshuffled > states / 2; unshuffled--)
        {
            var other = random.Below(unshuffled);
            (order[unshuffled - 1], order[other]) = (order[other], order[unshuffled - 1]);
        }

        return order;
    }
}
