using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>
/// A graph given by hand. <c>0: a1 b2! b0; 1: a0; 2 goal</c>: in state 0 actor a can step to 1; b can step, and then has the choice of 2,
/// with an operation that retires, or 0. States without text are open and have no steps.
/// </summary>
internal sealed class HandGraph : IStateGraph
{
    private readonly StateKind[] _kinds;
    private readonly bool[] _expanded;
    private readonly GraphEdge[][] _edges;

    private HandGraph(int states)
    {
        _kinds = new StateKind[states];
        _expanded = [.. Enumerable.Repeat(true, states)];
        _edges = [.. Enumerable.Repeat(Array.Empty<GraphEdge>(), states)];
    }

    public int States => _kinds.Length;

    public StateKind Kind(int state) => _kinds[state];

    public bool IsExpanded(int state) => _expanded[state];

    public ReadOnlySpan<GraphEdge> Edges(int state) => _edges[state];

    public static HandGraph Of(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var all = text.Split([.. " :;!abcdefghijklmnopqrstuvwxyz"], StringSplitOptions.RemoveEmptyEntries);
        var graph = new HandGraph(all.Max(int.Parse) + 1);
        foreach (var part in parts)
        {
            var (name, steps) = part.Split(':') is [var left, var right] ? (left, right) : (part, "");
            var words = name.Split(' ');
            var state = int.Parse(words[0]);
            graph._expanded[state] = words[^1] != "unknown";
            graph._kinds[state] = words[^1] switch
            {
                "goal" => StateKind.Goal,
                "violated" => StateKind.Violated,
                _ => StateKind.Open,
            };
            var edges = steps.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(step => (Actor: (byte)(step[0] - 'a'), Target: int.Parse(step[1..].TrimEnd('!')), Retires: step.EndsWith('!')))
                .ToList();
            graph._edges[state] = [.. edges.Select((edge, index) =>
                new GraphEdge(edge.Target, edge.Actor, (byte)edges.Take(index).Count(other => other.Actor == edge.Actor), edge.Retires))];
        }

        return graph;
    }

    /// <summary>2 to 7 states, 1 to 3 actors, steps with 1 or 2 choices, and a few ends.</summary>
    public static HandGraph Random(int seed)
    {
        var random = new Random(seed);
        var graph = new HandGraph(random.Next(2, 8));
        var actors = random.Next(1, 4);
        for (var state = 0; state < graph.States; state++)
        {
            var kind = state == 0 ? 0 : random.Next(12);
            graph._kinds[state] = kind switch { 9 or 10 => StateKind.Goal, 11 => StateKind.Violated, _ => StateKind.Open };
            graph._expanded[state] = kind != 8;
            var edges = new List<GraphEdge>();
            for (var actor = 0; kind < 8 && actor < actors; actor++)
            {
                for (var choice = 0; choice < random.Next(0, 3); choice++)
                {
                    edges.Add(new GraphEdge(random.Next(graph.States), (byte)actor, (byte)choice, random.Next(3) == 0));
                }
            }

            graph._edges[state] = [.. edges];
        }

        return graph;
    }

    /// <summary>A first state and then 6 layers of 3 states. 3 actors have up to 2 choices each, all of which lead one layer on.</summary>
    public static HandGraph Layers(int seed)
    {
        var random = new Random(seed);
        var graph = new HandGraph(19);
        for (var state = 0; state < 16; state++)
        {
            var layer = 3 * ((state + 2) / 3);
            graph._edges[state] = [.. Enumerable.Range(0, 3).SelectMany(actor => Enumerable.Range(0, random.Next(3))
                .Select(choice => new GraphEdge(layer + 1 + random.Next(3), (byte)actor, (byte)choice, false)))];
        }

        return graph;
    }

    /// <summary>The same graph with its states, but for the first, numbered in another way.</summary>
    public HandGraph Renumbered(int seed)
    {
        var names = Enumerable.Range(1, States - 1).ToArray();
        new Random(seed).Shuffle(names);
        names = [0, .. names];
        var graph = new HandGraph(States);
        for (var state = 0; state < States; state++)
        {
            graph._kinds[names[state]] = _kinds[state];
            graph._expanded[names[state]] = _expanded[state];
            graph._edges[names[state]] = [.. _edges[state].Select(edge => edge with { Target = names[edge.Target] })];
        }

        return graph;
    }

    /// <summary>The names of a path's steps: each the actor's letter, and the choice if it is not the first.</summary>
    public static string Names(IEnumerable<GraphStep>? path) =>
        path is null ? "none" : string.Join(' ', path.Select(step => Name(step.Edge)));

    private static string Name(GraphEdge edge) => $"{(char)('a' + edge.Actor)}{(edge.Choice == 0 ? "" : edge.Choice)}";
}
