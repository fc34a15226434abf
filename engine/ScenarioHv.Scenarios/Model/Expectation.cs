namespace ScenarioHv.Scenarios;

/// <summary>How a scenario ends.</summary>
public enum Outcome
{
    /// <summary><c>reached</c>: the goal was met and every property held.</summary>
    Reached,

    /// <summary><c>livelock</c>: guest operations retire for ever without the goal.</summary>
    Livelock,

    /// <summary><c>stuck</c>: no guest operation will ever retire again, and the goal is unmet.</summary>
    Stuck,

    /// <summary><c>violated</c>: a safety property failed.</summary>
    Violated,

    /// <summary><c>inconclusive</c>: a limit came first.</summary>
    Inconclusive,
}

/// <summary>An outcome that would do: <c>violated</c>, or <c>violated(custody)</c>.</summary>
/// <param name="Outcome">How the scenario ends.</param>
/// <param name="Property">The property that failed or explains it; null if any will do, or none.</param>
public sealed record Expectation(Outcome Outcome, string? Property = null)
{
    private static readonly string[] Words = ["reached", "livelock", "stuck", "violated", "inconclusive"];

    /// <summary>The outcomes as scenarios write them, in the order of <see cref="Scenarios.Outcome"/>.</summary>
    public static IReadOnlyList<string> OutcomeNames => Words;

    /// <summary>True if a run that ended so meets it.</summary>
    /// <param name="outcome">How the run ended.</param>
    /// <param name="property">The property that explains it; null if none does.</param>
    public bool IsMetBy(Outcome outcome, string? property) => outcome == Outcome && (Property is null || Property == property);

    /// <summary>As scenarios write it: <c>violated(custody)</c>.</summary>
    public override string ToString() => Property is null ? Words[(int)Outcome] : $"{Words[(int)Outcome]}({Property})";
}
