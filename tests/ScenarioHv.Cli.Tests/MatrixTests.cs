namespace ScenarioHv.Cli.Tests;

/// <summary><c>matrix</c>.</summary>
public sealed class MatrixTests : CommandFixture
{
    internal const string TwoCells = """
        cells:
          - { name: halts, note: it waits for an interrupt that never comes, set: { guests: { l1: halt.csx } }, expect: stuck }
          - { name: wrong, set: { guests: { l1: spin.csx } }, expect: reached }
        """;

    private const string Throwing = "cells: [{ name: fails, set: { guests: { l1: throw.csx } }, expect: reached }]";

    [Test]
    public void Table_has_a_line_per_cell_in_the_scenarios_order()
    {
        var result = Run("matrix", Scenario("table", "done.csx", "reached", TwoCells));

        var lines = result.Out.Split('\n').Where(line => line.Length > 0).ToArray();
        Assert.That(lines[1], Does.Match(@"^cell +outcome +expected +cycles +time +wasted +re-injected$"));
        Assert.That(lines[2], Does.Match(@"^base +reached +reached +\d+ +\d+\.\d{3} us +- +0$"));
        Assert.That(lines[3], Does.Match(@"^halts +stuck +stuck +"));
        Assert.That(lines[4], Is.EqualTo("    it waits for an interrupt that never comes"));
        Assert.That(lines[5], Does.Match(@"^wrong +livelock +reached, NOT MET +\d+ \+ \d+ +"));
        Assert.That(lines[^1], Is.EqualTo("3 cells, 2 as expected, 1 not"));
    }

    [Test]
    public void Cell_that_is_not_as_expected_is_exit_code_1() =>
        Assert.That(Run("matrix", Scenario("not", "done.csx", "reached", TwoCells)).ExitCode, Is.EqualTo(NotAsExpected));

    [Test]
    public void Cells_that_are_as_expected_are_exit_code_0()
    {
        var result = Run("matrix", "first-steps");

        Assert.That(result.ExitCode, Is.EqualTo(AsExpected));
        Assert.That(result.Out, Does.Match(@"\n(\d+) cells, \1 as expected, 0 not\n$"));
    }

    [Test]
    public void Setting_keeps_the_cells_of_the_matrix_that_have_it_and_names_those_on_whose_machines_it_does_not_exist()
    {
        var result = Run("matrix", "hyperv-hang", "--set", "ioapic-eoi=delay-after(10000, 10 ms)", "--json").Json;

        var names = result.GetProperty("cells").EnumerateArray().Select(cell => cell.GetProperty("cell").GetString()!).ToArray();
        Assert.That(names, Has.Some.Contains("ioapic-eoi=delay-after(10000, 10 ms)"));
        Assert.That(names, Has.None.Contains("ioapic-eoi=reinject"));
        var leftOut = result.GetProperty("leftOut").EnumerateArray().Select(cell => cell.GetString());
        Assert.That(leftOut, Does.Contain("in-kernel I/O APIC, KVM 5.1"));
    }

    [Test]
    public void Setting_that_does_not_exist_on_the_scenarios_own_machine_is_bad_input() =>
        AssertBadInput(Run("matrix", "hyperv-hang", "--set", "ioapic-eoi=delay-after-kvm(10000, 10 ms)"), "irqchip: kernel", "(cell base)");

    [Test]
    public void Guest_that_fails_is_reported_with_its_cell() =>
        AssertBadInput(
            Run("matrix", Scenario("fails", "done.csx", "reached", Throwing)), "throw.csx:4:", "the guest gives up", "(cell fails)");
}
