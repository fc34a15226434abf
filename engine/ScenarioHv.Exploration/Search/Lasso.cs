namespace ScenarioHv.Exploration.Search;

/// <summary>A fair path that never ends: after the prefix the period repeats for ever.</summary>
/// <param name="Prefix">The steps from state 0 to the state in which the period begins.</param>
/// <param name="Period">
/// One step or more, back to that state. Every actor takes one of them or is disabled in a state that they pass, and an operation of a
/// guest retires in one if that can be on a cycle of this component.
/// </param>
public sealed record Lasso(IReadOnlyList<GraphStep> Prefix, IReadOnlyList<GraphStep> Period)
{
    /// <summary>Finds a short one. It depends on the names of steps alone, not on how the states are numbered.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="cycles">Its components.</param>
    /// <param name="prefix">A path from state 0 to a state in which a fair cycle has begun.</param>
    /// <param name="exactLimit">
    /// How many pairs of a state and what is still due may be looked at for a period as short as can be from there. If that is too few, the
    /// period goes from one duty to the nearest other.
    /// </param>
    /// <exception cref="ArgumentException">The prefix leads elsewhere.</exception>
    public static Lasso Find(IStateGraph graph, FairCycles cycles, IReadOnlyList<GraphStep> prefix, int exactLimit = 1 << 18)
    {
        var entry = prefix.Count == 0 ? 0 : prefix[^1].Edge.Target;
        if ((cycles.At(entry) & (PathEnds.Stuck | PathEnds.Livelock)) == 0)
        {
            throw new ArgumentException("the prefix does not lead to a state with a fair cycle", nameof(prefix));
        }

        var search = new PeriodSearch(graph, cycles, entry);
        var period = search.Shortest(exactLimit) ?? search.Short();

        // A loop in the middle may do all by itself. To go round that alone saves the way back.
        var loop = PeriodSearch.Loops(period).FirstOrDefault(range => search.Fulfils(period, range), Range.All);
        var (first, length) = loop.GetOffsetAndLength(period.Count);
        return new Lasso([.. prefix, .. period.GetRange(0, first)], period.GetRange(first, length));
    }
}

/// <summary>The search for a fair closed walk in one component.</summary>
internal sealed class PeriodSearch
{
    private readonly IStateGraph _graph;
    private readonly FairCycles _cycles;
    private readonly int _component;
    private readonly GraphEdge _entry;
    private readonly bool _retires;
    private readonly List<GraphEdge> _out = [];

    public PeriodSearch(IStateGraph graph, FairCycles cycles, int entry)
    {
        _graph = graph;
        _cycles = cycles;
        _component = cycles.ComponentOf(entry);
        _retires = cycles.At(entry) == PathEnds.Livelock;

        // As if a step of nobody had led there.
        _entry = new GraphEdge(entry, byte.MaxValue, 0, false);
    }

    /// <summary>The shortest walk that fulfils every duty, by a breadth-first search over (state, duties left).</summary>
    /// <returns>Null if there are more than <paramref name="limit"/> of those.</returns>
    public List<GraphStep>? Shortest(int limit)
    {
        var start = DutiesIn(_entry.Target);
        var queue = new List<(Node Node, Duties Duties)> { (new Node(-1, _entry), start) };
        var seen = new HashSet<(int State, Duties Duties)> { (_entry.Target, start) };
        for (var next = 0; next < queue.Count && queue.Count <= limit; next++)
        {
            var (node, duties) = queue[next];
            foreach (var edge in Inside(node.Edge))
            {
                var left = After(duties, edge);
                if (!seen.Add((edge.Target, left)))
                {
                    continue;
                }

                queue.Add((new Node(next, edge), left));
                if (edge.Target == _entry.Target && left.AreDone)
                {
                    return Steps(queue.Count - 1, index => queue[index].Node);
                }
            }
        }

        return null;
    }

    /// <summary>A walk that always goes to the nearest duty, then back, without the detours that prove needless.</summary>
    public List<GraphStep> Short()
    {
        var walk = new List<GraphStep>();
        var duties = DutiesIn(_entry.Target);
        var seen = new ulong[(_graph.States + 63) / 64];
        while (!duties.AreDone)
        {
            walk.AddRange(Leg(Last(walk), edge => After(duties, edge) != duties, seen));
            duties = After(duties, Last(walk));
        }

        if (Last(walk).Target != _entry.Target)
        {
            walk.AddRange(Leg(Last(walk), edge => edge.Target == _entry.Target, seen));
        }

        while (Detour(walk) is { } detour)
        {
            var (first, length) = detour.GetOffsetAndLength(walk.Count);
            walk.RemoveRange(first, length);
        }

        return walk;
    }

