using ScenarioHv.Cli.Output;

namespace ScenarioHv.Cli.Stories;

/// <summary>
/// Writes a story as a table: a column for the numbers of the steps and one for each actor that takes part. Where there is no room for so
/// many, there is one for the name of the actor and one for what it does.
/// </summary>
internal sealed class StoryTable(TextWriter output, Colour colour, int width)
{
    /// <summary>The most columns of text that a story takes.</summary>
    public const int Widest = 140;

    private const string Heading = "step";
    private const string ActorHeading = "actor";
    private const int Gap = 2;
    private const int NarrowestColumn = 22;
    private const string Rule = "the following repeats for ever";

    private readonly int _width = Math.Min(width, Widest);

    /// <summary>Writes the table.</summary>
    public void Write(Story story)
    {
        var numbers = story.Lines.Select(Numbers).Append(Heading).Max(text => text.Length);
        var room = (_width - numbers) / Math.Max(1, story.Actors.Count);
        if (room - Gap >= NarrowestColumn)
        {
            WriteColumns(story, numbers, [.. story.Actors.Select(_ => room - Gap)]);
        }
        else
        {
            WriteNames(story, numbers, story.Actors.Select(actor => actor.Name.Length).Append(ActorHeading.Length).Max());
        }
    }

    private void WriteColumns(Story story, int numbers, int[] widths)
    {
        Row(Heading, numbers, [.. story.Actors.Select((actor, index) => (widths[index], actor.Name))]);
        Body(story, line => Cells(line, [.. story.Actors.Select((actor, index) =>
            (widths[index], actor == line.Actor ? line.Text : "", actor == line.Actor ? line.Mark : null))]));

        void Cells(StoryLine line, (int Width, string Text, string? Mark)[] cells) => Lay(Numbers(line), numbers, cells);
    }

    private void WriteNames(Story story, int numbers, int names)
    {
        var rest = Math.Max(NarrowestColumn, _width - numbers - names - (2 * Gap));
        Row(Heading, numbers, [(names, ActorHeading), (rest, "what")]);
        Body(story, line => Lay(Numbers(line), numbers, [(names, line.Actor.Name, null), (rest, line.Text, line.Mark)]));
    }

    private void Body(Story story, Action<StoryLine> write)
    {
        if (story.Inevitable == 0)
        {
            output.WriteLine(colour.Bad("<- inevitable from the beginning"));
        }

        var isRuled = story.PrefixSteps is null;
        foreach (var line in story.Lines)
        {
            if (!isRuled && line.First > story.PrefixSteps)
            {
                output.WriteLine(colour.Bad($"-- {Rule} ".PadRight(_width, '-')));
                isRuled = true;
            }

            write(line);
        }
    }

    private void Row(string number, int numbers, (int Width, string Text)[] cells)
    {
        var text = number.PadLeft(numbers) + string.Concat(cells.Select(cell => new string(' ', Gap) + cell.Text.PadRight(cell.Width)));
        output.WriteLine(colour.Faint(text.TrimEnd()));
    }

    /// <summary>The cells of a row side by side, each as long as it is; a mark stands below its text.</summary>
    private void Lay(string number, int numbers, (int Width, string Text, string? Mark)[] cells)
    {
        var wrapped = cells.Select(cell => Wrapped(cell.Width, cell.Text, cell.Mark)).ToArray();
        for (var line = 0; line < wrapped.Max(cell => cell.Count); line++)
        {
            var row = colour.Faint((line == 0 ? number : "").PadLeft(numbers));
            for (var i = 0; i < cells.Length; i++)
            {
                var (text, isMark) = line < wrapped[i].Count ? wrapped[i][line] : ("", false);
                var padded = i == cells.Length - 1 || Later(wrapped, i, line) ? text : text.PadRight(cells[i].Width);
                row += new string(' ', Gap) + (isMark ? colour.Bad(padded) : padded);
            }

            output.WriteLine(row.TrimEnd());
        }
    }

    /// <summary>True if nothing stands to the right.</summary>
    private static bool Later(List<(string Text, bool IsMark)>[] cells, int index, int line) =>
        !cells.Skip(index + 1).Any(cell => line < cell.Count && cell[line].Text.Length > 0);

    private static List<(string Text, bool IsMark)> Wrapped(int width, string text, string? mark)
    {
        List<(string Text, bool IsMark)> lines = [.. text.Length == 0 ? [] : Split(text, width).Select(line => (line, false))];
        if (mark is not null)
        {
            lines.AddRange(mark.Split('\n').SelectMany(part => Split(part, width)).Select(line => (line, true)));
        }

        return lines;
    }

    /// <summary>Wrapped text, in which a word that is too long is cut.</summary>
    private static IEnumerable<string> Split(string text, int width) =>
        Wording.Wrap(text, width).SelectMany(line => line.Chunk(width).Select(part => new string(part)));

    private static string Numbers(StoryLine line) =>
        line.First == line.Last ? Wording.Number(line.First) : $"{Wording.Number(line.First)}-{Wording.Number(line.Last)}";
}
