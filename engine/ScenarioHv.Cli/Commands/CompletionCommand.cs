using System.CommandLine;
using ScenarioHv.Cli.Completion;
using ScenarioHv.Cli.Output;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>completion</c>: a script by which a shell completes this command.</summary>
internal static class CompletionCommand
{
    private static readonly OrderedDictionary<string, Func<CompletionTree, string>> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = BashCompletion.Text,
        ["zsh"] = ZshCompletion.Text,
        ["fish"] = FishCompletion.Text,
        ["pwsh"] = PwshCompletion.Text,
    };

    /// <summary>The shells that there is a script for.</summary>
    public static IReadOnlyList<string> Shells => Scripts.Keys;

    /// <summary>Writes the script.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="shell">The shell's name.</param>
    /// <param name="root">All commands.</param>
    /// <exception cref="InputException">There is no script for this shell.</exception>
    public static ExitCode Run(Terminal terminal, string shell, Command root)
    {
        if (!Scripts.TryGetValue(shell, out var script))
        {
            throw new InputException(
                $"there is no completion for '{shell}'{NearestName.Hint(shell, Shells)}; expected one of {string.Join(", ", Shells)}");
        }

        terminal.Out.Write(script(CompletionTree.Of(root)));
        return ExitCode.AsExpected;
    }
}
