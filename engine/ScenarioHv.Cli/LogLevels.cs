using Microsoft.Extensions.Logging;

namespace ScenarioHv.Cli;

/// <summary>What <c>--log</c> asks for.</summary>
/// <param name="Level">The level of the lines that are wanted, and of what is graver.</param>
internal sealed record LogChoice(LogLevel Level);

/// <summary>The words for <c>--log</c>.</summary>
internal static class LogLevels
{
    /// <summary>The words, the quietest first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["none", "error", "warning", "information", "debug", "trace"];

    /// <summary>The level of a word; <c>info</c> is understood too.</summary>
    public static bool TryParse(string word, out LogLevel level)
    {
        (var known, level) = word switch
        {
            "none" => (true, LogLevel.None),
            "error" => (true, LogLevel.Error),
            "warning" => (true, LogLevel.Warning),
            "information" or "info" => (true, LogLevel.Information),
            "debug" => (true, LogLevel.Debug),
            "trace" => (true, LogLevel.Trace),
            _ => (false, LogLevel.None),
        };
        return known;
    }
}
