namespace ScenarioHv.Cli.Tests;

/// <summary>The cache of compiled scripts, as processes of the command use it.</summary>
public sealed class CacheTests : CommandFixture
{
    private const string Compiler = "Microsoft.CodeAnalysis";

    private static string Done => Scenario("cached", "done.csx", "reached");

    [TestCase("run")]
    [TestCase("matrix")]
    [TestCase("explore")]
    [TestCase("check")]
    public void Process_with_a_warm_cache_does_not_load_the_compiler(string command)
    {
        var cache = CacheOf($"warm-{command}");
        var cold = Assemblies(cache, command, Done);
        var warm = Assemblies(cache, command, Done);

        Assert.That(cold, Has.Some.StartsWith(Compiler), "the first time compiles");
        Assert.That(warm, Has.None.StartsWith(Compiler));
        Assert.That(warm, Does.Contain("done-" + KeyOf(cache)[..16]), "it is the script that is loaded");
    }

    [Test]
    public void Shipped_scenario_with_a_warm_cache_is_run_without_the_compiler()
    {
        var cache = CacheOf("warm-shipped");
        Assemblies(cache, "run", "hyperv-hang.yaml");
        Assert.That(Assemblies(cache, "run", "hyperv-hang.yaml"), Has.None.StartsWith(Compiler));
    }

    [Test]
    public void Processes_that_begin_with_one_empty_cache_all_run_and_leave_one_entry()
    {
        var cache = CacheOf("shared");
        var processes = Enumerable.Range(0, 6).Select(_ => Start(Workspace.Folder, ["run", Done], With(cache))).ToArray();
        var results = Array.ConvertAll(processes, End);

        Assert.That(results.Select(result => result.ExitCode), Is.All.EqualTo(AsExpected), results[0].Error);
        Assert.That(results.Select(result => result.Out).Distinct().Count(), Is.EqualTo(1));
        Assert.That(Directory.GetFiles(cache), Has.Length.EqualTo(1), "and no temporary file");
    }

    [Test]
    public void Cache_is_shown_and_cleared()
    {
        var cache = CacheOf("cleared");
        Assert.That(RunWith(With(cache), "cache").Out, Is.EqualTo($"place      {cache}\nentries    0, 0 B of at most 64.0 MB\n"));
        Assert.That(RunWith(With(cache), "run", Done).ExitCode, Is.EqualTo(AsExpected));
        File.WriteAllText(Path.Combine(cache, "notes.txt"), "not ours");

        var shown = RunWith(With(cache), "cache");
        Assert.That(shown.ExitCode, Is.Zero);
        Assert.That(shown.Out, Does.Match($@"\nentries    1, \d+\.\d kB of at most 64\.0 MB\n\nlast use      size  script\n"
            + $@"{DateTime.UtcNow:yyyy-MM-dd} +\d+\.\d kB  .*done\.csx\n$"));

        Assert.That(RunWith(With(cache), "cache", "clear").Out, Does.Match(@"^removed 1 file, \d+\.\d kB, of "));
        Assert.That(Directory.GetFiles(cache).Select(Path.GetFileName), Is.EqualTo(new[] { "notes.txt" }));
        Assert.That(RunWith(With(cache), "cache", "clear").Out, Does.StartWith("removed 0 files, 0 B"));
    }

    [Test]
    public void Damaged_entry_is_shown_as_such_and_replaced_by_the_next_run()
    {
        var cache = CacheOf("damaged");
        RunWith(With(cache), "run", Done);
        var entry = Directory.GetFiles(cache).Single();
        File.WriteAllText(entry, "short");

        Assert.That(RunWith(With(cache), "cache").Out, Does.Contain("(damaged"));
        Assert.That(RunWith(With(cache), "run", Done).ExitCode, Is.EqualTo(AsExpected));
        Assert.That(RunWith(With(cache), "cache").Out, Does.Not.Contain("(damaged").And.Contain("done.csx"));
    }

    [Test]
    public void Cache_that_is_a_file_can_neither_be_read_nor_cleared_and_scripts_run_without_it()
    {
        var file = CacheOf("occupied");
        File.WriteAllText(file, "a file");

        AssertBadInput(RunWith(With(file), "cache"), "the cache of scripts cannot be read", file);
        AssertBadInput(RunWith(With(file), "cache", "clear"), "the cache of scripts cannot be cleared", file);
        Assert.That(RunWith(With(file), "run", Done).ExitCode, Is.EqualTo(AsExpected));
    }

    [Test]
    public void Unknown_action_is_answered_with_the_one_there_is() =>
        AssertBadInput(Run("cache", "claer"), "cache claer: expected clear", "did you mean 'clear'?");

    private static string CacheOf(string name) => InFolder("cache-" + name);

    private static string KeyOf(string cache) => Path.GetFileName(Directory.GetFiles(cache).Single());

    private static Dictionary<string, string> With(string cache) => new() { ["SCENARIOHV_CACHE"] = cache };

    /// <summary>The assemblies that a process of the command has loaded at its end.</summary>
    private static string[] Assemblies(string cache, params string[] arguments)
    {
        var list = InFolder(Path.GetRandomFileName());
        var result = RunWith(
            new Dictionary<string, string>(With(cache))
            {
                ["DOTNET_STARTUP_HOOKS"] = typeof(CacheTests).Assembly.Location,
                [StartupHook.Variable] = list,
            },
            arguments);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        return File.ReadAllLines(list);
    }
}