    /// <summary>The parts of a closed walk, but for the whole, that end where they begin: those that end first come first.</summary>
    public static IEnumerable<Range> Loops(List<GraphStep> walk)
    {
        var visits = new Dictionary<int, List<int>>();
        for (var end = 0; end < walk.Count; end++)
        {
            if (!visits.TryGetValue(walk[end].State, out var before))
            {
                visits.Add(walk[end].State, before = []);
            }

            foreach (var start in before)
            {
                yield return start..end;
            }

            before.Add(end);
        }
    }

    /// <summary>True if a closed part of a walk fulfils every duty.</summary>
    public bool Fulfils(List<GraphStep> walk, Range part)
    {
        var (first, length) = part.GetOffsetAndLength(walk.Count);
        return Fulfils(walk.Skip(first).Take(length));
    }

    private bool Fulfils(IEnumerable<GraphStep> walk)
    {
        var duties = new Duties(ulong.MaxValue, _retires);
        foreach (var step in walk)
        {
            duties = After(duties, step.Edge);
        }

        return duties.AreDone;
    }

    /// <summary>A loop on a walk without which the rest fulfils every duty all the same; null if there is none.</summary>
    private Range? Detour(List<GraphStep> walk)
    {
        foreach (var loop in Loops(walk))
        {
            var (first, length) = loop.GetOffsetAndLength(walk.Count);
            if (Fulfils(walk.Take(first).Concat(walk.Skip(first + length))))
            {
                return loop;
            }
        }

        return null;
    }

    /// <summary>The shortest way to a step that is looked for, with that step.</summary>
    private List<GraphStep> Leg(GraphEdge start, Func<GraphEdge, bool> isEnd, ulong[] seen)
    {
        var queue = new List<Node> { new(-1, start) };
        seen[start.Target >> 6] |= 1UL << start.Target;
        var end = -1;
        for (var next = 0; end < 0; next++)
        {
            foreach (var edge in Inside(queue[next].Edge))
            {
                if (isEnd(edge))
                {
                    queue.Add(new Node(next, edge));
                    end = queue.Count - 1;
                    break;
                }

                if ((seen[edge.Target >> 6] >> edge.Target & 1) == 0)
                {
                    seen[edge.Target >> 6] |= 1UL << edge.Target;
                    queue.Add(new Node(next, edge));
                }
            }
        }

        foreach (var node in queue)
        {
            seen[node.Edge.Target >> 6] = 0;
        }

        return Steps(end, index => queue[index]);
    }

    /// <summary>The steps that stay in the component after a step, those of the same actor first: that saves context switches.</summary>
    private List<GraphEdge> Inside(GraphEdge before)
    {
        _out.Clear();
        var edges = _graph.Out(before.Target);
        foreach (var same in (ReadOnlySpan<bool>)[true, false])
        {
            foreach (var edge in edges)
            {
                if ((edge.Actor == before.Actor) == same && _cycles.ComponentOf(edge.Target) == _component)
                {
                    _out.Add(edge);
                }
            }
        }

        return _out;
    }

    private GraphEdge Last(List<GraphStep> walk) => walk.Count == 0 ? _entry : walk[^1].Edge;

    private Duties DutiesIn(int state) => new(_graph.Enabled(state), _retires);

    private Duties After(Duties duties, GraphEdge edge) => duties.AreDone
        ? duties
        : new Duties(duties.Actors & ~(1UL << edge.Actor) & _graph.Enabled(edge.Target), duties.Retire && !edge.Retires);

    private static List<GraphStep> Steps(int end, Func<int, Node> at)
    {
        var steps = new List<GraphStep>();
        for (var node = at(end); node.Parent >= 0; node = at(node.Parent))
        {
            steps.Add(new GraphStep(at(node.Parent).Edge.Target, node.Edge));
        }

        steps.Reverse();
        return steps;
    }

    /// <summary>What a closed walk owes still.</summary>
    /// <param name="Actors">The actors that were enabled in each state so far and have taken no step.</param>
    /// <param name="Retire">True if an operation of a guest has to retire.</param>
    private readonly record struct Duties(ulong Actors, bool Retire)
    {
        public bool AreDone => Actors == 0 && !Retire;
    }

    /// <summary>A step that the search has taken, and which it took before that.</summary>
    private readonly record struct Node(int Parent, GraphEdge Edge);
}
