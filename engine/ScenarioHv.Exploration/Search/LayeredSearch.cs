namespace ScenarioHv.Exploration.Search;

/// <summary>
/// Visits every state of a <see cref="ITransitionSystem"/>, breadth first: all states that are n steps from the first one before any that
/// is farther. Goals and violations are not stepped from. A layer is always finished, unless memory or patience ends in the middle of it,
/// so that all that is counted is the same with any number of threads.
/// </summary>
/// <remarks>
/// States are known by their fingerprints (8 bytes each); the frontier alone has their bytes. That two states share a fingerprint is
/// possible: see <see cref="SearchResult.CollisionProbability"/>.
/// </remarks>
public sealed class LayeredSearch
{
    private readonly Func<ITransitionSystem> _systems;
    private readonly SearchLimits _limits;

    /// <summary>Creates a search.</summary>
    /// <param name="systems">Gives one instance for each thread; it is called on the thread that calls <see cref="Run"/>.</param>
    /// <param name="limits">Where it ends at the latest; null for no limits.</param>
    public LayeredSearch(Func<ITransitionSystem> systems, SearchLimits? limits = null)
    {
        _systems = systems;
        _limits = limits ?? new SearchLimits();
    }

    /// <summary>How many threads search, 1..64.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Called now and then on the thread that searches: for a progress line.</summary>
    public Action<SearchProgress>? Progress { get; init; }

    /// <summary>Searches.</summary>
    /// <exception cref="SearchException">A step threw an exception, and no violation had been found.</exception>
    public SearchResult Run()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Threads, 64);
        var systems = Enumerable.Range(0, Threads).Select(_ => _systems()).ToList();
        var graph = new SearchGraph();
        try
        {
            using var search = new LayeredSearchRun(graph, systems, _limits) { Progress = Progress };
            return search.Run();
        }
        catch (Exception error) when (error is not SearchException)
        {
            graph.Dispose();
            throw;
        }
    }
}
