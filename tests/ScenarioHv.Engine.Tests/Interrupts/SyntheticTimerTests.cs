using System.Numerics;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;
using static ScenarioHv.Engine.Interrupts.SyntheticTimerOutcome;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>Synthetic timers: TLFS timers, kvm-unit-tests hyperv_stimer.c, and where KVM and OpenVMM part.</summary>
public class SyntheticTimerTests
{
    private const int Tlfs = 0;
    private const int Kvm = 1;
    private const int OpenVmm = 2;
    private const ulong OneShot = 1;
    private const ulong Periodic = 3;
    private const ulong Lazy = 4;
    private const ulong AutoEnable = 8;
    private const ulong OnSint2 = 2UL << 16;
    private const ulong OnSint3 = 3UL << 16;
    private const ulong DirectF3 = 1UL << 12 | 0xF3UL << 4;

    [Test]
    public void KUT_stimer_1_periodic_timers_of_a_millisecond_fire_a_thousand_times_a_second([Range(0, 2)] int flavour)
    {
        var bench = KutBench(flavour);
        bench.Timer(0, Periodic | OnSint2, 10_000);
        bench.Timer(1, Periodic | OnSint3, 10_000);
        Assert.That(HandleUntil(bench, 10_000_000), Is.EqualTo(new[] { 1000, 1000, 0, 0 }));
        Assert.That(bench.Apic.Isr.IsEmpty);
    }

    [Test]
    public void KUT_stimer_2_one_shot_fires_once_at_its_count_and_disables_itself([Range(0, 2)] int flavour)
    {
        var bench = KutBench(flavour);
        bench.Cycle = 777;
        bench.Timer(0, OneShot | OnSint2, bench.Time + 10_000);
        Assert.That(bench.RunTo(50_000).Where(e => e.Outcome == Delivered), Is.EqualTo(new[] { (10_002UL, 0, Delivered) }));
        Assert.That(bench.Config(0), Is.EqualTo(OnSint2));
    }

    [TestCase(OneShot | AutoEnable)]
    [TestCase(AutoEnable)]
    public void KUT_stimer_3_auto_enabled_one_shot_fires_when_the_count_is_written(ulong config)
    {
        for (int flavour = 0; flavour < 3; flavour++)
        {
            var bench = KutBench(flavour);
            bench.Write(SyntheticTimerMsr.Config0 + 2, config | OnSint3);
            bench.Write(SyntheticTimerMsr.Count0 + 2, bench.Time + 10_000);
            Assert.That(HandleUntil(bench, 20_000), Is.EqualTo(new[] { 0, 1, 0, 0 }));
        }
    }

    [Test]
    public void KUT_stimer_4_auto_enabled_periodic_timer_fires([Range(0, 2)] int flavour)
    {
        var bench = KutBench(flavour);
        bench.Write(SyntheticTimerMsr.Config0, Periodic | AutoEnable | OnSint2);
        bench.Write(SyntheticTimerMsr.Count0, 10_000);
        Assert.That(HandleUntil(bench, 10_000_000)[0], Is.EqualTo(1000));
    }

    [Test]
    public void KUT_stimer_5a_one_shot_at_a_busy_slot_sets_the_flag_without_interrupt([Range(0, 2)] int flavour)
    {
        var bench = KutBench(flavour);
        bench.Page[2].Type = SynIcMessageType.TimerExpired;
        bench.Timer(0, OneShot | OnSint2, 10_000);
        bench.RunTo(20_000);
        Assert.That(bench.Page[2].IsPending);
        Assert.That(bench.Raised, Is.Empty);
        Assert.That(bench.Timers.NextPass(bench.Now).IsNever, "nothing spins");
    }

    [Test]
    public void KUT_stimer_5b_emptied_slot_and_EOM_let_it_fire([Range(0, 2)] int flavour)
    {
        var bench = KutBench(flavour);
        bench.Page[2].Type = SynIcMessageType.TimerExpired;
        bench.Timer(0, OneShot | OnSint2, 10_000);
        bench.RunTo(20_000);
        bench.Empty(2);
        bench.Pass();
        Assert.That(bench.Raised, Is.EqualTo(new[] { 0xF1 }));
        Assert.That(bench.Payload(2).ExpirationTime, Is.EqualTo(10_000));
        Assert.That(bench.Payload(2).DeliveryTime, Is.EqualTo(20_000));
        Assert.That(bench.Config(0) & 1, Is.EqualTo(0));
    }

