using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Tests;

/// <summary>Which machines <c>try</c> runs, with which values, and what it makes of the outcomes.</summary>
public sealed class TryPlanTests
{
    private const string Point = "immediate-exit";

    [Test]
    public void Cells_that_differ_at_the_point_only_are_one_machine()
    {
        var machine = Machines("hyperv-hang")[0];

        Assert.That(machine.Name, Is.EqualTo("ioapic-eoi=reinject"));
        Assert.That(machine.Rivals.Select(rival => rival.Value), Is.EqualTo(new[]
        {
            "zero-timer", "throttle(100, 1000)", "self-ipi(before-entry)", "self-ipi(after(1))", "throttle(1, 1)",
        }), "the scenario as written, the row of its matrix, and a cell that changes nothing else");
        Assert.That(machine.Usual, Is.EqualTo("zero-timer"));
    }

    [Test]
    public void Every_machine_is_there_once_and_no_value_twice_on_it()
    {
        var machines = Machines("hyperv-hang");

        Assert.That(machines.Select(machine => machine.Name), Is.EqualTo(new[]
        {
            "ioapic-eoi=reinject", "ioapic-eoi=delay-after(10000, 10 ms)", "in-kernel I/O APIC, KVM 5.1", "in-kernel I/O APIC, KVM 3.16",
            "QEMU 4.1", "SVM", "level source alone", "two one-shot edges", "periodic edge source faster than the loop",
            "bare metal, re-send below one L2 operation", "bare metal, re-send above one L2 operation", "with a host tick",
            "L1 silences the device before its EOI",
        }));
        Assert.That(machines.Select(machine => machine.Rivals.Select(rival => rival.Value)), Has.All.Unique);
        Assert.That(
            machines.Single(machine => machine.Name == "SVM").Rivals.Select(rival => rival.Value),
            Is.EqualTo(new[] { "self-ipi(before-entry)", "self-ipi(after(1))" }));
    }

    [Test]
    public void Machine_without_the_point_says_why_and_is_not_run()
    {
        var machine = Machines("hyperv-hang").First(machine => machine.Name.StartsWith("bare metal", StringComparison.Ordinal));

        Assert.That(machine.Absence, Does.Contain("on bare-metal there is none below the guest"));
        Assert.That((machine.Rivals.Count, machine.Script), Is.EqualTo((0, (TryValue?)null)));
    }

    [Test]
    public void Scenario_whose_matrix_compares_other_points_is_not_about_this_one()
    {
        Assert.That(Machines("soft-vnmi"), Has.All.Property(nameof(TryMachine.IsAbout)).False);
        Assert.That(Machines("hyperv-hang"), Has.All.Property(nameof(TryMachine.IsAbout)).True);
    }

    [Test]
    public void Value_that_is_tried_is_no_rival_of_its_own() => Assert.That(
        Machines("hyperv-hang", "throttle(100, 1000)")[0].Rivals.Select(rival => rival.Value), Has.None.EqualTo("throttle(100, 1000)"));

    [TestCase(Outcome.Reached, Outcome.Livelock, new[] { Outcome.Livelock, Outcome.Reached }, "cured")]
    [TestCase(Outcome.Reached, Outcome.Reached, new[] { Outcome.Reached, Outcome.Stuck }, "cured")]
    [TestCase(Outcome.Reached, Outcome.Reached, new[] { Outcome.Reached, Outcome.Inconclusive }, "good")]
    [TestCase(Outcome.Violated, Outcome.Livelock, new[] { Outcome.Livelock, Outcome.Reached }, "remains")]
    [TestCase(Outcome.Livelock, Outcome.Reached, new[] { Outcome.Reached, Outcome.Stuck }, "broken")]
    [TestCase(Outcome.Inconclusive, Outcome.Reached, new[] { Outcome.Reached, Outcome.Stuck }, "not known")]
    public void Verdict_compares_the_script_with_the_usual_value_and_the_others(
        Outcome script, Outcome usual, Outcome[] rivals, string expected) =>
        Assert.That(TryVerdicts.Word(TryVerdicts.Of(script, usual, rivals)), Is.EqualTo(expected));

    private static IReadOnlyList<TryMachine> Machines(string scenario, string value = "throttle(7, 7)") =>
        new TryPlan(Point, ValueOf(value)).Of(ScenarioFile.Read(scenario).Document);

    /// <summary>A value in the script's place: to the plan it makes no difference.</summary>
    private static PolicyValue ValueOf(string text) =>
        ScenarioFile.Read("hyperv-hang", [new SettingOverride(Point, text)]).Document.Base.Machine.Policies[Point];
}
