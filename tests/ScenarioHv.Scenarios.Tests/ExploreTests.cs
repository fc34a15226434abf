namespace ScenarioHv.Scenarios.Tests;

/// <summary>What a file says about exploring: limits, expectations, what is optional.</summary>
public class ExploreTests : ScenarioFixture
{
    [Test]
    public void Later_begins_at_1_us_and_three_times_is_often_enough_unless_the_file_says_otherwise()
    {
        var explore = Read(Good).Base.Explore;
        Assert.That((explore.Later.ToString(), explore.Repeat, explore.Outside), Is.EqualTo(("1 us", 3, 3)));
        explore = Read(Good + "explore: { later: 500 ns, repeat: 5, outside: 2 }\n").Base.Explore;
        Assert.That((explore.Later.ToString(), explore.Repeat, explore.Outside), Is.EqualTo(("500 ns", 5, 2)));
    }

    [TestCase("reached", ExpectedResult = "holds")]
    [TestCase("violated(custody)", ExpectedResult = "violated(custody)")]
    [TestCase("[reached, livelock(live), stuck]", ExpectedResult = "holds or livelock(live) or stuck")]
    [TestCase("inconclusive", ExpectedResult = "inconclusive")]
    public string Exploring_finds_what_a_run_does_where_nothing_else_is_said(string expect) =>
        Words(Read(With("expect: livelock", $"expect: {expect}")).Base.ExpectExploring);

    [TestCase("holds", ExpectedResult = "holds")]
    [TestCase("violated(custody)", ExpectedResult = "violated(custody)")]
    [TestCase("[holds, livelock]", ExpectedResult = "holds or livelock")]
    [TestCase("stuck(live)", ExpectedResult = "stuck(live)")]
    public string File_says_what_exploring_finds(string expect) =>
        Words(Read(Good + $"explore: {{ expect: {expect} }}\n").Base.ExpectExploring);

    [Test]
    public void Scenario_that_expects_nothing_of_a_run_expects_nothing_of_exploring() =>
        Assert.That(Read(With("expect: livelock\n", "")).Base.ExpectExploring, Is.Empty);

    [Test]
    public void Row_and_cell_say_what_exploring_finds_and_do_not_inherit_what_the_scenario_says()
    {
        var matrix = MatrixTests.Matrix.Replace("outcome: livelock", "outcome: livelock, explore: stuck(live)", StringComparison.Ordinal);
        var cells = MatrixTests.Cells.Replace("expect: stuck", "expect: stuck\n    explore: violated(custody)", StringComparison.Ordinal);
        var found = Read(Good + "explore: { repeat: 7, expect: inconclusive }\n" + matrix + cells).Cells;
        Assert.That(found.Select(cell => Words(cell.ExpectExploring)), Is.EqualTo(new[]
        {
            "inconclusive", "stuck(live)", "holds", "holds or stuck", "holds", "violated(custody)", "holds or livelock",
        }));
        Assert.That(found.Select(cell => cell.Scenario.Explore.Repeat), Has.All.EqualTo(7));
    }

    [Test]
    public void Cell_lays_limits_over_the_scenario_s()
    {
        var cells = MatrixTests.Cells.Replace(
            "set: { timeline:", "set: { explore: { outside: 9 }, timeline:", StringComparison.Ordinal);
        var explore = Read(Good + "explore: { repeat: 7 }\n" + cells).Cells[1].Scenario.Explore;
        Assert.That((explore.Repeat, explore.Outside), Is.EqualTo((7, 9)));
    }

    [Test]
    public void Command_line_sets_limits_beside_policies()
    {
        var scenario = Read(
            Good, new("explore.later", "2 us"), new("immediate-exit", "zero-timer"), new("explore.repeat", "9")).Base;
        Assert.That((scenario.Explore.Later.ToString(), scenario.Explore.Repeat), Is.EqualTo(("2 us", 9)));
        Assert.That(scenario.Machine.Policies["immediate-exit"].ToString(), Is.EqualTo("zero-timer"));
    }

    [TestCase("explore.repaet", "3", "unknown key 'repaet' in explore", "did you mean 'repeat'?")]
    [TestCase("explore.repeat", "0", "repeat 0 is out of range", "1..1000000")]
    [TestCase("explore.expect", "holds", "stands in its file", "later, repeat, outside")]
    public void Wrong_limit_of_the_command_line_is_shown_as_it_was_given(string point, string value, params string[] parts)
    {
        var error = ErrorOf(System.Text.Encoding.UTF8.GetBytes(Good), new SettingOverride(point, value));
        Assert.That(error.ToString(), Does.StartWith($"--set {point}={value}"));
        foreach (var part in parts)
            Assert.That(error.Message, Does.Contain(part));
    }

