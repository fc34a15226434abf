using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace ScenarioHv.Scripting;

/// <summary>What was found wrong with one script and the files that it loads, by position in the text of each.</summary>
internal sealed class ScriptProblems(ScriptSource source, SourceText text)
{
    private readonly List<(int File, int Position, ScriptDiagnostic Diagnostic)> _found = [];

    /// <summary>Notes a problem at the start of <paramref name="node"/>.</summary>
    public void Add(SyntaxNode node, string message) => Add(node.SyntaxTree, node.SpanStart, message);

    /// <summary>Notes a problem at <paramref name="token"/>.</summary>
    public void Add(SyntaxToken token, string message) => Add(token.SyntaxTree!, token.SpanStart, message);

    /// <summary>Notes a problem at a position of the script's own text.</summary>
    public void Add(int position, string message) => Add(source, text, position, message);

    /// <summary>Notes a problem at a position of a file's text.</summary>
    public void Add(SyntaxTree tree, int position, string message) => Add(
        source.Helpers.FirstOrDefault(helper => helper.FullPath == tree.FilePath) ?? source, tree.GetText(), position, message);

    /// <summary>Ends the compilation if there was a problem: what comes later would only be a consequence of it.</summary>
    public void ThrowIfAny()
    {
        if (_found.Count != 0)
        {
            throw new ScriptException(
                [.. _found.OrderBy(problem => problem.File).ThenBy(problem => problem.Position).Select(problem => problem.Diagnostic)]);
        }
    }

    /// <summary>A problem of a file that is loaded comes before those of the script, which may follow from it.</summary>
    private void Add(ScriptSource file, SourceText content, int position, string message)
    {
        var place = content.Lines.GetLinePosition(Math.Clamp(position, 0, content.Length));
        var diagnostic = new ScriptDiagnostic(file.Name, place.Line + 1, place.Character + 1, message);
        if (!_found.Exists(problem => problem.Diagnostic == diagnostic))
        {
            var index = source.Helpers.ToList().IndexOf(file);
            _found.Add((index < 0 ? int.MaxValue : index, position, diagnostic));
        }
    }
}
