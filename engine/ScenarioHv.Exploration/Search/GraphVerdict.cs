namespace ScenarioHv.Exploration.Search;

/// <summary>What a search found, in one word.</summary>
public enum GraphOutcome : byte
{
    /// <summary>No property failed in any state, and every fair path ends at the goal, or without a goal comes to rest.</summary>
    Holds = 0,

    /// <summary>A step broke a safety property.</summary>
    Violated,

    /// <summary>A fair cycle without the goal, in which an operation of a guest retires.</summary>
    Livelock,

    /// <summary>A state without a step, or a fair cycle in which no operation of a guest retires, before the goal.</summary>
    Stuck,

    /// <summary>None of these was found, and not all was seen.</summary>
    Inconclusive,
}

/// <summary>What there is in a graph, counted.</summary>
public sealed record GraphCounts
{
    /// <summary>States.</summary>
    public int States { get; init; }

    /// <summary>Steps between them that were taken.</summary>
    public long Steps { get; init; }

    /// <summary>The most steps that a shortest path to any state takes.</summary>
    public int Depth { get; init; }

    /// <summary>States in which the goal is met.</summary>
    public int Goals { get; init; }

    /// <summary>States to which a step has led that broke a safety property.</summary>
    public int Violated { get; init; }

    /// <summary>Open states without a step out of them: failures if there is a goal.</summary>
    public int Terminals { get; init; }

    /// <summary>Components with a fair cycle in which no operation of a guest retires.</summary>
    public int StuckCycles { get; init; }

    /// <summary>Components with a fair cycle in which one does.</summary>
    public int LivelockCycles { get; init; }

    /// <summary>Components whose every cycle neglects an actor: no failures.</summary>
    public int UnfairCycles { get; init; }

    /// <summary>Open states whose steps were not taken.</summary>
    public int Unexpanded { get; init; }

    /// <summary>True if the search has seen all.</summary>
    public bool AreComplete => Unexpanded == 0;
}

/// <summary>What the states and steps that a search has seen amount to.</summary>
/// <param name="Outcome">
/// In one word. A violation comes first, then whichever of the others has the shortest path to it; with equally short ones a terminal state
/// comes before a cycle, and a stuck cycle before a livelock. A failure stands although the search has not seen all.
/// </param>
/// <param name="Path">The steps from state 0 to the failure, or to where its cycle begins; empty without a failure.</param>
/// <param name="Period">The steps of the cycle; empty if the failure is none.</param>
/// <param name="Inevitable">From when on no path ended well any more. It means nothing without a failure.</param>
/// <param name="Counts">What there is in the graph, other failures among it.</param>
public sealed record GraphVerdict(
    GraphOutcome Outcome, IReadOnlyList<GraphStep> Path, IReadOnlyList<GraphStep> Period, Inevitable Inevitable, GraphCounts Counts)
{
    /// <summary>Judges a graph.</summary>
    /// <param name="graph">What the search has seen.</param>
    /// <param name="hasGoal">
    /// False if there is nothing to reach: paths may then come to rest anywhere. A fair cycle is a failure all the same.
    /// </param>
    public static GraphVerdict Of(IStateGraph graph, bool hasGoal)
    {
        var paths = new GraphPaths(graph);
        var cycles = FairCycles.Find(graph);
        var counts = Count(graph, paths, cycles);
        if (paths.To(state => cycles.At(state) == PathEnds.Violated) is { } path)
        {
            // Without a goal no end is the right one: what avoids the violation is to rest, or to run on.
            var good = hasGoal ? PathEnds.Goal : PathEnds.Terminal | PathEnds.Stuck | PathEnds.Livelock;
            return new(GraphOutcome.Violated, path, [], Inevitable.On(cycles, path, good), counts);
        }

        var failures = PathEnds.Stuck | PathEnds.Livelock | (hasGoal ? PathEnds.Terminal : 0);
        var depth = paths.DepthOf(state => (cycles.At(state) & failures) != 0);
        if (depth < 0)
        {
            return new(counts.AreComplete ? GraphOutcome.Holds : GraphOutcome.Inconclusive, [], [], default, counts);
        }

        PathEnds[] order = [PathEnds.Terminal & failures, PathEnds.Stuck, PathEnds.Livelock];
        var end = order.First(kind => kind != 0 && paths.DepthOf(state => cycles.At(state) == kind) == depth);
        path = paths.To(state => cycles.At(state) == end)!;
        var inevitable = Inevitable.On(cycles, path, hasGoal ? PathEnds.Goal : PathEnds.Terminal);
        if (end == PathEnds.Terminal)
        {
            return new(GraphOutcome.Stuck, path, [], inevitable, counts);
        }

        var (prefix, period) = Lasso.Find(graph, cycles, path);
        return new(end == PathEnds.Stuck ? GraphOutcome.Stuck : GraphOutcome.Livelock, prefix, period, inevitable, counts);
    }

    private static GraphCounts Count(IStateGraph graph, GraphPaths paths, FairCycles cycles)
    {
        int goals = 0, violated = 0, terminals = 0, unexpanded = 0;
        var steps = 0L;
        for (var state = 0; state < graph.States; state++)
        {
            var end = cycles.At(state);
            goals += end == PathEnds.Goal ? 1 : 0;
            violated += end == PathEnds.Violated ? 1 : 0;
            terminals += end == PathEnds.Terminal ? 1 : 0;
            unexpanded += end == PathEnds.Unknown ? 1 : 0;
            steps += graph.Out(state).Length;
        }

        return new()
        {
            States = graph.States,
            Steps = steps,
            Depth = paths.Depth,
            Goals = goals,
            Violated = violated,
            Terminals = terminals,
            StuckCycles = cycles.Stucks,
            LivelockCycles = cycles.Livelocks,
            UnfairCycles = cycles.Unfair,
            Unexpanded = unexpanded,
        };
    }
}
