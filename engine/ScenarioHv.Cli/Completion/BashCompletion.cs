using System.Text;

namespace ScenarioHv.Cli.Completion;

/// <summary>The script for bash, 3.2 and later.</summary>
internal static class BashCompletion
{
    // The words of the line are read here and not taken from bash, which splits them at '@', '=' and ':' as well.
    private const string Begin = """
        # bash completion for scenariohv. Load it with: source <(scenariohv completion bash)

        _scenariohv_offer() {
            local word
            while IFS= read -r word; do
                COMPREPLY+=("$word")
            done < <(compgen "$@" -- "$cur")
        }

        _scenariohv_files() {
            compopt -o filenames 2>/dev/null
            _scenariohv_offer -f
        }

        _scenariohv_folders() {
            compopt -o filenames 2>/dev/null
            _scenariohv_offer -d
        }

        _scenariohv() {
            local line=${COMP_LINE:0:COMP_POINT}
            local cur=${line##*[[:space:]]}
            local before=${line%"$cur"}
            local -a words
            read -r -a words <<< "$before"
            local count=${#words[@]} command=${words[1]-} prev=""
            if ((count > 1)); then prev=${words[count - 1]}; fi
            COMPREPLY=()
            _scenariohv_complete
            local breaks=${COMP_WORDBREAKS//[^@=:]/} head=""
            if [[ -n $breaks && $cur == *["$breaks"]* ]]; then head=${cur%"${cur##*["$breaks"]}"}; fi
            local index
            for index in "${!COMPREPLY[@]}"; do COMPREPLY[index]=${COMPREPLY[index]#"$head"}; done
            if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
        }

        """;

    /// <summary>The script.</summary>
    public static string Text(CompletionTree tree)
    {
        var text = new StringBuilder(Begin.ReplaceLineEndings("\n"));
        text.Append("\n_scenariohv_complete() {\n    case \"$command $prev\" in\n");
        foreach (var command in tree.Commands)
        {
            foreach (var option in command.Options.Where(option => option.Value is not null))
            {
                var patterns = string.Join(" | ", option.Names.Select(name => $"\"{command.Name} {name}\""));
                text.Append($"        {patterns})\n");
                Offer(text, option.Value!);
                text.Append("            return ;;\n");
            }
        }

        text.Append("    esac\n    case \"$command\" in\n");
        foreach (var command in tree.Commands)
        {
            text.Append($"        {command.Name})\n            if [[ $cur == -* ]]; then\n    ");
            Words(text, command.Options.SelectMany(option => option.Names));
            text.Append("                return\n            fi\n");
            if (command.Argument is { } argument)
            {
                Offer(text, argument);
            }

            text.Append("            ;;\n");
        }

        text.Append("        \"\")\n");
        Words(text, [.. tree.Commands.Select(command => command.Name), .. tree.Options.SelectMany(option => option.Names)]);
        text.Append("            ;;\n    esac\n}\n\ncomplete -F _scenariohv scenariohv\n");
        return text.ToString();
    }

    private static void Offer(StringBuilder text, CompletionValue value)
    {
        Words(text, value.Words);
        if (value.Files || value.Folders)
        {
            text.Append($"            _scenariohv_{(value.Files ? "files" : "folders")}\n");
        }
    }

    private static void Words(StringBuilder text, IEnumerable<string> words)
    {
        var list = string.Join(' ', words);
        if (list.Length > 0)
        {
            text.Append($"            _scenariohv_offer -W '{list}'\n");
        }
    }
}
