namespace ScenarioHv.Cli.Output;

/// <summary>Text with headings, wrapped paragraphs and terms with their meaning.</summary>
internal sealed class Page(TextWriter output, Colour colour, int width)
{
    private bool _hasText;

    /// <summary>A heading, apart from what was before it.</summary>
    public void Heading(string text)
    {
        if (_hasText)
        {
            output.WriteLine();
        }

        _hasText = true;
        output.WriteLine(colour.Good(text));
    }

    /// <summary>A wrapped paragraph.</summary>
    public void Paragraph(string text, int indent = 2)
    {
        _hasText = true;
        foreach (var line in Wording.Wrap(text, width - indent))
        {
            output.WriteLine(new string(' ', indent) + line);
        }
    }

    /// <summary>Terms with their meaning beside them; a term that is too long has its meaning below.</summary>
    public void Terms(IReadOnlyList<(string Term, string Meaning)> terms, int indent = 2)
    {
        const int Widest = 34;
        var column = Math.Min(Widest, terms.Select(term => term.Term.Length).DefaultIfEmpty(0).Max()) + 2;
        var blank = new string(' ', indent + column);
        foreach (var (term, meaning) in terms)
        {
            var start = new string(' ', indent) + term;
            var lines = Wording.Wrap(meaning, width - indent - column).ToList();
            if (term.Length > Widest)
            {
                output.WriteLine(start);
                start = "";
            }

            foreach (var line in lines)
            {
                output.WriteLine((start.PadRight(indent + column) + line).TrimEnd());
                start = blank;
            }
        }

        _hasText = true;
    }
}
