using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>matrix</c>: every cell, on all cores, reported in the scenario's order.</summary>
internal sealed class MatrixCommand(Terminal terminal, LogLevel logLevel)
{
    /// <summary>Runs and reports.</summary>
    public ExitCode Run(string name, IReadOnlyList<SettingOverride> overrides, bool asJson)
    {
        using var logging = StderrLogging.Factory(terminal.Error, logLevel);
        var file = ScenarioFile.Read(name, overrides);
        var guests = new ScriptGuests(logging);
        var results = RunAll([.. file.Document.Cells.Select(cell => new CellRun(cell, guests))], logging);
        if (asJson)
        {
            RunJson.Write(terminal.Out, file.Document.Base, results);
        }
        else
        {
            MatrixText.Write(terminal, file.Document.Base, results);
        }

        return results.Any(result => result.ExitCode == ExitCode.NotAsExpected) ? ExitCode.NotAsExpected
            : results.Any(result => result.ExitCode == ExitCode.Inconclusive) ? ExitCode.Inconclusive
            : ExitCode.AsExpected;
    }

    private CellResult[] RunAll(IReadOnlyList<CellRun> cells, ILoggerFactory? logging)
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
