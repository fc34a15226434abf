namespace ScenarioHv.Scenarios.Tests;

public class MatrixTests : ScenarioFixture
{
    /// <summary>Follows the right scenario: begins on line 21.</summary>
    internal const string Matrix = """
        matrix:
          immediate-exit: [zero-timer, "throttle(100, 1000)"]
          ioapic-eoi: [reinject, "delay-after(10000, 10 ms)"]
          expect:
            - { when: { ioapic-eoi: "delay-after(10000, 10 ms)" }, outcome: reached, note: "the QEMU side" }
            - { when: { immediate-exit: "throttle(100, 1000)" }, outcome: [reached, stuck] }
            - { outcome: livelock }

        """;

    /// <summary>Follows the right scenario: begins on line 21.</summary>
    internal const string Cells = """
        cells:
          - name: level source alone
            note: "is the edge needed?"
            set: { timeline: [ { at: 60 us, raise: usb } ] }
            expect: stuck
          - name: on AMD
            set:
              machine: { cpu: { vendor: amd, preemption-timer: off } }
              goal: l1 reports "up"
            expect: [reached, livelock]

        """;

    [Test]
    public void Cells_are_the_scenario_itself_then_the_product_with_the_first_axis_slowest()
    {
        Assert.That(Read(Good + Matrix).Cells.Select(cell => cell.Name), Is.EqualTo(new[]
        {
            "base",
            "immediate-exit=zero-timer, ioapic-eoi=reinject",
            "immediate-exit=zero-timer, ioapic-eoi=delay-after(10000, 10 ms)",
            "immediate-exit=throttle(100, 1000), ioapic-eoi=reinject",
            "immediate-exit=throttle(100, 1000), ioapic-eoi=delay-after(10000, 10 ms)",
        }));
    }

    [Test]
    public void First_row_that_fits_decides()
    {
        var cells = Read(Good + Matrix).Cells;
        Assert.That(cells.Select(cell => string.Join('|', cell.Expect)), Is.EqualTo(new[]
        {
            "livelock", "livelock", "reached", "reached|stuck", "reached",
        }));
        Assert.That(cells[2].Note, Is.EqualTo("the QEMU side"));
    }

    [Test]
    public void Cell_of_the_product_has_its_policies_and_the_rest_of_the_scenario()
    {
        var cell = Read(Good + Matrix).Cells[3].Scenario;
        Assert.That(cell.Machine.Policies.Select(policy => $"{policy.Key}={policy.Value}"), Is.EqualTo(new[]
        {
            "immediate-exit=throttle(100, 1000)", "ioapic-eoi=reinject",
        }));
        Assert.That(cell.Goal.Report, Is.EqualTo("usb served"));
        Assert.That(cell.Machine.Devices, Has.Count.EqualTo(2));
    }

    [Test]
    public void Policies_of_the_machine_that_are_no_axis_stay()
    {
        var text = With("irqchip: split", "policies: { ioapic-eoi: reinject, immediate-exit: zero-timer }")
            + "matrix:\n  immediate-exit: [\"throttle(1, 2)\"]\n  expect: [ { outcome: stuck } ]\n";
        var policies = Read(text).Cells[1].Scenario.Machine.Policies;
        Assert.That(policies["ioapic-eoi"].ToString(), Is.EqualTo("reinject"));
        Assert.That(policies["immediate-exit"].ToString(), Is.EqualTo("throttle(1, 2)"));
    }

    [Test]
    public void Written_cell_lays_its_set_over_the_scenario()
    {
        var cells = Read(Good + Cells).Cells;
        Assert.That(cells.Select(cell => cell.Name), Is.EqualTo(new[] { "base", "level source alone", "on AMD" }));
        Assert.That(cells[1].Note, Is.EqualTo("is the edge needed?"));
        Assert.That(cells[1].Scenario.Timeline.Select(entry => entry.At.ToString()), Is.EqualTo(new[] { "60 us" }));
        Assert.That(cells[2].Scenario.Timeline, Has.Count.EqualTo(2));
        Assert.That(cells[2].Scenario.Machine.Cpu with { Mark = default }, Is.EqualTo(new CpuSection(CpuVendor.Amd, true, null)));
        Assert.That(cells[2].Scenario.Goal.Level, Is.EqualTo(GuestLevel.L1));
        Assert.That(cells[2].Expect, Is.EqualTo(new[] { new Expectation(Outcome.Reached), new Expectation(Outcome.Livelock) }));
    }