    [Test]
    public void KUT_stimer_6_direct_timer_raises_its_vector_and_writes_no_message([Range(0, 2)] int flavour)
    {
        var bench = KutBench(flavour);
        bench.Write(SynIcMsr.Simp, 0);
        bench.Timer(0, Periodic | DirectF3, 10_000);
        bench.RunTo(30_000);
        Assert.That(bench.Raised, Is.EqualTo(new[] { 0xF3, 0xF3, 0xF3 }));
        for (int i = 0; i < 16; i++)
            Assert.That(bench.Page[i].IsEmpty);
    }

    [Test]
    public void KUT_stimer_7_config_0_stops_it([Range(0, 2)] int flavour)
    {
        var bench = KutBench(flavour);
        bench.Timer(0, Periodic | OnSint2, 10_000);
        HandleUntil(bench, 25_000);
        bench.Write(SyntheticTimerMsr.Config0, 0);
        Assert.That(HandleUntil(bench, 100_000)[0], Is.EqualTo(0));
    }

    [Test]
    public void Message_has_type_size_sender_0_index_expiry_and_delivery()
    {
        var bench = KutBench(Kvm);
        bench.Timer(3, OneShot | OnSint2, 500);
        bench.Pass();
        bench.Cycle = 700 * SynIcBench.CyclesPerUnit;
        bench.Pass();
        ref var slot = ref bench.Page[2];
        Assert.That((slot.Type, slot.PayloadSize, slot.Sender), Is.EqualTo((0x8000_0010u, (byte)24, 0UL)));
        var payload = bench.Payload(2);
        Assert.That((payload.TimerIndex, payload.Reserved), Is.EqualTo((3u, 0u)));
        Assert.That((payload.ExpirationTime, payload.DeliveryTime), Is.EqualTo((500UL, 700UL)));
    }

    [TestCase(0x4000_00B0u, 0)]
    [TestCase(0x4000_00B3u, 1)]
    [TestCase(0x4000_00B6u, 3)]
    public void Registers_are_pairs_from_B0h(uint msr, int timer)
    {
        var bench = KutBench(Kvm);
        bench.Write(msr, 0x20000);
        Assert.That(bench.Read(msr), Is.EqualTo(0x20000));
        var state = bench.Timers[timer];
        Assert.That((msr & 1) != 0 ? state.Count : state.Config, Is.EqualTo(0x20000));
    }

    [Test]
    public void Addresses_outside_fault_and_so_does_an_inactive_SynIC()
    {
        var bench = new SynIcBench(SynIcPolicy.Kvm, SyntheticTimerPolicy.Kvm, enabled: false);
        Assert.That(bench.Timers.TryReadMsr(0x4000_00B8, out _), Is.False);
        Assert.That(bench.Timers.WriteMsr(0x4000_00AF, 0, true, bench.Now).IsFault);
        Assert.That(bench.Write(SyntheticTimerMsr.Config0, 0).IsFault);
        Assert.That(bench.Write(SyntheticTimerMsr.Config0, 0, fromHost: true).IsFault, Is.False);
        Assert.That(bench.Write(SyntheticTimerMsr.Count0, 1, fromHost: true).IsFault);
    }

    [TestCase(Tlfs, 0x2000UL, true)]
    [TestCase(Tlfs, 0x10_0000UL, true)]
    [TestCase(Tlfs, 1UL << 63, true)]
    [TestCase(Tlfs, 0xF_1FFFUL, false)]
    [TestCase(Kvm, 1UL << 63, false)]
    [TestCase(OpenVmm, 0x2000UL, false)]
    public void Reserved_configuration_bits_fault_in_the_TLFS_alone(int flavour, ulong value, bool faults)
    {
        Assert.That(KutBench(flavour).Write(SyntheticTimerMsr.Config0, value).IsFault, Is.EqualTo(faults));
    }

