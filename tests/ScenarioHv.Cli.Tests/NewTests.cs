namespace ScenarioHv.Cli.Tests;

/// <summary>What <c>new</c> writes, and what it leaves alone.</summary>
public sealed class NewTests : CommandFixture
{
    [TestCase("run")]
    [TestCase("matrix")]
    [TestCase("explore")]
    [TestCase("explore", "--all")]
    [TestCase("check")]
    public void New_scenario_passes_at_once(params string[] command)
    {
        var folder = NewFolder();
        var written = RunIn(folder, "new", "lost-wakeup");
        var result = RunIn(folder, [.. command, "lost-wakeup.yaml"]);

        Assert.That(written.ExitCode, Is.Zero, written.Error);
        Assert.That(written.Out, Does.EndWith("try      scenariohv matrix lost-wakeup.yaml\n"));
        Assert.That(Names(folder), Is.EqualTo(new[] { "lost-wakeup.csx", "lost-wakeup.yaml", "scenario.schema.json" }));
        Assert.That(result.ExitCode, Is.Zero, result.Out + result.Error);
    }

    [Test]
    public void Each_cell_of_it_is_as_expected()
    {
        var folder = NewFolder();
        RunIn(folder, "new", "n1");

        var result = RunIn(folder, "matrix", "n1.yaml");

        Assert.That(result.Out, Does.Contain("5 cells, 5 as expected, 0 not"));
        Assert.That(result.Out, Does.Contain("livelock"));
    }

    [Test]
    public void Folder_that_in_names_is_where_it_goes()
    {
        var folder = NewFolder();
        Directory.CreateDirectory(Path.Combine(folder, "below"));

        var result = RunIn(folder, "new", "one", "--in", "below");

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(Names(folder), Is.Empty);
        Assert.That(Names(Path.Combine(folder, "below")), Is.EqualTo(new[] { "one.csx", "one.yaml", "scenario.schema.json" }));
    }

    [TestCase("one.yaml")]
    [TestCase("one.csx")]
    public void File_that_is_there_stays_and_nothing_is_written(string there)
    {
        var folder = NewFolder();
        File.WriteAllText(Path.Combine(folder, there), "mine");

        AssertBadInput(RunIn(folder, "new", "one"), there, "is there already");
        Assert.That(Names(folder), Is.EqualTo(new[] { there }));
        Assert.That(File.ReadAllText(Path.Combine(folder, there)), Is.EqualTo("mine"));
    }

    [Test]
    public void Schema_that_is_there_stays()
    {
        var folder = NewFolder();
        var schema = Path.Combine(folder, "scenario.schema.json");
        File.WriteAllText(schema, "{}");

        var result = RunIn(folder, "new", "one");

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Out, Does.Not.Contain("schema"));
        Assert.That(File.ReadAllText(schema), Is.EqualTo("{}"));
    }

    [TestCase("one.yaml", "without an extension: one")]
    [TestCase("one.csx", "without an extension: one")]
    [TestCase("a/b", "--in names the folder")]
    [TestCase("..", "cannot name a scenario")]
    [TestCase("two words", "cannot name a scenario")]
    [TestCase("", "cannot name a scenario")]
    [TestCase("nul", "Windows")]
    public void Name_is_checked(string name, string part)
    {
        var folder = NewFolder();

        AssertBadInput(RunIn(folder, "new", name), part);
        Assert.That(Names(folder), Is.Empty);
    }

    [Test]
    public void Folder_that_is_not_there_is_bad_input() =>
        AssertBadInput(Run("new", "one", "--in", "nowhere"), "--in nowhere", "no such folder");

    [Test]
    public void Folder_that_cannot_be_written_to_is_left_as_it_is()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("Here a folder's mode keeps nobody out.");
            return;
        }

        var folder = NewFolder();
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            AssertBadInput(Run("new", "one", "--in", folder), "cannot be written");
            Assert.That(Names(folder), Is.Empty);
        }
        finally
        {
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static string NewFolder() => Directory.CreateDirectory(InFolder("new-" + Guid.NewGuid().ToString("n"))).FullName;

    private static string[] Names(string folder) =>
        [.. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
}
