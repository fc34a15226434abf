using System.Text.RegularExpressions;

namespace ScenarioHv.Tidy.Tests;

/// <summary>What files say about the places of other files.</summary>
internal sealed partial class PathTests
{
    private static readonly string[] Extensions = [".cs", ".csproj", ".csx", ".json", ".md", ".props", ".sln", ".yaml"];

    private static readonly char[] Separators = ['`', ' ', '\n', ',', ';', '|', '"', '\'', '(', ')', '{', '}', '[', ']', '='];

    private static readonly string[] Allowed =
    [
        ".ci", ".config", ".editorconfig", ".git", ".gitattributes", ".github", ".gitignore",
        "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "LICENSE", "NuGet.config", "README.md",
        "ScenarioHv.sln", "global.json",
        "engine", "scenarios", "scripts", "tests",
    ];

    [Test]
    public void The_top_level_holds_what_dotnet_and_git_expect_and_the_four_parts()
    {
        var names = Directory.EnumerateFileSystemEntries(Checkout.Root).Select(entry => Path.GetFileName(entry)!);
        Assert.That(names.Where(name => !Allowed.Contains(name) && !Checkout.IsBuilt(name)), Is.Empty);
    }

    [Test]
    public void Every_script_that_a_scenario_names_exists()
    {
        var named = Checkout.With(".yaml")
            .Where(file => file.StartsWith("scenarios/", StringComparison.Ordinal))
            .SelectMany(file => Script().Matches(Checkout.Read(file)).Select(match => (File: file, Path: match.Groups["path"].Value)))
            .ToArray();
        Assert.That(named, Is.Not.Empty);
        Assert.That(named.Where(name => !Checkout.Exists(Beside(name.File, name.Path))), Is.Empty);
    }

    [TestCase("README.md")]
    [TestCase("scenarios/README.md")]
    [TestCase("scripts/README.md")]
    public void Every_path_that_a_readme_names_exists(string readme)
    {
        var paths = PathsOf(Checkout.Read(readme)).ToArray();
        Assert.That(paths.Where(path => !Checkout.Exists(Beside(readme, path)) && !Checkout.Exists(path) && !IsShipped(path)), Is.Empty);
    }

    [TestCase("`scripts/README.md` says", "scripts/README.md")]
    [TestCase("`dotnet run --project engine/ScenarioHv.Cli -- run`", "engine/ScenarioHv.Cli")]
    [TestCase("[the tests](tests/#all)", "tests/")]
    [TestCase("```\ndotnet test ScenarioHv.sln -c Release\n```", "ScenarioHv.sln")]
    [TestCase("```yaml\nl1: { script: ../scripts/first-steps.csx, with: 1 }\n```", "../scripts/first-steps.csx")]
    [TestCase("`first-steps.csx` is the smallest", "first-steps.csx")]
    public void A_path_is_found_in_code_and_in_links(string text, string path)
    {
        Assert.That(PathsOf(text), Is.EqualTo(new[] { path }));
    }

    [TestCase("`hypervisor: kvm@5.1`, `cpu.Parameter(\"name\")`, `In8/In16/In32(port)`")]
    [TestCase("`policies: { immediate-exit: my-throttle.csx }`, `--set immediate-exit=my-throttle.csx`, `my.csx`")]
    [TestCase("with or without `.yaml`, [the list](https://example.org/README.md)")]
    [TestCase("`$SCENARIOHV_CACHE`, else `scenariohv/scripts` in the user's cache folder")]
    public void Other_words_are_not_paths(string text)
    {
        Assert.That(PathsOf(text), Is.Empty);
    }

    /// <summary>The command takes a shipped scenario's bare name, and the text of a scenario is written as seen from its folder.</summary>
    private static bool IsShipped(string path) => Checkout.Exists("scenarios/" + path);

    /// <summary>A path is seen from the file that names it.</summary>
    private static string Beside(string file, string path) => Path.Combine(Path.GetDirectoryName(file)!, path);

    private static IEnumerable<string> PathsOf(string markdown)
    {
        var code = Code().Matches(markdown).SelectMany(match => match.Value.Split(Separators, StringSplitOptions.RemoveEmptyEntries));
        var links = Link().Matches(markdown).Select(match => match.Groups["target"].Value);
        return code.Concat(links).Where(LooksLikePath).Distinct();
    }

    /// <summary>A file that the reader may write: <c>my.csx</c>, <c>my-throttle.csx</c>.</summary>
    private static bool IsTheReaders(string word) => Readers().IsMatch(word);

    private static bool LooksLikePath(string word) =>
        !word.Contains("://", StringComparison.Ordinal)
        && !IsTheReaders(word)
        && (word.Split('/')[0] is "engine" or "scenarios" or "scripts" or "tests" or ".." && word.Contains('/')
            || Extensions.Any(extension => word.Length > extension.Length && word.EndsWith(extension, StringComparison.Ordinal)));

    [GeneratedRegex(@"script:\s*[""']?(?<path>[^\s,}""']+\.csx)", RegexOptions.ExplicitCapture)]
    private static partial Regex Script();

    [GeneratedRegex(@"```.*?```|`[^`\n]+`", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex Code();

    [GeneratedRegex(@"^my(-[a-z]+)*\.[a-z]+$")]
    private static partial Regex Readers();

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Link();
}
