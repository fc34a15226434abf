using System.Numerics;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The APIC timer (SDM3 10.5.4) and the timer checks of kvm-unit-tests apic.c.</summary>
public class LocalApicTimerTests
{
    private const uint OneShot = 0;
    private const uint Periodic = 1 << 17;
    private const uint TscDeadline = 2 << 17;
    private const uint ReservedMode = 3 << 17;
    private const uint Masked = LocalApicBench.Masked;
    private const uint DivideBy1 = 0x0B;

    [TestCase(0x0u, 2)]
    [TestCase(0x1u, 4)]
    [TestCase(0x2u, 8)]
    [TestCase(0x3u, 16)]
    [TestCase(0x8u, 32)]
    [TestCase(0x9u, 64)]
    [TestCase(0xAu, 128)]
    [TestCase(0xBu, 1)]
    public void The_divide_configuration_is_bits_3_1_0(uint value, int divider)
    {
        LocalApicBench bench = Timer(OneShot | 0xEE, divide: value);
        Assert.That(bench.Apic.TimerDivider, Is.EqualTo(divider));
        bench.Write(LocalApicRegister.TimerInitialCount, 1000);
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(1000L * divider)));
    }

    // KUT apic.c "APIC LVT timer one shot": EEh, divide 1, 10000h ticks: exactly one interrupt, not before.
    [Test]
    public void A_one_shot_expires_once_at_its_tick_and_stays_at_0()
    {
        LocalApicBench bench = Timer(OneShot | 0xEE);
        RegisterWriteEffect effect = bench.Write(LocalApicRegister.TimerInitialCount, 0x10000);
        Assert.That(effect.Effects, Is.EqualTo(LocalApicEffects.TimerChanged));
        Assert.That(bench.RunTo(0xFFFF), Is.Zero);
        Assert.That(bench.Irr(), Is.Empty);
        Assert.That(bench.RunTo(0x10000), Is.EqualTo(1));
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0xEE }));
        Assert.That(bench.RunTo(0x100000), Is.Zero);
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.Zero);
        Assert.That(bench.Read(LocalApicRegister.TimerInitialCount), Is.EqualTo(0x10000));
    }

    [TestCase(0, 100u)]
    [TestCase(1, 100u, Description = "a tick is 2 cycles of the bus here")]
    [TestCase(2, 99u)]
    [TestCase(3, 99u)]
    [TestCase(199, 1u)]
    [TestCase(200, 0u)]
    public void The_current_count_is_what_is_left_in_whole_counts(long cycle, uint count)
    {
        LocalApicBench bench = Timer(OneShot | 0xEE, divide: 0);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.RunTo(cycle);
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(count));
    }

    // 24 MHz crystal, 2.1 GHz TSC: a tick is 87.5 cycles.
    [Test]
    public void Bus_ticks_become_cycles_rounded_up_and_periods_do_not_drift()
    {
        LocalApicBench bench = Timer(Periodic | 0xEE, clock: new LocalApicTimerClock(2_100_000_000, 24_000_000));
        bench.Now = 1000;
        bench.Write(LocalApicRegister.TimerInitialCount, 1);
        long[] expected = [1088, 1175, 1263, 1350, 1438, 1525];
        foreach (long cycle in expected)
        {
            Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(cycle)));
            bench.RunTo(cycle);
        }
    }

    [TestCase(3_000_000_000, 1_000_000_000, 0x10000, 196_608)]
    [TestCase(2_100_000_000, 24_000_000, 3, 263)]
    [TestCase(2_893_202_000, 1_000_000_000, 1_000_003, 2_893_211)]
    [TestCase(1_000_000_000, 3_000_000_000, 10, 4)]
    public void The_deadline_is_the_ceiling_of_ticks_times_TSC_over_bus(long tscHz, long busHz, int ticks, long cycles)
    {
        LocalApicBench bench = Timer(OneShot | 0xEE, clock: new LocalApicTimerClock(tscHz, busHz));
        bench.Write(LocalApicRegister.TimerInitialCount, (uint)ticks);
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(cycles)));
    }

    // Exact rationals against BigInteger: the k-th expiry, and the current count at moments between.
    [Test]
    public void The_kth_expiry_is_at_start_plus_the_ceiling_of_k_periods([Range(1, 40)] int seed)
    {
        var random = new LocalApicLcg((ulong)seed);
        var clock = new LocalApicTimerClock(1 + random.NextBits(), 1_000_000 + random.NextBits());
        LocalApicBench bench = Timer(Periodic | 0xEE, divide: (uint)random.Next(16), clock: clock);
        uint initial = seed % 3 == 0 ? 1 + (uint)random.Next(5) : 1 + random.NextBits() / 2;
        long start = bench.Now = random.Next(1 << 30);
        BigInteger period = (BigInteger)initial * bench.Apic.TimerDivider * clock.TscHz;

        bench.Write(LocalApicRegister.TimerInitialCount, initial);
        for (int k = 1; k <= 200; k++)
        {
            long expected = start + (long)CeilingDivide(k * period, clock.BusHz);
            Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(expected)), $"expiry {k}");
            if (expected > bench.Now)
            {
                bench.Now += random.NextBits() % (expected - bench.Now);
                BigInteger left = start * (BigInteger)clock.BusHz + k * period - (BigInteger)bench.Now * clock.BusHz;
                BigInteger count = CeilingDivide(left, (BigInteger)clock.TscHz * bench.Apic.TimerDivider);
                Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo((uint)count), $"count before expiry {k}");
            }
            bench.Now = expected;
            bench.Apic.Expire(bench.Time, bench.Clock);
        }
    }

    [Test]
    public void The_longest_count_is_exact_at_the_limits_of_the_clock()
    {
        var clock = new LocalApicTimerClock(LocalApicTimerClock.MaxHz, 1 + (1L << 20));
        LocalApicBench bench = Timer(OneShot | 0xEE, divide: 0xA, clock: clock);
        bench.Write(LocalApicRegister.TimerInitialCount, uint.MaxValue);
        BigInteger expected = CeilingDivide((BigInteger)uint.MaxValue * 128 * LocalApicTimerClock.MaxHz, 1 + (1L << 20));
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant((long)expected)));
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(uint.MaxValue));
    }

    [TestCase(0, 1)]
    [TestCase(1, 0)]
    [TestCase(LocalApicTimerClock.MaxHz + 1, 1_000_000_000)]
    [TestCase(LocalApicTimerClock.MaxHz, 1 << 20)]
    public void A_clock_that_would_overflow_an_instant_is_refused(long tscHz, long busHz) =>
        Assert.That(() => new LocalApicTimerClock(tscHz, busHz), Throws.TypeOf<ArgumentOutOfRangeException>());

    [Test]
    public void Initial_count_0_stops_the_timer()
    {
        LocalApicBench bench = Timer(Periodic | 0xEE);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.Write(LocalApicRegister.TimerInitialCount, 0);
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(Instant.Never));
        Assert.That(bench.RunTo(1_000_000), Is.Zero);
    }

    // 87.5 cycles a tick: the deadline has a fraction, and a stopped timer must not remember it.
    [Test]
    public void A_stopped_timer_is_the_same_state_however_it_stopped()
    {
        LocalApicBench bench = Timer(OneShot | 0xEE, clock: new LocalApicTimerClock(2_100_000_000, 24_000_000));
        bench.Write(LocalApicRegister.TimerInitialCount, 1);
        Assert.That(bench.Apic.TimerDeadlineExcess, Is.EqualTo(12_000_000));
        bench.RunTo(88);
        Assert.That(bench.Apic.TimerDeadlineExcess, Is.Zero);
    }

    [Test]
    public void Writing_the_initial_count_starts_anew()
    {
        LocalApicBench bench = Timer(Periodic | 0xEE);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.RunTo(60);
        bench.Write(LocalApicRegister.TimerInitialCount, 70);
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(130)));
    }

    [Test]
    public void A_masked_timer_counts_on_and_its_expiry_is_lost()
    {
        LocalApicBench bench = Timer(Periodic | Masked | 0xEE);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        Assert.That(bench.RunTo(150), Is.EqualTo(1));
        Assert.That(bench.Irr(), Is.Empty);
        bench.Write(LocalApicRegister.LvtTimer, Periodic | 0xEE);
        Assert.That(bench.Irr(), Is.Empty);
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(50));
        Assert.That(bench.RunTo(200), Is.EqualTo(1));
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0xEE }));
    }

    [Test]
    public void An_expiry_into_a_pending_vector_merges()
    {
        LocalApicBench bench = Timer(Periodic | 0xEE);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.RunTo(100);
        bench.Now = 200;
        Assert.That(bench.Apic.Expire(bench.Time, bench.Clock).Outcome, Is.EqualTo(AcceptOutcome.Merged));
    }

    [Test]
    public void A_late_expiry_keeps_the_grid_and_makes_up_for_every_period()
    {
        LocalApicBench bench = Timer(Periodic | 0xEE);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.Now = 250;
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(50));
        Assert.That(bench.RunTo(250), Is.EqualTo(2));
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(300)));
    }

    [Test]
    public void Expiring_too_early_is_an_inconsistency()
    {
        LocalApicBench bench = Timer(OneShot | 0xEE);
        Assert.That(() => bench.Apic.Expire(bench.Time, bench.Clock), Throws.InvalidOperationException);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.Now = 99;
        Assert.That(() => bench.Apic.Expire(bench.Time, bench.Clock), Throws.InvalidOperationException);
    }

    [Test]
    public void A_timer_vector_below_16_is_a_receive_error()
    {
        LocalApicBench bench = Timer(OneShot | 0x0E);
        bench.Write(LocalApicRegister.TimerInitialCount, 10);
        bench.RunTo(10);
        Assert.That(bench.LatchedErrors(), Is.EqualTo(0x40));
    }

    [TestCase(0x0u, 0x1u, 101, 50u, 101 + 198)]
    [TestCase(0x1u, 0x0u, 301, 25u, 301 + 50, Description = "49.5 cycles, rounded up")]
    [TestCase(0xBu, 0xAu, 40, 60u, 40 + 60 * 128)]
    [TestCase(0x3u, 0x3u, 800, 50u, 1600)]
    public void Rewriting_the_divider_keeps_the_count_and_rescales_the_time(uint before, uint after, long cycle, uint count, long deadline)
    {
        LocalApicBench bench = Timer(OneShot | 0xEE, divide: before);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.RunTo(cycle);
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(count));
        LocalApicEffects effects = bench.Write(LocalApicRegister.TimerDivide, after).Effects;
        Assert.That(effects, Is.EqualTo(before == after ? LocalApicEffects.None : LocalApicEffects.TimerChanged));
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(count));
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(deadline)));
    }

    [Test]
    public void After_a_new_divider_the_next_periods_are_at_the_new_pace()
    {
        LocalApicBench bench = Timer(Periodic | 0xEE, divide: 0);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.RunTo(100);
        bench.Write(LocalApicRegister.TimerDivide, DivideBy1);
        bench.RunTo(150);
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0xEE }));
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(250)));
    }

    [Test]
    public void A_divider_for_a_stopped_timer_starts_nothing()
    {
        LocalApicBench bench = Timer(OneShot | 0xEE);
        Assert.That(bench.Write(LocalApicRegister.TimerDivide, 0).Effects, Is.EqualTo(LocalApicEffects.None));
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(Instant.Never));
    }

    // KUT apic.c "APIC timer mode change": TMICT is kept, counting goes on below half, then wraps above half.
    [Test]
    public void One_shot_to_periodic_keeps_counting_and_wraps()
    {
        const uint Initial = 0x999999;
        LocalApicBench bench = Timer(OneShot | 0xEE);
        bench.Write(LocalApicRegister.TimerInitialCount, Initial);
        bench.RunTo(0x600000);
        Assert.That(bench.Write(LocalApicRegister.LvtTimer, Periodic | 0xEE).Effects, Is.EqualTo(LocalApicEffects.None));
        Assert.That(bench.Read(LocalApicRegister.LvtTimer), Is.EqualTo(Periodic | 0xEE));
        Assert.That(bench.Read(LocalApicRegister.TimerInitialCount), Is.EqualTo(Initial));
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(Initial - 0x600000));
        Assert.That(bench.RunTo(Initial + 5), Is.EqualTo(1));
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(Initial - 5));
    }

    // The same check, from periodic back: below half, it reaches 0 and stays.
    [Test]
    public void Periodic_to_one_shot_runs_out_and_stays_at_0()
    {
        LocalApicBench bench = Timer(Periodic | 0xEE);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.RunTo(160);
        bench.Write(LocalApicRegister.LvtTimer, OneShot | 0xEE);
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.EqualTo(40));
        Assert.That(bench.RunTo(10_000), Is.EqualTo(1));
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.Zero);
    }

    // The same check: "TMCCT should stay at zero".
    [Test]
    public void A_one_shot_that_ran_out_does_not_start_by_becoming_periodic()
    {
        LocalApicBench bench = Timer(OneShot | 0xEE);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        bench.RunTo(500);
        bench.Write(LocalApicRegister.LvtTimer, Periodic | 0xEE);
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(Instant.Never));
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.Zero);
        Assert.That(bench.Read(LocalApicRegister.TimerInitialCount), Is.EqualTo(100));
    }

    [TestCase(OneShot, TscDeadline)]
    [TestCase(Periodic, TscDeadline)]
    [TestCase(OneShot, ReservedMode)]
    public void Leaving_the_counting_modes_cancels_and_zeroes_the_initial_count(uint from, uint to)
    {
        LocalApicBench bench = Timer(from | 0xEE);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        Assert.That(bench.Write(LocalApicRegister.LvtTimer, to | 0xEE).Effects, Is.EqualTo(LocalApicEffects.TimerChanged));
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(Instant.Never));
        Assert.That(bench.Read(LocalApicRegister.TimerInitialCount), Is.Zero);
        bench.Write(LocalApicRegister.LvtTimer, from | 0xEE);
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(Instant.Never));
    }

    [TestCase(OneShot)]
    [TestCase(Periodic)]
    public void Leaving_TSC_deadline_mode_disarms_and_the_MSR_reads_0(uint to)
    {
        LocalApicBench bench = Timer(TscDeadline | 0xEF);
        bench.Apic.WriteTscDeadline(5000, tsc: 1000, bench.Time);
        bench.Write(LocalApicRegister.LvtTimer, to | 0xEF);
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(Instant.Never));
        bench.Write(LocalApicRegister.LvtTimer, TscDeadline | 0xEF);
        Assert.That(bench.Apic.ReadTscDeadline(1000, bench.Time), Is.Zero);
    }

    [TestCase(TscDeadline)]
    [TestCase(ReservedMode)]
    public void Outside_the_counting_modes_the_initial_count_is_ignored_and_the_current_count_is_0(uint mode)
    {
        LocalApicBench bench = Timer(mode | 0xEF);
        Assert.That(bench.Write(LocalApicRegister.TimerInitialCount, 100).Effects, Is.EqualTo(LocalApicEffects.None));
        bench.Apic.WriteTscDeadline(5000, tsc: 1000, bench.Time);
        Assert.That(bench.Read(LocalApicRegister.TimerInitialCount), Is.Zero);
        Assert.That(bench.Read(LocalApicRegister.TimerCurrentCount), Is.Zero);
    }

    // KUT apic.c "tsc deadline timer" and "tsc deadline timer clearing": MSR := TSC gives one interrupt, then reads 0.
    [TestCase(7000UL)]
    [TestCase(6999UL)]
    [TestCase(1UL)]
    public void A_deadline_not_after_the_TSC_expires_at_once_and_reads_0(ulong value)
    {
        LocalApicBench bench = Timer(TscDeadline | 0xEF);
        RegisterWriteEffect effect = bench.Apic.WriteTscDeadline(value, tsc: 7000, bench.Time);
        Assert.That(effect.Has(LocalApicEffects.DeliverabilityMayHaveChanged), Is.True);
        Assert.That(bench.Apic.Acknowledge(), Is.EqualTo(0xEF));
        Assert.That(bench.Apic.ReadTscDeadline(7000, bench.Time), Is.Zero);
        Assert.That(bench.RunTo(1_000_000), Is.Zero);
    }

    [Test]
    public void A_deadline_ahead_expires_when_the_TSC_gets_there()
    {
        LocalApicBench bench = Timer(TscDeadline | 0xEF);
        bench.Now = 400;
        bench.Apic.WriteTscDeadline(7100, tsc: 7000, bench.Time);
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(500)));
        bench.Now = 450;
        Assert.That(bench.Apic.ReadTscDeadline(7050, bench.Time), Is.EqualTo(7100));
        Assert.That(bench.RunTo(500), Is.EqualTo(1));
        Assert.That(bench.Irr(), Is.EqualTo(new[] { 0xEF }));
        Assert.That(bench.Apic.ReadTscDeadline(7100, bench.Time), Is.Zero);
    }

    [Test]
    public void Deadline_0_disarms()
    {
        LocalApicBench bench = Timer(TscDeadline | 0xEF);
        bench.Apic.WriteTscDeadline(7100, tsc: 7000, bench.Time);
        Assert.That(bench.Apic.WriteTscDeadline(0, tsc: 7000, bench.Time).Effects, Is.EqualTo(LocalApicEffects.TimerChanged));
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(Instant.Never));
        Assert.That(bench.Irr(), Is.Empty);
    }

    [TestCase(ulong.MaxValue)]
    [TestCase((1UL << 62) + 7000)]
    [TestCase((1UL << 62) + 6999)]
    public void A_deadline_out_of_reach_reads_back_as_written(ulong value)
    {
        LocalApicBench bench = Timer(TscDeadline | 0xEF);
        bench.Apic.WriteTscDeadline(value, tsc: 7000, bench.Time);
        bench.Now = 1234;
        Assert.That(bench.Apic.ReadTscDeadline(7000 + 1234, bench.Time), Is.EqualTo(value));
        Assert.That(bench.RunTo(1L << 40), Is.Zero);
        bench.Apic.WriteTscDeadline(0, 7000, bench.Time);
        Assert.That(bench.Apic.ReadTscDeadline(7000, bench.Time), Is.Zero);
    }

    [TestCase(OneShot)]
    [TestCase(Periodic)]
    public void Outside_its_mode_the_deadline_MSR_reads_0_and_ignores_writes(uint mode)
    {
        LocalApicBench bench = Timer(mode | 0xEF);
        bench.Write(LocalApicRegister.TimerInitialCount, 100);
        Assert.That(bench.Apic.WriteTscDeadline(1, tsc: 7000, bench.Time).Effects, Is.EqualTo(LocalApicEffects.None));
        Assert.That(bench.Apic.ReadTscDeadline(7000, bench.Time), Is.Zero);
        Assert.That(bench.Apic.TimerDeadline, Is.EqualTo(new Instant(100)));
    }

    [Test]
    public void A_masked_deadline_is_lost_and_disarmed()
    {
        LocalApicBench bench = Timer(TscDeadline | Masked | 0xEF);
        Assert.That(bench.Apic.WriteTscDeadline(1, tsc: 7000, bench.Time).Effects, Is.EqualTo(LocalApicEffects.TimerChanged));
        Assert.That(bench.Irr(), Is.Empty);
        Assert.That(bench.Apic.ReadTscDeadline(7000, bench.Time), Is.Zero);
    }

    private static BigInteger CeilingDivide(BigInteger dividend, BigInteger divisor) => (dividend + divisor - 1) / divisor;

    private static LocalApicBench Timer(uint lvt, uint divide = DivideBy1, LocalApicTimerClock? clock = null)
    {
        var bench = new LocalApicBench();
        if (clock != null)
            bench.Clock = clock.Value;
        bench.Write(LocalApicRegister.TimerDivide, divide);
        bench.Write(LocalApicRegister.LvtTimer, lvt);
        return bench;
    }
}
