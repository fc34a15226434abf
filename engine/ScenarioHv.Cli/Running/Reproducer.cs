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

    /// <summary>
    /// The scenario, then the scripts of its guests and policies, then those that were set on the command line; each with what it loads.
    /// </summary>
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
    /// <exception cref="InputException">
    /// The scenario or a script is gone, they lie on different drives, or a script is named by its absolute path.
    /// </exception>
    public static Reproducer Of(
        ScenarioFile file,
        string cell,
        IReadOnlyList<string> without,
        Expectation shows,
        Schedule schedule,
        string traceHash)
    {
        var own = file.Overrides.Count == 0 ? file : ScenarioFile.Read(file.Document.Base.File);
        var set = file.Overrides.Select(setting => (Setting: setting, Script: ScriptOf(file.Document.Base, setting))).ToArray();
        return Portable(file.Document.Base.Name, new Reproducer
        {
            Version = ThisVersion,
            Build = ThisBuild,
            Cell = cell == ScenarioCell.BaseName ? null : cell,
            Overrides = [.. set.Select(one => one.Script is null
                ? one.Setting
                : one.Setting with { Value = NameOf(one.Setting, one.Script, one.Script) })],
            Without = without,
            Shows = shows,
            Schedule = schedule,
            TraceHash = traceHash,
            Parts =
            [
                .. PartsOf(own.Document),
                .. from one in set
                   where one.Script is not null
                   from path in ScriptFiles.Of(one.Script)
                   select new ReproducerPart(NameOf(one.Setting, one.Script, path), Bytes(path)),
            ],
        });
    }

    /// <summary>Lays a reproducer out and sees that its scenario finds the scripts there, not where they were.</summary>
    private static Reproducer Portable(string name, Reproducer reproducer)
    {
        using var folder = new ReproducerFolder(reproducer, "--save");
        var scripts = ScenarioFile.Read(folder.Scenario).Document.Cells.SelectMany(cell => cell.Scenario.ScriptPaths);
        return scripts.FirstOrDefault(script => !ScriptFiles.IsBelow(script, folder.Root)) is not { } far ? reproducer
            : throw new InputException(
                $"--save: {name} names {far} by its absolute path, where another machine has no such file; "
                + "name it by its path from the scenario");
    }

    /// <summary>The script that was set on the command line in place of a policy; null for a value.</summary>
    private static string? ScriptOf(Scenario scenario, SettingOverride setting) =>
        setting.ExploreKey is null ? scenario.Machine.Policies[setting.Point].ScriptPath : null;

    /// <summary>Such a script lies anywhere, and so has, with what it loads, a folder of its own among the parts.</summary>
    private static string NameOf(SettingOverride setting, string script, string path) =>
        $"set-{setting.Point}/{Path.GetRelativePath(Path.GetDirectoryName(script)!, path).Replace('\\', '/')}";

    /// <summary>The scripts of the other cells belong to it, since the file cannot be read without them.</summary>
    private static ReproducerPart[] PartsOf(ScenarioDocument document)
    {
        var scripts = document.Cells.SelectMany(cell => cell.Scenario.ScriptPaths)
            .Distinct(StringComparer.Ordinal).SelectMany(ScriptFiles.Of);
        string[] paths = [.. scripts.Prepend(document.Base.File).Select(Path.GetFullPath).Distinct(StringComparer.Ordinal)];
        var folder = Path.GetDirectoryName(paths[0])!;
        while (!paths.All(path => ScriptFiles.IsBelow(path, folder)))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InputException($"--save: {document.Base.Name} and its scripts lie on different drives");
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
