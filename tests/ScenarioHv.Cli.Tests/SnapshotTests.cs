using System.Security.Cryptography;

namespace ScenarioHv.Cli.Tests;

/// <summary><c>run --save-at</c> and <c>run --restore</c>: two processes of the command with nothing but the file between them.</summary>
public sealed class SnapshotTests : CommandFixture
{
    private const string Shipped = "hyperv-hang.yaml";
    private const int ChecksumSize = 32;

    [TestCase("SVM, late IPI", "60 us")]
    [TestCase("immediate-exit=throttle(100, 1000), ioapic-eoi=reinject", "1 ms")]
    [TestCase("bare metal, re-send above one L2 operation", "51us")]
    public void Run_that_ends_is_the_same_as_save_restore_and_run(string cell, string time)
    {
        var (saved, restored) = SaveAndRestore(cell, time);

        using (Assert.EnterMultipleScope())
        {
            foreach (var field in (string[])["outcome", "property", "reason", "steps", "cycles", "totals", "met"])
            {
                Assert.That(restored.Json.GetProperty(field).ToString(), Is.EqualTo(saved.Json.GetProperty(field).ToString()), field);
            }
        }
    }

    [TestCase("base", "50us")]
    [TestCase("base", "140000")]
    [TestCase("SVM", "55 us")]
    public void Run_that_recurs_has_the_same_prefix_and_period_after_save_and_restore(string cell, string time)
    {
        var (saved, restored) = SaveAndRestore(cell, time);

        using (Assert.EnterMultipleScope())
        {
            foreach (var field in (string[])["prefixSteps", "prefixCycles", "periodSteps", "periodCycles", "work", "events"])
            {
                Assert.That(Of(restored, field), Is.EqualTo(Of(saved, field)), field);
            }
        }

        static string Of(CommandResult result, string field) => result.Json.GetProperty("recurrence").GetProperty(field).ToString();
    }

    [Test]
    public void Two_processes_save_the_same_bytes_whether_they_began_at_the_beginning_or_not()
    {
        Run("run", Shipped, "--save-at", "50us", "--save", "early.snapshot");
        Run("run", Shipped, "--save-at", "60us", "--save", "late.snapshot");
        Run("run", Shipped, "--restore", "early.snapshot", "--save-at", "60us", "--save", "later.snapshot");

        Assert.That(File.ReadAllBytes(InFolder("later.snapshot")), Is.EqualTo(File.ReadAllBytes(InFolder("late.snapshot"))));
    }

    [Test]
    public void Reports_say_what_was_saved_and_where_the_run_began()
    {
        var saved = Run("run", Shipped, "--save-at", "50us");
        var file = saved.Line("saved").Split(':')[0];
        var restored = Run("run", Shipped, "--restore", file);

        Assert.That(file, Does.Match(@"^hyperv-hang-\d+\.snapshot$"));
        Assert.That(saved.Line("saved"), Does.Match(@": \d+ cycles \((50|51)\.\d{3} us\), after \d+ steps$"));
        Assert.That(restored.Line("restored"), Is.EqualTo(saved.Line("saved")));
        Assert.That(restored.Line("trace"), Does.EndWith(" events since the restored state"));
    }

    [Test]
    public void State_is_the_first_one_at_the_time_or_after_it()
    {
        var first = Saved("run", Shipped, "--save-at", "144150", "--save", "exact.snapshot", "--json");
        var next = Saved("run", Shipped, "--save-at", "144151", "--save", "exact.snapshot", "--json");

        Assert.That(first.Cycles, Is.EqualTo(144150), "the prefix of the README's example ends there");
        Assert.That(next.Cycles, Is.GreaterThan(144150));
    }

    [Test]
    public void Other_cell_policies_or_scenario_are_refused_with_the_difference()
    {
        Run("run", Shipped, "--cell", "SVM", "--save-at", "50us", "--save", "svm.snapshot");
        Run("run", Shipped, "--save-at", "50us", "--save", "other.snapshot");

        AssertBadInput(Run("run", Shipped, "--restore", "svm.snapshot"), "--restore svm.snapshot: is of cell 'SVM' of hyperv-hang: choose");
        AssertBadInput(Run("run", Shipped, "--cell", "SVM", "--restore", "other.snapshot"), "leave out --cell");
        AssertBadInput(Run("run", "first-steps", "--restore", "other.snapshot"), "is of scenario hyperv-hang, not of first-steps");
        AssertBadInput(
            Run("run", Shipped, "--restore", "other.snapshot", "--set", "immediate-exit=throttle(100, 1000)"),
            "was made with 'immediate-exit: zero-timer; ", "not with 'immediate-exit: throttle(100, 1000); ", "--set");
    }

    [Test]
    public void Changed_scenario_or_script_is_refused()
    {
        var text = File.ReadAllText(InFolder(Scenario("saved", "done.csx", "reached")));
        var script = File.ReadAllText(InFolder("done.csx"));
        File.WriteAllText(InFolder("saved-script.csx"), script);
        var scenario = text.Replace("done.csx", "saved-script.csx", StringComparison.Ordinal);
        File.WriteAllText(InFolder("saved-file.yaml"), scenario);
        Run("run", "saved-file.yaml", "--save-at", "0", "--save", "changed.snapshot");
        Assert.That(Run("run", "saved-file.yaml", "--restore", "changed.snapshot").ExitCode, Is.EqualTo(AsExpected));

        File.WriteAllText(InFolder("saved-script.csx"), script.Replace("1_000", "1_001", StringComparison.Ordinal));
        AssertBadInput(
            Run("run", "saved-file.yaml", "--restore", "changed.snapshot"), "before a script of its guests or policies was changed");
        File.WriteAllText(InFolder("saved-file.yaml"), scenario.Replace("1 GHz", "2 GHz", StringComparison.Ordinal));
        AssertBadInput(
            Run("run", "saved-file.yaml", "--restore", "changed.snapshot"), "before the file of scenario saved was changed");
    }

