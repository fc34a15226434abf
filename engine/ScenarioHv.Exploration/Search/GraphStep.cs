namespace ScenarioHv.Exploration.Search;

/// <summary>A step of a path through a <see cref="IStateGraph"/>.</summary>
/// <param name="State">The state before it.</param>
/// <param name="Edge">The step, and the state after it.</param>
public readonly record struct GraphStep(int State, GraphEdge Edge);

/// <summary>How the analysis reads a graph.</summary>
internal static class GraphReading
{
    /// <summary>
    /// The steps by which paths go on from a state: none where they end, at the goal and at a violation, nor where the search has stopped.
    /// </summary>
    public static ReadOnlySpan<GraphEdge> Out(this IStateGraph graph, int state) =>
        graph.Kind(state) == StateKind.Open && graph.IsExpanded(state) ? graph.Edges(state) : [];

    /// <summary>The actors that can take a step in a state: bit n for actor n.</summary>
    public static ulong Enabled(this IStateGraph graph, int state)
    {
        var enabled = 0UL;
        foreach (var edge in graph.Out(state))
        {
            enabled |= 1UL << edge.Actor;
        }

        return enabled;
    }
}
