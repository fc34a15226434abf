using System.Diagnostics;

namespace ScenarioHv.Cli.Tests;

/// <summary><c>explore</c>: what it prints, what it returns, and what it refuses.</summary>
public sealed class ExploreTests : CommandFixture
{
    private const string Race = "bhyve-lost-ipi";

    [Test]
    public void Scenario_that_holds_says_what_that_rests_on()
    {
        var result = Run("explore", Scenario("explore-done", "done.csx", "reached"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error);
            Assert.That(result.Line("verdict"), Is.EqualTo("holds: no step breaks a property, and every fair path reaches the goal"));
            Assert.That(
                result.Line("searched"),
                Does.Match(@"^\d+ states, \d+ transitions( of \d+ steps)?, at most \d+ transitions deep$"));
            Assert.That(result.Line("bounds"), Does.StartWith("later: from 1 us (1000 cycles)"));
            Assert.That(result.Out, Does.Contain("weak fairness").And.Contain("fingerprint"));
            Assert.That(result.Line("expected"), Is.EqualTo("holds: met"));
            Assert.That(result.Error, Is.Empty, "progress is for a person who watches");
        }
    }

    [TestCase("spin", "livelock", AsExpected)]
    [TestCase("halt", "stuck", AsExpected)]
    [TestCase("halt", "reached", NotAsExpected)]
    [TestCase("done", "stuck", NotAsExpected)]
    public void Exit_code_is_what_the_expectation_makes_of_the_verdict(string script, string expect, int code)
    {
        var result = Run("explore", Scenario($"explore-{script}-{expect}", script + ".csx", expect));

        Assert.That(result.ExitCode, Is.EqualTo(code), result.Out + result.Error);
        Assert.That(result.Line("expected"), Does.EndWith(code == AsExpected ? ": met" : ": not met"));
    }

