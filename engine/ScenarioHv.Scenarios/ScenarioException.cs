namespace ScenarioHv.Scenarios;

/// <summary>A scenario that cannot be used as written. The message is the whole diagnostic, ready to print.</summary>
public sealed class ScenarioException : Exception
{
    /// <summary>Creates the exception for one error.</summary>
    /// <param name="diagnostic">What is wrong, and where.</param>
    public ScenarioException(Diagnostic diagnostic)
        : base(diagnostic.ToString()) => Diagnostic = diagnostic;

    /// <summary>What is wrong, and where.</summary>
    public Diagnostic Diagnostic { get; }
}
