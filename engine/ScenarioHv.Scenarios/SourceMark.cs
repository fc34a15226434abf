namespace ScenarioHv.Scenarios;

/// <summary>A place in what the author wrote: a file with line and column, or a command-line option, which has neither.</summary>
/// <param name="File">The path as the caller gave it, or the text of the option.</param>
/// <param name="Line">Line, from 1; 0 for an option.</param>
/// <param name="Column">Column in characters, from 1; 0 for an option.</param>
public readonly record struct SourceMark(string File, int Line, int Column)
{
    /// <summary>The first character of a file: where errors about the file as a whole are reported.</summary>
    /// <param name="file">The path as the caller gave it.</param>
    public static SourceMark StartOf(string file) => new(file, 1, 1);

    /// <summary>The exception that reports <paramref name="message"/> here; the caller throws it.</summary>
    /// <param name="message">What was found and what is allowed, one line.</param>
    public ScenarioException Error(string message) => new(new Diagnostic(File, Line, Column, message));

    /// <summary><c>path:line:column</c>, or only the option's text.</summary>
    public override string ToString() => Line == 0 ? File : $"{File}:{Line}:{Column}";
}
