namespace ScenarioHv.Exploration.Search;

/// <summary>
/// What a search has seen, without the states themselves: numbered states, what each is, and the steps between them. State 0 is the first
/// one. The steps out of a state are in the order of (actor, choice), so that the choices of one actor's step follow one another from 0.
/// </summary>
public interface IStateGraph
{
    /// <summary>How many states, 1 or more.</summary>
    int States { get; }

    /// <summary>What state <paramref name="state"/> is.</summary>
    StateKind Kind(int state);

    /// <summary>False if the search ended before the steps out of this state were taken.</summary>
    bool IsExpanded(int state);

    /// <summary>The steps out of a state; valid until the next call on this reader.</summary>
    ReadOnlySpan<GraphEdge> Edges(int state);
}

/// <summary>A step in a <see cref="IStateGraph"/>.</summary>
/// <param name="Target">The state to which it leads.</param>
/// <param name="Actor">Whose step.</param>
/// <param name="Choice">Which of the ways in which that step can go on, from 0.</param>
/// <param name="Retires">True if an operation of a guest retires in it.</param>
public readonly record struct GraphEdge(int Target, byte Actor, byte Choice, bool Retires);
