namespace ScenarioHv.Cli;

/// <summary>Something on the command line cannot be used. The message is what the user sees.</summary>
internal sealed class InputException(string message) : Exception(message);