    [TestCase(Tlfs, 0UL)]
    [TestCase(Kvm, 0UL)]
    [TestCase(OpenVmm, 1UL)]
    public void Count_0_stops_and_disables_even_with_auto_enable(int flavour, ulong enabled)
    {
        var bench = KutBench(flavour);
        bench.Timer(0, OneShot | AutoEnable | OnSint2, 10_000);
        bench.Write(SyntheticTimerMsr.Count0, 0);
        Assert.That(bench.Config(0) & 1, Is.EqualTo(enabled));
        Assert.That(bench.RunTo(20_000), Is.Empty);
    }

    [Test]
    public void Count_without_auto_enable_enables_nothing_and_from_the_monitor_never_does()
    {
        var bench = KutBench(Kvm);
        bench.Timer(0, OnSint2, 10_000);
        Assert.That(bench.RunTo(20_000), Is.Empty);
        bench.Timer(1, AutoEnable | OnSint2, 10_000);
        bench.Write(SyntheticTimerMsr.Config0 + 2, AutoEnable | OnSint2);
        bench.Write(SyntheticTimerMsr.Count0 + 2, 10_000, fromHost: true);
        Assert.That(bench.Config(1) & 1, Is.EqualTo(0));
    }

    [TestCase(Tlfs, 0UL, 0UL)]
    [TestCase(Kvm, 1UL, 0UL)]
    [TestCase(OpenVmm, 1UL, 1UL)]
    public void SINT_0_disables_always_or_if_enabled_before_or_never(int flavour, ulong first, ulong second)
    {
        var bench = KutBench(flavour);
        bench.Timer(0, OneShot, 10_000);
        Assert.That(bench.Config(0) & 1, Is.EqualTo(first));
        bench.Write(SyntheticTimerMsr.Config0, OneShot | OnSint2);
        bench.Write(SyntheticTimerMsr.Config0, OneShot);
        Assert.That(bench.Config(0) & 1, Is.EqualTo(second));
        bench.Write(SyntheticTimerMsr.Config0, OneShot | DirectF3);
        Assert.That(bench.Config(0) & 1, Is.EqualTo(1), "not in direct mode");
    }

    [TestCase(Tlfs, 1)]
    [TestCase(Kvm, 2)]
    [TestCase(OpenVmm, 1)]
    public void One_shot_in_the_past_expires_at_once_and_in_KVM_in_the_second_pass(int flavour, int passes)
    {
        var bench = KutBench(flavour);
        bench.Cycle = 1_000_000;
        bench.Timer(0, OneShot | OnSint2, 5);
        Assert.That(bench.Timers.NextPass(bench.Now), Is.EqualTo(bench.Now));
        for (int pass = 1; pass < passes; pass++)
            Assert.That(bench.Pass()[0], Is.EqualTo(Started));
        Assert.That(bench.Pass()[0], Is.EqualTo(Delivered));
        Assert.That(bench.Payload(2).ExpirationTime, Is.EqualTo(5));
    }

    [TestCase(Tlfs, 1_000UL)]
    [TestCase(Kvm, 1_300UL)]
    [TestCase(OpenVmm, 1_300UL)]
    public void First_period_is_counted_from_the_write_or_from_the_next_pass(int flavour, ulong expiry)
    {
        var bench = KutBench(flavour);
        bench.Timer(0, Periodic | OnSint2, 1_000);
        bench.Cycle = 300 * SynIcBench.CyclesPerUnit;
        bench.Pass();
        bench.RunTo(1_500);
        Assert.That(bench.Payload(2).ExpirationTime, Is.EqualTo(expiry));
    }

    [TestCase(Tlfs, 0UL, new ulong[] { 1_000, 2_000, 3_000, 4_000, 5_000 })]
    [TestCase(Tlfs, Lazy, new ulong[] { 1_000, 4_000, 5_000 })]
    [TestCase(Kvm, 0UL, new ulong[] { 1_000, 4_000, 5_000 })]
    [TestCase(Kvm, Lazy, new ulong[] { 1_000, 4_000, 5_000 })]
    [TestCase(OpenVmm, 0UL, new ulong[] { 1_000, 4_400, 5_400 })]
    public void Periods_missed_while_the_processor_is_away_are_made_up_for_or_dropped_with_or_without_phase(
        int flavour, ulong lazy, ulong[] expiries)
    {
        var bench = KutBench(flavour);
        bench.Timer(0, Periodic | OnSint2 | lazy, 1_000);
        bench.Pass();
        bench.Cycle = 3_400 * SynIcBench.CyclesPerUnit;
        var seen = new List<ulong>();
        for (var next = bench.Timers.NextPass(bench.Now); next.Cycle <= 5_500 * SynIcBench.CyclesPerUnit;
             next = bench.Timers.NextPass(bench.Now))
        {
            bench.Cycle = next.Cycle;
            bench.Pass();
            seen.Add(bench.Payload(2).ExpirationTime);
            bench.Empty(2);
        }
        Assert.That(seen, Is.EqualTo(expiries));
    }