    [Test]
    public void Expectation_of_exploring_comes_before_that_of_a_run()
    {
        var result = Run("explore", Scenario("explore-own", "halt.csx", "reached", "explore: { expect: stuck }"));

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Out);
        Assert.That(result.Line("expected"), Is.EqualTo("stuck: met"));
    }

    [TestCase("--max-states", "20", "the limit of 20 states was reached")]
    [TestCase("--max-depth", "3", "the limit of 3 transitions from the first state was reached")]
    [TestCase("--time", "1 ns", "the limit of time was reached")]
    [TestCase("--memory", "1 kB", "the limit of 1000 bytes was reached")]
    public void Limit_is_never_a_pass(string option, string value, string words)
    {
        var result = Run("explore", Scenario("explore-grows", "grows.csx", "reached"), option, value);

        Assert.That(result.ExitCode, Is.EqualTo(Inconclusive), result.Out + result.Error);
        Assert.That(result.Line("verdict"), Is.EqualTo("inconclusive: " + words));
        Assert.That(result.Line("expected"), Is.EqualTo("holds: not known"));
    }

    /// <summary>A shell starts what it puts in the background so.</summary>
    private static bool IsInterruptIgnored
    {
        get
        {
            const string Status = "/proc/self/status", Ignored = "SigIgn:";
            var line = File.Exists(Status)
                ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal))
                : null;
            return line is not null && (Convert.ToUInt64(line[Ignored.Length..].Trim(), 16) & 2) != 0;
        }
    }

    [Test]
    public void Ctrl_C_prints_what_is_known()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Ignore("Another process cannot press Ctrl-C here.");
        }

        if (IsInterruptIgnored)
        {
            Assert.Ignore("Who runs the tests ignores SIGINT, and so do the processes that they start.");
        }

        string[] arguments = ["explore", Scenario("explore-grows", "grows.csx", "reached"), "--max-states", "5000000", "--log", "debug"];
        using var process = Start(Workspace.Folder, arguments);
        process.StandardError.ReadLine();
        Thread.Sleep(500);
        Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(process.ExitCode, Is.EqualTo(Inconclusive), output);
            Assert.That(output, Does.Contain("inconclusive: interrupted"));
            Assert.That(output, Does.Match(@"searched +\d+ states?, "), "one where the machine is slow");
        }
    }

    [Test]
    public void Failure_is_told_and_replayed_to_the_same_trace_hash()
    {
        var found = Run("explore", Race);
        var replay = found.Line("replay").Split(' ')[1..];
        var replayed = Run(replay);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found.ExitCode, Is.EqualTo(AsExpected), found.Error);
            Assert.That(found.Line("verdict"), Does.StartWith("violated custody: vector 0x40 is owed to vCPU 1"));
            Assert.That(found.Line("broken"), Does.StartWith("custody in "));
            Assert.That(found.Line("inevitable"), Does.StartWith("after step "));
            Assert.That(found.Out, Does.Contain("<- inevitable from here").And.Contain("<- custody: "));
            Assert.That(replayed.Line("trace"), Is.EqualTo(found.Line("trace")));
        }
    }

    [Test]
    public void Threads_and_chains_change_no_verdict_and_no_failure()
    {
        var one = Run("explore", Race, "--json").Json;
        var two = Run("explore", Race, "--json", "--threads", "2").Json;
        var single = Run("explore", Race, "--json", "--no-chains").Json;

        using (Assert.EnterMultipleScope())
        {
            foreach (var field in (string[])["outcome", "property", "states", "transitions", "depth"])
            {
                Assert.That(two.GetProperty(field).ToString(), Is.EqualTo(one.GetProperty(field).ToString()), field);
            }

            Assert.That(Schedule(two), Is.EqualTo(Schedule(one)));
            Assert.That(single.GetProperty("property").GetString(), Is.EqualTo(one.GetProperty("property").GetString()));
            Assert.That(single.GetProperty("states").GetInt64(), Is.GreaterThan(one.GetProperty("states").GetInt64()));
        }

        static string? Schedule(System.Text.Json.JsonElement json) => json.GetProperty("failure").GetProperty("schedule").GetString();
    }

    [Test]
    public void Comparison_is_one_table_with_the_schedules_below()
    {
        var result = Run("explore", Race, "--compare", "svm-injection=v-irq, event-injection");
        var lines = result.Out.Split('\n');

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error);
            Assert.That(lines, Has.Some.Matches(@"^svm-injection +verdict +states +transitions +time +shortest failure$"));
            Assert.That(lines, Has.Some.Matches(@"^v-irq +violated\(custody\) +\d+ +\d+ +[\d.]+ s +\d+ steps$"));
            Assert.That(lines, Has.Some.Matches(@"^event-injection +holds +\d+ +\d+ +[\d.]+ s +-$"));
            Assert.That(lines, Has.One.Matches(@"^  scenariohv run bhyve-lost-ipi --set svm-injection=v-irq --schedule c:\w+$"));
        }
    }

    [Test]
    public void Comparison_without_an_answer_is_inconclusive()
    {
        var result = Run("explore", Race, "--compare", "svm-injection=v-irq,event-injection", "--max-depth", "2");

        Assert.That(result.ExitCode, Is.EqualTo(Inconclusive), result.Out);
    }

    [Test]
    public void All_cells_are_one_table_with_what_is_expected()
    {
        var file = Scenario("explore-cells", "done.csx", "reached", """
            cells:
              - name: halts
                set: { guests: { l1: halt.csx } }
                expect: stuck
              - name: spins
                set: { guests: { l1: spin.csx } }
                expect: reached
            """);
        var result = Run("explore", file, "--all");
        var json = Run("explore", file, "--all", "--json").Json;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(NotAsExpected), result.Error);
            Assert.That(result.Out, Does.Match(@"base +holds +holds +\d+").And.Match(@"halts +stuck\S* +stuck +\d+"));
            Assert.That(result.Out, Does.Match(@"spins +livelock +holds, NOT MET +\d+").And.Contain("3 cells, 2 as expected, 1 not"));
            Assert.That(result.Out, Does.Contain("--cell spins --schedule c:"));
            Assert.That(json.GetProperty("cells").GetArrayLength(), Is.EqualTo(3));
            Assert.That(json.GetProperty("notAsExpected").GetInt32(), Is.EqualTo(1));
        }
    }

    [Test]
    public void Json_has_what_the_text_has()
    {
        var json = Run("explore", Race, "--json").Json;
        var failure = json.GetProperty("failure");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(json.GetProperty("command").GetString(), Is.EqualTo("explore"));
            Assert.That(json.GetProperty("outcome").GetString(), Is.EqualTo("violated"));
            Assert.That(json.GetProperty("property").GetString(), Is.EqualTo("custody"));
            Assert.That(json.GetProperty("met").GetBoolean(), Is.True);
            Assert.That(json.GetProperty("ends").GetProperty("broken").GetProperty("custody").GetInt64(), Is.Positive);
            Assert.That(failure.GetProperty("replay").GetString(), Does.StartWith("scenariohv run bhyve-lost-ipi --schedule c:"));
            Assert.That(failure.GetProperty("steps").GetInt32(), Is.EqualTo(json.GetProperty("story").GetArrayLength()));
            Assert.That(json.GetProperty("bounds")[0].GetString(), Does.StartWith("later: from 1 us"));
        }
    }

    [Test]
    public void Timed_keeps_cycles_and_says_so()
    {
        var result = Run("explore", "hyperv-hang", "--timed");

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Out + result.Error);
        Assert.That(result.Line("bounds"), Does.StartWith("time: the costs of skylake in cycles, ties in any order"));
        Assert.That(result.Line("failure"), Is.EqualTo("after 62 steps it goes round for ever in 37, with 2 context switches"),
            "the one history of the run, where no steps tie");
    }

    [Test]
    public void Walks_at_random_never_hold()
    {
        var done = Run("explore", Scenario("explore-done", "done.csx", "reached"), "--random", "10", "--seed", "7", "--scheduler", "pct");
        var halt = Run("explore", Scenario("explore-halt-stuck", "halt.csx", "stuck"), "--random", "10");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(done.ExitCode, Is.EqualTo(Inconclusive), done.Out);
            Assert.That(done.Line("verdict"), Is.EqualTo("inconclusive: no failure in 10 walks at random, which proves nothing"));
            Assert.That(done.Line("sampled"), Does.StartWith("10 walks at random, "));
            Assert.That(halt.ExitCode, Is.EqualTo(AsExpected), halt.Out);
            Assert.That(halt.Line("verdict"), Does.StartWith("stuck"));
        }
    }

    [Test]
    public void Failure_is_told_without_the_optional_parts_that_it_does_not_need()
    {
        var file = Scenario("explore-optional", "halt.csx", "stuck", "timeline: [{ at: 5 us, fire: clock, optional: true }]");
        var result = Run("explore", file);
        var replayed = Run("run", file, "--without", "fire: clock at 5 us", "--schedule", result.Line("schedule"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error);
            Assert.That(result.Line("without"), Is.EqualTo("fire: clock at 5 us: the failure needs none of these"));
            Assert.That(result.Line("replay"), Does.Contain("--without 'fire: clock at 5 us'"));
            Assert.That(replayed.Line("trace"), Is.EqualTo(result.Line("trace")), replayed.Error);
        }
    }

    [Test]
    public void Saved_failure_is_replayed_by_run()
    {
        var found = Run("explore", Race, "--save", "race.reproducer");
        var replayed = Run("run", "race.reproducer");

        Assert.That(found.Line("saved"), Does.StartWith("race.reproducer: "));
        Assert.That(replayed.ExitCode, Is.EqualTo(AsExpected), replayed.Error);
        Assert.That(replayed.Line("trace"), Does.StartWith(found.Line("trace")));
    }

    [Test]
    public void Guest_that_throws_is_the_users_fault_and_shown_by_a_schedule()
    {
        var file = Scenario("explore-throw", "throw.csx", "reached");
        var result = Run("explore", file);

        AssertBadInput(result, "throw.csx:4", "the guest gives up", $"shown by: scenariohv run {file} --schedule c:");
    }

    [TestCase("--threads 0", "expected a whole number from 1 to 64")]
    [TestCase("--max-states x", "expected a whole number from 1")]
    [TestCase("--time 5", "--time 5: ")]
    [TestCase("--time 5cycles", "not cycles")]
    [TestCase("--memory 3gb", "did you mean 'GB'?")]
    [TestCase("--random 5 --scheduler unifrom", "did you mean 'uniform'?")]
    [TestCase("--seed 5", "without --random")]
    [TestCase("--random 5 --threads 2", "one thread")]
    [TestCase("--random 5 --max-states 9", "remember no states")]
    [TestCase("--timed --no-chains", "--no-chains")]
    [TestCase("--all --cell base", "every cell, or one")]
    [TestCase("--all --save x", "leave out --all")]
    [TestCase("--compare immediate-exit", "expected point=a,b,c")]
    [TestCase("--compare immediate-exit=zero-timer,", "one of the values is empty")]
    [TestCase("--compare immediate-exit=zero-timer,zero-timer", "there twice")]
    [TestCase("--compare immediate-exit=zero-timer,zero-tmier", "did you mean 'zero-timer'?")]
    [TestCase("--compare imediate-exit=zero-timer,none", "immediate-exit")]
    [TestCase("--cell bse", "did you mean 'base'?")]
    public void Options_that_cannot_be_are_refused(string options, string words) =>
        AssertBadInput(Run(["explore", "hyperv-hang", .. options.Split(' ')]), words);
}
