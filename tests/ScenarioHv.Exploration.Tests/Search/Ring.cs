using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>
/// A large component. Actor 0 goes round. Actor 1 has a step too, which leads nowhere, but for one state, a third of the way round:
/// there it leads one back, and an operation retires.
/// </summary>
internal sealed class Ring(int states) : IStateGraph
{
    private readonly GraphEdge[] _edges = new GraphEdge[2];

    public int States => states;

    public StateKind Kind(int state) => StateKind.Open;

    public bool IsExpanded(int state) => true;

    public ReadOnlySpan<GraphEdge> Edges(int state)
    {
        var isPlace = state == states / 3;
        _edges[0] = new((state + 1) % states, 0, 0, false);
        _edges[1] = new(isPlace ? state - 1 : state, 1, 0, isPlace);
        return _edges;
    }
}
