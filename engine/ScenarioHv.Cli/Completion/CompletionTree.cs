using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;

namespace ScenarioHv.Cli.Completion;

/// <summary>What may stand where a command or an option takes a value.</summary>
/// <param name="Words">The words that are known.</param>
/// <param name="Files">True if it may be a file.</param>
/// <param name="Folders">True if it is a folder.</param>
internal sealed record CompletionValue(IReadOnlyList<string> Words, bool Files, bool Folders);

/// <summary>An option.</summary>
/// <param name="Names">Its name and its short forms.</param>
/// <param name="Description">One line about it.</param>
/// <param name="Value">What it takes; null for a flag.</param>
internal sealed record CompletionOption(IReadOnlyList<string> Names, string Description, CompletionValue? Value);

/// <summary>A command.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">One line about it.</param>
/// <param name="Options">Its options.</param>
/// <param name="Argument">What it takes besides; null if nothing.</param>
internal sealed record CompletionVerb(
    string Name, string Description, IReadOnlyList<CompletionOption> Options, CompletionValue? Argument);

/// <summary>The commands with their options, as shells need them.</summary>
internal sealed record CompletionTree(IReadOnlyList<CompletionOption> Options, IReadOnlyList<CompletionVerb> Commands)
{
    /// <summary>The name under which the command is installed.</summary>
    public const string Tool = "scenariohv";

    /// <summary>Reads it from the command line's own definition.</summary>
    public static CompletionTree Of(Command root)
    {
        var help = root.Options.OfType<HelpOption>().Select(OptionOf).ToArray();
        return new CompletionTree(
            [.. root.Options.Select(OptionOf)],
            [.. root.Subcommands.Select(command => new CompletionVerb(
                command.Name,
                command.Description ?? "",
                [.. command.Options.Where(option => option is not HelpOption).Select(OptionOf), .. help],
                ArgumentOf(command)))]);
    }

    /// <summary>What stands behind the command's name: of several arguments any, because words alone do not tell which is next.</summary>
    private static CompletionValue? ArgumentOf(Command command)
    {
        CompletionValue[] values = [.. command.Arguments.Select(argument => ValueOf(argument, argument.HelpName ?? argument.Name))];
        return values.Length == 0 ? null : new CompletionValue(
            [.. values.SelectMany(value => value.Words)], values.Any(value => value.Files), values.Any(value => value.Folders));
    }

    private static CompletionOption OptionOf(Option option) => new(
        [.. option.Aliases.Prepend(option.Name).Where(IsTyped).Distinct().OrderByDescending(name => name.Length)],
        option.Description ?? "",
        IsFlag(option) ? null : ValueOf(option, option.HelpName ?? ""));

    /// <summary>Not the forms with which other systems ask for help.</summary>
    private static bool IsTyped(string name) => name.StartsWith('-') && !name.EndsWith('?');

    private static bool IsFlag(Option option) => option is HelpOption or VersionOption || option.ValueType == typeof(bool);

    private static CompletionValue ValueOf(Symbol symbol, string kind) => new(
        [.. symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label)],
        Files: kind is "file" or "path" or "script" or "subject",
        Folders: kind is "folder");
}

/// <summary>Says which words an option or argument takes.</summary>
internal static class CompletionOffers
{
    /// <summary>The option with the words that it takes; they are asked for only when a script is made.</summary>
    public static Option<T> Offering<T>(this Option<T> option, Func<IEnumerable<string>> words)
    {
        option.CompletionSources.Clear();
        option.CompletionSources.Add(_ => words());
        return option;
    }

    /// <summary>The argument with the words that it takes, which its usage does not list.</summary>
    public static Argument<T> Offering<T>(this Argument<T> argument, Func<IEnumerable<string>> words)
    {
        argument.HelpName ??= argument.Name;
        argument.CompletionSources.Clear();
        argument.CompletionSources.Add(_ => words());
        return argument;
    }
}
