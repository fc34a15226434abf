namespace ScenarioHv.Scenarios.Tests;

public class QuantityTests
{
    // At 2.4 GHz a microsecond has 2400 cycles, and a nanosecond 2.4, which is rounded up.
    [TestCase("50 us", 2_400_000_000, 120_000)]
    [TestCase("10 ms", 2_400_000_000, 24_000_000)]
    [TestCase("1 s", 2_400_000_000, 2_400_000_000)]
    [TestCase("3 ns", 2_400_000_000, 8)]
    [TestCase("1.5 us", 2_400_000_000, 3_600)]
    [TestCase("0.000000001 ns", 2_400_000_000, 1)]
    [TestCase("1 s", 2_399_999_999, 2_399_999_999)]
    [TestCase("1 ns", 1_000_000_000, 1)]
    [TestCase("1 ns", 1_000_000_001, 2)]
    [TestCase("120 cycles", 2_400_000_000, 120)]
    [TestCase("0 us", 2_400_000_000, 0)]
    [TestCase("50us", 2_400_000_000, 120_000)]
    [TestCase("1844674407 s", 2_500_000_000, 4_611_686_017_500_000_000)]
    [TestCase("0.000000001 ns", 1, 1)]
    public void Duration_is_converted_exactly_and_rounded_up(string text, long tscHz, long cycles)
    {
        Assert.That(Duration.TryParse(text, out var duration, out _), Is.True);
        Assert.That(duration.ToCycles(tscHz), Is.EqualTo(cycles));
    }

    [TestCase("50", "has no unit", "ns, us, ms, s, cycles")]
    [TestCase("50 uss", "unknown unit 'uss'", "did you mean 'us'?")]
    [TestCase("50 Cycle", "unknown unit 'Cycle'", "did you mean 'cycles'?")]
    [TestCase("50 xs", "unknown unit 'xs'", "expected one of ns, us, ms, s, cycles")]
    [TestCase("-1 us", "found '-1 us'", "cannot be negative")]
    [TestCase("soon", "found 'soon'", "expected a duration")]
    [TestCase("", "found ''", "expected a duration")]
    [TestCase(".5 us", "found '.5 us'", "expected a duration")]
    [TestCase("5. us", "found '5. us'", "expected a duration")]
    [TestCase("1.2.3 us", "found '1.2.3 us'", "expected a duration")]
    [TestCase("1.5 cycles", "found '1.5 cycles'", "whole number of cycles")]
    [TestCase("1e3 us", "unknown unit 'e3 us'", "expected one of")]
    [TestCase("1000000000000000000 s", "out of range", "18 digits")]
    [TestCase("0.0000000001 s", "out of range", "9 decimals")]
    public void Text_that_is_no_duration_says_what_is_expected(string text, string found, string expected)
    {
        Assert.That(Duration.TryParse(text, out _, out var error), Is.False);
        Assert.That(error, Does.Contain(found).And.Contain(expected));
    }

    [Test]
    public void Duration_longer_than_a_scenario_can_last_overflows()
    {
        var duration = Parse("999999999999999999 s");
        Assert.That(() => duration.ToCycles(1_000_000), Throws.TypeOf<OverflowException>());
    }

    [TestCase("10000 us", "10 ms")]
    [TestCase("10 ms", "10 ms")]
    [TestCase("1.5 ms", "1500 us")]
    [TestCase("0.25 ns", "0.25 ns")]
    [TestCase("2400 cycles", "2400 cycles")]
    public void Duration_is_written_in_the_largest_unit_without_decimals(string text, string written)
    {
        Assert.That(Parse(text).ToString(), Is.EqualTo(written));
        Assert.That(Parse(text), Is.EqualTo(Parse(written)));
    }

    [TestCase("2.4 GHz", 2_400_000_000)]
    [TestCase("2399.999999 MHz", 2_399_999_999)]
    [TestCase("250 Hz", 250)]
    [TestCase("32.768 kHz", 32_768)]
    public void Frequency_is_a_whole_number_of_hertz(string text, long hertz)
    {
        Assert.That(FrequencyHz.TryParse(text, out var frequency, out _), Is.True);
        Assert.That(frequency.Hertz, Is.EqualTo(hertz));
    }

    [TestCase("0.5 Hz", "whole number of hertz")]
    [TestCase("2.4 Ghz ", "did you mean 'GHz'?")]
    [TestCase("2.4", "has no unit")]
    [TestCase("99999999999999999 GHz", "more hertz than any clock")]
    public void Text_that_is_no_frequency_says_what_is_expected(string text, string expected)
    {
        Assert.That(FrequencyHz.TryParse(text.Trim(), out _, out var error), Is.False);
        Assert.That(error, Does.Contain(expected));
    }

    private static Duration Parse(string text) =>
        Duration.TryParse(text, out var duration, out var error) ? duration : throw new FormatException(error);
}