    [Test]
    public void Written_cells_come_after_the_product_wherever_they_stand()
    {
        var names = Read(Cells + Good + Matrix).Cells.Select(cell => cell.Name).ToArray();
        Assert.That(names, Has.Length.EqualTo(7));
        Assert.That(names[5..], Is.EqualTo(new[] { "level source alone", "on AMD" }));
    }

    [Test]
    public void Error_inside_a_set_is_reported_where_the_set_is_written() =>
        AssertError(ErrorOf(Good + Cells.Replace("raise: usb", "raise: ubs", StringComparison.Ordinal)), 24, 44, "unknown device 'ubs'");

    [Test]
    public void Override_on_an_axis_keeps_the_cells_that_agree()
    {
        var document = Read(Good + Matrix, new SettingOverride("ioapic-eoi", "delay-after(10000, 10000 us)"));
        Assert.That(document.Cells.Select(cell => cell.Name), Is.EqualTo(new[]
        {
            "base",
            "immediate-exit=zero-timer, ioapic-eoi=delay-after(10000, 10 ms)",
            "immediate-exit=throttle(100, 1000), ioapic-eoi=delay-after(10000, 10 ms)",
        }));
    }

    [Test]
    public void Override_beside_the_axes_reaches_every_cell_that_does_not_set_the_point()
    {
        var matrix = "matrix:\n  ioapic-eoi: [reinject]\n  expect: [ { outcome: stuck } ]\n";
        var cells = "cells:\n  - { name: own, set: { machine: { policies: { immediate-exit: zero-timer } } }, expect: stuck }\n";
        var document = Read(Good + matrix + cells, new SettingOverride("immediate-exit", "throttle(1, 2)"));
        Assert.That(document.Cells.Select(cell => cell.Scenario.Machine.Policies["immediate-exit"].ToString()), Is.EqualTo(new[]
        {
            "throttle(1, 2)", "throttle(1, 2)", "zero-timer",
        }));
    }

    [TestCase("    - { outcome: livelock }\n", "", 24, 3, "no row of expect fits the cell immediate-exit=zero-timer, ioapic-eoi=reinject")]
    [TestCase("when: { immediate-exit: \"throttle(100, 1000)\" }, ", "", 27, 7, "this row decides no cell")]
    [TestCase("when: { immediate-exit: \"throttle(100, 1000)\" }", "when: { immediate-exit: \"throttle(100, 1001)\" }", 26, 33,
        "throttle(100, 1001) is not among the values of axis immediate-exit: zero-timer, throttle(100, 1000)")]
    [TestCase("when: { immediate-exit:", "when: { immediat-exit:", 26, 17,
        "no axis 'immediat-exit' in this matrix; expected one of immediate-exit, ioapic-eoi; did you mean 'immediate-exit'?")]
    [TestCase("  ioapic-eoi: [", "  ioapic-eoy: [", 23, 3, "unknown policy point 'ioapic-eoy'")]
    [TestCase("[reinject, \"delay", "[reinjct, \"delay", 23, 16, "'reinjct' is not a value of ioapic-eoi")]
    [TestCase("[zero-timer, \"throttle(100, 1000)\"]", "zero-timer", 22, 19,
        "found 'zero-timer', expected a list for the values of immediate-exit")]
    [TestCase("[zero-timer, \"throttle(100, 1000)\"]", "[]", 22, 19, "the list of values of immediate-exit is empty")]
    [TestCase("[zero-timer, \"throttle(100, 1000)\"]", "[zero-timer, zero-timer]", 22, 32,
        "zero-timer is twice among the values of immediate-exit")]
    [TestCase("outcome: livelock", "outcom: livelock", 27, 9, "unknown key 'outcom' in a row of expect")]
    [TestCase("{ outcome: livelock }", "{ note: x }", 27, 7, "a row of expect has no 'outcome'")]
    public void Wrong_matrix(string old, string replacement, int line, int column, string found)
    {
        var changed = Matrix.Replace(old, replacement, StringComparison.Ordinal);
        Assert.That(changed, Is.Not.EqualTo(Matrix));
        AssertError(ErrorOf(Good + changed), line, column, found);
    }

