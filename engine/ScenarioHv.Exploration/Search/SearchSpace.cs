namespace ScenarioHv.Exploration.Search;

/// <summary>What the threads of a search share.</summary>
internal sealed class SearchSpace
{
    private const int MostRuns = 4;

    private readonly ITransitionSystem _system;
    private readonly int _threads;
    private int _claimed;
    private int _ended = -1;

    public SearchSpace(SearchGraph graph, SearchLimits limits, ITransitionSystem system, int threads)
    {
        (Graph, Limits, _system, _threads) = (graph, limits, system, threads);
        Visited = graph.Visited;
        Queue = new NativeWords(Scratch);
        Frontier = new Frontier(Scratch, system.MaxStateBytes);
        Meeting = new Rendezvous(threads);
        Queue.Reserve(Visited.MostNumbers);
    }

    public SearchGraph Graph { get; }

    public SearchLimits Limits { get; }

    public VisitedStates Visited { get; }

    /// <summary>Counts what goes with the search: frontier, queue, buffers.</summary>
    public MemoryMeter Scratch { get; } = new();

    /// <summary>
    /// For each state of this layer and the next, by number, where the frontier has it; or, if its steps are not to be taken, its
    /// <see cref="StateKind"/>, which is no address.
    /// </summary>
    public NativeWords Queue { get; }

    public Frontier Frontier { get; }

    public Rendezvous Meeting { get; }

    /// <summary>The layer: its first state, and the first of the next.</summary>
    public int First { get; private set; }

    /// <inheritdoc cref="First"/>
    public int End { get; private set; }

    /// <summary>Bytes held.</summary>
    public long Bytes => Graph.Meter.Bytes + Scratch.Bytes + SystemBytes;

    /// <summary>Bytes that the systems hold, so that the states of the frontier are short.</summary>
    public long SystemBytes => _system.HeldBytes;

    /// <summary>What has ended the search in the middle of a layer; null as long as nothing has.</summary>
    public SearchLimit? Ended => Volatile.Read(ref _ended) is var ended && ended >= 0 ? (SearchLimit)ended : null;

    /// <summary>States of the layer that nobody has begun with.</summary>
    public int Unclaimed => Math.Max(0, End - Volatile.Read(ref _claimed));

    /// <summary>Begins a layer: the states that the one before has found.</summary>
    public void BeginLayer()
    {
        (First, End) = (End, Visited.Count);
        _claimed = First;
        Queue.ReleaseBelow(First);
        Graph.AddLayer(First, End);
    }

    /// <summary>
    /// Some neighbours that nobody has begun with yet; the first one begins a run. They become fewer towards the end of a layer, so that
    /// all threads are done with it at the same time.
    /// </summary>
    /// <returns>False if there are none, or if the search has ended.</returns>
    public bool Claim(out int first, out int end)
    {
        (first, end) = (End, End);
        if (Ended is null)
        {
            var states = Math.Clamp(Unclaimed / EdgeWriter.RunStates / (2 * _threads), 1, MostRuns) * EdgeWriter.RunStates;
            first = Interlocked.Add(ref _claimed, states) - states;
            end = Math.Min(End, first + states);
        }

        return first < end;
    }

    /// <summary>Whether a word of the queue is the address of a state whose steps are to be taken.</summary>
    public static bool IsOpen(ulong word) => word > (ulong)StateKind.Violated;

    /// <summary>Ends the search when what was claimed is done.</summary>
    public void EndWith(SearchLimit limit) => Interlocked.CompareExchange(ref _ended, (int)limit, -1);

    /// <summary>Makes room for more states, or ends the search if the limits have none. Nobody else may be at work.</summary>
    public void Grow()
    {
        if (!Visited.IsFull)
        {
            return;
        }

        if (Visited.IsAtItsMost)
        {
            EndWith(SearchLimit.States);
        }
        else if (Bytes + Visited.GrowthBytes > Limits.MemoryBytes)
        {
            EndWith(SearchLimit.Memory);
        }

        // What was claimed is done all the same, and what it finds has room in nearly every case.
        if (Ended is null || !Visited.Stretch())
        {
            Visited.Grow();
            Queue.Reserve(Visited.MostNumbers);
        }
    }

    public void Free()
    {
        Queue.Free();
        Frontier.Free();
        Visited.FreeTable();
    }
}
