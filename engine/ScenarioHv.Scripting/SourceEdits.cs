using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace ScenarioHv.Scripting;

/// <summary>
/// Insertions into a script's text. Each is a hidden line of its own, and what follows it goes on under a <c>#line</c> directive that
/// names its true line and column:
/// diagnostics, stack traces, breakpoints and caller line numbers are those of the script as its author wrote it.
/// </summary>
internal sealed class SourceEdits
{
    private readonly List<Edit> _edits = [];

    private enum Place
    {
        /// <summary>Belongs to what ends here.</summary>
        End,

        /// <summary>The last statement of a block, before its brace.</summary>
        BlockEnd,

        /// <summary>Belongs to what begins here.</summary>
        Begin,
    }

    /// <summary>
    /// Inserts <paramref name="text"/> before <paramref name="node"/>, in place of its first <paramref name="replaced"/>
    /// characters.
    /// </summary>
    public void Before(SyntaxNode node, string text, int replaced = 0) => Add(node.SpanStart, replaced, text, Place.Begin, Depth(node));

    /// <summary>Inserts <paramref name="text"/> behind <paramref name="node"/>: inside what contains it.</summary>
    public void After(SyntaxNode node, string text) => Add(node.Span.End, 0, text, Place.End, -Depth(node));

    /// <summary>Inserts <paramref name="text"/> as the last statement of a block, before <paramref name="brace"/>.</summary>
    public void AtEndOfBlock(SyntaxToken brace, string text) => Add(brace.SpanStart, 0, text, Place.BlockEnd, 0);

    /// <summary>Puts <paramref name="text"/> in place of <paramref name="span"/>.</summary>
    public void Replace(TextSpan span, string text) => Add(span.Start, span.Length, text, Place.Begin, 0);

    /// <summary>Inserts <paramref name="text"/> at a position, before everything that begins there.</summary>
    public void Insert(int position, string text) => Add(position, 0, text, Place.Begin, -1);

    /// <summary>The same on its own line: an interpolation has no room for directives.</summary>
    public void InsertInline(int position, string text) => _edits.Add(new Edit(position, 0, text, Place.Begin, -1, Inline: true));

    /// <summary>
    /// Puts <paramref name="text"/> in place of <paramref name="span"/>, before everything else that begins there. For debuggers and stack
    /// traces it stands at the start of <paramref name="place"/>.
    /// </summary>
    public void InsertFor(SyntaxNode place, TextSpan span, string text) =>
        _edits.Add(new Edit(span.Start, span.Length, text, Place.Begin, span.Length == 0 ? -1 : 0, For: place));

    /// <summary>
    /// Puts <paramref name="open"/> and <paramref name="close"/> around an expression, on its own line: an interpolation has no room for
    /// directives. What follows on the line has other columns in debug information, not in diagnostics.
    /// </summary>
    public void Around(SyntaxNode expression, string open, string close)
    {
        var depth = Depth(expression);
        _edits.Add(new Edit(expression.SpanStart, 0, open, Place.Begin, depth, Inline: true));
        _edits.Add(new Edit(expression.Span.End, 0, close, Place.End, -depth, Inline: true));
    }

    /// <summary>
    /// Puts two texts around <paramref name="node"/>, outside of what <see cref="Before"/> and <see cref="After"/> put there;
    /// <paramref name="place"/> is as in <see cref="InsertFor"/>. What is between the first and the node, if anything, stands at the
    /// start of the node.
    /// </summary>
    public void Enclose(SyntaxNode node, string open, string close, SyntaxNode place, string? between = null)
    {
        _edits.Add(new Edit(node.SpanStart, 0, open, Place.Begin, Depth(node) - 1, For: place));
        if (between is not null)
        {
            _edits.Add(new Edit(node.SpanStart, 0, between, Place.Begin, Depth(node) - 1, For: node));
        }

        Add(node.Span.End, 0, close, Place.End, 1 - Depth(node));
    }

    /// <summary>Carries out the insertions.</summary>
    /// <param name="unit">The file; the directives name it.</param>
    /// <param name="prologue">Stands before everything.</param>
    /// <param name="epilogue">Stands behind everything.</param>
    public EditedSource Apply(ScriptUnit unit, string prologue, string epilogue)
    {
        var source = unit.Root.SyntaxTree.GetText();
        var path = unit.Source.FullPath;
        var text = new StringBuilder(prologue).Append("\n#line 1 \"").Append(path).Append("\"\n");
        var kept = new List<KeptText>();
        var at = 0;
        var open = true;
        var hidden = false;
        foreach (var edit in _edits.OrderBy(edit => edit.Start).ThenBy(edit => edit.Place).ThenBy(edit => edit.Depth))
        {
            if (edit.Start < at)
            {
                throw new InvalidOperationException($"Two edits of a script overlap at character {edit.Start}.");
            }

            if (edit.Start > at)
            {
                Keep(at, edit.Start);
            }

            at = edit.Start + edit.Length;
            if (edit.Inline)
            {
                text.Append(edit.Text);
                continue;
            }

            var visible = edit.For is { } place ? Directive(source, place, path) : null;
            text.Append(visible ?? (hidden ? "\n" : "\n#line hidden\n")).Append(edit.Text);
            (open, hidden) = (false, visible is null);
        }

        Keep(at, source.Length);
        text.Append("\n#line hidden\n").Append(epilogue);
        return new EditedSource(unit, text.ToString(), kept);

        void Keep(int from, int to)
        {
            if (!open)
            {
                var place = source.Lines.GetLinePosition(from);
                text.Append($"\n#line ({place.Line + 1},{place.Character + 1})-({source.Lines.Count + 1},65535) \"{path}\"\n");
                (open, hidden) = (true, false);
            }

            kept.Add(new KeptText(text.Length, from, to - from));
            text.Append(source.ToString(TextSpan.FromBounds(from, to)));
        }
    }

    private static string Directive(SourceText source, SyntaxNode node, string path)
    {
        var place = source.Lines.GetLinePosition(node.SpanStart);
        return $"\n#line ({place.Line + 1},{place.Character + 1})-({place.Line + 1},{place.Character + 2}) \"{path}\"\n";
    }

    private static int Depth(SyntaxNode node) => node.Ancestors().Count();

    private void Add(int start, int length, string text, Place place, int depth) => _edits.Add(new Edit(start, length, text, place, depth));

    private readonly record struct Edit(
        int Start, int Length, string Text, Place Place, int Depth, bool Inline = false, SyntaxNode? For = null);
}

/// <summary>A stretch of the script in the edited text.</summary>
internal readonly record struct KeptText(int Edited, int Original, int Length);

/// <summary>The edited text of a script, and where its parts come from.</summary>
internal sealed class EditedSource(ScriptUnit unit, string text, List<KeptText> kept)
{
    /// <summary>The file that was edited.</summary>
    public ScriptUnit Unit { get; } = unit;

    public string Text { get; } = text;

    /// <summary>The position in the script of a position in the edited text.</summary>
    /// <returns>Null inside an insertion.</returns>
    public int? Original(int position)
    {
        foreach (var part in kept)
        {
            if (position >= part.Edited && position <= part.Edited + part.Length)
            {
                return part.Original + position - part.Edited;
            }
        }

        return null;
    }
}
