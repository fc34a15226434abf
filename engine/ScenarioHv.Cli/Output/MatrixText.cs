using System.Runtime.CompilerServices;
using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Output;

/// <summary>One line of the table: everything as text.</summary>
/// <param name="Cell">The cell's name.</param>
/// <param name="Outcome">How it ended, with the property that explains it.</param>
/// <param name="Expected">What was expected, and whether it was met.</param>
/// <param name="Cycles">Cycles until the goal, or prefix + period.</param>
/// <param name="Time">The same as time.</param>
/// <param name="Wasted">Entries of the nested guest that came back before it retired anything.</param>
/// <param name="Resent">Level interrupts sent again.</param>
/// <param name="Note">What the author says about the cell.</param>
/// <param name="Result">Where it comes from.</param>
internal sealed record MatrixRow(
    string Cell, string Outcome, string Expected, string Cycles, string Time, string Wasted, string Resent, string Note, CellResult Result)
{
    /// <summary>The headings, in the order of the columns.</summary>
    public static IReadOnlyList<string> Headings { get; } = ["cell", "outcome", "expected", "cycles", "time", "wasted", "re-injected"];

    /// <summary>The columns.</summary>
    public IReadOnlyList<string> Columns => [Cell, Outcome, Expected, Cycles, Time, Wasted, Resent];

    /// <summary>The line of a result. What recurs goes on for ever, so its counters are those of one period.</summary>
    public static MatrixRow Of(CellResult result)
    {
        var hz = result.Config.TscHz;
        var (cycles, time) = result.Run.Recurrence is { } recurrence
            ? ($"{Wording.Number(recurrence.PrefixCycles)} + {Wording.Number(recurrence.Cycles)}",
                $"{Wording.Time(recurrence.PrefixCycles, hz)} + {Wording.Time(recurrence.Cycles, hz)}")
            : (Wording.Number(result.Run.Cycles), Wording.Time(result.Run.Cycles, hz));
        var work = result.Run.Recurrence?.Work ?? result.Run.Totals;
        var each = result.Run.Recurrence is null ? "" : " a period";
        return new MatrixRow(
            result.Source.Cell.Name,
            result.OutcomeWithProperty,
            ExpectedOf(result),
            cycles,
            time,
            result.Config.L2 is null ? "-" : Wording.Number(work.L2WastedEntries) + each,
            Wording.Number(work.Resent) + each,
            result.Source.Cell.Note,
            result);
    }

    private static string ExpectedOf(CellResult result)
    {
        var expected = string.Join(" or ", result.Expected);
        return result.ExitCode switch
        {
            ExitCode.NotAsExpected => expected + ", NOT MET",
            ExitCode.Inconclusive => expected.Length == 0 ? "NOT KNOWN" : expected + ", NOT KNOWN",
            _ => expected.Length == 0 ? "-" : expected,
        };
    }
}

/// <summary>The report of <c>matrix</c>.</summary>
internal static class MatrixText
{
    private const int FirstNumber = 3;

    /// <summary>Writes the table and the count.</summary>
    public static void Write(Terminal terminal, Scenario scenario, IReadOnlyList<CellResult> results, IReadOnlyList<string> leftOut)
    {
        var rows = results.Select(MatrixRow.Of).ToArray();
        terminal.Out.WriteLine(scenario.Title == scenario.Name ? scenario.Name : $"{scenario.Name}: {scenario.Title}");
        if (terminal.OutIsWatched)
        {
            WriteWatched(terminal, rows);
        }
        else
        {
            WriteAligned(terminal.Out, rows, terminal.Width);
        }

        if (leftOut.Count > 0)
        {
            terminal.Out.WriteLine($"left out, because what --set chooses does not exist on their machines: {string.Join("; ", leftOut)}");
        }

        var met = results.Count(result => result.ExitCode == ExitCode.AsExpected);
        terminal.Out.WriteLine($"{Wording.Count(results.Count, "cell", "cells")}, {met} as expected, {results.Count - met} not");
    }

    /// <summary>A method of its own, so that the table library is loaded only when it is called.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WriteWatched(Terminal terminal, MatrixRow[] rows) => MatrixTable.Write(terminal, rows);

    private static void WriteAligned(TextWriter output, MatrixRow[] rows, int width)
    {
        var widths = MatrixRow.Headings.Select((heading, column) => rows.Max(row => row.Columns[column].Length)).ToArray();
        for (var column = 0; column < widths.Length; column++)
        {
            widths[column] = Math.Max(widths[column], MatrixRow.Headings[column].Length);
        }

        output.WriteLine();
        output.WriteLine(Aligned(MatrixRow.Headings, widths));
        foreach (var row in rows)
        {
            output.WriteLine(Aligned(row.Columns, widths));
            if (row.Note.Length > 0)
            {
                foreach (var line in Wording.Wrap(row.Note, width - 4))
                {
                    output.WriteLine("    " + line);
                }
            }
        }

        output.WriteLine();
    }

    /// <summary>A line of a table.</summary>
    internal static string Aligned(IReadOnlyList<string> cells, int[] widths) =>
        string.Join("  ", cells.Select((cell, column) => Aligned(cell, column, widths[column]))).TrimEnd();

    private static string Aligned(string cell, int column, int width) => column < FirstNumber ? cell.PadRight(width) : cell.PadLeft(width);
}
