namespace ScenarioHv.Cli.Tests;

/// <summary>Policy scripts in the commands that take scenarios.</summary>
public sealed class PolicyScriptTests : PolicyScriptFixture
{
    private const string Matrix = """
        matrix:
          immediate-exit: [zero-timer, "throttle(3, 1000)", throttle.csx]
          expect:
            - { when: { immediate-exit: zero-timer }, outcome: livelock }
            - { outcome: reached }
        """;

    [Test]
    public void Script_throttle_does_step_for_step_what_the_built_in_one_does()
    {
        var folder = FolderWith("same", "", ("throttle.csx", Throttle));
        var script = RunIn(folder, "run", "hang.yaml", "--set", "immediate-exit=throttle.csx");
        var builtIn = RunIn(folder, "run", "hang.yaml", "--set", "immediate-exit=throttle(3, 1000)");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(script.ExitCode, Is.EqualTo(AsExpected), script.Error);
            Assert.That(script.Line("outcome"), Does.StartWith("reached"));
            Assert.That(script.Line("policies"), Does.StartWith("immediate-exit: throttle.csx"));
            Assert.That(script.Line("trace"), Is.EqualTo(builtIn.Line("trace")));
        }
    }

    [Test]
    public void Shipped_throttle_does_step_for_step_what_the_built_in_one_does_in_the_thread_s_machine()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "scripts", "policies", "throttle.csx");

        Assert.That(
            Run("run", "hyperv-hang", "--set", $"immediate-exit={path}").Line("trace"),
            Is.EqualTo(Run("run", "hyperv-hang", "--set", "immediate-exit=throttle(100, 1000)").Line("trace")));
    }

    [Test]
    public void Script_stands_beside_the_values_of_a_matrix_under_the_name_that_it_is_written_with()
    {
        var folder = FolderWith("beside", Matrix, ("throttle.csx", Throttle));

        var text = RunIn(folder, "matrix", "hang.yaml");
        var json = RunIn(folder, "matrix", "hang.yaml", "--json").Json.GetProperty("cells");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(text.ExitCode, Is.EqualTo(AsExpected), text.Error);
            Assert.That(text.Out, Does.Match(@"\nimmediate-exit=throttle\.csx +reached +reached "));
            Assert.That(json[3].GetProperty("policies").GetProperty("immediate-exit").GetString(), Is.EqualTo("throttle.csx"));
            Assert.That(
                json[3].GetProperty("trace").GetProperty("hash").GetString(),
                Is.EqualTo(json[2].GetProperty("trace").GetProperty("hash").GetString()));
        }
    }

    [Test]
    public void Set_with_the_same_file_keeps_the_cells_with_the_script()
    {
        var folder = FolderWith("keeps", Matrix, ("throttle.csx", Throttle));

        var result = RunIn(InFolder("."), "matrix", $"{folder}/hang.yaml", "--set", "immediate-exit=keeps/throttle.csx");

        Assert.That(result.Out, Does.Contain("immediate-exit=throttle.csx").And.Not.Contain("immediate-exit=zero-timer"), result.Error);
    }

    [TestCase("immediate-exit=throtle.csx", "--set immediate-exit=throtle.csx: ", "did you mean 'throttle.csx'?")]
    [TestCase("timer-fire=throttle.csx", "--set timer-fire=throttle.csx: ", "timer-fire takes a decision that gives TimerFire")]
    [TestCase("timer-fire=throttle.csx", "ImmediateExitDecision", "made for immediate-exit")]
    [TestCase("immediate-exit=wrong.csx", "wrong.csx:1:48: ", "PremptionTimer")]
    [TestCase("immediate-exit=clock.csx", "clock.csx:1:", "DateTime")]
    public void What_is_wrong_with_a_script_is_told_with_its_place(string setting, params string[] parts)
    {
        var folder = FolderWith(
            $"wrong-{Guid.NewGuid():n}",
            "",
            ("throttle.csx", Throttle),
            ("wrong.csx", "ImmediateExitDecision Decide(Situation now) => PremptionTimer(0);\n"),
            ("clock.csx", "ImmediateExitDecision Decide(Situation now) => PreemptionTimer((uint)DateTime.Now.Year);\n"));

        AssertBadInput(RunIn(folder, "run", "hang.yaml", "--set", setting), parts);
    }

    [Test]
    public void Check_compiles_policy_scripts()
    {
        var folder = FolderWith("check", Matrix, ("throttle.csx", Throttle.Replace("Math.Min", "Math.Mni", StringComparison.Ordinal)));

        AssertBadInput(RunIn(folder, "check", "hang.yaml"), "throttle.csx:8:", "Mni");
    }

    [Test]
    public void Script_that_throws_is_told_with_its_place_and_the_moment()
    {
        var folder = FolderWith("throws", "", ("throws.csx", """
            ImmediateExitDecision Decide(Situation now)
            {
                throw new InvalidOperationException("no idea");
            }
            """));

        AssertBadInput(
            RunIn(folder, "run", "hang.yaml", "--set", "immediate-exit=throws.csx"), "throws.csx:3:", "no idea", "immediate-exit");
    }

    [Test]
    public void Trust_takes_a_script_as_it_is()
    {
        var folder = FolderWith(
            "trust", "", ("clock.csx", "ImmediateExitDecision Decide(Situation now) => PreemptionTimer((uint)(DateTime.Now.Year * 0));\n"));

        var result = RunIn(folder, "run", "hang.yaml", "--set", "immediate-exit=clock.csx", "--trust");

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error);
        Assert.That(result.Line("outcome"), Does.StartWith("livelock"));
    }

    [Test]
    public void Snapshot_goes_on_with_the_same_script_and_is_refused_once_it_has_changed()
    {
        var folder = FolderWith("snapshot", "", ("throttle.csx", Throttle));
        string[] run = ["run", "hang.yaml", "--set", "immediate-exit=throttle.csx"];
        Assert.That(RunIn(folder, [.. run, "--save-at", "70 us", "--save", "at.snapshot"]).ExitCode, Is.EqualTo(AsExpected));

        var restored = RunIn(folder, [.. run, "--restore", "at.snapshot"]);
        Assert.That(restored.Line("at"), Is.EqualTo(RunIn(folder, run).Line("at")), restored.Error);

        File.AppendAllText(Path.Combine(folder, "throttle.csx"), "// changed\n");
        AssertBadInput(
            RunIn(folder, [.. run, "--restore", "at.snapshot"]), "was made before a script of its guests or policies was changed");
    }

    [Test]
    public void Reproducer_holds_the_script_of_an_option()
    {
        var folder = FolderWith("repro", "", ("never.csx", Never));
        var found = RunIn(folder, "explore", "hang.yaml", "--set", "immediate-exit=never.csx", "--save", "hang.repro");
        Assert.That(found.Line("verdict"), Does.StartWith("livelock"), found.Error);
        File.Delete(Path.Combine(folder, "never.csx"));
        var elsewhere = Directory.CreateDirectory(InFolder("repro-elsewhere")).FullName;
        File.Move(Path.Combine(folder, "hang.repro"), Path.Combine(elsewhere, "hang.repro"));

        var replayed = RunIn(elsewhere, "run", "hang.repro");

        Assert.That(replayed.Line("reproduces"), Does.StartWith("yes"), replayed.Error);
        Assert.That(replayed.Line("policies"), Does.Contain("immediate-exit: set-immediate-exit/never.csx"));
    }

    [Test]
    public void Reproducer_holds_the_scripts_of_the_scenario()
    {
        var folder = FolderWith("repro-own", Matrix, ("throttle.csx", Throttle));
        RunIn(folder, "explore", "hang.yaml", "--cell", "immediate-exit=zero-timer", "--save", "own.repro");
        File.Delete(Path.Combine(folder, "throttle.csx"));

        Assert.That(RunIn(folder, "run", "own.repro").Line("reproduces"), Does.StartWith("yes"));
    }

    [Test]
    public void Compare_explores_a_script_beside_values()
    {
        var folder = FolderWith("compare", "", ("never.csx", Never));

        var result = RunIn(folder, "explore", "hang.yaml", "--compare", "immediate-exit=zero-timer,never.csx");

        var rows = result.Out.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length > 3 && words[0] is "zero-timer" or "never.csx").ToArray();
        Assert.That(rows, Has.Length.EqualTo(2), result.Error);
        Assert.That(rows.Select(row => row[1]), Is.EqualTo(new[] { "livelock", "livelock" }));
    }

    [Test]
    public void Describe_says_that_a_policy_is_a_script()
    {
        var folder = FolderWith("describe", "", ("throttle.csx", Throttle));
        SetPolicies(folder, "immediate-exit: throttle.csx");

        Assert.That(RunIn(folder, "describe", "hang.yaml").Out, Does.Match(@"\n  immediate-exit +throttle\.csx \(a script\)\n"));
    }

    [Test]
    public void Describe_policies_says_when_a_script_is_asked_and_what_it_remembers()
    {
        var text = string.Join(' ', Run("describe", "policies").Out.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(text, Does.Contain(
                "FILE.csx script a decision that gives ImmediateExitDecision asked at each entry that has to be left at once "
                + "remembers for each control structure that is loaded"));
            Assert.That(text, Does.Contain("FILE.csx script a plan of LapicRestoreStep asked Steps once"));
            Assert.That(text, Does.Contain("FILE.csx a decision that gives IllegalVectorsPolicy asked at the beginning of each step"));
        }
    }
}