    [TestCase("{ repaet: 3 }", 12, "unknown key 'repaet' in explore", "did you mean 'repeat'?")]
    [TestCase("[holds]", 10, "found a list", "expected a map for explore")]
    [TestCase("{ repeat: 0 }", 20, "repeat 0 is out of range", "1..1000000")]
    [TestCase("{ outside: many }", 21, "found 'many'", "expected a whole number for outside")]
    [TestCase("{ later: 1 }", 19, "later: '1' has no unit", "us")]
    [TestCase("{ later: 1 cycles }", 19, "later 1 cycles is 1 cycles, out of range", "2..")]
    [TestCase("{ expect: reached }", 20, "'reached' is how one run ends", "'holds'")]
    [TestCase("{ expect: hods }", 20, "found 'hods' for expect of explore", "did you mean 'holds'?")]
    [TestCase("{ expect: holds(live) }", 26, "'live' explains stuck and livelock", "'holds' takes no property")]
    [TestCase("{ expect: [holds, holds] }", 28, "outcome 'holds' is given twice")]
    public void Wrong_explore_is_one_error_with_its_place(string explore, int column, params string[] parts) =>
        AssertError(ErrorOf(Good + $"explore: {explore}\n"), 21, column, parts);

    [Test]
    public void Run_cannot_hold() =>
        AssertError(ErrorOf(With("expect: livelock", "expect: holds")), 20, 9, "'holds' is what exploring finds", "'reached'");

    [Test]
    public void Cell_s_expectation_does_not_stand_in_its_set() => AssertError(
        ErrorOf(Good + MatrixTests.Cells.Replace("set: { ", "set: { explore: { expect: holds }, ", StringComparison.Ordinal)),
        24, 23, "beside its 'expect', as 'explore'");

    [Test]
    public void Devices_and_lines_can_be_optional()
    {
        var scenario = Read(With("vector: 0x60 }", "vector: 0x60, optional: true }").Replace(
            "fire: clock }", "fire: clock, optional: true }", StringComparison.Ordinal)).Base;
        Assert.That(scenario.Machine.Devices.Select(device => device.IsOptional), Is.EqualTo(new[] { false, true }));
        Assert.That(scenario.Timeline.Select(line => line.IsOptional), Is.EqualTo(new[] { false, true }));
    }

    [TestCase("vector: 0x60 }", "vector: 0x60, optional: true }", 18, 24, "device 'clock' is optional, and this line needs it")]
    [TestCase("fire: clock }", "fire: clock, optional: perhaps }", 18, 41, "found 'perhaps' for optional", "expected true or false")]
    [TestCase("raise: usb }", "save: 0, optional: true }\n  - { at: 60 us, restore: 0 }", 18, 27,
        "each 'save' before this 'restore' is optional", "optional: true")]
    [TestCase("raise: usb }", "preempt: 0, optional: true }\n  - { at: 60 us, schedule: 0 }", 18, 28,
        "each 'preempt' before this 'schedule' is optional", "optional: true")]
    public void What_a_line_needs_is_not_optional(string old, string replacement, int line, int column, params string[] parts) =>
        AssertError(ErrorOf(With(old, replacement)), line, column, parts);

    [Test]
    public void One_save_that_stays_is_enough_for_a_restore() => Assert.That(
        Read(With("raise: usb }", "save: 0, optional: true }\n  - { at: 55 us, save: 0 }\n  - { at: 60 us, restore: 0 }")).Base.Timeline,
        Has.Count.EqualTo(4));

    [Test]
    public void Line_can_wait_for_a_report()
    {
        var after = Read(With("raise: usb }", "raise: usb, after: l1 reports \"up\" }")).Base.Timeline[0].After!;
        Assert.That((after.Level, after.Report), Is.EqualTo((GuestLevel.L1, "up")));
    }

    [Test]
    public void Cost_that_varies_is_a_list_of_durations()
    {
        var text = With("timing: skylake", "timing: { profile: skylake, costs: { vm-exit: [1500 cycles, 1 us] } }");
        Assert.That(Read(text).Base.Machine.TimingOverrides["vm-exit"], Is.EqualTo(new long[] { 1500, 2400 }));
    }

    [TestCase("[]", 49, "found an empty list", "duration for vm-exit")]
    [TestCase("[1 us, 2400 cycles]", 56, "vm-exit has the value of 2400 cycles twice")]
    [TestCase("[1 us, 0 us]", 56, "vm-exit 0 us is 0 cycles, out of range", "1..100000")]
    [TestCase("[1 us, [2 us]]", 56, "found a list", "expected a duration for vm-exit")]
    [TestCase("[1us,2us,3us,4us,5us,6us,7us,8us,9us,10us,11us,12us,13us,14us,15us,16us,17us]", 121, "vm-exit has more than 16 values")]
    public void Wrong_values_of_a_cost_that_varies_are_refused(string values, int column, params string[] parts) => AssertError(
        ErrorOf(With("timing: skylake", $"timing: {{ profile: skylake, costs: {{ vm-exit: {values} }} }}")), 6, column, parts);

    private static string Words(IReadOnlyList<Expectation> expect) => string.Join(" or ", expect);
}
