using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>
/// A page saved and restored, and where a restored timer goes on (KVM lapic.c:kvm_apic_get_state, kvm_apic_set_state, apic_get_tmcct,
/// set_target_expiration). The clocks are 2.4 GHz and 1 GHz: a count of 1 ns is 2.4 cycles.
/// </summary>
[TestFixture]
internal sealed class LocalApicTransferTests
{
    private const uint OneShot = 0, Periodic = 1u << 17, Deadline = 2u << 17, Vector = 0xec, DivideBy1 = 0xb;

    private static readonly LocalApicTimerClock Clock = new(2_400_000_000, 1_000_000_000);

    [Test]
    public void What_was_saved_is_there_after_a_restore_and_saves_the_same_again()
    {
        var apic = Armed(OneShot, 1_000);
        apic.Write(LocalApicRegister.Tpr, 0x30, At(0), Clock);
        apic.Write(LocalApicRegister.LvtError, 0xfe, At(0), Clock);
        apic.Write(LocalApicRegister.Ldr, 0x0200_0000, At(0), Clock);
        apic.Accept(new ApicMessage { Vector = 0x91 });
        apic.Dispense(0x91);
        apic.Accept(new ApicMessage { Vector = 0xa2, Flags = ApicMessageFlags.Level });
        var page = apic.Save(At(0), Clock);

        var other = new LocalApic();
        other.Reset(0, bsp: true, LocalApicOptions.Architectural);
        other.Accept(new ApicMessage { Vector = 0x44 });
        other.Load(page);
        Assert.That(
            (other.Irr.Highest, other.Isr.Highest, other.Tmr.Contains(0xa2), other.Tpr, other.Ppr),
            Is.EqualTo((0xa2, 0x91, true, (byte)0x30, (byte)0x90)));
        Assert.That((other.LvtError, other.Ldr, other.TimerInitialCount), Is.EqualTo((0xfeu, 0x0200_0000u, 1_000u)));
        Assert.That(other.TimerDeadline.IsNever, "the page does not start the timer");
        Assert.That(other.Save(At(0), Clock) with { TimerCurrentCount = page.TimerCurrentCount }, Is.EqualTo(page));
    }

    // 1000 counts are 2400 cycles. A whole count is left until 2.4 cycles before the end.
    [TestCase(0, 1_000u)]
    [TestCase(1, 999u)]
    [TestCase(2_397, 1u)]
    [TestCase(2_398, 0u)]
    [TestCase(2_400, 0u)]
    [TestCase(9_999, 0u)]
    public void The_saved_count_is_the_whole_counts_that_are_left(long now, uint count) =>
        Assert.That(Armed(OneShot, 1_000).Save(At(now), Clock).TimerCurrentCount, Is.EqualTo(count));

    [Test]
    public void A_TSC_deadline_is_no_count()
    {
        var apic = Armed(Deadline, 0);
        apic.WriteTscDeadline(5_000, 0, At(0));
        Assert.That(apic.Save(At(0), Clock).TimerCurrentCount, Is.Zero);
    }

    [TestCase(OneShot, 500u, RestoredCount.Current, 1_200)]
    [TestCase(OneShot, 500u, RestoredCount.CurrentOrInitial, 1_200)]
    [TestCase(OneShot, 500u, RestoredCount.Initial, 2_400)]
    [TestCase(OneShot, 1u, RestoredCount.Current, 3)]
    [TestCase(OneShot, 0u, RestoredCount.Current, 0)]
    [TestCase(OneShot, 0u, RestoredCount.CurrentOrInitial, 2_400)]
    [TestCase(Periodic, 0u, RestoredCount.Current, 2_400)]
    [TestCase(Periodic, 1u, RestoredCount.Current, 3)]
    [TestCase(OneShot, 1_001u, RestoredCount.Current, 2_400)]
    public void A_restored_timer_expires_after(uint mode, uint count, RestoredCount from, long cycles)
    {
        var target = Armed(mode, 1_000).RestoredTarget(count, from, At(10_000), Clock);
        Assert.That(target.Deadline, Is.EqualTo(At(10_000 + cycles)));
    }

    [Test]
    public void A_restored_period_goes_on_without_drift()
    {
        // One count left is 2.4 cycles, rounded up to 3; the periods behind it are 2400 cycles from the exact moment.
        var apic = Armed(Periodic, 1_000);
        apic.ArmTimer(apic.RestoredTarget(1, RestoredCount.Current, At(0), Clock));
        apic.ElapseTimer(At(3), Clock);
        Assert.That(apic.TimerDeadline, Is.EqualTo(At(2_403)));
        apic.ElapseTimer(At(2_403), Clock);
        Assert.That(apic.TimerDeadline, Is.EqualTo(At(4_803)));
    }

    [Test]
    public void A_timer_that_does_not_count_or_has_no_initial_count_is_not_started() =>
        Assert.That(
            (Armed(Deadline, 0).RestoredTarget(7, RestoredCount.Current, At(0), Clock).Deadline.IsNever,
                Armed(OneShot, 0).RestoredTarget(7, RestoredCount.Current, At(0), Clock).Deadline.IsNever),
            Is.EqualTo((true, true)));

    private static Instant At(long cycle) => new(cycle);

    private static LocalApic Armed(uint mode, uint count)
    {
        var apic = new LocalApic();
        apic.Reset(0, bsp: true, LocalApicOptions.Architectural);
        apic.Write(LocalApicRegister.Svr, 0x1ff, At(0), Clock);
        apic.Write(LocalApicRegister.TimerDivide, DivideBy1, At(0), Clock);
        apic.Write(LocalApicRegister.LvtTimer, mode | Vector, At(0), Clock);
        apic.Write(LocalApicRegister.TimerInitialCount, count, At(0), Clock);
        return apic;
    }
}
