namespace ScenarioHv.Exploration.Search;

/// <summary>What is known about the moment from which a failure could no longer be avoided.</summary>
public enum InevitableKind : byte
{
    /// <summary>Nothing: the search has ended before it had seen all that can follow.</summary>
    Unknown = 0,

    /// <summary>It can be avoided at every moment: it takes the same bad luck for ever.</summary>
    Never,

    /// <summary>It can be avoided before one of the steps, and not after it.</summary>
    After,
}

/// <summary>The moment on a path from which a failure could no longer be avoided, whatever step each actor takes and when.</summary>
/// <param name="Kind">What is known.</param>
/// <param name="Steps">
/// With <see cref="InevitableKind.After"/>: after how many steps of the path; 0 if from the first state on. Else 0.
/// </param>
public readonly record struct Inevitable(InevitableKind Kind, int Steps)
{
    /// <summary>The first moment after which paths can no longer end well.</summary>
    /// <param name="cycles">What paths can end in.</param>
    /// <param name="path">A path from state 0 to the failure.</param>
    /// <param name="good">The ends that avoid it.</param>
    public static Inevitable On(FairCycles cycles, IReadOnlyList<GraphStep> path, PathEnds good)
    {
        for (var steps = 0; steps <= path.Count; steps++)
        {
            var ends = cycles.From(steps == 0 ? 0 : path[steps - 1].Edge.Target);
            if ((ends & good) == 0)
            {
                return (ends & PathEnds.Unknown) == 0 ? new(InevitableKind.After, steps) : default;
            }
        }

        return new(InevitableKind.Never, 0);
    }
}
