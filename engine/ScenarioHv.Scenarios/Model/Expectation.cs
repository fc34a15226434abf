namespace ScenarioHv.Scenarios;

/// <summary>How a run of a scenario ends, or what exploring it finds.</summary>
public enum Outcome
{
    /// <summary><c>reached</c>: the goal was met and every property held. Of a run only.</summary>
    Reached,

    /// <summary><c>livelock</c>: guest operations retire for ever without the goal.</summary>
    Livelock,

    /// <summary><c>stuck</c>: no guest operation will ever retire again, and the goal is unmet.</summary>
    Stuck,

    /// <summary><c>violated</c>: a safety property failed.</summary>
    Violated,

    /// <summary><c>inconclusive</c>: a limit came first.</summary>
    Inconclusive,

    /// <summary><c>holds</c>: every property holds in every state, and every fair path reaches the goal. Of exploring only.</summary>
    Holds,
}

/// <summary>An outcome that would do: <c>violated</c>, or <c>violated(custody)</c>.</summary>
/// <param name="Outcome">How the scenario ends.</param>
/// <param name="Property">The property that failed or explains it; null if any will do, or none.</param>
public sealed record Expectation(Outcome Outcome, string? Property = null)
{
    private static readonly string[] Words = ["reached", "livelock", "stuck", "violated", "inconclusive", "holds"];

    /// <summary>The outcomes as scenarios write them, in the order of <see cref="Scenarios.Outcome"/>.</summary>
    public static IReadOnlyList<string> OutcomeNames => Words;

    /// <summary>
    /// What exploring is expected to find where a run is expected to end so and nothing else is said: <c>holds</c> for <c>reached</c>, else
    /// the same.
    /// </summary>
    public Expectation OfExploring => Outcome == Outcome.Reached ? new Expectation(Outcome.Holds) : this;

    /// <summary>True if a run that ended so, or a search that found so, meets it.</summary>
    /// <param name="outcome">How the run ended, or what exploring found.</param>
    /// <param name="property">The property that explains it; null if none does.</param>
    public bool IsMetBy(Outcome outcome, string? property) => outcome == Outcome && (Property is null || Property == property);

    /// <summary>As scenarios write it: <c>violated(custody)</c>.</summary>
    public override string ToString() => Property is null ? Words[(int)Outcome] : $"{Words[(int)Outcome]}({Property})";
}