    [Test]
    public void What_is_no_whole_snapshot_of_this_build_is_refused()
    {
        Run("run", Shipped, "--save-at", "50us", "--save", "good.snapshot");
        var good = File.ReadAllBytes(InFolder("good.snapshot"));

        using (Assert.EnterMultipleScope())
        {
            AssertRefused("empty", [], "is not a snapshot");
            AssertRefused("text", [.. "scenario: x\n"u8], "is not a snapshot");
            AssertRefused("cut", good[..^100], $"is cut off: it has {good.Length - 100} of {good.Length} bytes");
            AssertRefused("damaged", Changed(good, good.Length / 2), "is damaged");
            AssertRefused("version", Changed(good, 8), "has format version 254, from a newer laboratory: this one reads version 1");
            AssertRefused("build", WithChecksum(Changed(good, 20)), "was made by another build of the laboratory");
        }

        AssertBadInput(Run("run", Shipped, "--restore", "nowhere.snapshot"), "--restore nowhere.snapshot: there is no such file");
        AssertBadInput(Run("run", Shipped, "--restore", "."), "--restore .: is a folder");
    }

    [Test]
    public void Save_that_fails_leaves_what_was_there()
    {
        File.WriteAllText(InFolder("kept.snapshot"), "old");

        AssertBadInput(
            Run("run", "first-steps", "--save-at", "1 s", "--save", "kept.snapshot"),
            "--save-at 1 s: ", "cycle 2400000000", "nothing is saved");
        Assert.That(File.ReadAllText(InFolder("kept.snapshot")), Is.EqualTo("old"));
        Assert.That(Directory.GetFiles(InFolder("."), ".kept.snapshot*"), Is.Empty);
        AssertBadInput(
            Run("run", Shipped, "--save-at", "50us", "--save", "no-such-folder/x"), "--save no-such-folder/x: cannot be written");
    }

    [Test]
    public void Save_without_a_time_and_a_time_that_is_none_are_bad_usage()
    {
        AssertBadInput(Run("run", Shipped, "--save", "x.snapshot"), "--save x.snapshot: say when with --save-at");
        AssertBadInput(Run("run", Shipped, "--save-at", "soon"), "--save-at soon: ", "or a cycle as a whole number");
        AssertBadInput(Run("run", Shipped, "--save-at", "-1 us"), "--save-at -1 us: ", "negative");
    }

    private static (CommandResult Saved, CommandResult Restored) SaveAndRestore(string cell, string time)
    {
        var file = string.Concat((cell + time).Where(char.IsAsciiLetterOrDigit)) + ".snapshot";
        var saved = Run("run", Shipped, "--cell", cell, "--save-at", time, "--save", file, "--json", "--trace", file + ".all");
        var restored = Run("run", Shipped, "--cell", cell, "--restore", file, "--json", "--trace", file + ".rest");

        string all = Events(file + ".all"), rest = Events(file + ".rest");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(restored.ExitCode, Is.EqualTo(saved.ExitCode), restored.Error);
            Assert.That(rest, Is.Not.Empty);
            Assert.That(all, Does.EndWith(rest).And.Length.GreaterThan(rest.Length));
            Assert.That(
                restored.Json.GetProperty("restored").ToString(), Is.EqualTo(saved.Json.GetProperty("saved").ToString()));
        }

        return (saved, restored);
    }

    /// <summary>A trace without its first line, which counts CPUs.</summary>
    private static string Events(string trace) => string.Join('\n', File.ReadLines(InFolder(trace)).Skip(1));

    private static (long Cycles, long Steps) Saved(params string[] arguments)
    {
        var saved = Run(arguments).Json.GetProperty("saved");
        return (saved.GetProperty("cycles").GetInt64(), saved.GetProperty("steps").GetInt64());
    }

    private static void AssertRefused(string name, byte[] bytes, string message)
    {
        File.WriteAllBytes(InFolder(name + ".snapshot"), bytes);
        var result = Run("run", Shipped, "--restore", name + ".snapshot");
        Assert.That(result.ExitCode, Is.EqualTo(BadInput));
        Assert.That(result.Error, Does.StartWith($"scenariohv: --restore {name}.snapshot: {message}").And.EndWith("\n"));
        Assert.That(result.Error.Count(character => character == '\n'), Is.EqualTo(1));
    }

    private static byte[] Changed(byte[] bytes, int at)
    {
        var changed = bytes.ToArray();
        changed[at] = (byte)~changed[at];
        return changed;
    }

    private static byte[] WithChecksum(byte[] bytes)
    {
        SHA256.HashData(bytes.AsSpan(0, bytes.Length - ChecksumSize), bytes.AsSpan(bytes.Length - ChecksumSize));
        return bytes;
    }
}
