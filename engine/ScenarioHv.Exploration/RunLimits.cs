namespace ScenarioHv.Exploration;

/// <summary>What ends a run that proves nothing: reaching one is <see cref="RunOutcome.Inconclusive"/>, never a pass.</summary>
public sealed record RunLimits
{
    /// <summary>Steps, 1 or more.</summary>
    public long Steps { get; init; } = 50_000_000;

    /// <summary>Cycles of the machine's clock, 1 or more.</summary>
    public long Cycles { get; init; } = long.MaxValue;
}
