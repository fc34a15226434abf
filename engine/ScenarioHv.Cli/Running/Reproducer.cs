using System.Reflection;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli.Running;

/// <summary>A file that a reproducer holds.</summary>
/// <param name="Name">Its path below the folder that the scenario and its scripts share, with '/' between the parts.</param>
/// <param name="Bytes">Its content.</param>
internal sealed record ReproducerPart(string Name, byte[] Bytes);

/// <summary>All that is needed to replay a failure elsewhere: the scenario, its scripts, and the schedule.</summary>
internal sealed record Reproducer
{
    /// <summary>The version of the command that wrote it.</summary>
    public required string Version { get; init; }

    /// <summary>The builds of what makes machines of scenarios and steps of machines.</summary>
    public required string Build { get; init; }

    /// <summary>The cell; null for the scenario as written.</summary>
    public string? Cell { get; init; }

    /// <summary>What was set on the command line.</summary>
    public IReadOnlyList<SettingOverride> Overrides { get; init; } = [];

    /// <summary>The optional parts of the scenario that were left out, in words.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary>What the history shows.</summary>
    public required Expectation Shows { get; init; }

    /// <summary>The history.</summary>
    public required Schedule Schedule { get; init; }

    /// <summary>The trace hash of its replay, 64 hexadecimal digits.</summary>
    public required string TraceHash { get; init; }

    /// <summary>The scenario, then the scripts of its guests.</summary>
    public required IReadOnlyList<ReproducerPart> Parts { get; init; }

    /// <summary>This version.</summary>
    public static string ThisVersion =>
        typeof(Reproducer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>This build.</summary>
    public static string ThisBuild =>
        $"{typeof(Board).Module.ModuleVersionId} {typeof(MachineAssembly).Module.ModuleVersionId} {typeof(ScriptLoader).Module.ModuleVersionId}";

    /// <summary>The reproducer of a history of a cell.</summary>
    /// <param name="cell">The cell as its file has it, with all optional parts.</param>
    /// <param name="overrides">What was set on the command line.</param>
    /// <param name="without">The optional parts that were left out, in words.</param>
    /// <param name="shows">What the history shows.</param>
    /// <param name="schedule">The history.</param>
    /// <param name="traceHash">The trace hash of its replay.</param>
    /// <exception cref="InputException">The scenario or a script is gone, or they lie in folders that share nothing.</exception>
    public static Reproducer Of(
        ScenarioCell cell,
        IReadOnlyList<SettingOverride> overrides,
        IReadOnlyList<string> without,
        Expectation shows,
        Schedule schedule,
        string traceHash) => new()
    {
        Version = ThisVersion,
        Build = ThisBuild,
        Cell = cell.Name == ScenarioCell.BaseName ? null : cell.Name,
        Overrides = overrides,
        Without = without,
        Shows = shows,
        Schedule = schedule,
        TraceHash = traceHash,
        Parts = PartsOf(cell.Scenario, cell.Scenario.Guests),
    };

    /// <summary>The same with the scripts of all cells: whoever reads the scenario looks for each of them.</summary>
    public Reproducer WithScriptsOf(ScenarioDocument document) =>
        this with { Parts = PartsOf(document.Base, [.. document.Cells.SelectMany(cell => cell.Scenario.Guests)]) };

    private static ReproducerPart[] PartsOf(Scenario scenario, IReadOnlyList<GuestSection> guests)
    {
        string[] paths =
        [
            .. new[] { scenario.File }.Concat(guests.Select(guest => guest.ScriptPath))
                .Select(Path.GetFullPath).Distinct(StringComparer.Ordinal),
        ];
        var folder = Path.GetDirectoryName(paths[0])!;
        while (!paths.All(path => path.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal)))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InputException($"--save: {scenario.Name} and its scripts lie on different drives");
        }

        return [.. paths.Select(path => new ReproducerPart(Path.GetRelativePath(folder, path).Replace('\\', '/'), Bytes(path)))];
    }

    private static byte[] Bytes(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"--save: {path} cannot be read: {problem.Message}");
        }
    }
}
