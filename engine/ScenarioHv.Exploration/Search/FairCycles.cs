namespace ScenarioHv.Exploration.Search;

/// <summary>What a path can end in. A fair path that takes steps for ever ends in a fair cycle.</summary>
[Flags]
public enum PathEnds : byte
{
    /// <summary>None of the others.</summary>
    None = 0,

    /// <summary>A state in which the goal is met.</summary>
    Goal = 1,

    /// <summary>A state to which a step has led that broke a safety property.</summary>
    Violated = 2,

    /// <summary>An open state without a step out of it.</summary>
    Terminal = 4,

    /// <summary>A fair cycle in which no operation of a guest retires.</summary>
    Stuck = 8,

    /// <summary>A fair cycle in which one does.</summary>
    Livelock = 16,

    /// <summary>An open state where the search ended before it took the steps.</summary>
    Unknown = 32,
}

/// <summary>
/// The strongly connected components of a graph, and which of them hold a fair cycle. A cycle is fair if every actor takes a step in it or
/// is disabled somewhere in it. A component holds one exactly if every actor has a step inside it or is disabled in some state of it: the
/// walk through all of it is then fair, and an actor for which that is false is neglected by every smaller cycle in it as well.
/// <para>
/// A component with a step that retires counts as a livelock even if a smaller fair cycle in it has none: the guests can run on for ever,
/// and the search for the reason begins with what they do. A budget of events from outside only shrinks and is part of the state, so that
/// no cycle spends from it; the host tick, which has no budget, makes no cycle a livelock, because no operation of a guest retires in its
/// step.
/// </para>
/// </summary>
public sealed class FairCycles
{
    private readonly int[] _component;
    private readonly PathEnds[] _at;
    private readonly PathEnds[] _from;

    private FairCycles(int states)
    {
        _component = new int[states];
        _at = new PathEnds[states];
        _from = new PathEnds[states];
    }

    /// <summary>How many components hold a fair cycle and a step in which an operation of a guest retires.</summary>
    public int Livelocks { get; private set; }

    /// <summary>How many components hold a fair cycle and no such step.</summary>
    public int Stucks { get; private set; }

    /// <summary>How many components hold a cycle that neglects an actor, and none that is fair.</summary>
    public int Unfair { get; private set; }

    /// <summary>Finds them, in one pass over the graph.</summary>
    public static FairCycles Find(IStateGraph graph)
    {
        var found = new FairCycles(graph.States);
        new Tarjan(graph, found).Run();
        return found;
    }

    /// <summary>The name of a state's component, 1 or more; 0 if no path leads to the state.</summary>
    public int ComponentOf(int state) => -_component[state];

    /// <summary>
    /// What a path that has come to this state can end in without leaving the state's component: one of <see cref="PathEnds"/>, or none.
    /// </summary>
    public PathEnds At(int state) => _at[state];

    /// <summary>All that paths from this state can end in.</summary>
    public PathEnds From(int state) => _from[state];

    /// <summary>
    /// Tarjan's algorithm with a stack of its own. It completes a component after every component that can be reached from it, so that what
    /// paths can end in is known with the component.
    /// </summary>
    private sealed class Tarjan(IStateGraph graph, FairCycles found)
    {
        /// <summary>0: not seen. Above: when it was seen first, and its component is not complete. Below: minus its component.</summary>
        private readonly int[] _number = found._component;

        /// <summary>The states whose component is not complete, in the order in which they were seen.</summary>
        private readonly int[] _pending = new int[graph.States];

        private Frame[] _frames = new Frame[Math.Min(graph.States, 1024)];
        private int _depth;
        private int _pendings;
        private int _seen;
        private int _components;

        public void Run()
        {
            Enter(0);
            while (_depth > 0)
            {
                ref var frame = ref _frames[_depth - 1];
                var next = Advance(ref frame);
                if (next >= 0)
                {
                    Enter(next);
                    continue;
                }

                if (frame.Low == _number[frame.State])
                {
                    Complete(frame.State);
                }

                _depth--;
                if (_depth > 0)
                {
                    ref var parent = ref _frames[_depth - 1];
                    parent.Low = Math.Min(parent.Low, frame.Low);
                }
            }
        }

        /// <summary>Goes on in a state's list of steps, up to one that leads to a state not seen before.</summary>
        /// <returns>That state, or -1 at the end of the list.</returns>
        private int Advance(ref Frame frame)
        {
            var edges = graph.Out(frame.State);
            while (frame.Next < edges.Length)
            {
                var target = edges[frame.Next++].Target;
                var number = _number[target];
                if (number == 0)
                {
                    return target;
                }

                if (number > 0)
                {
                    frame.Low = Math.Min(frame.Low, number);
                }
            }

            return -1;
        }

        private void Enter(int state)
        {
            if (_depth == _frames.Length)
            {
                Array.Resize(ref _frames, (int)Math.Min(graph.States, 2L * _depth));
            }

            _number[state] = ++_seen;
            _pending[_pendings++] = state;
            _frames[_depth++] = new Frame { State = state, Low = _seen };
        }

        private void Complete(int first)
        {
            var end = _pendings;
            _components++;
            do
            {
                _number[_pending[--_pendings]] = -_components;
            }
            while (_pending[_pendings] != first);
            Judge(_pending.AsSpan(_pendings, end - _pendings));
        }

        private void Judge(ReadOnlySpan<int> states)
        {
            var always = ulong.MaxValue;
            var inside = 0UL;
            var retires = false;
            var from = PathEnds.None;
            foreach (var state in states)
            {
                var enabled = 0UL;
                foreach (var edge in graph.Out(state))
                {
                    enabled |= 1UL << edge.Actor;
                    if (_number[edge.Target] == -_components)
                    {
                        inside |= 1UL << edge.Actor;
                        retires |= edge.Retires;
                    }
                    else
                    {
                        from |= found._from[edge.Target];
                    }
                }

                always &= enabled;
            }

            var at = inside == 0 ? EndOf(states[0], always != 0) : CycleOf((always & ~inside) == 0, retires);
            foreach (var state in states)
            {
                found._at[state] = at;
                found._from[state] = from | at;
            }
        }

        private PathEnds EndOf(int state, bool hasSteps) => graph.Kind(state) switch
        {
            StateKind.Goal => PathEnds.Goal,
            StateKind.Violated => PathEnds.Violated,
            _ when !graph.IsExpanded(state) => PathEnds.Unknown,
            _ => hasSteps ? PathEnds.None : PathEnds.Terminal,
        };

        private PathEnds CycleOf(bool isFair, bool retires)
        {
            switch (isFair, retires)
            {
                case (true, true):
                    found.Livelocks++;
                    return PathEnds.Livelock;
                case (true, false):
                    found.Stucks++;
                    return PathEnds.Stuck;
                default:
                    found.Unfair++;
                    return PathEnds.None;
            }
        }

        /// <summary>A state on the path that is being followed.</summary>
        private struct Frame
        {
            public int State;

            /// <summary>Where to go on in its list of steps.</summary>
            public int Next;

            /// <summary>The first seen of the states that it is known to lead to and whose component is not complete.</summary>
            public int Low;
        }
    }
}
