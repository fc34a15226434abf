using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>Ticks at multiples of 2^X of the TSC (SDM3 25.5.1; kvm-unit-tests vmx_preemption_timer_expiry_test).</summary>
public sealed class VmxPreemptionTimerTests
{
    [TestCase(0, 1u, 5, 32)]
    [TestCase(31, 1u, 5, 32)]
    [TestCase(32, 1u, 5, 64)]
    [TestCase(1000, 10u, 5, 1312)] // 1000 / 32 = 31; (31 + 10) * 32
    [TestCase(1000, 10u, 0, 1010)]
    [TestCase(1000, 0u, 5, 1000)]
    [TestCase(1023, 0u, 5, 1023)]
    [TestCase(1, uint.MaxValue, 31, 0xFFFF_FFFFL << 31)]
    public void Deadline_is_a_multiple_of_the_tick_unless_the_value_is_0(long tsc, uint value, int shift, long expected) =>
        Assert.That(VmxPreemptionTimer.Deadline(tsc, value, shift), Is.EqualTo(expected));

    [Test]
    public void The_first_tick_is_short_by_the_phase([Values(0, 1, 17, 31)] int phase)
    {
        var deadline = VmxPreemptionTimer.Deadline(3200 + phase, 1, 5);
        Assert.That(deadline - (3200 + phase), Is.EqualTo(32 - phase));
    }

    [TestCase(0u, 5, false)]
    [TestCase(1u, 5, true)]
    [TestCase(1u, 0, false)]
    public void Only_a_value_in_ticks_reads_the_phase(uint value, int shift, bool expected) =>
        Assert.That(VmxPreemptionTimer.ReadsPhase(value, shift), Is.EqualTo(expected));

    [TestCase(1000, 10u)]
    [TestCase(1023, 10u)]
    [TestCase(1024, 9u)] // the first multiple of 32 after 1000
    [TestCase(1311, 1u)]
    [TestCase(1312, 0u)]
    [TestCase(5000, 0u)]
    public void The_saved_value_counts_the_ticks_that_are_left(long tsc, uint expected) =>
        Assert.That(VmxPreemptionTimer.ValueAt(tsc, VmxPreemptionTimer.Deadline(1000, 10, 5), 5), Is.EqualTo(expected));

    [Test]
    public void A_saved_value_that_is_loaded_again_at_once_keeps_the_deadline()
    {
        var deadline = VmxPreemptionTimer.Deadline(1000, 10, 5);
        var saved = VmxPreemptionTimer.ValueAt(1100, deadline, 5);
        Assert.That(VmxPreemptionTimer.Deadline(1100, saved, 5), Is.EqualTo(deadline));
    }

    [Test]
    public void A_timer_loaded_with_0_saves_0() =>
        Assert.That(VmxPreemptionTimer.ValueAt(1001, VmxPreemptionTimer.Deadline(1001, 0, 5), 5), Is.Zero);

    [TestCase(PinBasedControls.ActivatePreemptionTimer, ExitControls.SavePreemptionTimer, 9u)]
    [TestCase(PinBasedControls.ActivatePreemptionTimer, ExitControls.None, 10u)]
    [TestCase(PinBasedControls.None, ExitControls.None, 10u)]
    public void Without_the_save_control_the_field_stays(PinBasedControls pin, ExitControls exit, uint expected)
    {
        var vmcs = new Vmcs { PinBased = pin, ExitControls = exit, PreemptionTimerValue = 10 };
        VmxPreemptionTimer.SaveAtExit(ref vmcs, 1024, VmxPreemptionTimer.Deadline(1000, 10, 5), 5);
        Assert.That(vmcs.PreemptionTimerValue, Is.EqualTo(expected));
    }

    [TestCase(-1)]
    [TestCase(32)]
    public void The_rate_has_five_bits(int shift) =>
        Assert.That(() => VmxPreemptionTimer.Deadline(0, 1, shift), Throws.InvalidOperationException);
}
