namespace ScenarioHv.Scripting;

/// <summary>One thing that is wrong with a script, and where.</summary>
/// <param name="File">The script, as the caller named it.</param>
/// <param name="Line">1 or more.</param>
/// <param name="Column">1 or more, in UTF-16 code units.</param>
/// <param name="Message">What is wrong, and what to write instead.</param>
public sealed record ScriptDiagnostic(string File, int Line, int Column, string Message)
{
    /// <summary><c>path:line:col: message</c>.</summary>
    public override string ToString() => $"{File}:{Line}:{Column}: {Message}";
}

/// <summary>A script cannot be used. The message shows the first ten reasons, the most important first.</summary>
public sealed class ScriptException : Exception
{
    private const int Shown = 10;

    /// <summary>Creates the exception.</summary>
    /// <param name="diagnostics">At least one reason, the most important first.</param>
    public ScriptException(IReadOnlyList<ScriptDiagnostic> diagnostics) : base(Format(diagnostics)) => Diagnostics = diagnostics;

    internal ScriptException(string file, string message) : this([new ScriptDiagnostic(file, 1, 1, message)])
    {
    }

    /// <summary>Every reason, the most important first.</summary>
    public IReadOnlyList<ScriptDiagnostic> Diagnostics { get; }

    private static string Format(IReadOnlyList<ScriptDiagnostic> diagnostics)
    {
        var lines = diagnostics.Take(Shown).Select(diagnostic => diagnostic.ToString());
        return string.Join("\n", diagnostics.Count > Shown ? lines.Append($"... and {diagnostics.Count - Shown} more.") : lines);
    }
}
