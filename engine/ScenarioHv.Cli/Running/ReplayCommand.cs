using System.Text;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Running;

/// <summary>The command that replays a schedule, as a shell takes it.</summary>
/// <param name="File">The scenario as the user named it.</param>
internal sealed record ReplayCommand(string File)
{
    private const string Harmless = "_-./:=,@%+";

    /// <summary>The cell; null for the scenario as written.</summary>
    public string? Cell { get; init; }

    /// <summary>What was set.</summary>
    public IReadOnlyList<SettingOverride> Overrides { get; init; } = [];

    /// <summary>The optional parts that are left out, as <c>--without</c> names them.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary>Whether scripts are taken without checks.</summary>
    public bool Trust { get; init; }

    /// <summary>The command for a failure.</summary>
    public string For(CellFinding finding)
    {
        var less = this with { Without = finding.Without };
        return less.For(finding.Told.Found.Failure!.Schedule);
    }

    /// <summary>The command for a schedule.</summary>
    public string For(Schedule schedule)
    {
        var text = new StringBuilder($"scenariohv run {Quoted(File)}");
        if (Cell is { } cell)
        {
            text.Append(" --cell ").Append(Quoted(cell));
        }

        foreach (var setting in Overrides)
        {
            text.Append(" --set ").Append(Quoted($"{setting.Point}={setting.Value}"));
        }

        if (Trust)
        {
            text.Append(" --trust");
        }

        foreach (var part in Without)
        {
            text.Append(" --without ").Append(Quoted(part));
        }

        return text.Append(" --schedule ").Append(schedule).ToString();
    }

    private static string Quoted(string text) =>
        text.Length > 0
        && text.All(character => char.IsAsciiLetterOrDigit(character) || Harmless.Contains(character, StringComparison.Ordinal))
            ? text
            : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
