namespace ScenarioHv.Scenarios;

/// <summary>What one scenario file says.</summary>
/// <param name="Base">The scenario as written, with the overrides of the command line.</param>
/// <param name="Cells">
/// The cells to hold against each other: the scenario itself, then those of <c>matrix</c> (the first axis slowest), then those of
/// <c>cells</c> in the order written. Every one is a complete scenario; no name is there twice.
/// </param>
public sealed record ScenarioDocument(Scenario Base, IReadOnlyList<ScenarioCell> Cells);

/// <summary>One variant of a scenario.</summary>
/// <param name="Name">
/// <c>base</c>; for a cell of the matrix <c>immediate-exit=throttle(100, 1000), ioapic-eoi=reinject</c>; else the name the author gave.
/// </param>
/// <param name="Note">What the author says about it: which sentence of the thread it answers; empty if nothing.</param>
/// <param name="Scenario">The variant, with its own expectation.</param>
public sealed record ScenarioCell(string Name, string Note, Scenario Scenario)
{
    /// <summary>The name of the cell that is the scenario as written.</summary>
    public const string BaseName = "base";

    /// <summary>How this cell is expected to end: any of these will do.</summary>
    public IReadOnlyList<Expectation> Expect => Scenario.Expect;

    /// <summary>What exploring this cell is expected to find: any of these will do.</summary>
    public IReadOnlyList<Expectation> ExpectExploring => Scenario.ExpectExploring;
}

/// <summary>
/// A policy set on the command line, <c>--set immediate-exit=zero-timer</c>, or a limit of exploring, <c>--set explore.repeat=5</c>.
/// </summary>
/// <param name="Point">The policy point; or <c>explore.</c> and a key of <c>explore</c>.</param>
/// <param name="Value">Its value, written as in a scenario.</param>
public sealed record SettingOverride(string Point, string Value)
{
    private const string ExplorePrefix = "explore.";

    /// <summary>The key of <c>explore</c> that is set; null for a policy.</summary>
    public string? ExploreKey => Point.StartsWith(ExplorePrefix, StringComparison.Ordinal) ? Point[ExplorePrefix.Length..] : null;

    /// <summary>Where the relative path of a script begins; the current folder if not given.</summary>
    public string ScriptFolder { get; init; } = Environment.CurrentDirectory;

    /// <summary>The option as errors name it.</summary>
    public string OptionText => $"--set {Point}={Value}";

    /// <summary>Reads what follows <c>--set</c>: <c>point=value</c>.</summary>
    /// <param name="text">The option's argument.</param>
    /// <exception cref="ScenarioException">There is no <c>=</c>, or nothing on one side of it.</exception>
    public static SettingOverride Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var point = equals < 0 ? "" : text[..equals].Trim();
        var value = text[(equals + 1)..].Trim();
        if (point.Length == 0 || value.Length == 0)
            throw new SourceMark($"--set {text}", 0, 0).Error("expected <policy point>=<value>");
        return new SettingOverride(point, value);
    }
}
