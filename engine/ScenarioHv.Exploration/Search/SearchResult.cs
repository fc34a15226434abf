namespace ScenarioHv.Exploration.Search;

/// <summary>
/// What a <see cref="LayeredSearch"/> has found. If no clock and no lack of memory has ended it, all but the order of the states in a layer
/// and the bytes held is the same for any number of threads.
/// </summary>
public sealed class SearchResult
{
    internal SearchResult(SearchGraph graph) => Graph = graph;

    /// <summary>The states and the steps between them.</summary>
    public SearchGraph Graph { get; }

    /// <summary>Different states.</summary>
    public int States => Graph.States;

    /// <summary>Steps taken from them: a step that can go on in several ways counts once for each, a chain once.</summary>
    public required long Transitions { get; init; }

    /// <summary>The same, with every link of a chain counted.</summary>
    public required long Links { get; init; }

    /// <summary>Steps from the first state to the farthest one, by a shortest path.</summary>
    public int Depth => Graph.Layers - 1;

    /// <summary>How many of the states meet the goal.</summary>
    public required int Goals { get; init; }

    /// <summary>How many of the states are violations.</summary>
    public required int Violations { get; init; }

    /// <summary>Steps from the first state to the nearest violation; null if there is none.</summary>
    public required int? FirstViolatedLayer { get; init; }

    /// <summary>The most states of a layer whose steps had to be taken.</summary>
    public required int FrontierPeak { get; init; }

    /// <summary>The most bytes that visited states and graph took, without the frontier.</summary>
    public required long BytesHeld { get; init; }

    /// <summary>The most bytes that the frontier took.</summary>
    public required long FrontierBytes { get; init; }

    /// <summary>What ended the search before it had seen everything; null if it has seen everything.</summary>
    public required SearchLimit? EndedBy { get; init; }

    /// <summary>The exception of <see cref="SearchLimit.Failure"/>; null without one.</summary>
    public required SearchException? Failure { get; init; }

    /// <summary>
    /// The most that the probability can be that two different states had the same fingerprint, so that one of them was not looked at:
    /// n (n - 1) / 2^65 for n states.
    /// </summary>
    public double CollisionProbability => CollisionProbabilityOf(States);

    /// <summary>The same for any number of states.</summary>
    /// <param name="states">How many, 0 or more.</param>
    public static double CollisionProbabilityOf(long states) => Math.Min(1, (double)states * (states - 1) / Math.Pow(2, 65));
}

/// <summary>
/// A step threw an exception. The graph holds what was seen until the end of the layer in which that happened, so that a path to the state
/// can be found in it. Where several steps of a layer throw, it is that of the state with the smallest fingerprint, and the first of its
/// steps, with any number of threads.
/// </summary>
public sealed class SearchException : Exception
{
    /// <summary>A step threw an exception.</summary>
    /// <param name="graph">What was seen.</param>
    /// <param name="state">The state from which it was taken.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="choice">The way in which it went on.</param>
    /// <param name="cause">What it threw.</param>
    public SearchException(SearchGraph graph, int state, int actor, int choice, Exception cause)
        : base(cause.Message, cause) => (Graph, State, Actor, Choice) = (graph, state, actor, choice);

    /// <summary>What was seen.</summary>
    public SearchGraph Graph { get; }

    /// <summary>The number in the graph of the state from which the step was taken.</summary>
    public int State { get; }

    /// <summary>Whose step it was.</summary>
    public int Actor { get; }

    /// <summary>The way in which it went on, from 0.</summary>
    public int Choice { get; }
}
