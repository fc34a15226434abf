using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Devices;

/// <summary>The RTC as the source of IRQ8. The TSC runs at one cycle per tick of 32768 Hz, so a second is 32768 cycles.</summary>
public sealed class RtcTests
{
    private const int Second = 32_768;
    private static readonly TickClock One = TickClock.OfFrequency(TickClock.RtcHz, TickClock.RtcHz);

    [TestCase(0, 0)]
    [TestCase(1, 128, Description = "256 Hz, as rate 8")]
    [TestCase(2, 256, Description = "128 Hz, as rate 9")]
    [TestCase(3, 4, Description = "8192 Hz")]
    [TestCase(6, 32, Description = "1024 Hz")]
    [TestCase(8, 128)]
    [TestCase(9, 256)]
    [TestCase(15, 16_384, Description = "2 Hz")]
    public void Periodic_rate(int rate, int ticks) => Assert.That(Rtc.PeriodicTicks(rate), Is.EqualTo(ticks));

    [Test]
    public void A_flag_is_set_without_its_enable_and_raises_no_line()
    {
        var rtc = New();
        Assert.That(rtc.Advance(At(32), One), Is.EqualTo(RtcCauses.Periodic));
        Assert.That((rtc.Line, rtc.ReadC()), Is.EqualTo((false, (byte)0x40)));
    }

    [Test]
    public void Enabling_a_cause_whose_flag_is_set_raises_the_line()
    {
        var rtc = New();
        rtc.Advance(At(32), One);
        rtc.WriteB(0x40);
        Assert.That(rtc.Line, Is.True);
    }

    [Test]
    public void The_line_stays_high_until_register_C_is_read_which_clears_all_flags()
    {
        var rtc = New();
        rtc.WriteB(0x40);
        rtc.Advance(At(32), One);
        rtc.Advance(At(Second), One);
        Assert.That(rtc.Line, Is.True);
        Assert.That((rtc.ReadC(), rtc.Line, rtc.ReadC()), Is.EqualTo(((byte)0xD0, false, (byte)0)));
    }

    [TestCase(0x10, 0x90)]
    [TestCase(0x00, 0x10)]
    public void The_update_ends_once_a_second(int enable, int registerC)
    {
        var rtc = New(rate: 0);
        rtc.WriteB((byte)enable);
        Assert.That(rtc.NextEvent(), Is.EqualTo(At(Second)));
        rtc.AlarmSecond = 59;
        rtc.Advance(At(Second), One);
        Assert.That((rtc.ReadC(), rtc.SecondOfDay, rtc.NextEvent()), Is.EqualTo(((byte)registerC, 1, At(2 * Second))));
    }

    [TestCase(7 * 3600 + 59, 7, 1, 0, true)]
    [TestCase(7 * 3600 + 60, 7, 1, 0, false)]
    [TestCase(7 * 3600 + 60, 0xC0, 0xFF, 1, true)]
    [TestCase(86_399, 0, 0, 0, true)]
    [TestCase(8 * 3600 + 59, 7, 1, 0, false)]
    public void The_alarm_matches_the_new_time(int second, int hour, int minute, int alarmSecond, bool matches)
    {
        var rtc = New(rate: 0);
        rtc.SetTime(second);
        (rtc.AlarmHour, rtc.AlarmMinute, rtc.AlarmSecond) = ((byte)hour, (byte)minute, (byte)alarmSecond);
        rtc.WriteB(0x20);
        rtc.Advance(At(Second), One);
        Assert.That(rtc.Line, Is.EqualTo(matches));
    }

    [Test]
    public void SET_suppresses_updates_and_clears_UIE_and_leaves_the_grid()
    {
        var rtc = New(rate: 0);
        rtc.WriteB(0x90);
        Assert.That(rtc.RegisterB, Is.EqualTo(0x80));
        Assert.That(rtc.Advance(At(Second), One), Is.EqualTo(RtcCauses.None));
        rtc.WriteB(0x10);
        Assert.That((rtc.SecondOfDay, rtc.NextEvent()), Is.EqualTo((0, At(2 * Second))));
    }

    [Test]
    public void The_divider_reset_holds_everything_and_the_first_update_comes_half_a_second_after_it()
    {
        var rtc = New();
        rtc.WriteA(0x66, At(10), One);
        Assert.That(rtc.NextEvent(), Is.EqualTo(Instant.Never));
        rtc.WriteA(0x20, At(1000), One);
        Assert.That(rtc.NextEvent(), Is.EqualTo(At(1000 + Second / 2)));
    }

    [Test]
    public void Missed_periods_are_one_flag_and_the_grid_stays()
    {
        var rtc = New();
        rtc.Advance(At(100), One);
        Assert.That(rtc.PeriodicDue.Cycle, Is.EqualTo(At(128)));
    }

    [Test]
    public void The_periodic_grid_does_not_drift()
    {
        const long TscHz = 2_399_999_983;
        var clock = TickClock.OfFrequency(TscHz, TickClock.RtcHz);
        var rtc = default(Rtc);
        rtc.PowerOn(At(5), clock);
        for (long k = 1; k <= 50_000; k++)
        {
            Assert.That(rtc.PeriodicDue.Cycle.Cycle, Is.EqualTo(5 + (k * 32 * TscHz + Second - 1) / Second));
            rtc.Advance(rtc.PeriodicDue.Cycle, clock);
        }
    }

    private static Instant At(long cycle) => new(cycle);

    private static Rtc New(int rate = 6)
    {
        var rtc = default(Rtc);
        rtc.PowerOn(At(0), One);
        rtc.WriteA((byte)(0x20 | rate), At(0), One);
        return rtc;
    }
}