    [TestCase(Tlfs, Queued)]
    [TestCase(Kvm, Dropped)]
    [TestCase(OpenVmm, Undelivered)]
    public void Periodic_tick_at_a_busy_slot_is_queued_dropped_or_stays_due(int flavour, SyntheticTimerOutcome outcome)
    {
        var bench = KutBench(flavour);
        bench.Page[2].Type = 9;
        bench.Timer(0, Periodic | OnSint2, 1_000);
        bench.Pass();
        bench.Cycle = 1_000 * SynIcBench.CyclesPerUnit;
        Assert.That(bench.Pass()[0], Is.EqualTo(outcome));
        Assert.That(bench.Page[2].IsPending, Is.EqualTo(flavour != Kvm));
        Assert.That(bench.Timers.NextPass(bench.Now).Cycle,
            Is.EqualTo(flavour == Kvm ? 2_000 * SynIcBench.CyclesPerUnit : long.MaxValue));
    }

    [Test]
    public void OpenVMM_tries_a_due_timer_on_each_pass_and_counts_the_next_period_from_there()
    {
        var bench = KutBench(OpenVmm);
        bench.Page[2].Type = 9;
        bench.Timer(0, Periodic | OnSint2, 1_000);
        bench.RunTo(2_500);
        Assert.That(bench.Pass()[0], Is.EqualTo(Undelivered));
        bench.Page[2].Type = 0;
        Assert.That(bench.Pass()[0], Is.EqualTo(Delivered));
        Assert.That(bench.Payload(2).ExpirationTime, Is.EqualTo(1_000));
        Assert.That(bench.Timers[0].Deadline.Cycle, Is.EqualTo(3_500 * SynIcBench.CyclesPerUnit));
    }

    [Test]
    public void OpenVMM_timer_stands_behind_a_message_that_waits_for_the_slot()
    {
        var bench = KutBench(OpenVmm);
        bench.Post(2, 1);
        bench.Post(2, 2);
        bench.Page[2].Type = 0;
        bench.Timer(0, OneShot | OnSint2, 1);
        bench.RunTo(10);
        Assert.That(bench.Page[2].IsEmpty);
        bench.Rescan(bench.SynIc.QueuedSints);
        Assert.That(bench.Page[2].Type, Is.EqualTo(2));
    }

    [Test]
    public void TLFS_timer_messages_and_posted_ones_share_one_queue_in_order()
    {
        var bench = KutBench(Tlfs);
        bench.Post(2, 1);
        bench.Timer(0, OneShot | OnSint2, 1);
        bench.RunTo(10);
        bench.Post(2, 2);
        bench.Empty(2);
        Assert.That(bench.Page[2].Type, Is.EqualTo(SynIcMessageType.TimerExpired));
        Assert.That(bench.Config(0) & 1, Is.EqualTo(0), "delivered only now");
        bench.Empty(2);
        Assert.That(bench.Page[2].Type, Is.EqualTo(2));
    }

    [Test]
    public void TLFS_timer_behind_another_whose_message_gets_the_slot_first()
    {
        var bench = KutBench(Tlfs);
        bench.Page[2].Type = 9;
        bench.Timer(0, Periodic | OnSint2, 1_000);
        bench.Timer(1, OneShot | OnSint2, 1_500);
        bench.RunTo(1_200);
        bench.Page[2].Type = 0;
        Assert.That(bench.RunTo(1_500), Is.EqualTo(new[] { (1_500UL, 1, Queued) }));
        Assert.That(bench.Payload(2).TimerIndex, Is.EqualTo(0));
        Assert.That(bench.Raised, Is.EqualTo(new[] { 0xF1 }));
        Assert.That(bench.Timers[0].Deadline.Cycle, Is.EqualTo(2_000 * SynIcBench.CyclesPerUnit), "it goes on");
    }

