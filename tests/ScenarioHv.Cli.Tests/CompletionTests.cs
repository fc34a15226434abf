using System.Diagnostics;
using System.Text.RegularExpressions;

namespace ScenarioHv.Cli.Tests;

/// <summary>The completion scripts, and what bash makes of its one.</summary>
public sealed partial class CompletionTests : CommandFixture
{
    private static readonly string[] Shells = ["bash", "zsh", "fish", "pwsh"];

    private static readonly Dictionary<string, string> Scripts =
        Shells.ToDictionary(shell => shell, shell => RunIn(Path.GetTempPath(), "completion", shell).Out);

    [TestCaseSource(nameof(Shells))]
    public void Script_has_every_command_and_option(string shell)
    {
        var listed = RunIn(Path.GetTempPath(), "--help").Out.Split("Commands:")[1];
        var commands = CommandName().Matches(listed).Select(match => match.Groups[1].Value);
        Assert.That(commands, Does.Contain("run").And.Contain("completion"));
        foreach (var command in commands)
        {
            var options = OptionName().Matches(RunIn(Path.GetTempPath(), command, "--help").Out).Select(match => match.Value).Distinct();
            foreach (var word in options.Prepend(command))
            {
                var written = shell == "fish" && word.StartsWith("--", StringComparison.Ordinal) ? $"-l {word[2..]}" : word;
                Assert.That(Scripts[shell], Does.Match($@"(?<![\w-]){Regex.Escape(written)}(?![\w-])"), command);
            }
        }
    }

    [TestCaseSource(nameof(Shells))]
    public void Script_has_the_words_that_options_and_arguments_take(string shell)
    {
        string[] words = ["kvm-6.16", "kvm@6.18", "qemu", "uniform", "debug", "immediate-exit=", "policies", "hyperv-hang", "fish"];
        using (Assert.EnterMultipleScope())
        {
            foreach (var word in words)
            {
                Assert.That(Scripts[shell], Does.Contain(word));
            }

            Assert.That(Scripts[shell], Does.Not.Contain("\r").And.Not.Contain("\t").And.EndsWith("\n"));
        }
    }

    [Test]
    public void Unknown_shell_is_answered_with_those_there_are() =>
        AssertBadInput(Run("completion", "tcsh"), "no completion for 'tcsh'", "bash, zsh, fish, pwsh");

    [TestCase("scenariohv ma", "matrix")]
    [TestCase("scenariohv --v", "--version")]
    [TestCase("scenariohv run --dia", "--dialect")]
    [TestCase("scenariohv run --dialect k", "kvm-5.1 kvm-6.16")]
    [TestCase("scenariohv run hyperv-h", "hyperv-hang")]
    [TestCase("scenariohv run --trace some-fi", "some-file.txt")]
    [TestCase("scenariohv explore x.yaml some-fi", "some-file.txt")]
    [TestCase("scenariohv explore x.yaml --scheduler ", "uniform pct")]
    [TestCase("scenariohv run x.yaml --set immediate-", "immediate-exit=")]
    [TestCase("scenariohv describe po", "policies")]
    [TestCase("scenariohv new x --in some-", "some-folder")]
    [TestCase("scenariohv completion f", "fish")]
    [TestCase("scenariohv list x", "")]
    [TestCase("scenariohv run --max-steps ", "")]
    public void Bash_completes(string line, string expected) => Assert.That(CompletedByBash(line), Is.EquivalentTo(Words(expected)));

    /// <summary>Bash splits words at '@' and puts in only what comes behind it.</summary>
    [Test]
    public void Bash_completes_behind_a_sign_that_splits_words() =>
        Assert.That(CompletedByBash("scenariohv conform --preset kvm@6"), Does.Contain("6.18").And.None.Contains("@"));

    [Test]
    public void Bash_finds_nothing_wrong_with_the_script()
    {
        var (exit, _, error) = Bash("-n", "");
        Assert.That((exit, error), Is.EqualTo((0, "")));
    }

    private static string[] CompletedByBash(string line)
    {
        var (exit, output, error) = Bash(null, $$"""

            COMP_LINE='{{line}}'; COMP_POINT={{line.Length}}; _scenariohv; printf '%s\n' "${COMPREPLY[@]}"

            """);
        Assert.That((exit, error), Is.EqualTo((0, "")));
        return Words(output);
    }

    private static string[] Words(string text) => text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The script and more text, read by bash in a folder with a file and a folder.</summary>
    private static (int ExitCode, string Out, string Error) Bash(string? option, string more)
    {
        var folder = Directory.CreateDirectory(InFolder("completion")).FullName;
        Directory.CreateDirectory(Path.Combine(folder, "some-folder"));
        File.WriteAllText(Path.Combine(folder, "some-file.txt"), "");
        var start = new ProcessStartInfo("bash")
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("--norc");
        if (option is not null)
        {
            start.ArgumentList.Add(option);
        }

        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("There is no bash here.");
            throw;
        }

        using (process)
        {
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            process.StandardInput.Write(Scripts["bash"] + more);
            process.StandardInput.Close();
            process.WaitForExit();
            return (process.ExitCode, output.Result, error.Result);
        }
    }

    [GeneratedRegex(@"\n  ([a-z]+)")]
    private static partial Regex CommandName();

    [GeneratedRegex(@"(?<=[\s,])--[a-z][a-z-]*(?=[\s,])")]
    private static partial Regex OptionName();
}
