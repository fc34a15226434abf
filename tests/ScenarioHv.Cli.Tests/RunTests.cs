namespace ScenarioHv.Cli.Tests;

/// <summary><c>run</c>: outcomes, what is said about them, exit codes.</summary>
public sealed class RunTests : CommandFixture
{
    private const string Shipped = "hyperv-hang.yaml";

    [Test]
    public void Livelock_of_the_thread_is_proved_and_explained()
    {
        var result = Run("run", Shipped);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Line("outcome"), Does.StartWith("livelock"));
            Assert.That(result.Line("prefix"), Does.Match(@"^\d+ steps, \d+ cycles \(\d+\.\d{3} us\)$"));
            Assert.That(result.Line("period"), Does.Match(@"^\d+ steps, \d+ cycles \(\d+\.\d{3} us\)$"));
            Assert.That(
                result.Line("proof"), Does.Match(@"^the state after the prefix and the state one period later are the same \d+ bytes$"));
            Assert.That(result.Line("progress"), Does.StartWith("L2 retired 0 instructions in the period"));
            Assert.That(result.Line("re-armed by"), Is.EqualTo("immediate-exit: zero-timer and ioapic-eoi: reinject"));
            Assert.That(result.Line("expected"), Is.EqualTo("livelock: met"));
            Assert.That(result.Line("trace"), Does.Match(@"^[0-9a-f]{16}, \d+ events$"));
        }
    }

    [Test]
    public void Period_is_printed_as_the_threads_traces_were()
    {
        var result = Run("run", Shipped);

        Assert.That(result.Out, Does.Match(@"\n +\d+ kvm_exit: reason VMRESUME rip 0xfffff80006a40115 info 0 0\n"));
        Assert.That(result.Out, Does.Match(@"\n +\d+ kvm_eoi: apicid 0 vector 80\n"));
    }

    [Test]
    public void Long_period_is_printed_as_far_as_one_reads_it()
    {
        var result = Run("run", Shipped, "--cell", "with a host tick");

        Assert.That(result.Out.Split('\n').Count(line => line.Contains(" kvm_", StringComparison.Ordinal)), Is.EqualTo(60));
        Assert.That(result.Out, Does.Match(@"\n +\.\.\. and \d+ more; --trace writes all of them\n"));
    }

    [Test]
    public void Dialect_can_be_chosen()
    {
        var result = Run("run", Shipped, "--dialect", "kvm-6.16");

        Assert.That(result.Out, Does.Contain("kvm_entry: vcpu 0, rip 0xfffff8022f3d8350"));
    }

    [Test]
    public void Piped_output_has_no_colour() => Assert.That(Run("run", Shipped).Out, Does.Not.Contain("\u001b"));

    [Test]
    public void Two_runs_have_the_same_trace_hash()
    {
        var first = Run("run", Shipped).Line("trace");
        var second = Run("run", Shipped).Line("trace");

        Assert.That(second, Is.EqualTo(first));
    }

    [Test]
    public void Shipped_scenario_is_found_from_any_folder_with_or_without_extension()
    {
        var here = Run("run", Shipped);
        var there = RunIn(Path.GetTempPath(), "run", "hyperv-hang");

        Assert.That(there.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(there.Out, Is.EqualTo(here.Out));
    }

    [Test]
    public void Reached_goal_is_told_with_its_cycle()
    {
        var result = Run("run", Scenario("reached", "done.csx", "reached"));

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(result.Line("outcome"), Is.EqualTo("reached: the goal was met"));
        Assert.That(result.Line("at"), Does.Match(@"^\d+ cycles \(\d+\.\d{3} us\), after \d+ steps$"));
        Assert.That(result.Line("expected"), Is.EqualTo("reached: met"));
    }

    [Test]
    public void Livelock_without_a_policy_says_so()
    {
        var result = Run("run", Scenario("spin", "spin.csx", "livelock"));

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(result.Line("progress"), Does.Match(@"^L1 retired \d+ instructions in the period$"));
        Assert.That(result.Line("re-armed by"), Does.StartWith("no policy"));
    }

    [Test]
    public void Outcome_that_was_not_expected_is_exit_code_1()
    {
        var result = Run("run", Scenario("unexpected", "done.csx", "livelock"));

        Assert.That(result.ExitCode, Is.EqualTo(NotAsExpected));
        Assert.That(result.Line("expected"), Is.EqualTo("livelock: not met"));
    }

    [Test]
    public void One_of_several_expected_outcomes_will_do() =>
        Assert.That(Run("run", Scenario("several", "done.csx", "[stuck, reached]")).ExitCode, Is.EqualTo(AsExpected));

    [Test]
    public void Guest_that_waits_for_ever_is_stuck()
    {
        var result = Run("run", Scenario("halt", "halt.csx", "stuck"));

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(result.Line("outcome"), Does.StartWith("stuck"));
    }

    [Test]
    public void Limit_of_steps_makes_a_run_inconclusive()
    {
        var result = Run("run", Shipped, "--max-steps", "10");

        Assert.That(result.ExitCode, Is.EqualTo(Inconclusive));
        Assert.That(result.Line("outcome"), Does.StartWith("inconclusive").And.Contain("10 steps"));
        Assert.That(result.Line("expected"), Is.EqualTo("livelock: not known"));
    }

    [Test]
    public void Limit_of_cycles_makes_a_run_inconclusive()
    {
        var result = Run("run", Shipped, "--max-cycles", "1000");

        Assert.That(result.ExitCode, Is.EqualTo(Inconclusive));
        Assert.That(result.Line("outcome"), Does.Contain("1000 cycles"));
    }

    [Test]
    public void Policy_of_the_command_line_is_held_against_the_matrix_cell_with_the_same_policies()
    {
        var result = Run("run", Shipped, "--set", "immediate-exit=throttle(100,1000)");

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(result.Line("policies"), Does.Contain("immediate-exit: throttle(100, 1000)"));
        Assert.That(result.Line("expected"), Is.EqualTo("reached: met"));
    }

    [Test]
    public void Policies_that_no_cell_has_have_no_expectation()
    {
        var result = Run("run", Shipped, "--set", "immediate-exit=throttle(50, 1000)", "--set", "ioapic-eoi=reinject");

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(result.Line("expected"), Is.EqualTo("nothing in particular"));
    }

    [Test]
    public void Policy_that_changes_nothing_leaves_the_expectation() =>
        Assert.That(Run("run", Shipped, "--set", "ioapic-eoi=reinject").Line("expected"), Is.EqualTo("livelock: met"));

    [Test]
    public void Cell_is_chosen_by_its_name_whatever_its_blanks()
    {
        var result = Run("run", Shipped, "--cell", "immediate-exit=throttle(100,1000),ioapic-eoi=reinject");

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(result.Line("cell"), Is.EqualTo("immediate-exit=throttle(100, 1000), ioapic-eoi=reinject"));
        Assert.That(result.Line("outcome"), Does.StartWith("reached"));
    }

    [Test]
    public void Verbose_explains_each_event_of_the_period()
    {
        var result = Run("run", Shipped, "--verbose");

        Assert.That(result.Out, Does.Contain("Local APIC 0 gets the EOI of vector 80"));
        Assert.That(result.Out, Does.Contain("L0 lets L2 run on vCPU 0"));
        Assert.That(result.Out, Does.Contain("policy_decided: immediate-exit"));
    }

    [Test]
    public void Verbose_explains_the_last_events_of_a_run_that_ends()
    {
        var result = Run("run", Scenario("verbose", "done.csx", "reached"), "--verbose");

        Assert.That(result.Out, Does.Contain("guest_reported: vcpu 0 L1 \"done\""));
        Assert.That(result.Out, Does.Contain("L1 on vCPU 0 reports \"done\""));
    }

    [Test]
    public void Log_goes_to_standard_error()
    {
        var result = Run("run", Shipped, "--log", "debug");

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(result.Error, Does.Contain("debug scripts: ").And.Contain("information run: base: Livelock"));
        Assert.That(result.Out, Is.EqualTo(Run("run", Shipped).Out));
    }

    [Test]
    public void Scenario_without_a_cache_compiles_and_with_one_does_not_need_the_compiler()
    {
        var file = Scenario("cached", "done.csx", "reached");
        Run("run", file);

        Assert.That(Run("run", file, "--log", "debug").Error, Does.Contain("done.csx: from cache"));
    }
}
