using System.Security;
using ScenarioHv.Cli.Output;
using ScenarioHv.Scripting;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>cache</c>: the compiled scripts of this user.</summary>
internal static class CacheCommand
{
    private const string Clear = "clear";
    private const string Damaged = "(damaged: compiled anew when it is used)";

    /// <summary>What can be done besides showing it.</summary>
    public static IReadOnlyList<string> Actions { get; } = [Clear];

    /// <summary>Shows the cache, or clears it.</summary>
    /// <param name="terminal">Where it is shown.</param>
    /// <param name="action">What to do; null to show it.</param>
    /// <exception cref="InputException">There is no such action.</exception>
    /// <exception cref="FileProblem">The cache cannot be read, or something in it not be removed.</exception>
    public static ExitCode Run(Terminal terminal, string? action)
    {
        if (action is not null and not Clear)
        {
            throw new InputException($"cache {action}: expected {Clear}, or nothing to show the cache{NearestName.Hint(action, Actions)}");
        }

        var cache = ScriptCache.Default();
        try
        {
            if (action is null)
            {
                Show(terminal.Out, cache);
            }
            else
            {
                var (files, bytes) = cache.Clear();
                terminal.Out.WriteLine($"removed {Wording.Count(files, "file", "files")}, {Wording.Bytes(bytes)}, of {Place(cache)}");
            }

            return ExitCode.AsExpected;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or SecurityException)
        {
            throw new FileProblem($"the cache of scripts cannot be {(action is null ? "read" : "cleared")}: {problem.Message}");
        }
    }

    private static void Show(TextWriter output, ScriptCache cache)
    {
        var entries = cache.Entries();
        var bytes = entries.Sum(entry => entry.Bytes);
        output.WriteLine($"place      {Place(cache)}");
        output.WriteLine($"entries    {Wording.Number(entries.Count)}, {Wording.Bytes(bytes)} of at most {Wording.Bytes(cache.Bound)}");
        if (entries.Count == 0)
        {
            return;
        }

        output.WriteLine();
        output.WriteLine("last use      size  script");
        foreach (var entry in entries)
        {
            output.WriteLine($"{entry.Day}{Wording.Bytes(entry.Bytes),8}  {entry.Script ?? Damaged}");
        }
    }

    private static string Place(ScriptCache cache) =>
        cache.Place ?? $"nowhere: this platform names no place, and ${ScriptCache.Variable} none";
}
