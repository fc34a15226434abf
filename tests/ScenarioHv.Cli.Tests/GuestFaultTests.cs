namespace ScenarioHv.Cli.Tests;

/// <summary>What a guest's script does wrong while it runs: where, who, when, and what came before; and what it asserts.</summary>
public sealed class GuestFaultTests : CommandFixture
{
    private const string Clock = "timeline: [{ at: 2 us, fire: clock }]";

    [Test]
    public void Exception_names_script_line_column_guest_cycle_and_the_last_events_of_its_vCPU()
    {
        Script("divides", "await cpu.Work(10);\n    int zero = cpu.Id;\n    await cpu.Work(1 / zero);");
        var result = Run("run", Scenario("divides", "divides.csx", "reached", Clock));

        AssertBadInput(result, "divides.csx:5:5: l1 on vcpu0, cycle ", "(DivideByZeroException)", "the last events of vcpu0 before that:");
        Assert.That(result.Error.TrimEnd().Split('\n')[^1], Does.Contain("kvm_entry: vcpu 0"));
    }

    [TestCase("matrix")]
    [TestCase("explore")]
    public void Other_commands_say_the_same(string command)
    {
        Script("divides", "await cpu.Work(10);\n    int zero = cpu.Id;\n    await cpu.Work(1 / zero);");

        AssertBadInput(
            Run(command, Scenario("divides", "divides.csx", "reached", Clock)),
            "divides.csx:5:5: l1 on vcpu0, ", "step ", "(DivideByZeroException)",
            "the last events of vcpu0 before that:", "kvm_entry: vcpu 0");
    }

    /// <summary>Such an operation fails when no code of the script runs.</summary>
    [TestCase("here", "await cpu.ReadMsr(0x1b);", "fault-here.csx:3:1: l1 on vcpu0, cycle ")]
    [TestCase("at", "await cpu.ReadMsr(0x1b, at: 0xfffff800);", "fault-at.csx: at 0xfffff800: l1 on vcpu0, cycle ")]
    public void Operation_that_the_machine_does_not_have_is_named_by_its_line_or_address(string name, string body, string place)
    {
        Script($"fault-{name}", body);

        AssertBadInput(Run("run", Scenario($"fault-{name}", $"fault-{name}.csx", "reached")), place, "MSR 0x1b");
    }

    [Test]
    public void Fault_in_a_helper_names_the_helper()
    {
        File.WriteAllText(InFolder("helper-that-divides.csx"), "\nint Share(int n) => 7 / n;\n");
        Script("loads", "await cpu.Work(10);\n    await cpu.Work(Share(cpu.Id));", "#load \"helper-that-divides.csx\"\n");

        AssertBadInput(Run("run", Scenario("loads", "loads.csx", "reached")), "helper-that-divides.csx:2:", "l1 on vcpu0, cycle ");
    }

    /// <summary>Optimised code throws such errors at one place for the whole method.</summary>
    [Test]
    public void Index_outside_of_an_array_is_told_at_its_own_line()
    {
        Script(
            "index", "await cpu.Work(10);\n    Few(cpu.Id + 2);",
            "void Few(int i)\n{\n    var few = new int[2];\n    if (i > 5)\n        few[0] = 7;\n\n    few[i]++;\n}\n\n");

        AssertBadInput(Run("run", Scenario("index", "index.csx", "reached")), "index.csx:7:5: l1 on vcpu0, cycle ");
    }

    [Test]
    public void Helper_that_does_not_come_to_an_end_is_named()
    {
        File.WriteAllText(InFolder("endless-helper.csx"), "\n\nvoid Forever() { while (true) { } }\n");
        Script("loads-endless", "await cpu.Work(10);\n    Forever();", "#load \"endless-helper.csx\"\n");

        AssertBadInput(
            Run("run", Scenario("loads-endless", "loads-endless.csx", "reached")), "endless-helper.csx:3:18: ", "in a loop at line 3");
    }

    [Test]
    public void Reproducer_holds_helpers_and_snapshot_belongs_to_them()
    {
        var folder = Directory.CreateDirectory(InFolder("with-helper")).FullName;
        File.WriteAllText(Path.Combine(folder, "helper.csx"), "void Never(Cpu cpu) { cpu.Assert(cpu.Id == 1); }\n");
        File.WriteAllText(
            Path.Combine(folder, "guest.csx"),
            "#load \"helper.csx\"\nasync GuestTask Main(Cpu cpu) { await cpu.Work(5_000); Never(cpu); }\n");
        File.Copy(InFolder(Scenario("with-helper", "guest.csx", "reached")), Path.Combine(folder, "s.yaml"));

        RunIn(folder, "explore", "s.yaml", "--save", "s.repro");
        RunIn(folder, "run", "s.yaml", "--save-at", "1us", "--save", "s.snapshot");
        var elsewhere = Directory.CreateDirectory(InFolder("without-helper")).FullName;
        var replayed = RunIn(elsewhere, "run", Path.Combine(folder, "s.repro"));
        Assert.That(replayed.Line("reproduces"), Does.StartWith("yes"), replayed.Error);
        File.AppendAllText(Path.Combine(folder, "helper.csx"), "// changed\n");
        AssertBadInput(RunIn(folder, "run", "s.yaml", "--restore", "s.snapshot"), "before a script of its guests or policies was changed");
    }

    [Test]
    public void Assertion_that_does_not_hold_is_a_violation_with_place_and_expression()
    {
        Script("asserts", "await cpu.Work(10);\n    cpu.Assert(cpu.Id\n        == 1, \"the wrong one\");");
        var result = Run("run", Scenario("asserts", "asserts.csx", "violated(assert)"));

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error);
        Assert.That(
            result.Line("outcome"),
            Is.EqualTo("violated assert: asserts.csx:4:5: 'cpu.Id == 1' does not hold in l1 on vCPU 0: the wrong one"));
    }

    [TestCase("run")]
    [TestCase("explore")]
    public void Assertion_may_fail_before_the_first_step(string command)
    {
        Script("asserts-first", "cpu.Assert(cpu.Id == 1);\n    await cpu.Work(10);");
        var result = Run(command, Scenario("asserts-first", "asserts-first.csx", "violated(assert)"));

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected), result.Error + result.Out);
    }

    [Test]
    public void Handler_of_exceptions_does_not_swallow_an_assertion()
    {
        Script("catches", "await cpu.Work(10);\n    try { cpu.Assert(false); } catch (System.Exception) { await cpu.Report(\"done\"); }");

        Assert.That(Run("run", Scenario("catches", "catches.csx", "violated(assert)")).ExitCode, Is.EqualTo(AsExpected));
    }

    [Test]
    public void Check_takes_a_script_that_is_trusted()
    {
        var file = Scenario("wall-clock", "wall-clock.csx", "reached");

        AssertBadInput(Run("check", file), "DateTime");
        var trusted = Run("check", file, "--trust");
        Assert.That((trusted.ExitCode, trusted.Out), Is.EqualTo((AsExpected, $"{file}: ok (1 cell)\n")), trusted.Error);
        Assert.That(trusted.Error, Does.Contain("--trust: the scripts are not checked"));
    }

    private static void Script(string name, string body, string before = "") => File.WriteAllText(
        InFolder(name + ".csx"), $"{(before.Length == 0 ? "" : before)}async GuestTask Main(Cpu cpu)\n{{\n    {body}\n}}\n"
            + "async GuestTask OnInterrupt(Cpu cpu, byte vector) { await cpu.Eoi(); }\n");
}