    [Test]
    public void TLFS_timer_with_a_disabled_page_waits_in_the_queue_until_a_scan_finds_it_enabled()
    {
        var bench = KutBench(Tlfs);
        bench.Write(SynIcMsr.Simp, 0);
        bench.Timer(0, OneShot | OnSint2, 10);
        Assert.That(bench.RunTo(20).Single().Outcome, Is.EqualTo(Queued));
        bench.Write(SynIcMsr.Simp, 0x5001);
        bench.Write(SynIcMsr.Eom, 0);
        Assert.That(bench.Raised, Is.EqualTo(new[] { 0xF1 }));
    }

    [Test]
    public void Rewriting_a_timer_forgets_its_undelivered_message([Range(0, 2)] int flavour)
    {
        var bench = KutBench(flavour);
        bench.Page[2].Type = 9;
        bench.Timer(0, OneShot | OnSint2, 10);
        bench.RunTo(20);
        bench.Write(SyntheticTimerMsr.Count0, 100);
        bench.Empty(2);
        bench.Pass();
        Assert.That(bench.Page[2].IsEmpty);
        bench.RunTo(100);
        Assert.That(bench.Payload(2).ExpirationTime, Is.EqualTo(100));
    }

    [TestCase(Tlfs, Delivered, true)]
    [TestCase(Kvm, Undelivered, true)]
    [TestCase(OpenVmm, Undelivered, false)]
    public void Masked_source_gets_the_message_without_interrupt_or_with_a_retry_or_nothing(
        int flavour, SyntheticTimerOutcome outcome, bool written)
    {
        var bench = KutBench(flavour);
        bench.Sint(2, 0x100F1);
        bench.Timer(0, OneShot | OnSint2, 10);
        Assert.That(bench.RunTo(20)[^1].Outcome, Is.EqualTo(outcome));
        Assert.That(bench.Page[2].IsEmpty, Is.EqualTo(!written));
        Assert.That(bench.Raised, Is.Empty);
    }

    [Test]
    public void KVM_periodic_timer_of_a_masked_source_stands_still_until_EOM()
    {
        var bench = KutBench(Kvm);
        bench.Sint(2, 0x100F1);
        bench.Timer(0, Periodic | OnSint2, 1_000);
        bench.RunTo(5_000);
        Assert.That(bench.Timers.NextPass(bench.Now).IsNever);
        bench.Sint(2, 0xF1);
        bench.Write(SynIcMsr.Eom, 0);
        Assert.That(bench.Pass()[0], Is.EqualTo(Dropped), "its own message is still in the slot");
        Assert.That(bench.Timers[0].Deadline.Cycle, Is.EqualTo(6_000 * SynIcBench.CyclesPerUnit));
    }

    [TestCase(Tlfs, Delivered)]
    [TestCase(Kvm, Undelivered)]
    [TestCase(OpenVmm, Delivered)]
    public void Direct_timer_at_a_disabled_APIC_is_lost_and_in_KVM_stands_still_for_good(int flavour, SyntheticTimerOutcome outcome)
    {
        var bench = KutBench(flavour);
        bench.Apic.Write(LocalApicRegister.Svr, 0xFF, bench.Now, new LocalApicTimerClock(1_000_000_000, 1_000_000_000));
        bench.Timer(0, Periodic | DirectF3, 1_000);
        Assert.That(bench.RunTo(1_000)[^1].Outcome, Is.EqualTo(outcome));
        bench.Write(SynIcMsr.Eom, 0);
        long next = flavour == Kvm ? long.MaxValue : 2_000 * SynIcBench.CyclesPerUnit;
        Assert.That(bench.Timers.NextPass(bench.Now).Cycle, Is.EqualTo(next));
    }

