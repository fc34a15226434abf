using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>matrix</c>: every cell, on all cores, reported in the scenario's order.</summary>
internal sealed class MatrixCommand(Terminal terminal, LogLevel logLevel)
{
    /// <summary>Runs and reports.</summary>
    public ExitCode Run(string name, IReadOnlyList<SettingOverride> overrides, bool asJson)
    {
        using var logging = StderrLogging.Factory(terminal.Error, logLevel);
        var file = ScenarioFile.Read(name, overrides);
        var cells = Build(file, new ScriptGuests(logging), out var leftOut);
        var results = RunAll(cells, logging);
        if (asJson)
        {
            RunJson.Write(terminal.Out, file.Document.Base, results, leftOut);
        }
        else
        {
            MatrixText.Write(terminal, file.Document.Base, results, leftOut);
        }

        return results.Any(result => result.ExitCode == ExitCode.NotAsExpected) ? ExitCode.NotAsExpected
            : results.Any(result => result.ExitCode == ExitCode.Inconclusive) ? ExitCode.Inconclusive
            : ExitCode.AsExpected;
    }

    /// <summary>
    /// Builds every cell. With policies of the command line a cell on whose machine one of them does not exist is left out and named;
    /// the scenario as written has to be possible.
    /// </summary>
    private static List<CellRun> Build(ScenarioFile file, ScriptGuests guests, out List<string> leftOut)
    {
        var options = file.Overrides.Select(option => option.OptionText).ToHashSet(StringComparer.Ordinal);
        var cells = new List<CellRun>();
        leftOut = [];
        foreach (var cell in file.Document.Cells)
        {
            try
            {
                cells.Add(new CellRun(cell, guests));
            }
            catch (ScenarioException problem) when (cells.Count > 0 && options.Contains(problem.Diagnostic.File))
            {
                leftOut.Add(cell.Name);
            }
            catch (Exception problem) when (problem is ScenarioException or ScriptException)
            {
                throw new CellException(cell.Name, problem);
            }
        }

        return cells;
    }

    private CellResult[] RunAll(List<CellRun> cells, ILoggerFactory? logging)
    {
        using var progress = new Progress(terminal);
        var logger = logging?.CreateLogger("matrix");
        var results = new CellResult[cells.Count];
        var failures = new Exception?[cells.Count];
        var done = 0;
        Parallel.For(0, cells.Count, index =>
        {
            try
            {
                results[index] = cells[index].Run(new RunLimits(), logger: logger);
            }
            catch (Exception problem)
            {
                failures[index] = problem;
            }

            progress.Show($"{Interlocked.Increment(ref done)} of {Wording.Count(cells.Count, "cell", "cells")}");
        });

        var failed = Array.FindIndex(failures, failure => failure is not null);
        return failed < 0 ? results : throw new CellException(cells[failed].Cell.Name, failures[failed]!);
    }
}

/// <summary>A cell could not be run to its end.</summary>
internal sealed class CellException(string cell, Exception problem) : Exception($"cell {cell}", problem);
