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

    /// <summary>The scenario, then the scripts of its guests with what these load.</summary>
    public required IReadOnlyList<ReproducerPart> Parts { get; init; }

    /// <summary>This version.</summary>
    public static string ThisVersion =>
        typeof(Reproducer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>This build.</summary>
    public static string ThisBuild =>
        string.Join(' ', new[] { typeof(Board), typeof(MachineAssembly), typeof(ScriptLoader) }
            .Select(type => type.Module.ModuleVersionId));

    /// <summary>The reproducer of a history of a cell.</summary>
    /// <param name="file">The scenario's file, with what was set on the command line.</param>
    /// <param name="cell">The cell, by its name.</param>
    /// <param name="without">The optional parts that were left out, in words.</param>
    /// <param name="shows">What the history shows.</param>
    /// <param name="schedule">The history.</param>
    /// <param name="traceHash">The trace hash of its replay.</param>
    /// <exception cref="InputException">The scenario or a script is gone, or they lie in folders that share nothing.</exception>
    public static Reproducer Of(
        ScenarioFile file,
        string cell,
        IReadOnlyList<string> without,
        Expectation shows,
        Schedule schedule,
        string traceHash)
    {
        return new Reproducer
        {
            Version = ThisVersion,
            Build = ThisBuild,
            Cell = cell == ScenarioCell.BaseName ? null : cell,
            Overrides = file.Overrides,
            Without = without,
            Shows = shows,
            Schedule = schedule,
            TraceHash = traceHash,
            Parts = PartsOf(file.Document),
        };
    }

    /// <summary>The scripts of the other cells belong to it, since the file cannot be read without them.</summary>
    private static ReproducerPart[] PartsOf(ScenarioDocument document)
    {
        var scripts = document.Cells.SelectMany(cell => cell.Scenario.Guests).Select(guest => guest.ScriptPath)
            .Distinct(StringComparer.Ordinal).SelectMany(ScriptFiles.Of);
        string[] paths = [.. scripts.Prepend(document.Base.File).Select(Path.GetFullPath).Distinct(StringComparer.Ordinal)];
        var folder = Path.GetDirectoryName(paths[0])!;
        while (!paths.All(path => IsBelow(path, folder)))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InputException($"--save: {document.Base.Name} and its scripts lie on different drives");
        }

        return [.. paths.Select(path => new ReproducerPart(Path.GetRelativePath(folder, path).Replace('\\', '/'), Bytes(path)))];
    }

    private static bool IsBelow(string path, string folder) =>
        path.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

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
