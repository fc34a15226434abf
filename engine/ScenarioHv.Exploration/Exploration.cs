using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration;

/// <summary>How much a search has seen.</summary>
public sealed record ExplorationSize
{
    /// <summary>Different states.</summary>
    public required long States { get; init; }

    /// <summary>Transitions between them that were taken; a chain of steps counts once.</summary>
    public required long Transitions { get; init; }

    /// <summary>The steps in them; a chain counts each.</summary>
    public required long Steps { get; init; }

    /// <summary>Transitions from the first state to the farthest one, by a shortest path.</summary>
    public required int Depth { get; init; }

    /// <summary>The most states that waited to be stepped from.</summary>
    public required long FrontierPeak { get; init; }

    /// <summary>The most bytes that visited states, graph and frontier took, the last two taken at their own moments.</summary>
    public required long Bytes { get; init; }
}

/// <summary>A history that shows a failure. It was replayed from the machine's first state, and whole states were compared.</summary>
/// <param name="Schedule">Its name.</param>
/// <param name="Replay">Its outcome and steps, those of the prefix and of one period.</param>
public sealed record ExploredFailure(Schedule Schedule, ReplayResult Replay)
{
    /// <summary>
    /// From which of its steps on it could not be avoided any more, counted in steps of <see cref="Replay"/>; nothing is known of a sample.
    /// </summary>
    public Inevitable Inevitable { get; init; }

    /// <summary>How often one actor's step follows another's.</summary>
    public int Switches => Replay.Steps.Zip(Replay.Steps.Skip(1)).Count(pair => pair.First.Actor != pair.Second.Actor);
}

/// <summary>How walks at random have ended.</summary>
/// <param name="Walks">How many there were.</param>
/// <param name="Wanted">How many there were to be.</param>
/// <param name="Steps">Steps in all of them.</param>
/// <param name="Longest">Steps of the longest.</param>
public sealed record ExplorationSample(int Walks, int Wanted, long Steps, int Longest)
{
    /// <summary>How many met the goal, or came to rest where there is none.</summary>
    public int Good { get; init; }

    /// <summary>How many broke a property.</summary>
    public int Violated { get; init; }

    /// <summary>How many ended where nobody could act.</summary>
    public int Stuck { get; init; }

    /// <summary>How many were cut off.</summary>
    public int Cut { get; init; }
}

/// <summary>What exploring a machine has found.</summary>
/// <param name="Outcome">In one word.</param>
/// <param name="Reason">In words: what has failed and how, or which limit came first.</param>
/// <param name="Size">How much was seen.</param>
public sealed record Exploration(GraphOutcome Outcome, string Reason, ExplorationSize Size)
{
    /// <summary>The property that was broken, or that explains why nothing goes on, by its name; null if none.</summary>
    public string? Property { get; init; }

    /// <summary>What is in the graph of states.</summary>
    public GraphCounts Counts { get; init; } = new();

    /// <summary>What ended the search before it had seen everything; null if it has seen everything.</summary>
    public SearchLimit? EndedBy { get; init; }

    /// <summary>In how many states each safety property was found broken, by its name.</summary>
    public IReadOnlyList<(string Property, long States)> Broken { get; init; } = [];

    /// <summary>
    /// The most that the probability can be that two states had one fingerprint, so that one of them was not looked at. It matters only to
    /// <see cref="GraphOutcome.Holds"/>: every failure was replayed.
    /// </summary>
    public double CollisionProbability { get; init; }

    /// <summary>The shortest failure; null if none was found.</summary>
    public ExploredFailure? Failure { get; init; }

    /// <summary>The walks, if not everything was looked at but a sample; the size then counts no states. Null for a search.</summary>
    public ExplorationSample? Sample { get; init; }

    /// <summary>A step of another history failed, in a search that had found a violation: its message. Null if none did.</summary>
    public string? Fault { get; init; }
}

/// <summary>A guest's code failed in one of the histories, or the machine reached a state that cannot be.</summary>
/// <param name="step">The step that failed.</param>
/// <param name="schedule">The history; null if the machine could not be made.</param>
public sealed class ExplorationException(StepException step, Schedule? schedule) : Exception(step.Message, step)
{
    /// <summary>The step that failed.</summary>
    public StepException Step => step;

    /// <summary>The history up to it; null if the machine could not be made.</summary>
    public Schedule? Schedule => schedule;
}
