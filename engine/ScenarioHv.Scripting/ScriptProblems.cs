using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace ScenarioHv.Scripting;

/// <summary>What was found wrong with one script, by position in its text.</summary>
internal sealed class ScriptProblems(ScriptSource source, SourceText text)
{
    private readonly List<(int Position, string Message)> _found = [];

    /// <summary>Notes a problem at the start of <paramref name="node"/>.</summary>
    public void Add(SyntaxNode node, string message) => Add(node.SpanStart, message);

    /// <summary>Notes a problem at <paramref name="token"/>.</summary>
    public void Add(SyntaxToken token, string message) => Add(token.SpanStart, message);

    /// <summary>Notes a problem at a position of the text.</summary>
    public void Add(int position, string message)
    {
        if (!_found.Contains((position, message)))
        {
            _found.Add((position, message));
        }
    }

    /// <summary>Ends the compilation if there was a problem: what comes later would only be a consequence of it.</summary>
    public void ThrowIfAny()
    {
        if (_found.Count != 0)
        {
            var ordered = _found.OrderBy(problem => problem.Position).Select(problem => At(problem.Position, problem.Message));
            throw new ScriptException([.. ordered]);
        }
    }

    private ScriptDiagnostic At(int position, string message)
    {
        var place = text.Lines.GetLinePosition(Math.Clamp(position, 0, text.Length));
        return new ScriptDiagnostic(source.Name, place.Line + 1, place.Character + 1, message);
    }
}
