using System.Text.RegularExpressions;

namespace ScenarioHv.Cli.Tests;

/// <summary>The README shows what the command prints.</summary>
public sealed partial class ReadmeTests : CommandFixture
{
    private const string Fence = "\n```\n";

    [TestCase("run hyperv-hang.yaml")]
    [TestCase("explore bhyve-lost-ipi")]
    [TestCase("try scripts/policies/throttle.csx hyperv-hang")]
    public void Sample_is_what_the_command_prints(string command)
    {
        var printed = RunIn(Root(), command.Split(' ')).Out;

        Assert.That(Shown(Sample(command)), Is.EqualTo(Shown(printed)));
    }

    [Test]
    public void Policy_script_is_the_shipped_one()
    {
        var text = File.ReadAllText(Path.Combine(Root(), "README.md"));
        var script = File.ReadAllText(Path.Combine(Root(), "scripts", "policies", "throttle.csx"));
        Assert.That(text, Does.Contain($"```csharp\n{script}```"));
    }

    /// <summary>
    /// How many states there are, and how many bytes each takes, depends on the compiler and on every change of the machine. The other
    /// numbers are those of the field.
    /// </summary>
    private static string Shown(string text) => string.Join('\n', text.TrimEnd().Split('\n').Select(line =>
        line.Split(' ')[0] is "searched" or "broken" or "ends" or "proof" ? Digits().Replace(line, "N") : line));

    /// <summary>The first block behind the words that say how it was made.</summary>
    private static string Sample(string command)
    {
        var text = File.ReadAllText(Path.Combine(Root(), "README.md"));
        var words = text.IndexOf($"`scenariohv {command}`:", StringComparison.Ordinal);
        var start = text.IndexOf(Fence, words, StringComparison.Ordinal) + Fence.Length;
        return text[start..text.IndexOf(Fence, start, StringComparison.Ordinal)];
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ScenarioHv.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("These tests run inside a checkout.");
        }

        return folder;
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();
}
