using System.Numerics;
using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Devices;

/// <summary>Channel 0 of the 8254. With the TSC at 10 cycles per tick, times can be read as ticks.</summary>
public sealed class Pit8254Tests
{
    private static readonly TickClock Ten = TickClock.OfFrequency(10 * TickClock.PitHz, TickClock.PitHz);

    [Test]
    public void Before_a_control_word_OUT_is_low_and_nothing_happens()
    {
        var pit = default(Pit8254);
        Assert.That(pit.Output(At(0), Ten), Is.False);
        Assert.That(pit.NextChange(At(0), Ten), Is.EqualTo(Instant.Never));
    }

    [TestCase(0x30, false)]
    [TestCase(0x34, true)]
    [TestCase(0x36, true)]
    [TestCase(0x38, true)]
    [TestCase(0x3C, true, Description = "mode 110 is 2")]
    [TestCase(0x32, true, Description = "mode 1 waits for GATE for ever")]
    public void The_control_word_sets_OUT_and_waits_for_a_count(int control, bool output)
    {
        var pit = default(Pit8254);
        pit.WriteControl((byte)control, At(0), Ten);
        Assert.That(pit.Output(At(99), Ten), Is.EqualTo(output));
        Assert.That(pit.NextEdge(At(99), Ten), Is.EqualTo(Instant.Never));
    }

    [Test]
    public void Mode_0_rises_N_plus_1_ticks_after_the_count_and_stays_high()
    {
        var pit = Programmed(0x30, 5);
        Assert.That((Out(pit, 59), Out(pit, 60), Out(pit, 100_000)), Is.EqualTo((false, true, true)));
        Assert.That(pit.NextEdge(At(0), Ten), Is.EqualTo(At(60)));
        pit.Advance(At(60), Ten);
        Assert.That((pit.NextEdge(At(60), Ten), pit.NextChange(At(60), Ten)), Is.EqualTo((Instant.Never, Instant.Never)));
    }

    [Test]
    public void Mode_0_wraps_after_the_terminal_count()
    {
        var pit = Programmed(0x30, 5);
        Assert.That((pit.Count(At(0), Ten), pit.Count(At(10), Ten), pit.Count(At(50), Ten)), Is.EqualTo(((ushort)5, (ushort)5, (ushort)1)));
        pit.Advance(At(75), Ten);
        Assert.That(pit.Count(At(75), Ten), Is.EqualTo(0xFFFF));
        pit.Advance(At(60 + 655_360 * 1000L + 20), Ten);
        Assert.That(pit.Count(At(60 + 655_360 * 1000L + 20), Ten), Is.EqualTo(0xFFFE));
        Assert.That(Out(pit, 60 + 655_360 * 1000L + 20), Is.True);
    }

    [Test]
    public void The_first_byte_of_a_new_count_stops_mode_0()
    {
        var pit = Programmed(0x30, 5);
        pit.Advance(At(200), Ten);
        pit.WriteData(5, At(200), Ten, Pit8254Reload.AtPeriodEnd);
        Assert.That((Out(pit, 500), pit.NextEdge(At(500), Ten)), Is.EqualTo((false, Instant.Never)));
        Assert.That(pit.WriteData(0, At(500), Ten, Pit8254Reload.AtPeriodEnd), Is.True);
        Assert.That(pit.NextEdge(At(500), Ten), Is.EqualTo(At(560)));
    }

    [Test]
    public void Mode_2_is_low_for_the_last_tick_and_rises_every_N()
    {
        var pit = Programmed(0x34, 5);
        Assert.That(new[] { 0, 39, 40, 49, 50, 89, 90, 100 }.Select(t => Out(pit, t)),
            Is.EqualTo(new[] { true, true, false, false, true, true, false, true }));
        Assert.That((pit.NextChange(At(0), Ten), pit.NextChange(At(40), Ten)), Is.EqualTo((At(40), At(50))));
        Assert.That(Edges(pit, 3), Is.EqualTo(new long[] { 50, 100, 150 }));
        Assert.That((pit.Count(At(0), Ten), pit.Count(At(9), Ten), pit.Count(At(10), Ten), pit.Count(At(40), Ten), pit.Count(At(50), Ten)),
            Is.EqualTo(((ushort)5, (ushort)5, (ushort)4, (ushort)1, (ushort)5)));
    }

    [TestCase(6, 30)]
    [TestCase(7, 40, Description = "an odd count: the high half is one tick longer")]
    public void Mode_3_is_high_for_half_of_N_rounded_up(int n, int falls)
    {
        var pit = Programmed(0x36, n);
        Assert.That((Out(pit, falls - 1), Out(pit, falls), Out(pit, 10 * n - 1), Out(pit, 10 * n)), Is.EqualTo((true, false, false, true)));
        Assert.That(pit.NextChange(At(0), Ten), Is.EqualTo(At(falls)));
        Assert.That(Edges(pit, 2), Is.EqualTo(new long[] { 10 * n, 20 * n }));
    }

