namespace ScenarioHv.Scenarios;

/// <summary>One error in what the author wrote, with its place.</summary>
/// <param name="File">The path as the caller gave it, or the text of a command-line option.</param>
/// <param name="Line">Line, from 1; 0 for an option.</param>
/// <param name="Column">Column in characters, from 1; 0 for an option.</param>
/// <param name="Message">What was found and what is allowed, one line.</param>
public sealed record Diagnostic(string File, int Line, int Column, string Message)
{
    /// <summary>The one format of every error: <c>path:line:column: message</c>; for an option, <c>option: message</c>.</summary>
    public override string ToString() => $"{new SourceMark(File, Line, Column)}: {Message}";
}