    [Test]
    public void KVM_one_shot_is_retried_by_the_EOI_of_its_own_source_only()
    {
        var bench = KutBench(Kvm);
        bench.Page[2].Type = 9;
        bench.Timer(0, OneShot | OnSint2, 10);
        bench.RunTo(20);
        bench.Page[2].Type = 0;
        bench.Rescan(bench.SynIc.NotifyEoi(0xA4));
        Assert.That(bench.Pass()[0], Is.EqualTo(Idle));
        bench.Rescan(bench.SynIc.NotifyEoi(0xF1));
        Assert.That(bench.Pass()[0], Is.EqualTo(Delivered));
    }

    [Test]
    public void Timers_of_one_moment_are_served_in_ascending_order([Range(0, 2)] int flavour)
    {
        var bench = KutBench(flavour);
        for (int i = 3; i >= 0; i--)
            bench.Timer(i, OneShot | (ulong)(i + 4) << 16, 1_000);
        bench.RunTo(2_000);
        Assert.That(bench.Raised, Is.EqualTo(new[] { 0xA4, 0xA5, 0xA6, 0xA7 }));
    }

    [TestCase(Tlfs, false)]
    [TestCase(Kvm, false)]
    [TestCase(OpenVmm, true)]
    public void Count_2_to_the_63_ahead_is_past_for_a_signed_comparison(int flavour, bool expires)
    {
        var bench = KutBench(flavour);
        bench.Timer(0, OneShot | OnSint2, (1UL << 63) + 5);
        bench.RunTo(4);
        Assert.That(bench.Page[2].IsEmpty, Is.EqualTo(!expires));
        Assert.That(bench.Config(0) & 1, Is.EqualTo(expires ? 0 : 1));
    }

    [Test]
    public void Periodic_expiries_do_not_drift_by_a_fraction_of_a_cycle()
    {
        const long hz = 2_394_230_001;
        var timers = new SyntheticTimer[4];
        var bench = KutBench(Kvm);
        var view = new SyntheticTimers(timers, bench.SynIc, new SyntheticTimerClock(hz), SyntheticTimerPolicy.Kvm);
        view.PowerOn();
        view.WriteMsr(SyntheticTimerMsr.Count0, 7, false, new Instant(0));
        view.WriteMsr(SyntheticTimerMsr.Config0, Periodic | DirectF3, false, new Instant(0));
        view.Process(0, new Instant(0), true);
        for (int k = 1; k <= 1000; k++)
        {
            BigInteger expected = (new BigInteger(7 * k) * hz + 9_999_999) / 10_000_000;
            Assert.That(view[0].Deadline.Cycle, Is.EqualTo((long)expected));
            Assert.That(view.Process(0, view[0].Deadline, true).Outcome, Is.EqualTo(Delivered));
        }
    }

    [Test]
    public void Delivery_that_no_timer_waits_for_is_an_inconsistency()
    {
        var bench = KutBench(Tlfs);
        Assert.That(() => bench.Timers.Delivered(1, bench.Now), Throws.InvalidOperationException);
    }

    private static SynIcBench KutBench(int flavour)
    {
        var bench = SynIcBench.For(flavour);
        bench.Sint(2, 0xF1);
        bench.Sint(3, 0xF2 | SynIcSint.AutoEoiBit);
        return bench;
    }

    /// <summary>The handler of hyperv_stimer.c after every pass; returns how often each timer's message was seen.</summary>
    private static int[] HandleUntil(SynIcBench bench, ulong time)
    {
        var fired = new int[4];
        long end = (long)time * SynIcBench.CyclesPerUnit;
        for (var next = bench.Timers.NextPass(bench.Now); next.Cycle <= end; next = bench.Timers.NextPass(bench.Now))
        {
            bench.Cycle = next.Cycle;
            bench.Pass();
            for (int vector = bench.Inta(); vector >= 0; vector = bench.Inta())
            {
                for (int sint = 0; sint < 16; sint++)
                {
                    if (bench.Page[sint].Type != SynIcMessageType.TimerExpired)
                        continue;
                    Assert.That(bench.Page[sint].PayloadSize, Is.GreaterThanOrEqualTo(24));
                    fired[bench.Payload(sint).TimerIndex]++;
                    bench.Empty(sint);
                }
                if (vector == 0xF1)
                    bench.Eoi();
            }
        }
        bench.Cycle = end;
        return fired;
    }
}