    [TestCase(6, new[] { 6, 4, 2, 6, 4, 2, 6 })]
    [TestCase(7, new[] { 6, 4, 2, 0, 6, 4, 2, 6 })]
    public void Mode_3_counts_by_two(int n, int[] counts)
    {
        var pit = Programmed(0x36, n);
        Assert.That(counts.Select((_, tick) => (int)pit.Count(At(10 * tick), Ten)), Is.EqualTo(counts));
    }

    [Test]
    public void Mode_4_strobes_low_for_one_tick_N_plus_1_after_the_count()
    {
        var pit = Programmed(0x38, 5);
        Assert.That(new[] { 0, 59, 60, 69 }.Select(t => OutAdvanced(ref pit, t)).ToArray(), Is.EqualTo(new[] { true, true, false, false }));
        Assert.That(pit.NextEdge(At(69), Ten), Is.EqualTo(At(70)));
        Assert.That(new[] { 70, 655_360 + 60, 655_360 + 65 }.Select(t => OutAdvanced(ref pit, t)).ToArray(), Is.All.True);
        Assert.That(pit.NextEdge(At(700_000), Ten), Is.EqualTo(Instant.Never));
    }

    [TestCase(0x34, 0, 655_360)]
    [TestCase(0x35, 0, 100_000)]
    [TestCase(0x35, 0x1234, 12_340)]
    [TestCase(0x34, 0x1234, 46_600)]
    public void Count_0_is_65536_or_10000_in_BCD(int control, int count, long edge) =>
        Assert.That(Programmed(control, count).NextEdge(At(0), Ten), Is.EqualTo(At(edge)));

    [TestCase(0x14, 0x20, 320)]
    [TestCase(0x24, 0x20, 0x2000 * 10)]
    public void One_byte_access_starts_at_once(int control, int value, long edge)
    {
        var pit = default(Pit8254);
        pit.WriteControl((byte)control, At(0), Ten);
        Assert.That(pit.WriteData((byte)value, At(0), Ten, Pit8254Reload.AtPeriodEnd), Is.True);
        Assert.That(pit.NextEdge(At(0), Ten), Is.EqualTo(At(edge)));
    }

    [TestCase(Pit8254Reload.AtPeriodEnd, new long[] { 50, 80, 110 })]
    [TestCase(Pit8254Reload.Immediately, new long[] { 42, 72, 102 })]
    public void A_new_count_in_mode_2(Pit8254Reload reload, long[] edges)
    {
        var pit = Programmed(0x34, 5);
        pit.WriteData(3, At(12), Ten, reload);
        pit.WriteData(0, At(12), Ten, reload);
        Assert.That(Edges(pit, 3, from: 12), Is.EqualTo(edges));
    }

    [Test]
    public void A_latched_count_is_kept_until_both_bytes_are_read()
    {
        var pit = Programmed(0x34, 0x1234);
        pit.WriteControl(0x00, At(10), Ten);
        pit.WriteControl(0x00, At(500), Ten);
        Assert.That((pit.ReadData(At(600), Ten), pit.ReadData(At(700), Ten)), Is.EqualTo(((byte)0x33, (byte)0x12)));
        Assert.That(pit.ReadData(At(1000), Ten), Is.EqualTo(0x34 - 100 & 0xFF));
    }

    [Test]
    public void A_BCD_counter_reads_in_BCD()
    {
        var pit = Programmed(0x35, 0x1000);
        pit.WriteControl(0x00, At(10), Ten);
        Assert.That((pit.ReadData(At(10), Ten), pit.ReadData(At(10), Ten)), Is.EqualTo(((byte)0x99, (byte)0x09)));
    }

    [TestCase(0, 0xB4)]
    [TestCase(45, 0x34)]
    public void Read_back_of_the_status_has_OUT_and_the_control_word(int cycle, int status)
    {
        var pit = Programmed(0x34, 5);
        pit.WriteControl(0xE2, At(cycle), Ten);
        Assert.That(pit.ReadData(At(300), Ten), Is.EqualTo(status));
    }

    [Test]
    public void Null_count_is_set_until_the_count_is_the_running_one()
    {
        var pit = default(Pit8254);
        pit.WriteControl(0x34, At(0), Ten);
        pit.WriteControl(0xE2, At(0), Ten);
        Assert.That(pit.ReadData(At(0), Ten), Is.EqualTo(0xF4));
        pit = Programmed(0x34, 5);
        pit.WriteData(3, At(12), Ten, Pit8254Reload.AtPeriodEnd);
        pit.WriteData(0, At(12), Ten, Pit8254Reload.AtPeriodEnd);
        pit.WriteControl(0xE2, At(20), Ten);
        Assert.That(pit.ReadData(At(20), Ten), Is.EqualTo(0xF4));
        pit.Advance(At(50), Ten);
        pit.WriteControl(0xE2, At(50), Ten);
        Assert.That(pit.ReadData(At(50), Ten), Is.EqualTo(0xB4));
    }

