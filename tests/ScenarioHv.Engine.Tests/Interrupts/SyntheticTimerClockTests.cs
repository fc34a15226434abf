using System.Numerics;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Units of 100 ns and TSC cycles, against BigInteger.</summary>
public class SyntheticTimerClockTests
{
    [TestCase(10_000_000L, 0UL)]
    [TestCase(10_000_001L, 0UL)]
    [TestCase(2_394_230_000L, 0UL)]
    [TestCase(2_999_999_999L, 123_456_789UL)]
    [TestCase(1L << 40, 1UL << 61)]
    public void Clock_converts_exactly_in_both_directions(long tscHz, ulong countAtZero)
    {
        var clock = new SyntheticTimerClock(tscHz, countAtZero);
        foreach (ulong units in new ulong[] { 0, 1, 2, 3, 9_999, 10_000, 1_000_000_007, 50_000_000_000_000 })
        {
            BigInteger cycles = (new BigInteger(units) * tscHz + 9_999_999) / 10_000_000;
            var first = clock.FirstInstantOf((UInt128)countAtZero + units);
            Assert.That(first.IsNever ? long.MaxValue : first.Cycle, Is.EqualTo((long)BigInteger.Min(cycles, long.MaxValue)));
            if (first.IsNever)
                continue;
            Assert.That(clock.CountAt(first), Is.EqualTo(countAtZero + units));
            if (units > 0)
                Assert.That(clock.CountAt(new Instant(first.Cycle - 1)), Is.EqualTo(countAtZero + units - 1), "never early");
        }
    }

    [TestCase(0L)]
    [TestCase(29L)]
    [TestCase(1_000_000_000_123L)]
    [TestCase(long.MaxValue - 1)]
    public void Counter_is_the_floor_of_cycles_times_ten_million_over_the_frequency(long cycle)
    {
        var clock = new SyntheticTimerClock(2_394_230_001, 55);
        BigInteger expected = 55 + new BigInteger(cycle) * 10_000_000 / 2_394_230_001;
        Assert.That(clock.CountAt(new Instant(cycle)), Is.EqualTo((ulong)expected));
    }

    [Test]
    public void Counts_before_the_start_are_cycle_0_and_those_beyond_the_end_of_time_are_never()
    {
        var clock = new SyntheticTimerClock(3_000_000_000, 1000);
        Assert.That(clock.FirstInstantOf(999), Is.EqualTo(new Instant(0)));
        Assert.That(clock.FirstInstantOf(ulong.MaxValue).IsNever);
        Assert.That(clock.FirstInstantOf(UInt128.MaxValue).IsNever);
    }

    [TestCase(9_999_999L, 0UL)]
    [TestCase((1L << 40) + 1, 0UL)]
    [TestCase(1_000_000_000L, 1UL << 62)]
    public void Clock_refuses_what_it_cannot_convert(long tscHz, ulong countAtZero)
    {
        Assert.That(() => new SyntheticTimerClock(tscHz, countAtZero), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
