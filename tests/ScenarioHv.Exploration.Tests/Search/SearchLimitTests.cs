using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>A search that has not seen everything says what ended it.</summary>
public sealed class SearchLimitTests
{
    [TestCase(1)]
    [TestCase(2)]
    public void The_layer_in_which_the_limit_of_states_is_reached_is_the_last(int threads)
    {
        var expected = Layers(Race()).TakeWhile(layer => layer.Before < 50_000).Last();
        var result = Search(Race, new SearchLimits { MaxStates = 50_000 }, threads);
        using var graph = result.Graph;

        Assert.That(result.EndedBy, Is.EqualTo(SearchLimit.States));
        Assert.That((result.States, result.Depth), Is.EqualTo((expected.Before + expected.States, expected.Depth)));
        AssertOnlyTheLastLayerIsUnexpanded(graph);
    }

    [TestCase(1)]
    [TestCase(2)]
    public void States_at_the_limit_of_depth_are_not_stepped_from(int threads)
    {
        var expected = Layers(Race()).Single(layer => layer.Depth == 60);
        var result = Search(Race, new SearchLimits { MaxDepth = 60 }, threads);
        using var graph = result.Graph;

        Assert.That(result.EndedBy, Is.EqualTo(SearchLimit.Depth));
        Assert.That((result.States, result.Depth), Is.EqualTo((expected.Before + expected.States, 60)));
        AssertOnlyTheLastLayerIsUnexpanded(graph);
    }

    [Test]
    public void A_limit_that_is_exactly_the_depth_or_the_number_of_states_ends_nothing()
    {
        var all = Search(() => new DiningLocks(false), new SearchLimits(), 1);
        using var graph = all.Graph;
        var result = Search(() => new DiningLocks(false), new SearchLimits { MaxDepth = all.Depth, MaxStates = all.States }, 1);
        using var limited = result.Graph;

        Assert.That((result.EndedBy, result.States), Is.EqualTo(((SearchLimit?)null, all.States)));
    }

    [TestCase(1)]
    [TestCase(2)]
    public void Memory_ends_a_search_in_the_middle_of_a_layer(int threads)
    {
        var result = Search(Race, new SearchLimits { MemoryBytes = 4 << 20 }, threads);
        using var graph = result.Graph;

        Assert.That(result.EndedBy, Is.EqualTo(SearchLimit.Memory));
        // Thousands of states fit into the four megabytes; all of them do not.
        Assert.That(result.States, Is.InRange(10_000, 213_908));
        Assert.That(result.BytesHeld + result.FrontierBytes, Is.LessThan(5 << 20));
        AssertStepsLeadToStates(graph);
    }

    [TestCase(1, 1)]
    [TestCase(1, 20)]
    [TestCase(2, 20)]
    public void Whoever_will_not_wait_ends_a_search(int threads, int patience)
    {
        var asked = 0;
        var limits = new SearchLimits { Stop = () => ++asked >= patience };
        var result = Search(() => new RandomGraph(7, 100_000, 3, 0, 0, true), limits, threads);
        using var graph = result.Graph;

        Assert.That(result.EndedBy, Is.EqualTo(SearchLimit.Stop));
        Assert.That(asked, Is.EqualTo(patience));
        Assert.That(result.Transitions, patience == 1 ? Is.Zero : Is.Positive);
        AssertStepsLeadToStates(graph);
    }

    [TestCase(1)]
    [TestCase(2)]
    public void After_a_violation_the_search_goes_on_for_so_many_states_and_the_layer(int threads)
    {
        RandomGraph New() => new(11, 100_000, 3, 0, violations: 3_000, true);
        var layers = Layers(New(), stopsAtViolations: true);
        var first = layers.First(layer => layer.Violations > 0);
        var last = layers.First(layer => layer.Before + layer.States >= first.Before + first.States + 5_000);
        var result = Search(New, new SearchLimits { AfterViolation = 5_000 }, threads);
        using var graph = result.Graph;

        Assert.That((result.EndedBy, result.FirstViolatedLayer), Is.EqualTo((SearchLimit.AfterViolation, first.Depth)));
        Assert.That((result.States, result.Depth), Is.EqualTo((last.Before + last.States, last.Depth)));
        Assert.That(last.Depth, Is.GreaterThan(first.Depth));
    }

