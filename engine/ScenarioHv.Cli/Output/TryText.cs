using System.Runtime.CompilerServices;
using ScenarioHv.Cli.Running;

namespace ScenarioHv.Cli.Output;

/// <summary>The report of <c>try</c>: a table of values by scenario and machine, and what follows from it.</summary>
internal static class TryText
{
    private const int LabelWidth = 16;
    private const int FirstNumber = 2;
    private const string Indent = "  ";

    /// <summary>Writes the report.</summary>
    /// <param name="terminal">Where it goes.</param>
    /// <param name="script">The script, as the user named it.</param>
    /// <param name="point">The point that it fills.</param>
    /// <param name="scenarios">What became of the scenarios.</param>
    public static void Write(Terminal terminal, string script, string point, IReadOnlyList<TryScenarioEnd> scenarios)
    {
        terminal.Out.WriteLine($"{script} in place of {point}");
        terminal.Out.WriteLine();
        if (scenarios.Any(TryReport.IsListed))
        {
            if (terminal.OutIsWatched)
            {
                WriteWatched(terminal, point, scenarios);
            }
            else
            {
                WriteAligned(terminal.Out, point, scenarios);
            }

            terminal.Out.WriteLine();
        }

        foreach (var (label, text) in TryReport.Summary(scenarios))
        {
            WriteTerm(terminal, label, text);
        }
    }

    private static void WriteTerm(Terminal terminal, string label, string text)
    {
        var start = label.PadRight(LabelWidth);
        foreach (var line in Wording.Wrap(text, terminal.Width - LabelWidth))
        {
            terminal.Out.WriteLine(start + line);
            start = new string(' ', LabelWidth);
        }
    }

    /// <summary>A method of its own, so that the table library is loaded only when it is called.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WriteWatched(Terminal terminal, string point, IReadOnlyList<TryScenarioEnd> scenarios) =>
        TryTable.Write(terminal, point, scenarios);

    private static void WriteAligned(TextWriter output, string point, IReadOnlyList<TryScenarioEnd> scenarios)
    {
        string[] headings = [point, .. TryRow.Headings.Skip(1)];
        var widths = Widths([headings, .. scenarios.SelectMany(scenario => scenario.Machines)
            .Where(TryReport.IsListed).SelectMany(TryRow.Of).Select(row => row.Columns)]);
        output.WriteLine(Aligned(headings, widths));
        foreach (var scenario in scenarios.Where(TryReport.IsListed))
        {
            output.WriteLine();
            output.WriteLine(TryReport.Heading(scenario));
            foreach (var machine in scenario.Machines)
            {
                output.WriteLine(Indent + TryReport.Heading(machine));
                if (TryReport.IsListed(machine))
                {
                    foreach (var row in TryRow.Of(machine))
                    {
                        output.WriteLine(Aligned(row.Columns, widths));
                    }
                }
            }
        }
    }

    private static int[] Widths(IReadOnlyList<IReadOnlyList<string>> lines) =>
        [.. Enumerable.Range(0, lines[0].Count).Select(column => lines.Max(line => line[column].Length))];

    private static string Aligned(IReadOnlyList<string> cells, int[] widths) => (Indent + Indent + string.Join(
        Indent,
        cells.Select((cell, column) => column < FirstNumber ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column])))).TrimEnd();
}
