using System.Numerics;
using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Devices;

/// <summary>HPET legacy replacement. With a 1 GHz TSC and a period of 10 ns a tick is 10 cycles.</summary>
public sealed class HpetTests
{
    private static readonly TickClock Ten = TickClock.OfPeriod(1_000_000_000, 10_000_000);

    [TestCase(0, false)]
    [TestCase(1, false)]
    [TestCase(2, false)]
    [TestCase(3, true)]
    public void Legacy_replacement_needs_both_bits(int configuration, bool replaces)
    {
        var hpet = New(configuration);
        hpet.Timer0 = new HpetTimer { Comparator = 5, Configuration = HpetTimer.InterruptEnable };
        Assert.That(hpet.ReplacesLegacy, Is.EqualTo(replaces));
        Assert.That(hpet.Advance(At(50), Ten), Is.EqualTo(replaces ? HpetEvents.Timer0 : HpetEvents.None));
    }

    [Test]
    public void One_shot_matches_once()
    {
        var hpet = New(3);
        hpet.Timer0 = new HpetTimer { Comparator = 5, Configuration = HpetTimer.InterruptEnable };
        Assert.That(hpet.NextEvent(Ten), Is.EqualTo(At(50)));
        Assert.That((hpet.Advance(At(49), Ten), hpet.Advance(At(50), Ten), hpet.Advance(At(500), Ten)),
            Is.EqualTo((HpetEvents.None, HpetEvents.Timer0, HpetEvents.None)));
        Assert.That(hpet.NextEvent(Ten), Is.EqualTo(Instant.Never));
    }

    [Test]
    public void Periodic_moves_its_comparator()
    {
        var hpet = New(3);
        hpet.Timer1 = new HpetTimer { Comparator = 5, Period = 7, Configuration = HpetTimer.InterruptEnable | HpetTimer.PeriodicBit };
        Assert.That(hpet.Advance(At(50), Ten), Is.EqualTo(HpetEvents.Timer1));
        Assert.That((hpet.Timer1.Comparator, hpet.NextEvent(Ten)), Is.EqualTo((12ul, At(120))));
        Assert.That(hpet.Advance(At(300), Ten), Is.EqualTo(HpetEvents.Timer1), "missed periods interrupt once");
        Assert.That(hpet.Timer1.Comparator, Is.EqualTo(33));
    }

    [Test]
    public void A_disabled_timer_moves_on_in_silence()
    {
        var hpet = New(3);
        hpet.Timer0 = new HpetTimer { Comparator = 5, Period = 5, Configuration = HpetTimer.PeriodicBit };
        Assert.That((hpet.NextEvent(Ten), hpet.Advance(At(50), Ten)), Is.EqualTo((Instant.Never, HpetEvents.None)));
        Assert.That(hpet.Timer0.Comparator, Is.EqualTo(10));
    }

    [Test]
    public void A_level_timer_holds_its_line_until_its_status_bit_is_cleared()
    {
        var hpet = New(3);
        hpet.Timer0 = new HpetTimer { Comparator = 5, Configuration = HpetTimer.InterruptEnable | HpetTimer.LevelBit };
        hpet.Advance(At(50), Ten);
        hpet.ClearStatus(HpetEvents.Timer1);
        Assert.That((hpet.Line(0), hpet.Line(1)), Is.EqualTo((true, false)));
        hpet.ClearStatus(HpetEvents.Timer0);
        Assert.That(hpet.Line(0), Is.False);
    }

    [Test]
    public void An_edge_timer_holds_no_line()
    {
        var hpet = New(3);
        hpet.Timer0 = new HpetTimer { Comparator = 5, Configuration = HpetTimer.InterruptEnable };
        hpet.Advance(At(50), Ten);
        Assert.That(hpet.Line(0), Is.False);
    }

    [Test]
    public void The_counter_stands_while_disabled_and_goes_on_from_there()
    {
        var hpet = New(3);
        hpet.Advance(At(57), Ten);
        hpet.WriteConfiguration(0, At(57), Ten);
        Assert.That(hpet.ReadCounter(At(1000), Ten), Is.EqualTo(5));
        hpet.WriteConfiguration(1, At(1000), Ten);
        Assert.That((hpet.ReadCounter(At(1009), Ten), hpet.ReadCounter(At(1010), Ten)), Is.EqualTo((5ul, 6ul)));
    }

    [Test]
    public void Rewriting_the_configuration_of_a_running_counter_keeps_its_grid()
    {
        var hpet = New(3);
        hpet.WriteConfiguration(1, At(27), Ten);
        Assert.That((hpet.ReadCounter(At(29), Ten), hpet.ReadCounter(At(30), Ten)), Is.EqualTo((2ul, 3ul)));
    }

    [Test]
    public void The_counter_is_written_only_while_it_stands()
    {
        var hpet = New(0);
        hpet.WriteCounter(ulong.MaxValue);
        hpet.WriteConfiguration(3, At(0), Ten);
        hpet.Timer0 = new HpetTimer { Comparator = 1, Configuration = HpetTimer.InterruptEnable };
        Assert.That(hpet.NextEvent(Ten), Is.EqualTo(At(20)), "64 bits wrap");
        Assert.That(hpet.Advance(At(20), Ten), Is.EqualTo(HpetEvents.Timer0));
        Assert.That(() => hpet.WriteCounter(0), Throws.InvalidOperationException);
    }

    [TestCase(2_100_000_000, 69_841_279)]
    [TestCase(3_999_999_979, 10_000_000)]
    public void Matches_do_not_drift(long tscHz, long period)
    {
        var clock = TickClock.OfPeriod(tscHz, period);
        var hpet = default(HpetLegacyRoute);
        hpet.Reset();
        hpet.Timer0 = new HpetTimer { Comparator = 1001, Period = 1001, Configuration = HpetTimer.InterruptEnable | HpetTimer.PeriodicBit };
        hpet.WriteConfiguration(3, At(11), clock);
        for (int k = 1; k <= 20_000; k++)
        {
            BigInteger expected = 11 + ((BigInteger)k * 1001 * tscHz * period + 999_999_999_999_999) / 1_000_000_000_000_000;
            Instant next = hpet.NextEvent(clock);
            Assert.That(next.Cycle, Is.EqualTo((long)expected));
            Assert.That(hpet.Advance(next, clock), Is.EqualTo(HpetEvents.Timer0));
        }
    }

    [TestCase(0, 1)]
    [TestCase(1, 0)]
    [TestCase(1, TickClock.HpetMaxPeriod + 1)]
    [TestCase(TickClock.MaxTscHz + 1, 1)]
    public void A_clock_out_of_range_is_refused(long tscHz, long period) =>
        Assert.That(() => TickClock.OfPeriod(tscHz, period), Throws.TypeOf<ArgumentOutOfRangeException>());

    private static Instant At(long cycle) => new(cycle);

    private static HpetLegacyRoute New(int configuration)
    {
        var hpet = default(HpetLegacyRoute);
        hpet.Reset();
        hpet.WriteConfiguration((byte)configuration, At(0), Ten);
        return hpet;
    }
}
