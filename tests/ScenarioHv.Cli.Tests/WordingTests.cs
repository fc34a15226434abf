using System.Globalization;
using ScenarioHv.Cli.Output;

namespace ScenarioHv.Cli.Tests;

/// <summary>Numbers and times in reports.</summary>
public sealed class WordingTests
{
    [TestCase(0, 2_400_000_000, "0.000 ns")]
    [TestCase(1, 100_000_000_000, "0.010 ns")]
    [TestCase(291_800, 2_400_000_000, "121.583 us")]
    [TestCase(2_399_999, 2_400_000_000, "999.999 us")]
    [TestCase(2_400_000, 2_400_000_000, "1.000 ms")]
    [TestCase(2_399_999_999, 2_400_000_000, "999.999 ms")]
    [TestCase(long.MaxValue, 1, "9223372036854775807.000 s")]
    [TestCase(999_999_999_999_999, 1_000_000_000_000_000, "999.999 ms")]
    public void Time_is_cut_off_after_three_decimals(long cycles, long tscHz, string expected) =>
        Assert.That(Wording.Time(cycles, tscHz), Is.EqualTo(expected));

    [Test]
    public void Time_is_that_of_exact_arithmetic()
    {
        var random = new Random(7);
        for (var i = 0; i < 10_000; i++)
        {
            var cycles = random.NextInt64() >> random.Next(63);
            var tscHz = random.NextInt64(1, 1_000_000_000_000_001 >> random.Next(49));
            Assert.That(Wording.Time(cycles, tscHz), Is.EqualTo(Exact(cycles, tscHz)), $"{cycles} cycles at {tscHz} Hz");
        }
    }

    [TestCase("a", "a")]
    [TestCase("a b", "a and b")]
    [TestCase("a b c", "a, b and c")]
    [TestCase("a b c d", "a, b, c and d")]
    public void Lists_end_with_a_word(string items, string expected) => Assert.That(Wording.And(items.Split(' ')), Is.EqualTo(expected));

    private static string Exact(long cycles, long tscHz)
    {
        var picoseconds = (Int128)cycles * 1_000_000_000_000 / tscHz;
        var (unit, size) = picoseconds >= 1_000_000_000_000 ? ("s", 1_000_000_000_000)
            : picoseconds >= 1_000_000_000 ? ("ms", 1_000_000_000)
            : picoseconds >= 1_000_000 ? ("us", 1_000_000)
            : ("ns", 1000L);
        var decimals = (long)(picoseconds % size * 1000 / size);
        return string.Create(CultureInfo.InvariantCulture, $"{picoseconds / size}.{decimals:d3} {unit}");
    }
}
