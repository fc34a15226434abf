using System.Runtime.CompilerServices;
using ScenarioHv.Cli.Running;

namespace ScenarioHv.Cli.Output;

/// <summary>The report of <c>matrix</c> about several scenarios: one table, grouped by scenario, each with its counts.</summary>
internal static class SurveyText
{
    private const string Indent = "  ";

    /// <summary>Writes the table and the totals.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<ScenarioEnd> scenarios)
    {
        if (terminal.OutIsWatched)
        {
            WriteWatched(terminal, scenarios);
        }
        else
        {
            WriteAligned(terminal, scenarios);
        }

        var unusable = scenarios.Count(scenario => scenario.Scenario is null);
        terminal.Out.WriteLine(
            $"{Wording.Count(scenarios.Count, "scenario", "scenarios")}, {Wording.Number(unusable)} of them cannot be used; "
            + Counts(MatrixCounts.Of(scenarios)));
    }

    /// <summary>Name and title of a scenario, or its path.</summary>
    internal static string Heading(ScenarioEnd scenario) =>
        scenario.Scenario is not { } known || known.Title == known.Name ? scenario.Name : $"{known.Name}: {known.Title}";

    /// <summary>The line below a scenario's cells.</summary>
    internal static string Summary(ScenarioEnd scenario)
    {
        if (scenario.Scenario is null)
        {
            return "cannot be used";
        }

        var leftOut = scenario.LeftOut.Count == 0 ? "" : $"; {Wording.Number(scenario.LeftOut.Count)} left out";
        return Counts(MatrixCounts.Of(scenario)) + leftOut;
    }

    /// <summary>The columns of a cell that ended, or of one that could not be run; its name is indented.</summary>
    private static IReadOnlyList<string> Columns(CellEnd end) => end.Result is { } result
        ? [Indent + end.Cell.Name, .. MatrixRow.Of(result).Columns.Skip(1)]
        : [Indent + end.Cell.Name, "failed", .. Enumerable.Repeat("-", MatrixRow.Headings.Count - 2)];

    private static string Counts(MatrixCounts counts) =>
        $"{Wording.Count(counts.Cells, "cell", "cells")}: {Wording.Number(counts.AsExpected)} as expected, "
        + $"{Wording.Number(counts.NotAsExpected)} not as expected, {Wording.Number(counts.Inconclusive)} inconclusive, "
        + $"{Wording.Number(counts.Failed)} failed to run";

    /// <summary>A method of its own, so that the table library is loaded only when it is called.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WriteWatched(Terminal terminal, IReadOnlyList<ScenarioEnd> scenarios) => SurveyTable.Write(terminal, scenarios);

    private static void WriteAligned(Terminal terminal, IReadOnlyList<ScenarioEnd> scenarios)
    {
        var lines = scenarios.Select(scenario => scenario.Cells.Where(end => !end.IsLeftOut).Select(end => (end, Columns(end))).ToArray())
            .ToArray();
        var widths = MatrixRow.Headings.Select(heading => heading.Length).ToArray();
        foreach (var (_, columns) in lines.SelectMany(line => line))
        {
            for (var column = 0; column < widths.Length; column++)
            {
                widths[column] = Math.Max(widths[column], columns[column].Length);
            }
        }

        terminal.Out.WriteLine(MatrixText.Aligned(MatrixRow.Headings, widths));
        terminal.Out.WriteLine();
        foreach (var (scenario, cells) in scenarios.Zip(lines))
        {
            terminal.Out.WriteLine(Heading(scenario));
            foreach (var (end, columns) in cells)
            {
                terminal.Out.WriteLine(MatrixText.Aligned(columns, widths));
                WriteNote(terminal, end);
            }

            terminal.Out.WriteLine(Indent + Summary(scenario));
            terminal.Out.WriteLine();
        }
    }

    /// <summary>What the author says about a cell is shown where it did not end as the author says.</summary>
    private static void WriteNote(Terminal terminal, CellEnd end)
    {
        if (end.Result is null or { ExitCode: ExitCode.AsExpected } || end.Cell.Note.Length == 0)
        {
            return;
        }

        foreach (var line in Wording.Wrap(end.Cell.Note, terminal.Width - 6))
        {
            terminal.Out.WriteLine("      " + line);
        }
    }
}
