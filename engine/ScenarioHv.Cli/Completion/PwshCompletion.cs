using System.Text;

namespace ScenarioHv.Cli.Completion;

/// <summary>The script for PowerShell.</summary>
internal static class PwshCompletion
{
    private const string Begin = """
        # PowerShell completion for scenariohv. Load it with: scenariohv completion pwsh | Out-String | Invoke-Expression

        Register-ArgumentCompleter -Native -CommandName scenariohv -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)

        """;

    // An empty answer makes PowerShell complete files by itself, which is right after an option that takes one.
    private const string End = """

            $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { "$_" })
            $command = if ($words.Count -gt 1) { $words[1] } else { '' }
            $previous = if ($words.Count -gt 2) { $words[-1] } else { '' }
            $key = "$command $previous"
            $found = if ($values.ContainsKey($key)) { $values[$key] }
            elseif ($command -eq '') { $commands }
            elseif ("$wordToComplete".StartsWith('-')) { $options[$command] }
            else { $arguments[$command] }
            foreach ($word in @($found | Where-Object { $_ -and $_.StartsWith("$wordToComplete") })) {
                [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $word)
            }
            if ($values.ContainsKey($key)) { $files = $key } else { $files = $command }
            if ($takesFiles -contains $files) {
                [System.Management.Automation.CompletionCompleters]::CompleteFilename("$wordToComplete")
            }
        }

        """;

    /// <summary>The script.</summary>
    public static string Text(CompletionTree tree)
    {
        var text = new StringBuilder(Begin.ReplaceLineEndings("\n"));
        var valued = tree.Commands.SelectMany(command => command.Options, (command, option) => (command, option))
            .Where(pair => pair.option.Value is not null)
            .SelectMany(pair => pair.option.Names, (pair, name) => (Key: $"{pair.command.Name} {name}", Value: pair.option.Value!))
            .ToArray();
        text.Append($"    $commands = {List([
            .. tree.Commands.Select(command => command.Name), .. tree.Options.SelectMany(option => option.Names)])}\n");
        Table(text, "options", tree.Commands.Select(command => (command.Name, command.Options.SelectMany(option => option.Names))));
        Table(text, "arguments", tree.Commands.Select(command => (command.Name, command.Argument?.Words ?? (IEnumerable<string>)[])));
        Table(text, "values", valued.Select(pair => (pair.Key, (IEnumerable<string>)pair.Value.Words)));
        var files = tree.Commands.Where(command => command.Argument is { Files: true }).Select(command => command.Name)
            .Concat(valued.Where(pair => pair.Value.Files || pair.Value.Folders).Select(pair => pair.Key));
        text.Append($"    $takesFiles = {List(files)}\n");
        return text.Append(End.ReplaceLineEndings("\n")).ToString();
    }

    private static void Table(StringBuilder text, string name, IEnumerable<(string Key, IEnumerable<string> Words)> rows)
    {
        text.Append($"    ${name} = @{{\n");
        foreach (var (key, words) in rows)
        {
            text.Append($"        '{key}' = {List(words)}\n");
        }

        text.Append("    }\n");
    }

    private static string List(IEnumerable<string> words) => $"@({string.Join(", ", words.Select(Quoted))})";

    private static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
