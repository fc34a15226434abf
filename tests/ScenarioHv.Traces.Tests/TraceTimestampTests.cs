namespace ScenarioHv.Traces.Tests;

[TestFixture]
internal sealed class TraceTimestampTests
{
    [TestCase(0, 2_500_000_000, "     0.000000")]
    [TestCase(2_499, 2_500_000_000, "     0.000000")]
    [TestCase(2_500, 2_500_000_000, "     0.000001")]
    [TestCase(4_999, 2_500_000_000, "     0.000001")]
    [TestCase(2_499_999_999, 2_500_000_000, "     0.999999")]
    [TestCase(2_500_000_000, 2_500_000_000, "     1.000000")]
    [TestCase(7, 3, "     2.333333")]
    public void Microseconds_are_cut_off(long cycle, long hz, string text) =>
        Assert.That(TraceTimestamp.Format(cycle, hz), Is.EqualTo(text));

    [TestCase(1, 2_400_000_000, "     0.000000000")]
    [TestCase(5, 2_400_000_000, "     0.000000002")]
    [TestCase(2_399_999_999, 2_400_000_000, "     0.999999999")]
    public void Nanoseconds_are_cut_off(long cycle, long hz, string text) =>
        Assert.That(TraceTimestamp.Format(cycle, hz, TraceResolution.Nanoseconds), Is.EqualTo(text));

    [Test]
    public void The_largest_cycle_does_not_overflow() => // 9223372036854775807 = 9223372036 s at 1 GHz and 854775807 ns
        Assert.That(TraceTimestamp.Format(long.MaxValue, 1_000_000_000, TraceResolution.Nanoseconds), Is.EqualTo("9223372036.854775807"));

    [Test]
    public void The_highest_frequency_does_not_overflow() => // one cycle short of a second
        Assert.That(TraceTimestamp.Format(long.MaxValue - 1, long.MaxValue, TraceResolution.Nanoseconds), Is.EqualTo("     0.999999999"));

    [Test]
    public void Time_before_the_start_is_refused() =>
        Assert.That(() => TraceTimestamp.Format(-1, 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
