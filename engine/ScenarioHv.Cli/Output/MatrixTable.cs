using ScenarioHv.Scenarios;
using Spectre.Console;

namespace ScenarioHv.Cli.Output;

/// <summary>The table of <c>matrix</c> for a person who watches.</summary>
internal static class MatrixTable
{
    private const int FirstNumber = 3;

    private static readonly string[] Headings = ["cell", "outcome", "expected", "cycles, time", "wasted", "re-injected"];

    /// <summary>Writes the table of one scenario.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<MatrixRow> rows)
    {
        var table = Empty();
        foreach (var row in rows)
        {
            Add(table, row);
        }

        Print(terminal, table);
    }

    /// <summary>A table without rows.</summary>
    public static Table Empty()
    {
        var table = new Table { Border = TableBorder.Rounded, ShowRowSeparators = true };
        for (var column = 0; column < Headings.Length; column++)
        {
            table.AddColumn(new TableColumn(Headings[column])
            {
                Alignment = column < FirstNumber ? Justify.Left : Justify.Right,
                NoWrap = column > 0,
            });
        }

        return table;
    }

    /// <summary>Adds the row of a cell.</summary>
    public static void Add(Table table, MatrixRow row) => table.AddRow(
        Name(row),
        new Markup($"[{ColourOf(row.Result.Outcome)}]{Markup.Escape(row.Outcome)}[/]"),
        new Markup($"[{(row.Result.ExitCode == ExitCode.AsExpected ? "default" : "red")}]{Markup.Escape(row.Expected)}[/]"),
        new Markup(Markup.Escape($"{row.Cycles}\n{row.Time}")),
        new Markup(Markup.Escape(row.Wasted)),
        new Markup(Markup.Escape(row.Resent)));

    /// <summary>Writes <paramref name="table"/>.</summary>
    public static void Print(Terminal terminal, Table table)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(terminal.Out),
        });
        console.Profile.Width = terminal.Width;
        console.Write(table);
    }

    /// <summary>The policies of a cell one below the other, and its note.</summary>
    private static Markup Name(MatrixRow row)
    {
        var name = string.Join(",\n", row.Result.Source.Cell.Name.Split(", ").Aggregate(new List<string>(), AddPart));
        return new Markup(Markup.Escape(name) + (row.Note.Length == 0 ? "" : $"\n[dim]{Markup.Escape(row.Note.Trim())}[/]"));
    }

    /// <summary>A comma separates policies only if a policy follows: those between arguments do not.</summary>
    private static List<string> AddPart(List<string> parts, string part)
    {
        if (parts.Count > 0 && !part.Contains('=', StringComparison.Ordinal))
        {
            parts[^1] += ", " + part;
        }
        else
        {
            parts.Add(part);
        }

        return parts;
    }

    /// <summary>The colour of an outcome; null is that of what did not end.</summary>
    internal static string ColourOf(Outcome? outcome) => outcome switch
    {
        Outcome.Reached => "green",
        Outcome.Inconclusive => "yellow",
        _ => "red",
    };
}
