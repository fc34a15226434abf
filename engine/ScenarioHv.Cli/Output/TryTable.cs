using ScenarioHv.Cli.Running;
using Spectre.Console;

namespace ScenarioHv.Cli.Output;

/// <summary>The table of <c>try</c> for a person who watches.</summary>
internal static class TryTable
{
    private const int FirstNumber = 2;

    /// <summary>Writes the table: per scenario a row with its name, per machine one with the verdict, then a row per value.</summary>
    public static void Write(Terminal terminal, string point, IReadOnlyList<TryScenarioEnd> scenarios)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var (heading, column) in TryRow.Headings.Select((heading, column) => (heading, column)))
        {
            table.AddColumn(new TableColumn(Markup.Escape(column == 0 ? point : heading))
            {
                Alignment = column < FirstNumber ? Justify.Left : Justify.Right,
                NoWrap = column > 0,
            });
        }

        foreach (var scenario in scenarios.Where(TryReport.IsListed))
        {
            table.AddRow(new Markup($"[bold]{Markup.Escape(TryReport.Heading(scenario))}[/]"));
            foreach (var machine in scenario.Machines)
            {
                Add(table, machine);
            }

            table.AddEmptyRow();
        }

        MatrixTable.Print(terminal, table);
    }

    private static void Add(Table table, TryMachineEnd machine)
    {
        table.AddRow(new Markup($"[{ColourOf(machine.Verdict)}]{Markup.Escape(TryReport.Heading(machine))}[/]"));
        if (!TryReport.IsListed(machine))
        {
            return;
        }

        foreach (var row in TryRow.Of(machine))
        {
            table.AddRow(row.Columns.Select((cell, column) => new Markup(
                column == 1 ? $"[{MatrixTable.ColourOf(row.Outcome)}]{Markup.Escape(cell)}[/]"
                : column == 0 ? $"  {(row.IsScript ? $"[bold]{Markup.Escape(cell)}[/]" : Markup.Escape(cell))}"
                : Markup.Escape(cell))));
        }
    }

    private static string ColourOf(TryVerdict verdict) => verdict switch
    {
        TryVerdict.Cured or TryVerdict.Good => "green",
        TryVerdict.Unknown => "yellow",
        TryVerdict.Same or TryVerdict.NotApplicable => "dim",
        _ => "red",
    };
}
