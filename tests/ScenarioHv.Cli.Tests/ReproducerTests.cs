using System.Security.Cryptography;
using System.Text;
using ScenarioHv.Cli.Running;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Tests;

/// <summary>Reproducers: one file that holds all that a failure needs.</summary>
public sealed class ReproducerTests : CommandFixture
{
    private const string Shipped = "bhyve-lost-ipi";

    private static readonly Lazy<Schedule> LostIpi = new(() => FailureSearch.InScenario(Shipped));

    private static readonly Lazy<string> TraceHash = new(() => Run("run", Shipped, "--schedule", LostIpi.Value.ToString(), "--json")
        .Json.GetProperty("trace").GetProperty("sha256").GetString()!);

    [Test]
    public void Reproducer_is_read_back_as_it_was_written()
    {
        var reproducer = Make() with
        {
            Cell = "a cell, with 'quotes' and ümlauts",
            Overrides = [new SettingOverride("immediate-exit", "throttle(100, 1000)"), new SettingOverride("explore.repeat", "5")],
            Without = ["device clock", "fire: clock at 50 us"],
        };
        ReproducerFile.Write(InFolder("round.repro"), reproducer);
        var read = ReproducerFile.Read(InFolder("round.repro"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                read with { Parts = [], Overrides = [], Without = [] },
                Is.EqualTo(reproducer with { Parts = [], Overrides = [], Without = [] }));
            Assert.That(read.Overrides, Is.EqualTo(reproducer.Overrides));
            Assert.That(read.Without, Is.EqualTo(reproducer.Without));
            Assert.That(read.Parts.Select(part => part.Name), Is.EqualTo(reproducer.Parts.Select(part => part.Name)));
            Assert.That(read.Parts.Select(part => part.Bytes), Is.EqualTo(reproducer.Parts.Select(part => part.Bytes)));
        }
    }