    [Test]
    public void Nothing_more_is_looked_for_after_a_violation_if_nothing_is_allowed()
    {
        var result = Search(() => new ModeHandshake(false, false), new SearchLimits { AfterViolation = 0 }, 1);
        using var graph = result.Graph;

        Assert.That((result.EndedBy, result.Depth), Is.EqualTo((SearchLimit.AfterViolation, result.FirstViolatedLayer)));
    }

    [Test]
    public void Progress_is_told_now_and_then()
    {
        var told = new List<SearchProgress>();
        var result = new LayeredSearch(Race) { Progress = told.Add }.Run();
        using var graph = result.Graph;

        Assert.That(told, Has.Count.InRange(20, 600));
        Assert.That(told.Select(progress => progress.States), Is.Ordered);
        Assert.That(told.Select(progress => progress.Transitions), Is.Ordered);
        Assert.That(told[^1].States, Is.InRange(result.States * 8 / 10, result.States));
        Assert.That(told.Select(progress => progress.Queue), Is.All.InRange(0, 2 * result.FrontierPeak));
        Assert.That(told[^1].Bytes, Is.InRange(8L * told[^1].States, result.BytesHeld + result.FrontierBytes));
    }

    /// <summary>50 states: 50 * 49 / 2 pairs, each alike with a probability of 2^-64.</summary>
    [Test]
    public void A_collision_of_fingerprints_is_as_likely_as_a_common_birthday()
    {
        Assert.That(SearchResult.CollisionProbabilityOf(50), Is.EqualTo(1225 / Math.Pow(2, 64)).Within(1).Ulps);
        Assert.That(SearchResult.CollisionProbabilityOf(1), Is.Zero);
        Assert.That(SearchResult.CollisionProbabilityOf(long.MaxValue), Is.EqualTo(1));
    }

    private static LostIpiSystem Race() => new(2, 20, isFixed: true);

    private static SearchResult Search(Func<ITransitionSystem> systems, SearchLimits limits, int threads) =>
        new LayeredSearch(systems, limits) { Threads = threads }.Run();

    /// <summary>The layers, by the search that keeps whole states.</summary>
    private static List<(int Depth, int Before, int States, int Violations)> Layers<TState>(
        ToySystem<TState> system, bool stopsAtViolations = false)
        where TState : unmanaged
    {
        var layers = new List<(int Depth, int Before, int States, int Violations)>();
        foreach (var layer in new NaiveSearch<TState>(system).Depths.GroupBy(state => state.Value).OrderBy(layer => layer.Key))
        {
            var violations = stopsAtViolations ? layer.Count(state => system.KindOf(state.Key) == StateKind.Violated) : 0;
            layers.Add((layer.Key, layers.Sum(before => before.States), layer.Count(), violations));
        }

        return layers;
    }

    private static void AssertOnlyTheLastLayerIsUnexpanded(SearchGraph graph)
    {
        for (var state = 0; state < graph.States; state++)
        {
            var isLast = graph.Layer(state) == graph.Layers - 1;
            Assert.That((graph.IsExpanded(state), graph.Kind(state)), Is.EqualTo((!isLast, StateKind.Open)));
            Assert.That(!isLast || graph.Edges(state).IsEmpty, Is.True);
        }
    }

    private static void AssertStepsLeadToStates(SearchGraph graph)
    {
        var reached = new bool[graph.States];
        var unexpanded = 0;
        for (var state = 0; state < graph.States; state++)
        {
            unexpanded += graph.IsExpanded(state) ? 0 : 1;
            foreach (var edge in graph.Edges(state))
            {
                Assert.That(graph.IsExpanded(state) && graph.Layer(edge.Target) <= graph.Layer(state) + 1, Is.True);
                reached[edge.Target] = true;
            }
        }

        Assert.That(reached.Skip(1), Is.All.True);
        Assert.That(unexpanded, Is.Positive);
    }
}
