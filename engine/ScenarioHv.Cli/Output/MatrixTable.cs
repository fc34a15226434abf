using ScenarioHv.Scenarios;
using Spectre.Console;

namespace ScenarioHv.Cli.Output;

/// <summary>The table of <c>matrix</c> for a person who watches.</summary>
internal static class MatrixTable
{
    private const int FirstNumber = 3;

    /// <summary>Writes the table.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<MatrixRow> rows)
    {
        var table = new Table { Border = TableBorder.Rounded, ShowRowSeparators = true };
        for (var column = 0; column < MatrixRow.Headings.Count; column++)
        {
            table.AddColumn(new TableColumn(Markup.Escape(MatrixRow.Headings[column]))
            {
                Alignment = column < FirstNumber ? Justify.Left : Justify.Right,
            });
        }

        foreach (var row in rows)
        {
            table.AddRow([.. row.Columns.Select((text, column) => Cell(row, text, column))]);
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(terminal.Out),
        });
        console.Profile.Width = terminal.Width;
        console.Write(table);
    }

    private static Markup Cell(MatrixRow row, string text, int column)
    {
        var markup = Markup.Escape(text);
        return new Markup(column switch
        {
            0 when row.Note.Length > 0 => $"{markup}\n[dim]{Markup.Escape(row.Note.Trim())}[/]",
            1 => $"[{ColourOf(row.Result.Outcome)}]{markup}[/]",
            2 => $"[{(row.Result.ExitCode == ExitCode.AsExpected ? "default" : "red")}]{markup}[/]",
            _ => markup,
        });
    }

    private static string ColourOf(Outcome outcome) => outcome switch
    {
        Outcome.Reached => "green",
        Outcome.Inconclusive => "yellow",
        _ => "red",
    };
}
