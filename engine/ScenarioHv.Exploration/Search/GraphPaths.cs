namespace ScenarioHv.Exploration.Search;

/// <summary>
/// The canonical shortest paths of a graph: fewest steps, then fewest context switches (changes of the actor from one step to the next),
/// then the first in the order of (actor, choice), compared step by step. That is a rule about names of steps alone, so that the path is
/// the same however many threads have numbered the states.
/// </summary>
public sealed class GraphPaths
{
    private readonly IStateGraph _graph;
    private readonly int[] _depth;

    /// <summary>The states that can be reached, by depth; within one depth in an order that means nothing.</summary>
    private readonly int[] _order;

    /// <summary>Measures how far each state is from state 0.</summary>
    public GraphPaths(IStateGraph graph)
    {
        _graph = graph;
        _depth = new int[graph.States];
        _order = new int[graph.States];
        Array.Fill(_depth, -1);
        _depth[0] = 0;
        Reachable = 1;
        for (var next = 0; next < Reachable; next++)
        {
            var state = _order[next];
            foreach (var edge in graph.Out(state))
            {
                if (_depth[edge.Target] < 0)
                {
                    _depth[edge.Target] = _depth[state] + 1;
                    _order[Reachable++] = edge.Target;
                }
            }
        }
    }

    /// <summary>How many states a path leads to, state 0 among them.</summary>
    public int Reachable { get; }

    /// <summary>The most steps that a shortest path to any state takes.</summary>
    public int Depth => _depth[_order[Reachable - 1]];

    /// <summary>The fewest steps from state 0 to a state; -1 if no path leads there.</summary>
    public int DepthOf(int state) => _depth[state];

    /// <summary>The fewest steps from state 0 to a state of a set; -1 if no path leads to one.</summary>
    public int DepthOf(Func<int, bool> isTarget)
    {
        for (var index = 0; index < Reachable; index++)
        {
            if (isTarget(_order[index]))
            {
                return _depth[_order[index]];
            }
        }

        return -1;
    }

    /// <summary>The canonical shortest path from state 0 to a state of a set.</summary>
    /// <returns>Null if no path leads to one.</returns>
    public IReadOnlyList<GraphStep>? To(Func<int, bool> isTarget) => To(isTarget, ulong.MaxValue);

    /// <summary>
    /// The canonical shortest path from state 0 to a state in which an actor then takes a step, which counts when context switches are
    /// compared. The step itself is not in the result: it may be one that the graph does not have, because it failed.
    /// </summary>
    /// <returns>Null if no path leads there.</returns>
    public IReadOnlyList<GraphStep>? To(int state, int actor) => To(other => other == state, 1UL << actor);

    private GraphStep[]? To(Func<int, bool> isTarget, ulong next)
    {
        var depth = DepthOf(isTarget);
        return depth < 0 ? null : Walk(new GraphStep[depth], Switches(isTarget, depth, next));
    }

    /// <summary>
    /// How many context switches the rest of a shortest path costs, by dynamic programming from the targets back to state 0. The cost
    /// depends on the actor of the step before as well, but never by more than one: an actor with which the best rest can begin pays the
    /// least, any other pays one more. So a number and a set of actors hold the whole row.
    /// </summary>
    private Rest[] Switches(Func<int, bool> isTarget, int depth, ulong next)
    {
        var rests = new Rest[_depth.Length];
        var index = Reachable - 1;
        while (_depth[_order[index]] > depth)
        {
            index--;
        }

        for (; index >= 0; index--)
        {
            var state = _order[index];
            if (_depth[state] < depth)
            {
                rests[state] = Best(state, rests);
            }
            else if (isTarget(state))
            {
                rests[state] = new Rest(1, next);
            }
        }

        return rests;
    }

    private Rest Best(int state, Rest[] rests)
    {
        var best = default(Rest);
        foreach (var edge in _graph.Out(state))
        {
            if (_depth[edge.Target] != _depth[state] + 1 || !rests[edge.Target].Exists)
            {
                continue;
            }

            var cost = rests[edge.Target].CostAfter(edge.Actor);
            if (!best.Exists || cost < best.Cost)
            {
                best = new Rest(cost, 1UL << edge.Actor);
            }
            else if (cost == best.Cost)
            {
                best = best with { First = best.First | (1UL << edge.Actor) };
            }
        }

        return best;
    }

    private GraphStep[] Walk(GraphStep[] path, Rest[] rests)
    {
        var state = 0;
        var cost = rests[0].Cost;
        for (var step = 0; step < path.Length; step++)
        {
            // The first step of all follows nobody's.
            var before = step == 0 ? -1 : path[step - 1].Edge.Actor;
            foreach (var edge in _graph.Out(state))
            {
                var rest = rests[edge.Target];
                var switches = before >= 0 && before != edge.Actor ? 1 : 0;
                if (_depth[edge.Target] == step + 1 && rest.Exists && rest.CostAfter(edge.Actor) + switches == cost)
                {
                    path[step] = new GraphStep(state, edge);
                    cost -= switches;
                    state = edge.Target;
                    break;
                }
            }
        }

        return path;
    }

    /// <summary>What the rest of a shortest path costs from a state on.</summary>
    /// <param name="Cost">The fewest context switches in it, and 1, so that 0 says that there is no such rest.</param>
    /// <param name="First">The actors with whose step a rest of that cost can begin.</param>
    private readonly record struct Rest(int Cost, ulong First)
    {
        public bool Exists => Cost > 0;

        /// <summary>The cost if it is <paramref name="actor"/> that has taken the step before.</summary>
        public int CostAfter(int actor) => Cost + ((First >> actor) & 1) switch { 0 => 1, _ => 0 };
    }
}
