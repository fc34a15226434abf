namespace ScenarioHv.Cli.Tests;

/// <summary>What a user can get wrong: exit code 2 and one message with the place.</summary>
public sealed class BadInputTests : CommandFixture
{
    [Test]
    public void Unknown_scenario_is_answered_with_the_nearest_name_and_the_list() =>
        AssertBadInput(
            Run("run", "hyperv-hagn.yaml"), "there is no file 'hyperv-hagn.yaml'", "did you mean 'hyperv-hang'?", "scenariohv list");

    [Test]
    public void Folder_is_no_scenario() => AssertBadInput(Run("run", "."), "is a directory");

    [Test]
    public void Bad_yaml_is_shown_with_file_line_and_column()
    {
        File.WriteAllText(InFolder("bad.yaml"), "scenario: bad\nmachine: { tsc: 2 GHz }}\n");

        AssertBadInput(Run("run", "bad.yaml"), "bad.yaml:2:");
    }

    [Test]
    public void Unknown_key_is_shown_with_its_place()
    {
        var file = Scenario("key", "done.csx", "reached", "tilte: twice");

        AssertBadInput(Run("run", file), "key.yaml:15:1: ", "tilte", "did you mean 'title'?");
    }

    [Test]
    public void Line_on_GSI_0_of_an_in_kernel_irqchip_is_shown_with_its_place()
    {
        var text = File.ReadAllText(InFolder(Scenario("gsi", "done.csx", "reached")));
        File.WriteAllText(InFolder("gsi0.yaml"), text.Replace("{ type: msi, vector: 0x60 }", "{ type: line, gsi: 0, vector: 0x60 }"));

        AssertBadInput(Run("check", "gsi0.yaml"), "gsi0.yaml:10:", "GSI 0", "choose 1..23");
    }

    [Test]
    public void Script_that_does_not_exist_is_shown_with_its_place() =>
        AssertBadInput(Run("run", Scenario("nowhere", "nowhere.csx", "reached")), "nowhere.yaml:12:7: ", "nowhere.csx", "does not exist");

    [Test]
    public void Script_that_does_not_compile_is_shown_with_its_place() =>
        AssertBadInput(Run("run", Scenario("broken", "broken.csx", "reached")), "broken.csx:3:15: ", "Wrok");

    [Test]
    public void Script_that_throws_is_shown_with_its_line_cycle_and_message() =>
        AssertBadInput(Run("run", Scenario("throw", "throw.csx", "reached")), "throw.csx:4:", "vcpu0", "cycle ", "the guest gives up");

    [TestCase("run")]
    [TestCase("matrix")]
    public void Script_that_does_not_come_to_its_next_operation_is_stopped_with_its_line(string command) =>
        AssertBadInput(Run(command, Scenario("endless", "endless.csx", "reached")), "endless.csx:4:5: ", "vcpu0", "in a loop");

    [TestCase("run")]
    [TestCase("explore")]
    public void Script_that_reads_the_wall_clock_is_refused_and_nothing_runs(string command) =>
        AssertBadInput(
            Run(command, Scenario("wall-clock", "wall-clock.csx", "reached")), "wall-clock.csx:3:20: ", "DateTime", "cpu.Deadline");

    [TestCase("run", AsExpected)]
    [TestCase("matrix", AsExpected)]
    public void Trusted_script_is_not_checked_and_the_command_says_so(string command, int code)
    {
        var result = Run(command, Scenario("wall-clock", "wall-clock.csx", "reached"), "--trust");

        Assert.That(result.ExitCode, Is.EqualTo(code), result.Error);
        Assert.That(result.Error, Does.Contain("--trust: the scripts are not checked"));
    }

    [Test]
    public void Parameter_that_the_scenario_does_not_give_is_the_scripts_fault() =>
        AssertBadInput(Run("run", Scenario("parameter", "parameter.csx", "reached")), "parameter.csx:3:", "no parameter 'cycles'");

    [Test]
    public void Interrupt_without_a_handler_is_the_scripts_fault() =>
        AssertBadInput(
            Run("run", Scenario("no-handler", "no-handler.csx", "reached", "timeline: [{ at: 1 us, fire: clock }]")),
            "vector 0x60", "OnInterrupt", "cycle ");

    [TestCase("msr.csx", "MSR 0x1b")]
    [TestCase("amd.csx", "AMD")]
    public void Instruction_that_this_machine_does_not_have_is_the_scripts_fault(string script, string part) =>
        AssertBadInput(Run("run", Scenario("refused-" + script[..3], script, "reached")), part, "cycle ");

    [TestCase("nonsense", "--set nonsense: expected <policy point>=<value>")]
    [TestCase("ioapic-eio=reinject", "ioapic-eio")]
    [TestCase("ioapic-eoi=reinjet", "did you mean 'reinject'?")]
    [TestCase("explore.repeat=5", "the command does not explore")]
    public void Bad_policy_is_shown_as_it_was_given(string setting, string part) =>
        AssertBadInput(Run("run", "hyperv-hang.yaml", "--set", setting), "--set " + setting, part);

    [Test]
    public void Policy_that_does_not_exist_with_the_machine_is_refused() =>
        AssertBadInput(Run("run", "hyperv-hang.yaml", "--set", "ioapic-eoi=delay-after-kvm(10000, 10 ms)"), "irqchip: kernel");

    [Test]
    public void Unknown_cell_is_answered_with_the_nearest() =>
        AssertBadInput(Run("run", "hyperv-hang.yaml", "--cell", "SMV"), "no cell 'SMV'", "did you mean 'SVM'?");

    [Test]
    public void Unknown_dialect_is_answered_with_those_there_are() =>
        AssertBadInput(Run("run", "hyperv-hang.yaml", "--dialect", "kvm-5.2"), "expected kvm-5.1 or kvm-6.16");

    [Test]
    public void Stack_trace_is_shown_only_when_asked_for()
    {
        var result = Run("run", Scenario("throw", "throw.csx", "reached"), "--log", "debug");

        Assert.That(result.ExitCode, Is.EqualTo(BadInput));
        Assert.That(result.Error, Does.Contain("   at "));
    }
}
