using ScenarioHv.Cli.Running;
using Spectre.Console;

namespace ScenarioHv.Cli.Output;

/// <summary>The table of <c>matrix</c> about several scenarios, for a person who watches.</summary>
internal static class SurveyTable
{
    /// <summary>Writes the table: per scenario a row with its name and counts, then a row per cell.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<ScenarioEnd> scenarios)
    {
        var table = MatrixTable.Empty();
        foreach (var scenario in scenarios)
        {
            var heading = Markup.Escape(SurveyText.Heading(scenario));
            var summary = Markup.Escape(SurveyText.Summary(scenario));
            table.AddRow(new Markup($"[bold]{heading}[/]\n[{(scenario.Scenario is null ? "red" : "dim")}]{summary}[/]"));
            foreach (var end in scenario.Cells.Where(end => !end.IsLeftOut))
            {
                Add(table, end);
            }
        }

        MatrixTable.Print(terminal, table);
    }

    private static void Add(Table table, CellEnd end)
    {
        if (end.Result is not { } result)
        {
            table.AddRow(new Markup(Markup.Escape(end.Cell.Name)), new Markup("[red]failed[/]"));
            return;
        }

        var row = MatrixRow.Of(result);
        MatrixTable.Add(table, result.ExitCode == ExitCode.AsExpected ? row with { Note = "" } : row);
    }
}
