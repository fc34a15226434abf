using System.Globalization;
using ScenarioHv.Cli.Commands;
using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Output;

/// <summary>The tables of <c>explore --all</c> and <c>explore --compare</c>.</summary>
internal static class ExploreTables
{
    private const string Unknown = "-";

    /// <summary>Writes what was found for each value, and the schedules of the failures.</summary>
    public static void Write(Terminal terminal, string point, IReadOnlyList<ComparedValue> rows)
    {
        var scenario = rows[0].Finding.Source.Cell.Scenario;
        WriteHeading(terminal, scenario);
        if (rows[0].Finding.Source.Cell.Name is var cell && cell != ScenarioCell.BaseName)
        {
            terminal.Out.WriteLine($"cell {cell}");
        }

        terminal.Out.WriteLine();
        WriteAligned(
            terminal.Out,
            2,
            [point, "verdict", "states", "transitions", "time", "shortest failure"],
            [.. rows.Select(row => (IReadOnlyList<string>)[row.Value, .. Columns(row.Finding)])]);
        WriteFailures(terminal, [.. rows.Select(row => (row.Value, row.Finding, row.Replay))]);
    }

    /// <summary>Writes what was found in each cell, and the schedules of the failures that nobody expected.</summary>
    public static void Write(Terminal terminal, Scenario scenario, IReadOnlyList<ExploredCell> ends)
    {
        var cells = ends.Where(end => !end.IsLeftOut).ToArray();
        WriteHeading(terminal, scenario);
        terminal.Out.WriteLine();
        WriteAligned(
            terminal.Out,
            3,
            ["cell", "verdict", "expected", "states", "transitions", "time", "shortest failure"],
            [.. cells.Select(Columns)]);
        if (ends.Any(end => end.IsLeftOut))
        {
            terminal.Out.WriteLine("left out, because what --set chooses does not exist on their machines: "
                + string.Join("; ", ends.Where(end => end.IsLeftOut).Select(end => end.Cell.Name)));
        }

        var met = cells.Count(end => end.Finding?.ExitCode == ExitCode.AsExpected);
        terminal.Out.WriteLine($"{Wording.Count(cells.Length, "cell", "cells")}, {met} as expected, {cells.Length - met} not");
        WriteFailures(terminal, [.. cells.Where(end => end.Finding is { ExitCode: not ExitCode.AsExpected })
            .Select(end => (end.Cell.Name, end.Finding!, end.Replay))]);
    }

    private static void WriteHeading(Terminal terminal, Scenario scenario) =>
        terminal.Out.WriteLine(scenario.Title == scenario.Name ? scenario.Name : $"{scenario.Name}: {scenario.Title}");

    private static IReadOnlyList<string> Columns(ExploredCell end) => end.Finding is { } finding
        ? [end.Cell.Name, Columns(finding)[0], ExpectedOf(finding), .. Columns(finding).Skip(1)]
        : [end.Cell.Name, "failed", .. Enumerable.Repeat(Unknown, 5)];

    private static string[] Columns(CellFinding finding) =>
    [
        finding.OutcomeWithProperty,
        Wording.Number(finding.Found.Size.States),
        Wording.Number(finding.Found.Size.Transitions),
        finding.Elapsed.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) + " s",
        finding.FailureSteps is { } steps ? Wording.Count(steps, "step", "steps") : Unknown,
    ];

    private static string ExpectedOf(CellFinding finding)
    {
        var expected = string.Join(" or ", finding.Expected);
        return finding.ExitCode switch
        {
            ExitCode.NotAsExpected => expected.Length == 0 ? "NOT HELD" : expected + ", NOT MET",
            ExitCode.Inconclusive => expected.Length == 0 ? "NOT KNOWN" : expected + ", NOT KNOWN",
            _ => expected.Length == 0 ? Unknown : expected,
        };
    }

    private static void WriteFailures(Terminal terminal, IReadOnlyList<(string Name, CellFinding Finding, ReplayCommand Replay)> rows)
    {
        foreach (var (name, finding, replay) in rows)
        {
            if (finding.Found.Failure is null && finding.Outcome != Outcome.Inconclusive)
            {
                continue;
            }

            terminal.Out.WriteLine();
            terminal.Out.WriteLine($"{name}: {finding.OutcomeWithProperty}: {finding.Found.Reason}");
            if (finding.Found.Failure is not null)
            {
                terminal.Out.WriteLine("  " + replay.For(finding));
            }
        }
    }

    private static void WriteAligned(
        TextWriter output, int firstNumber, IReadOnlyList<string> headings, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = headings.Select((heading, column) => rows.Select(row => row[column].Length).Append(heading.Length).Max()).ToArray();
        foreach (var row in rows.Prepend(headings))
        {
            output.WriteLine(string.Join("  ", row.Select((text, column) =>
                column < firstNumber ? text.PadRight(widths[column]) : text.PadLeft(widths[column]))).TrimEnd());
        }

        output.WriteLine();
    }
}
