using System.Security.Cryptography;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli.Running;

/// <summary>A snapshot that a run began with or has made.</summary>
/// <param name="File">Its path.</param>
/// <param name="Steps">Steps from the machine's first state to it.</param>
/// <param name="Cycle">The machine's clock.</param>
internal sealed record SnapshotNote(string File, long Steps, long Cycle);

/// <summary>The snapshots of one run.</summary>
/// <param name="Restored">The one it began with; null if it began at the beginning.</param>
/// <param name="Saved">The one it made; null for none.</param>
internal sealed record SnapshotNotes(SnapshotNote? Restored, SnapshotNote? Saved);

/// <summary>Snapshots as files: what they have to say about the scenario they belong to, and whether it is this one.</summary>
internal static class SnapshotFile
{
    private const string RestoreOption = "--restore";
    private const string SaveOption = "--save";
    private const int MaximumSize = 1 << 22;

    /// <summary>Saves a place in a run of <paramref name="cell"/>.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="point">The place.</param>
    /// <param name="path">The file; null for <c>SCENARIO-CYCLE.snapshot</c> in the working folder.</param>
    /// <exception cref="FileProblem">It cannot be written.</exception>
    public static SnapshotNote Save(CellRun cell, RunPoint point, string? path)
    {
        path ??= $"{cell.Cell.Scenario.Name}-{point.Machine.Now}.snapshot";
        OutputFile.Write(SaveOption, path, Snapshot.Write(cell.Board, point.Machine, point.Steps, Origin.Of(cell).Parts));
        return new SnapshotNote(path, point.Steps, point.Machine.Now);
    }

    /// <summary>The place in a run of <paramref name="cell"/> that a file holds.</summary>
    /// <exception cref="InputException">It holds none, or one of another run.</exception>
    public static (RunPoint Point, SnapshotNote Note) Restore(CellRun cell, string path)
    {
        try
        {
            var snapshot = Snapshot.Read(ReadBytes(path));
            Origin.From(snapshot.Origin).RequireSame(Origin.Of(cell));
            var point = new RunPoint(snapshot.Restore(cell.Board), snapshot.Steps);
            return (point, new SnapshotNote(path, snapshot.Steps, snapshot.Cycle));
        }
        catch (SnapshotException problem)
        {
            throw new InputException($"{RestoreOption} {path}: {problem.Message}");
        }
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                throw new SnapshotException("is a folder");
            }

            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            var bytes = new byte[MaximumSize];
            var count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return count < MaximumSize ? bytes[..count] : throw new SnapshotException("is not a snapshot: it is too large");
        }
        catch (Exception problem) when (problem is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SnapshotException("there is no such file");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new SnapshotException($"cannot be read: {problem.Message}");
        }
    }

    /// <summary>All that decides what a machine does besides its own state.</summary>
    /// <param name="Scenario">The scenario's name.</param>
    /// <param name="Cell">The cell's name.</param>
    /// <param name="Policies">Its policies.</param>
    /// <param name="Text">Digest of the scenario's file.</param>
    /// <param name="Scripts">Digests of the scripts of guests and policies, and of what these load.</param>
    /// <param name="Build">The builds of what makes machines of scenarios and programs of scripts; the engine checks its own.</param>
    private sealed record Origin(string Scenario, string Cell, string Policies, string Text, string Scripts, string Build)
    {
        private const int PartCount = 6;

        public IReadOnlyList<string> Parts => [Scenario, Cell, Policies, Text, Scripts, Build];

        public static Origin Of(CellRun cell)
        {
            var scenario = cell.Cell.Scenario;
            return new Origin(
                scenario.Name,
                cell.Cell.Name,
                string.Join("; ", cell.Policies.Select(policy => $"{policy.Point}: {policy.Value}")),
                Digest(scenario.File),
                string.Join(' ', scenario.ScriptPaths.SelectMany(ScriptFiles.Of).Select(Digest)),
                $"{typeof(MachineAssembly).Module.ModuleVersionId} {typeof(ScriptLoader).Module.ModuleVersionId}");
        }

        public static Origin From(IReadOnlyList<string> parts) => parts.Count == PartCount
            ? new Origin(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5])
            : throw new SnapshotException("is of no scenario");

        /// <exception cref="SnapshotException">The run here is another one.</exception>
        public void RequireSame(Origin here)
        {
            Require(Scenario == here.Scenario, $"is of scenario {Scenario}, not of {here.Scenario}");
            Require(Cell == here.Cell, Cell == ScenarioCell.BaseName
                ? $"is of {Scenario} as written, not of its cell '{here.Cell}': leave out --cell"
                : $"is of cell '{Cell}' of {Scenario}: choose it with --cell");
            Require(Policies == here.Policies, $"was made with '{Policies}', not with '{here.Policies}': give the same --set");
            Require(Text == here.Text, $"was made before the file of scenario {Scenario} was changed");
            Require(Scripts == here.Scripts, "was made before a script of its guests or policies was changed");
            Require(Build == here.Build, "was made by another build of the laboratory");
        }

        private static void Require(bool isSame, string otherwise)
        {
            if (!isSame)
            {
                throw new SnapshotException(otherwise);
            }
        }

        private static string Digest(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
    }
}
