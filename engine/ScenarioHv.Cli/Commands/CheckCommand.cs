using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>check</c>: everything that can be wrong before the first step.</summary>
internal sealed class CheckCommand(Terminal terminal, LogLevel logLevel, bool trusted)
{
    /// <summary>Checks each file and reports each error.</summary>
    public ExitCode Run(IReadOnlyList<string> files)
    {
        using var logging = StderrLogging.Factory(terminal.Error, logLevel);
        var guests = new ScriptGuests(logging, trusted: trusted);
        var code = ExitCode.AsExpected;
        foreach (var file in files)
        {
            try
            {
                var cells = ScenarioFile.Read(file).Document.Cells;
                foreach (var cell in cells)
                {
                    _ = new CellRun(cell, guests);
                }

                terminal.Out.WriteLine($"{file}: ok ({Wording.Count(cells.Count, "cell", "cells")})");
            }
            catch (Exception problem) when (problem is ScenarioException or ScriptException or InputException)
            {
                code = FailureReport.Write(terminal, problem, logLevel <= LogLevel.Debug);
            }
        }

        return code;
    }
}
