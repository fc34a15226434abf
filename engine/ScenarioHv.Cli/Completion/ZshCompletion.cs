using System.Text;

namespace ScenarioHv.Cli.Completion;

/// <summary>The script for zsh.</summary>
internal static class ZshCompletion
{
    private const string Begin = """
        #compdef scenariohv
        # zsh completion for scenariohv. Save it as _scenariohv in a folder of $fpath, or load it with:
        # source <(scenariohv completion zsh)

        _scenariohv() {
            local context state state_descr line
            typeset -A opt_args
            local -a commands
            commands=(

        """;

    private const string End = """
                    esac
                    ;;
            esac
        }

        if [ "$funcstack[1]" = "_scenariohv" ]; then
            _scenariohv "$@"
        else
            compdef _scenariohv scenariohv
        fi

        """;

    /// <summary>The script.</summary>
    public static string Text(CompletionTree tree)
    {
        var text = new StringBuilder(Begin.ReplaceLineEndings("\n"));
        foreach (var command in tree.Commands)
        {
            text.Append($"        {Quoted($"{command.Name}:{command.Description}")}\n");
        }

        text.Append("    )\n    _arguments -C");
        Options(text, tree.Options, "        ");
        text.Append(" \\\n        '1:command:->command' '*::argument:->argument'\n    case $state in\n");
        text.Append("        command) _describe -t commands command commands ;;\n        argument)\n            case $words[1] in\n");
        foreach (var command in tree.Commands)
        {
            text.Append($"                {command.Name})\n                    _arguments");
            Options(text, command.Options, "                        ");
            if (command.Argument is { } argument)
            {
                text.Append($" \\\n                        {Quoted($"*:argument:{Action(argument)}")}");
            }

            text.Append("\n                    ;;\n");
        }

        return text.Append("            ").Append(End.ReplaceLineEndings("\n")[12..]).ToString();
    }

    private static void Options(StringBuilder text, IEnumerable<CompletionOption> options, string indentation)
    {
        foreach (var option in options)
        {
            foreach (var name in option.Names)
            {
                var description = option.Description.Replace("[", "\\[", StringComparison.Ordinal)
                    .Replace("]", "\\]", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);
                var value = option.Value is { } taken ? $":value:{Action(taken)}" : "";
                text.Append($" \\\n{indentation}{Quoted($"*{name}[{description}]{value}")}");
            }
        }
    }

    /// <summary>How a value is completed: by words, files, or both; behind a blank zsh adds nothing to the call.</summary>
    private static string Action(CompletionValue value)
    {
        var words = value.Words.Count == 0 ? null
            : $"({string.Join(' ', value.Words.Select(word => word.Replace(":", "\\:", StringComparison.Ordinal)))})";
        var paths = value.Files ? "_files" : value.Folders ? "_files -/" : null;
        return words is not null && paths is not null
            ? $" _alternative \"words:word:{words}\" \"files:file:{paths}\""
            : words ?? paths ?? " ";
    }

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
