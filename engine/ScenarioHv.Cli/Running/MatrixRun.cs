using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Running;

/// <summary>What became of one cell: it ended, it failed, or it was left out.</summary>
/// <param name="Cell">The cell.</param>
/// <param name="Result">How it ended; null if it did not.</param>
/// <param name="Problem">Why its machine could not be built or run; null if it could.</param>
internal sealed record CellEnd(ScenarioCell Cell, CellResult? Result, CellException? Problem)
{
    /// <summary>True if what <c>--set</c> chooses does not exist on its machine.</summary>
    public bool IsLeftOut => Result is null && Problem is null;
}

/// <summary>What became of one scenario.</summary>
/// <param name="Path">The file or name that the user gave, or the file that was found in a folder.</param>
/// <param name="Scenario">The scenario as written; null if it cannot be read.</param>
/// <param name="Problem">Why it cannot be read; null if it can.</param>
/// <param name="Cells">Its cells, in its order.</param>
internal sealed record ScenarioEnd(string Path, Scenario? Scenario, Exception? Problem, IReadOnlyList<CellEnd> Cells)
{
    /// <summary>What it is called: its name, or its path if it cannot be read.</summary>
    public string Name => Scenario?.Name ?? Path;

    /// <summary>The cells that ended.</summary>
    public IReadOnlyList<CellResult> Results => [.. Cells.Select(cell => cell.Result).OfType<CellResult>()];

    /// <summary>The names of the cells that were left out.</summary>
    public IReadOnlyList<string> LeftOut => [.. Cells.Where(cell => cell.IsLeftOut).Select(cell => cell.Cell.Name)];

    /// <summary>Everything that went wrong with it.</summary>
    public IEnumerable<Exception> Problems =>
        Problem is null ? Cells.Select(cell => cell.Problem).OfType<CellException>() : [Problem];
}

/// <summary>How many cells ended in which way. A cell that is left out does not count.</summary>
internal sealed record MatrixCounts(int Cells, int AsExpected, int NotAsExpected, int Inconclusive, int Failed)
{
    /// <summary>The counts of <paramref name="scenarios"/> together.</summary>
    public static MatrixCounts Of(params IReadOnlyList<ScenarioEnd> scenarios)
    {
        var ends = scenarios.SelectMany(scenario => scenario.Cells).Where(cell => !cell.IsLeftOut).ToArray();
        return new MatrixCounts(
            ends.Length,
            ends.Count(end => end.Result?.ExitCode == ExitCode.AsExpected),
            ends.Count(end => end.Result?.ExitCode == ExitCode.NotAsExpected),
            ends.Count(end => end.Result?.ExitCode == ExitCode.Inconclusive),
            ends.Count(end => end.Problem is not null));
    }
}

/// <summary>
/// Every cell of some scenarios, on all cores. A cell's machine is built when its turn comes, and let go of when its run is over.
/// </summary>
internal sealed class MatrixRun(Terminal terminal, ILoggerFactory? logging, bool trusted)
{
    private readonly ScriptGuests _guests = new(logging, trusted: trusted);
    private readonly ILogger? _logger = logging?.CreateLogger("matrix");

    /// <summary>Runs every cell. Nothing that is wrong with one of them keeps the others from running.</summary>
    public IReadOnlyList<ScenarioEnd> Run(IReadOnlyList<string> paths, IReadOnlyList<SettingOverride> overrides)
    {
        var scenarios = paths.Select(path => Read(path, overrides)).ToArray();
        (Job Scenario, int Cell)[] jobs =
            [.. scenarios.SelectMany(scenario => Enumerable.Range(0, scenario.Cells.Length).Select(cell => (scenario, cell)))];
        ParallelRuns.Of(terminal, jobs, "cells", job => job.Scenario.Ends[job.Cell] = Run(job.Scenario, job.Cell));
        return [.. scenarios.Select(scenario => new ScenarioEnd(scenario.Path, scenario.Base, scenario.Problem, scenario.Ends))];
    }

    private static Job Read(string path, IReadOnlyList<SettingOverride> overrides)
    {
        try
        {
            var file = ScenarioFile.Read(path, overrides);
            return new Job(path, file.Document.Base, [.. file.Document.Cells], null, overrides);
        }
        catch (Exception problem) when (problem is ScenarioException or InputException)
        {
            return new Job(path, null, [], problem, []);
        }
    }

    /// <summary>
    /// With policies of the command line a cell on whose machine one of them does not exist is left out; the scenario as written has to be
    /// possible.
    /// </summary>
    private CellEnd Run(Job scenario, int index)
    {
        var cell = scenario.Cells[index];
        try
        {
            var run = new CellRun(cell, _guests);
            return new CellEnd(cell, run.Run(new RunLimits(), logger: _logger).WithoutMachine(), null);
        }
        catch (Exception problem) when (index > 0 && ImpossiblePolicy.IsOf(problem, scenario.Options))
        {
            return new CellEnd(cell, null, null);
        }
        catch (Exception problem)
        {
            return new CellEnd(cell, null, new CellException(cell.Name, problem));
        }
    }

    private sealed record Job(string Path, Scenario? Base, ScenarioCell[] Cells, Exception? Problem, IReadOnlyList<SettingOverride> Options)
    {
        public CellEnd[] Ends { get; } = new CellEnd[Cells.Length];
    }
}

/// <summary>A cell's machine could not be built or run to its end.</summary>
internal sealed class CellException(string cell, Exception problem) : Exception($"cell {cell}", problem)
{
    /// <summary>The same among the cells of several scenarios.</summary>
    public CellException Of(string scenario) => new($"{cell} of {scenario}", InnerException!);
}
