namespace ScenarioHv.Scenarios.Tests;

public class PolicyTests : ScenarioFixture
{
    [TestCase("immediate-exit: zero-timer", "zero-timer")]
    [TestCase("immediate-exit: throttle(100, 1000)", "throttle(100, 1000)")]
    [TestCase("immediate-exit: \"throttle( 0x64 ,1000 )\"", "throttle(100, 1000)")]
    [TestCase("immediate-exit: self-ipi(before-entry)", "self-ipi(before-entry)")]
    [TestCase("immediate-exit: self-ipi(after(3))", "self-ipi(after(3))")]
    [TestCase("ioapic-eoi: delay-after(10000, 10 ms)", "delay-after(10000, 10 ms)")]
    [TestCase("ioapic-eoi: delay-after(10000,10000us)", "delay-after(10000, 10 ms)")]
    public void Value_is_written_one_way(string setting, string written)
    {
        var value = Read(WithPolicy(setting)).Base.Machine.Policies.Values.Single();
        Assert.That(value.ToString(), Is.EqualTo(written));
    }

    [Test]
    public void Arguments_have_the_kinds_of_the_vocabulary()
    {
        var delay = Policy("ioapic-eoi: delay-after(10000, 10 ms)");
        Assert.That(delay.CountAt(0), Is.EqualTo(10_000));
        Assert.That(delay.DurationAt(1).ToCycles(2_400_000_000), Is.EqualTo(24_000_000));
        Assert.That(Policy("immediate-exit: self-ipi(after(3))").ChoiceAt(0).CountAt(0), Is.EqualTo(3));
        Assert.That(() => delay.DurationAt(0), Throws.InvalidOperationException);
    }

    [Test]
    public void Values_are_equal_whatever_their_place_and_spelling()
    {
        var one = Policy("ioapic-eoi: delay-after(10000, 10 ms)");
        Assert.That(Policy("\n    ioapic-eoi: \"delay-after(0x2710,0.01 s)\""), Is.EqualTo(one));
        Assert.That(Policy("ioapic-eoi: delay-after(10000, 11 ms)"), Is.Not.EqualTo(one));
    }

    // Line 10, and the value of immediate-exit begins in column 21.
    [TestCase("immediat-exit: zero-timer", 5, "unknown policy point 'immediat-exit'", "did you mean 'immediate-exit'?")]
    [TestCase("immediate-exit: zero-tmer", 21, "'zero-tmer' is not a value of immediate-exit", "did you mean 'zero-timer'?")]
    [TestCase("immediate-exit: nothing", 21, "'nothing' is not a value of", "zero-timer, throttle(exits, pause), self-ipi(arrival)")]
    [TestCase("immediate-exit: throttle", 21, "throttle takes 2 arguments as in throttle(exits, pause)", "found 0")]
    [TestCase("immediate-exit: throttle(100)", 21, "throttle takes 2 arguments", "found 1")]
    [TestCase("immediate-exit: zero-timer(1)", 21, "zero-timer takes no arguments", "found 1")]
    [TestCase("immediate-exit: throttle(0, 1000)", 30, "exits of throttle 0 is out of range", "1..1000000")]
    [TestCase("immediate-exit: throttle(100, many)", 35, "found 'many'", "expected a whole number for pause of throttle")]
    [TestCase("immediate-exit: throttle(100, f(1))", 35, "found 'f('", "expected a whole number")]
    [TestCase("immediate-exit: \"throttle(100, many)\"", 36, "found 'many'", "expected a whole number for pause of throttle")]
    [TestCase("immediate-exit: throttle(99999999999999999999, 1)", 30, "is out of range", "1..1000000")]
    [TestCase("immediate-exit: self-ipi(befor-entry)", 30,
        "'befor-entry' is not a value of arrival of self-ipi", "did you mean 'before-entry'?")]
    [TestCase("immediate-exit: self-ipi(after(0))", 36, "operations of after 0 is out of range", "1..1000")]
    [TestCase("immediate-exit: self-ipi(after)", 30, "after takes 1 argument", "found 0")]
    [TestCase("ioapic-eoi: delay-after(10000, 10)", 36, "delay of delay-after: '10' has no unit", "ms")]
    [TestCase("ioapic-eoi: delay-after(10000, 10 mss)", 36, "unknown unit 'mss'", "did you mean 'ms'?")]
    [TestCase("ioapic-eoi: delay-after(10000, 0 ms)", 36, "is 0 cycles, out of range", "1..")]
    [TestCase("immediate-exit: throttle(100, 1000", 29, "'(' is not closed", "")]
    [TestCase("immediate-exit: throttle(100,, 1000)", 34, "a word is missing", "")]
    [TestCase("immediate-exit: throttle()", 30, "a word is missing", "")]
    [TestCase("immediate-exit: throttle(100, 1000) x", 41, "found 'x' after the end", "")]
    [TestCase("immediate-exit: throttle(100, 1000))", 40, "found ')' after the end", "")]
    [TestCase("immediate-exit: [zero-timer]", 21, "found a list, expected a value of immediate-exit", "zero-timer")]
    [TestCase("immediate-exit:", 20, "found nothing, expected a value of immediate-exit", "zero-timer")]
    public void Wrong_value_is_reported_at_its_own_column(string setting, int column, string found, string expected) =>
        AssertError(ErrorOf(WithPolicy(setting)), 10, column, found, expected);

