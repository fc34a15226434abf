using System.Text;

namespace ScenarioHv.Cli.Completion;

/// <summary>The script for fish, 3.0 and later.</summary>
internal static class FishCompletion
{
    private const string Complete = "complete -c " + CompletionTree.Tool;

    private const string Folders = "(__fish_complete_directories)";

    /// <summary>The script.</summary>
    public static string Text(CompletionTree tree)
    {
        var text = new StringBuilder("# fish completion for scenariohv. Load it with: scenariohv completion fish | source\n\n");
        text.Append($"{Complete} -f\n");
        foreach (var option in tree.Options)
        {
            Option(text, "__fish_use_subcommand", option);
        }

        foreach (var command in tree.Commands)
        {
            text.Append($"{Complete} -n __fish_use_subcommand -a {command.Name} -d {Quoted(command.Description)}\n");
        }

        foreach (var command in tree.Commands)
        {
            var condition = $"__fish_seen_subcommand_from {command.Name}";
            text.Append('\n');
            if (command.Argument is { } argument && (argument.Words.Count > 0 || argument.Files || argument.Folders))
            {
                text.Append($"{Complete} -n {Quoted(condition)}{(argument.Files ? " -F" : "")}{Words(argument)}\n");
            }

            foreach (var option in command.Options)
            {
                Option(text, condition, option);
            }
        }

        return text.ToString();
    }

    private static void Option(StringBuilder text, string condition, CompletionOption option)
    {
        var names = option.Names.Select(name => name.StartsWith("--", StringComparison.Ordinal) ? $" -l {name[2..]}" : $" -s {name[1..]}");
        var value = option.Value is not { } taken ? "" : (taken.Files ? " -r -F" : " -x") + Words(taken);
        text.Append($"{Complete} -n {Quoted(condition)}{string.Concat(names)}{value} -d {Quoted(option.Description)}\n");
    }

    private static string Words(CompletionValue value)
    {
        var words = string.Join(' ', value.Folders ? [.. value.Words, Folders] : value.Words);
        return words.Length == 0 ? "" : $" -a {Quoted(words)}";
    }

    private static string Quoted(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
