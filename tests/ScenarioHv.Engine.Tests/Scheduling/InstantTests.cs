using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Scheduling;

public sealed class InstantTests
{
    [TestCase(0, 5, 5)]
    [TestCase(100, -40, 60)]
    [TestCase(long.MaxValue - 10, 9, long.MaxValue - 1)]
    public void Cycles_are_added(long cycle, long cycles, long expected)
    {
        Assert.That((new Instant(cycle) + cycles).Cycle, Is.EqualTo(expected));
        Assert.That(Instant.Add(new Instant(cycle), cycles), Is.EqualTo(new Instant(expected)));
    }

    [TestCase(long.MaxValue - 10, 10)]
    [TestCase(long.MaxValue - 10, 11)]
    [TestCase(5, long.MaxValue)]
    public void A_sum_beyond_the_last_cycle_is_never(long cycle, long cycles) =>
        Assert.That((new Instant(cycle) + cycles).IsNever, Is.True);

    [TestCase(1)]
    [TestCase(-1)]
    [TestCase(long.MaxValue)]
    public void Never_stays_never(long cycles) => Assert.That((Instant.Never + cycles).IsNever, Is.True);

    [Test]
    public void The_distance_is_signed()
    {
        Assert.That(new Instant(100) - new Instant(30), Is.EqualTo(70));
        Assert.That(Instant.Subtract(new Instant(30), new Instant(100)), Is.EqualTo(-70));
    }

    [Test]
    public void Never_is_later_than_every_other_instant()
    {
        var last = new Instant(long.MaxValue - 1);

        Assert.Multiple(() =>
        {
            Assert.That(last < Instant.Never && last <= Instant.Never && Instant.Never > last && Instant.Never >= last
                && last != Instant.Never);
            Assert.That(Instant.Min(last, Instant.Never), Is.EqualTo(last));
            Assert.That(Instant.Max(last, Instant.Never), Is.EqualTo(Instant.Never));
            Assert.That(last.IsNever, Is.False);
            Assert.That(last.CompareTo(Instant.Never), Is.Negative);
        });
    }

    [Test]
    public void The_default_is_cycle_0_and_not_never() =>
        Assert.That((default(Instant).Cycle, default(Instant).IsNever), Is.EqualTo((0L, false)));

    [TestCase(7, 7, 0)]
    [TestCase(7, 8, -1)]
    [TestCase(8, 7, 1)]
    public void Comparisons_agree_with_each_other(long left, long right, int sign)
    {
        Instant a = new(left), b = new(right);

        Assert.Multiple(() =>
        {
            Assert.That(Math.Sign(a.CompareTo(b)), Is.EqualTo(sign));
            Assert.That((a < b, a <= b, a == b, a != b, a >= b, a > b),
                Is.EqualTo((sign < 0, sign <= 0, sign == 0, sign != 0, sign >= 0, sign > 0)));
            Assert.That(a.Equals(b) && a.Equals((object)b), Is.EqualTo(sign == 0));
            Assert.That(Instant.Min(a, b).Cycle, Is.EqualTo(Math.Min(left, right)));
            Assert.That(Instant.Max(a, b).Cycle, Is.EqualTo(Math.Max(left, right)));
        });
    }
}
