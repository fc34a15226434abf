namespace ScenarioHv.Exploration.Search;

/// <summary>Where a <see cref="LayeredSearch"/> ends, if it has not seen everything before. None of these is ever a pass.</summary>
public sealed record SearchLimits
{
    /// <summary>
    /// The search ends with the layer in which so many states, 1 or more, were seen. No more than 1 700 000 000 can be kept.
    /// </summary>
    public long MaxStates { get; init; } = long.MaxValue;

    /// <summary>States so many steps from the first one, 0 or more, are not stepped from.</summary>
    public int MaxDepth { get; init; } = int.MaxValue;

    /// <summary>Bytes that the visited states, the graph and the frontier may take together; looked at now and then.</summary>
    public long MemoryBytes { get; init; } = long.MaxValue;

    /// <summary>
    /// How many more states are looked for after the layer with the first violation, so that an analysis can tell from which step on it
    /// could not be averted; looked at after each layer. Null for as many again as were seen until then and 200 000.
    /// </summary>
    public long? AfterViolation { get; init; }

    /// <summary>Asked now and then, on the thread that searches: true ends the search. For clocks and for the impatient.</summary>
    public Func<bool>? Stop { get; init; }
}

/// <summary>A limit that has ended a search.</summary>
public enum SearchLimit
{
    /// <summary><see cref="SearchLimits.MaxStates"/>, or as many as can be kept.</summary>
    States,

    /// <summary><see cref="SearchLimits.MaxDepth"/>.</summary>
    Depth,

    /// <summary><see cref="SearchLimits.MemoryBytes"/>.</summary>
    Memory,

    /// <summary><see cref="SearchLimits.Stop"/>.</summary>
    Stop,

    /// <summary><see cref="SearchLimits.AfterViolation"/>: a violation was found, and not everything was seen.</summary>
    AfterViolation,

    /// <summary>A step threw an exception where a violation had been found already: <see cref="SearchResult.Failure"/>.</summary>
    Failure,
}

/// <summary>How far a search is.</summary>
/// <param name="States">Different states so far.</param>
/// <param name="Transitions">Steps taken so far.</param>
/// <param name="Depth">Steps from the first state to those that are being stepped from.</param>
/// <param name="Queue">States that were not stepped from yet.</param>
/// <param name="Bytes">Bytes held.</param>
public readonly record struct SearchProgress(long States, long Transitions, int Depth, long Queue, long Bytes);