    [Test]
    public void Read_back_of_both_gives_the_status_first()
    {
        var pit = Programmed(0x34, 0x1234);
        pit.WriteControl(0xC2, At(0), Ten);
        int[] read = [pit.ReadData(At(0), Ten), pit.ReadData(At(0), Ten), pit.ReadData(At(0), Ten)];
        Assert.That(read, Is.EqualTo(new[] { 0xB4, 0x34, 0x12 }));
    }

    [TestCase(0xB6)]
    [TestCase(0x76)]
    [TestCase(0xCC)]
    public void A_command_for_another_channel_changes_nothing(int control)
    {
        var pit = Programmed(0x34, 5);
        var before = pit;
        pit.WriteControl((byte)control, At(7), Ten);
        Assert.That(pit, Is.EqualTo(before));
    }

    // The k-th edge is at start + ceil(k * N * TscHz / PitHz), however far it is: nothing is rounded in between.
    [TestCase(2_100_000_000, 11932, 100_000)]
    [TestCase(3_393_624_017, 1, 100_000, Description = "N = 1 is no count of mode 2, but the arithmetic is the same")]
    [TestCase(999_999_937, 65535, 70_000)]
    public void The_period_does_not_drift(long tscHz, int count, int edges)
    {
        var clock = TickClock.OfFrequency(tscHz, TickClock.PitHz);
        var pit = default(Pit8254);
        pit.WriteControl(0x36, At(17), clock);
        pit.WriteData((byte)count, At(17), clock, Pit8254Reload.AtPeriodEnd);
        pit.WriteData((byte)(count >> 8), At(17), clock, Pit8254Reload.AtPeriodEnd);
        for (int k = 1; k <= edges; k++)
        {
            BigInteger expected = 17 + ((BigInteger)k * count * tscHz + TickClock.PitHz - 1) / TickClock.PitHz;
            Assert.That(pit.Due.Cycle.Cycle, Is.EqualTo((long)expected));
            pit.Advance(pit.Due.Cycle, clock);
        }
    }

    [Test]
    public void A_long_silence_is_made_up_for_in_one_step()
    {
        var once = Programmed(0x34, 5);
        var often = once;
        for (long t = 50; t <= 50_000; t += 50)
            often.Advance(At(t), Ten);
        once.Advance(At(50_020), Ten);
        Assert.That(once, Is.EqualTo(often));
    }

    [Test]
    public void KVM_sends_a_pulse_only_after_the_last_one_was_acknowledged_and_makes_up_for_the_others()
    {
        var ticks = new PitReinjection(PitReinjectionRule.On);
        Assert.That((ticks.Expired(), ticks.Expired(), ticks.Expired()), Is.EqualTo((true, false, false)));
        Assert.That((ticks.Acknowledged(), ticks.Acknowledged(), ticks.Acknowledged()), Is.EqualTo((true, true, false)));
        Assert.That((ticks.Pending, ticks.Expired()), Is.EqualTo((0u, true)));
    }

    [Test]
    public void KVM_forgets_the_ticks_it_owes_when_a_count_is_written()
    {
        var ticks = new PitReinjection(PitReinjectionRule.On);
        ticks.Expired();
        ticks.Expired();
        ticks.CountWritten();
        Assert.That((ticks.Acknowledged(), ticks.Expired()), Is.EqualTo((false, true)));
    }

    [Test]
    public void KVM_without_reinjection_pulses_at_every_expiry()
    {
        var ticks = new PitReinjection(PitReinjectionRule.Off);
        Assert.That((ticks.Expired(), ticks.Expired(), ticks.Acknowledged()), Is.EqualTo((true, true, false)));
    }

    private static Instant At(long cycle) => new(cycle);

    private static bool Out(in Pit8254 pit, long cycle) => pit.Output(At(cycle), Ten);

    private static bool OutAdvanced(ref Pit8254 pit, long cycle)
    {
        pit.Advance(At(cycle), Ten);
        return Out(pit, cycle);
    }

    private static Pit8254 Programmed(int control, int count)
    {
        var pit = default(Pit8254);
        pit.WriteControl((byte)control, At(0), Ten);
        Assert.That(pit.WriteData((byte)count, At(0), Ten, Pit8254Reload.AtPeriodEnd), Is.False);
        Assert.That(pit.WriteData((byte)(count >> 8), At(0), Ten, Pit8254Reload.AtPeriodEnd), Is.True);
        return pit;
    }

    private static long[] Edges(Pit8254 pit, int count, long from = 0)
    {
        var edges = new long[count];
        Instant now = At(from);
        for (int i = 0; i < count; i++)
        {
            now = pit.NextEdge(now, Ten);
            pit.Advance(now, Ten);
            edges[i] = now.Cycle;
        }

        return edges;
    }
}
