namespace ScenarioHv.Scenarios;

/// <summary>How a scenario is explored, and what that is expected to find: <c>explore</c>.</summary>
public sealed record ExploreSection
{
    /// <summary>How a scenario is explored that says nothing about it.</summary>
    public static readonly ExploreSection Usual = new() { Later = Microsecond() };

    /// <summary>
    /// <c>later</c>: a moment at least so far away when it is armed is <i>later</i>, a nearer one <i>soon</i>; 1 us if not given.
    /// </summary>
    public required Duration Later { get; init; }

    /// <summary><c>repeat</c>: no policy counts further than this, 1 or more; 3 if not given.</summary>
    public int Repeat { get; init; } = 3;

    /// <summary><c>outside</c>: how often a line of the timeline without end comes, 1 or more; 3 if not given.</summary>
    public int Outside { get; init; } = 3;

    /// <summary>
    /// What exploring is expected to find, any of these; empty if the file does not say, which <see cref="Scenario.ExpectExploring"/> makes
    /// good from what a run is expected to do.
    /// </summary>
    public IReadOnlyList<Expectation> Expect { get; init; } = [];

    private static Duration Microsecond() =>
        Duration.TryParse("1 us", out var duration, out var error) ? duration : throw new InvalidOperationException(error);
}
