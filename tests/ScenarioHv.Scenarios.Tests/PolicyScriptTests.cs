namespace ScenarioHv.Scenarios.Tests;

/// <summary>A script in place of a policy's value, as scenarios and options name it.</summary>
public sealed class PolicyScriptTests : ScenarioFixture
{
    /// <summary>Follows the right scenario: begins on line 21.</summary>
    private const string Matrix = """
        matrix:
          immediate-exit: [zero-timer, throttle.csx]
          expect:
            - { when: { immediate-exit: ./throttle.csx }, outcome: reached }
            - { outcome: livelock }

        """;

    [SetUp]
    public void WriteScript() => File.WriteAllText(InDirectory("throttle.csx"), "");

    [Test]
    public void Path_begins_in_the_folder_of_the_scenario_and_is_shown_as_written()
    {
        Directory.CreateDirectory(InDirectory("fixes"));
        File.Move(InDirectory("throttle.csx"), InDirectory("fixes/throttle.csx"));

        var value = Policy("immediate-exit: fixes/throttle.csx");

        Assert.That(value.ToString(), Is.EqualTo("fixes/throttle.csx"));
        Assert.That(value.Name, Is.EqualTo("fixes/throttle.csx"));
        Assert.That(value.ScriptPath, Is.EqualTo(InDirectory("fixes/throttle.csx")));
        Assert.That(Policy("immediate-exit: zero-timer").ScriptPath, Is.Null);
    }

    [Test]
    public void Two_values_are_equal_if_they_name_the_same_file()
    {
        var one = Policy("immediate-exit: throttle.csx");
        File.WriteAllText(InDirectory("other.csx"), "");

        Assert.That(Policy("immediate-exit: ./throttle.csx"), Is.EqualTo(one));
        Assert.That(Policy("immediate-exit: ./throttle.csx").GetHashCode(), Is.EqualTo(one.GetHashCode()));
        Assert.That(Policy("immediate-exit: other.csx"), Is.Not.EqualTo(one));
        Assert.That(Policy("immediate-exit: zero-timer"), Is.Not.EqualTo(one));
    }

    [TestCase("immediate-exit: throtle.csx", "the script of immediate-exit, 'throtle.csx', does not exist; looked for ",
        "did you mean 'throttle.csx'?")]
    [TestCase("immediate-exit: nowhere/throttle.csx", "the script of immediate-exit, 'nowhere/throttle.csx', does not exist", "")]
    [TestCase("immediate-exit: folder.csx", "the script of immediate-exit, 'folder.csx', is a directory", "")]
    [TestCase("immediate-exit: throttle.cs", "'throttle.cs' is not a value of immediate-exit", "zero-timer")]
    public void Path_that_leads_to_no_script_is_reported_at_its_place(string setting, string found, string expected)
    {
        Directory.CreateDirectory(InDirectory("folder.csx"));
        AssertError(ErrorOf(WithPolicy(setting)), 10, 21, found, expected);
    }

    [Test]
    public void Nearest_script_is_named_for_a_guest_as_well() => AssertError(
        ErrorOf(With("l1: l1.csx", "l1: l11.csx")), 14, 7, "the script of l1, 'l11.csx', does not exist", "did you mean 'l1.csx'?");

    [Test]
    public void Script_is_a_value_on_an_axis_and_in_a_row_of_expectations()
    {
        var cells = Read(Good + Matrix).Cells;

        Assert.That(cells.Select(cell => cell.Name), Is.EqualTo(new[]
        {
            "base", "immediate-exit=zero-timer", "immediate-exit=throttle.csx",
        }));
        Assert.That(cells.Select(cell => cell.Expect.Single().ToString()), Is.EqualTo(new[] { "livelock", "livelock", "reached" }));
    }

    [Test]
    public void Script_is_a_value_of_a_cell()
    {
        var text = Good
            + "cells: [{ name: scripted, set: { machine: { policies: { immediate-exit: throttle.csx } } }, expect: reached }]\n";

        Assert.That(
            Read(text).Cells[1].Scenario.Machine.Policies["immediate-exit"].ScriptPath, Is.EqualTo(InDirectory("throttle.csx")));
    }

    [Test]
    public void Same_file_is_on_an_axis_once() => AssertError(
        ErrorOf(Good + Matrix.Replace("zero-timer", "./throttle.csx", StringComparison.Ordinal)), 22, 36, "throttle.csx is twice");

    [Test]
    public void Path_of_an_option_begins_in_its_own_folder()
    {
        var folder = Directory.CreateDirectory(InDirectory("elsewhere")).FullName;
        File.WriteAllText(Path.Combine(folder, "mine.csx"), "");
        var option = SettingOverride.Parse("immediate-exit=mine.csx");
        Assert.That(option.ScriptFolder, Is.EqualTo(Environment.CurrentDirectory));

        var value = Read(Good, option with { ScriptFolder = folder }).Base.Machine.Policies["immediate-exit"];

        Assert.That(value.ToString(), Is.EqualTo("mine.csx"));
        Assert.That(value.ScriptPath, Is.EqualTo(Path.Combine(folder, "mine.csx")));
    }

    [Test]
    public void Option_keeps_the_cells_of_the_matrix_with_the_same_file_however_it_is_written()
    {
        var option = SettingOverride.Parse($"immediate-exit={InDirectory("throttle.csx")}");

        Assert.That(
            Read(Good + Matrix, option).Cells.Select(cell => cell.Name), Is.EqualTo(new[] { "base", "immediate-exit=throttle.csx" }));
    }

    [Test]
    public void Option_that_names_no_script_is_the_place_of_the_error()
    {
        var error = ErrorOf(Good, SettingOverride.Parse("immediate-exit=nowhere.csx"));
        Assert.That(error.ToString(), Does.StartWith(
            "--set immediate-exit=nowhere.csx: the script of immediate-exit, 'nowhere.csx', does not exist; looked for "));
    }

    private PolicyValue Policy(string setting) => Read(WithPolicy(setting)).Base.Machine.Policies.Values.Single();

    private static string WithPolicy(string setting) => With("  irqchip: split", "  policies:\n    " + setting);
}