    [Test]
    public void Matrix_needs_an_axis_and_expectations()
    {
        AssertError(ErrorOf(Good + "matrix:\n  expect: [ { outcome: stuck } ]\n"), 22, 3, "the matrix has no axis");
        AssertError(ErrorOf(Good + "matrix:\n  ioapic-eoi: [reinject]\n"), 22, 3, "matrix has no 'expect'");
    }

    [Test]
    public void Product_of_more_than_4096_cells_is_refused()
    {
        var exits = string.Join(", ", Enumerable.Range(1, 64).Select(n => $"\"throttle({n}, 1)\""));
        var delays = string.Join(", ", Enumerable.Range(1, 65).Select(n => $"\"delay-after({n}, 1 ms)\""));
        var text = $"matrix:\n  immediate-exit: [{exits}]\n  ioapic-eoi: [{delays}]\n";
        AssertError(ErrorOf(Good + text), 23, 3, "the matrix has more than 4096 cells");
    }

    [TestCase("name: on AMD", "name: level source alone", 26, 11, "a cell is named 'level source alone' already")]
    [TestCase("name: on AMD", "name: base", 26, 11, "a cell is named 'base' already")]
    [TestCase("name: on AMD", "title: on AMD", 26, 5, "unknown key 'title' in a cell")]
    [TestCase("    expect: stuck\n", "", 22, 5, "a cell has no 'expect'")]
    [TestCase("set: { timeline:", "set: { timelin:", 24, 12,
        "unknown key 'timelin' in set of cell 'level source alone'; expected one of machine, guests, timeline, goal, explore; did")]
    [TestCase("set: { timeline:", "set: { expect: reached, timeline:", 24, 12, "unknown key 'expect' in set")]
    [TestCase("vendor: amd, preemption-timer: off", "vendor: amd", 7, 56, "an AMD processor has no VMX-preemption timer")]
    public void Wrong_cell(string old, string replacement, int line, int column, string found)
    {
        var changed = Cells.Replace(old, replacement, StringComparison.Ordinal);
        Assert.That(changed, Is.Not.EqualTo(Cells));
        AssertError(ErrorOf(Good + changed), line, column, found);
    }

    [Test]
    public void Large_file_with_many_cells_is_refused_before_any_is_bound()
    {
        var timeline = string.Concat(Enumerable.Repeat("  - { at: 1 us, raise: usb }\n", 10_000));
        var cells = string.Concat(Enumerable.Range(0, 100).Select(SmallCell)).Replace("goal", "gaol", StringComparison.Ordinal);
        var error = ErrorOf(With("timeline:\n", "timeline:\n" + timeline) + "cells:\n" + cells);
        AssertError(error, 10_022, 3, "100 cells of a file with", "1000000 are allowed");
    }

    [Test]
    public void More_than_256_rows_are_refused()
    {
        var text = "matrix:\n  ioapic-eoi: [reinject]\n  expect:\n" + string.Concat(Enumerable.Repeat("    - { outcome: stuck }\n", 257));
        AssertError(ErrorOf(Good + text), 280, 7, "more than 256 rows");
    }

    [Test]
    public void Product_of_4096_cells_is_made()
    {
        var exits = string.Join(", ", Enumerable.Range(1, 64).Select(n => $"\"throttle({n}, 1)\""));
        var delays = string.Join(", ", Enumerable.Range(1, 64).Select(n => $"\"delay-after({n}, 1 ms)\""));
        var text = $"matrix:\n  immediate-exit: [{exits}]\n  ioapic-eoi: [{delays}]\n  expect: [ {{ outcome: stuck }} ]\n";
        Assert.That(Read(Good + text).Cells, Has.Count.EqualTo(4097));
    }

    [Test]
    public void More_than_256_cells_are_refused()
    {
        var cells = string.Concat(Enumerable.Range(0, 257).Select(SmallCell));
        AssertError(ErrorOf(Good + "cells:\n" + cells), 278, 5, "more than 256 cells");
    }

    private static string SmallCell(int number) => $"  - {{ name: c{number}, set: {{ goal: 'l1 reports \"x\"' }}, expect: stuck }}\n";
}