    [Test]
    public void Run_replays_a_reproducer_where_nothing_else_is()
    {
        var folder = Directory.CreateDirectory(InFolder("elsewhere")).FullName;
        ReproducerFile.Write(Path.Combine(folder, "lost.repro"), Make());
        var result = RunIn(folder, "run", "lost.repro");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error);
            Assert.That(result.Line("outcome"), Does.StartWith("violated custody"));
            Assert.That(result.Line("reproduces"), Is.EqualTo("yes: the trace hash is the one in the file"));
        }

        Assert.That(RunIn(folder, "run", "lost.repro", "--json").Json.GetProperty("reproduces").GetBoolean());
    }

    [Test]
    public void Scenario_and_script_that_share_only_the_root_make_a_reproducer()
    {
        var far = OperatingSystem.IsWindows()
            ? Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData)
            : Workspace.Folder.StartsWith("/var/", StringComparison.Ordinal) ? "/tmp" : "/var/tmp";
        var script = Path.Combine(far, $"scenariohv-far-{Environment.ProcessId}.csx");
        try
        {
            File.Copy(InFolder("halt.csx"), script);
            var named = Path.GetRelativePath(Workspace.Folder, script).Replace('\\', '/');
            var found = Run("explore", Scenario("far-script", named, "stuck"), "--save", "far.repro");
            Assert.That(found.ExitCode, Is.EqualTo(AsExpected), found.Out + found.Error);
        }
        finally
        {
            File.Delete(script);
        }

        Assert.That(Run("run", "far.repro").Line("reproduces"), Does.StartWith("yes"));
    }

    [Test]
    public void Script_named_by_its_absolute_path_would_not_be_found_elsewhere()
    {
        var script = InFolder("halt.csx").Replace('\\', '/');
        var result = Run("explore", Scenario("absolute-script", script, "stuck"), "--save", "absolute.repro");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(BadInput));
            Assert.That(result.Error, Does.Contain("--save: absolute-script names ").And.Contain("name it by its path from the scenario"));
            Assert.That(File.Exists(InFolder("absolute.repro")), Is.False);
        }
    }

    [Test]
    public void Other_trace_hash_does_not_reproduce()
    {
        ReproducerFile.Write(InFolder("other.repro"), Make() with { TraceHash = new string('0', 64), Build = "of yesterday" });
        var result = Run("run", "other.repro");

        Assert.That(result.ExitCode, Is.EqualTo(NotAsExpected));
        Assert.That(result.Line("reproduces"), Does.StartWith("no: the file has the trace hash 0000000000000000; version "));
    }

    [Test]
    public void Schedule_that_does_not_fit_is_told_with_the_build_that_wrote_it()
    {
        ReproducerFile.Write(InFolder("unfit.repro"), Make() with { Schedule = Schedule.Parse("c:Z"), Build = "of yesterday" });

        AssertBadInput(Run("run", "unfit.repro"), "unfit.repro: does not reproduce: at step ", "in another build than this");
    }

    [Test]
    public void Error_in_a_script_names_the_script_as_the_reproducer_does()
    {
        var parts = Make().Parts.Select(part => part.Name.EndsWith(".csx", StringComparison.Ordinal)
            ? part with { Bytes = Encoding.UTF8.GetBytes("async GuestTask Main(Cpu cpu) { await cpu.Wrok(1); }\n") } : part);
        ReproducerFile.Write(InFolder("broken.repro"), Make() with { Parts = [.. parts] });
        var result = Run("run", "broken.repro");

        AssertBadInput(result, "broken.repro: scripts/", ".csx", "Wrok");
        Assert.That(result.Error, Does.Not.Contain(Path.GetTempPath()));
    }

    [TestCase("--cell", "base")]
    [TestCase("--set", "svm-injection=v-irq")]
    [TestCase("--schedule", "c:")]
    [TestCase("--restore", "x.snapshot")]
    public void What_the_reproducer_says_cannot_be_said_again(string option, string value)
    {
        var name = $"own{option}.repro";
        ReproducerFile.Write(InFolder(name), Make());

        AssertBadInput(Run("run", name, option, value), $"which has its own cell, policies and schedule: leave out {option}");
    }

    [Test]
    public void Damaged_file_is_one_clear_line()
    {
        ReproducerFile.Write(InFolder("whole.repro"), Make());
        var whole = File.ReadAllBytes(InFolder("whole.repro"));
        var random = new Random(99);
        for (var i = 0; i < 200; i++)
        {
            var length = i % 2 == 0 ? random.Next(21, whole.Length - 1) : whole.Length;
            var bytes = whole[..length];
            if (i % 2 == 1)
            {
                bytes[random.Next(21, bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            File.WriteAllBytes(InFolder("damaged.repro"), bytes);

            var problem = Assert.Throws<InputException>(() => ReproducerFile.Read(InFolder("damaged.repro")));
            Assert.That(problem!.Message, Does.Contain("damaged.repro: ").And.Not.Contain("\n"));
        }
    }

    [TestCase("scenariohv-reproducer: 2; of tomorrow\n", "is a reproducer of format '2', and this version reads format 1")]
    [TestCase("scenariohv-reproducer: 1; x\n", "the reproducer is cut off: its last line, 'sha256:', is missing")]
    [TestCase("scenariohv-reproducer", "is no reproducer")]
    public void File_that_only_begins_like_one_is_refused(string text, string message)
    {
        File.WriteAllText(InFolder("begin.repro"), text);

        var problem = Assert.Throws<InputException>(() => ReproducerFile.Read(InFolder("begin.repro")));
        Assert.That(problem!.Message, Does.Contain(message));
    }

    [TestCase("../outside.yaml")]
    [TestCase("/etc/scenario.yaml")]
    [TestCase("a//b.yaml")]
    [TestCase("c:\\b.yaml")]
    public void File_in_it_cannot_lie_elsewhere(string name)
    {
        var text = "scenariohv-reproducer: 1; x\nversion: 1\nbuild: b\nshows: stuck\nschedule: c:\ntrace: 0\n"
            + $"file: 1 bytes, {name}\nx\n";
        var sum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        File.WriteAllText(InFolder("evil.repro"), $"{text}sha256: {sum}\n");

        var problem = Assert.Throws<InputException>(() => ReproducerFile.Read(InFolder("evil.repro")));
        Assert.That(problem!.Message, Does.Contain("is no name of a file in it"));
    }

    private static Reproducer Make() => Reproducer.Of(
        ScenarioFile.Read(Shipped),
        ScenarioCell.BaseName,
        [],
        new Expectation(Outcome.Violated, "custody"),
        LostIpi.Value,
        TraceHash.Value);
}
