using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>Steps that throw.</summary>
public sealed class SearchExceptionTests
{
    [Test]
    public void A_step_that_throws_is_named_and_the_graph_leads_to_its_state()
    {
        var system = new RandomGraph(3, 200, 3, 0, 0, isHashed: false);
        var (node, depth) = new NaiveSearch<int>(system).Depths.First(
            state => state.Value == 3 && system.IsEnabled(state.Key, 1) && Choices(system, state.Key, 1) == 3);
        system.Throwing.Add((node, 1, 2));

        var error = Assert.Throws<SearchException>(() => new LayeredSearch(() => system).Run())!;
        using var graph = error.Graph;
        Assert.That((graph.Fingerprint(error.State), error.Actor, error.Choice), Is.EqualTo(((ulong)node, 1, 2)));
        Assert.That((graph.Layer(error.State), error.Message), Is.EqualTo((depth, $"node {node} throws")));
        Assert.That(error.InnerException, Is.TypeOf<InvalidOperationException>());
        Assert.That(graph.Layers, Is.GreaterThan(depth));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Of_several_that_throw_it_is_the_same_with_any_number_of_threads(int threads)
    {
        var plain = new RandomGraph(4, 60_000, 3, 0, 0, isHashed: true);
        var naive = new NaiveSearch<int>(plain);
        var depth = naive.Depths.Values.Max() / 2;
        var throwing = naive.Depths.Where(state => state.Value == depth).Select(state => state.Key)
            .Where(node => plain.IsEnabled(node, 2)).ToList();
        var first = throwing.MinBy(node => plain.FingerprintOf(node));
        RandomGraph New()
        {
            var system = new RandomGraph(4, 60_000, 3, 0, 0, isHashed: true);
            system.Throwing.UnionWith(throwing.Select(node => (node, 2, 0)));
            return system;
        }

        Assert.That(throwing, Has.Count.GreaterThan(10));
        var error = Assert.Throws<SearchException>(() => new LayeredSearch(New) { Threads = threads }.Run())!;
        using var graph = error.Graph;
        Assert.That((graph.Fingerprint(error.State), error.Actor, error.Choice), Is.EqualTo((plain.FingerprintOf(first), 2, 0)));
        var until = Enumerable.Range(0, graph.States).Count(state => graph.Layer(state) <= depth);
        Assert.That((until, graph.Layers), Is.EqualTo((naive.Depths.Values.Count(layer => layer <= depth), depth + 2)));
    }

    [Test]
    public void A_violation_that_was_found_before_stands()
    {
        var system = new ModeHandshakeThatThrows();
        var result = new LayeredSearch(() => system).Run();
        using var graph = result.Graph;

        Assert.That((result.EndedBy, result.FirstViolatedLayer), Is.EqualTo((SearchLimit.Failure, (int?)4)));
        Assert.That(result.Failure!.Message, Is.EqualTo("late"));
        Assert.That(graph.Layer(result.Failure.State), Is.EqualTo(4));
    }

    [TestCase(1)]
    [TestCase(2)]
    public void What_is_thrown_elsewhere_comes_out_as_it_is(int threads)
    {
        var loads = 0;
        ITransitionSystem New() => new LoadsBadly(() => Interlocked.Increment(ref loads) > 5_000);
        var error = Assert.Throws<TimeoutException>(() => new LayeredSearch(New) { Threads = threads }.Run())!;
        Assert.That(error.Message, Is.EqualTo("load"));
    }

    private static int Choices(RandomGraph system, int node, int actor)
    {
        var state = node;
        return system.Step(ref state, actor, 0);
    }

    private sealed class ModeHandshakeThatThrows : ITransitionSystem
    {
        private readonly ModeHandshake _inner = new(false, false);
        private readonly Dictionary<ulong, int> _depths = [];
        private int _depth;

        public int Actors => _inner.Actors;

        public int MaxStateBytes => _inner.MaxStateBytes;

        public ulong Enabled => _inner.Enabled;

        public ReadOnlySpan<byte> Result => _inner.Result;

        public TakenStep Begin() => Known(_inner.Begin(), 0);

        public void Load(ReadOnlySpan<byte> state)
        {
            _inner.Load(state);
            _depth = _depths[_inner.FingerprintOf(System.Runtime.InteropServices.MemoryMarshal.Read<ModeHandshake.State>(state))];
        }

        public TakenStep Take(int actor, int choice) =>
            _depth == 4 ? throw new InvalidOperationException("late") : Known(_inner.Take(actor, choice), _depth + 1);

        private TakenStep Known(TakenStep step, int depth)
        {
            _depths.TryAdd(step.Fingerprint, depth);
            return step;
        }
    }

    private sealed class LoadsBadly(Func<bool> isEnough) : ITransitionSystem
    {
        private readonly RandomGraph _inner = new(9, 40_000, 3, 0, 0, true);

        public int Actors => _inner.Actors;

        public int MaxStateBytes => _inner.MaxStateBytes;

        public ulong Enabled => _inner.Enabled;

        public ReadOnlySpan<byte> Result => _inner.Result;

        public TakenStep Begin() => _inner.Begin();

        public void Load(ReadOnlySpan<byte> state)
        {
            if (isEnough())
            {
                throw new TimeoutException("load");
            }

            _inner.Load(state);
        }

        public TakenStep Take(int actor, int choice) => _inner.Take(actor, choice);
    }
}