    [Test]
    public void Comma_inside_braces_needs_quotes_and_the_error_says_so()
    {
        var error = ErrorOf(With("  irqchip: split", "  policies: { immediate-exit: throttle(100, 1000) }"));
        AssertError(error, 9, 39, "'(' is not closed in 'throttle(100'", "must stand in quotes");
    }

    [Test]
    public void Text_of_parentheses_is_refused_without_exhausting_the_stack()
    {
        var text = string.Concat(Enumerable.Repeat("a(", 200_000));
        AssertError(ErrorOf(WithPolicy($"immediate-exit: {text}")), 10, 37, "nested more than 8 deep");
    }

    [Test]
    public void Override_replaces_the_scenario_s_policy()
    {
        var document = Read(WithPolicy("immediate-exit: zero-timer"), SettingOverride.Parse("immediate-exit = throttle(1, 2)"));
        Assert.That(document.Base.Machine.Policies["immediate-exit"].ToString(), Is.EqualTo("throttle(1, 2)"));
    }

    [Test]
    public void Override_adds_a_policy_to_a_machine_without_any()
    {
        var machine = Read(Good, new SettingOverride("ioapic-eoi", "reinject")).Base.Machine;
        Assert.That(machine.Policies.Keys, Is.EqualTo(new[] { "ioapic-eoi" }));
    }

    [TestCase("immediat-exit=zero-timer", "unknown policy point 'immediat-exit'", "did you mean 'immediate-exit'?")]
    [TestCase("immediate-exit=zero-timr", "'zero-timr' is not a value", "did you mean 'zero-timer'?")]
    [TestCase("immediate-exit=throttle(1)", "throttle takes 2 arguments", "found 1")]
    [TestCase("immediate-exit=throttle(1", "'(' is not closed", "")]
    public void Wrong_override_names_the_option_instead_of_a_place(string option, string found, string expected)
    {
        var error = ErrorOf(Good, SettingOverride.Parse(option));
        Assert.That(error.ToString(), Does.StartWith($"--set {option}: ").And.Contain(found).And.Contain(expected));
        Assert.That(error.Line, Is.Zero);
    }

    [TestCase("immediate-exit")]
    [TestCase("=zero-timer")]
    [TestCase("immediate-exit=")]
    public void Option_without_point_or_value_is_refused(string option) =>
        Assert.That(
            () => SettingOverride.Parse(option),
            Throws.TypeOf<ScenarioException>().With.Message.StartsWith($"--set {option}: expected"));

    [Test]
    public void Point_set_twice_is_refused()
    {
        var error = ErrorOf(Good, new SettingOverride("ioapic-eoi", "reinject"), new SettingOverride("ioapic-eoi", "reinject"));
        Assert.That(error.ToString(), Is.EqualTo("--set ioapic-eoi=reinject: 'ioapic-eoi' is set twice"));
    }

    [Test]
    public void Error_of_the_file_comes_before_one_of_an_option() =>
        AssertError(ErrorOf(With("tsc:", "tcs:"), new SettingOverride("x", "y")), 5, 3, "unknown key 'tcs'");

    private PolicyValue Policy(string setting) => Read(WithPolicy(setting)).Base.Machine.Policies.Values.Single();

    private static string WithPolicy(string setting) => With("  irqchip: split", "  policies:\n    " + setting);
}
