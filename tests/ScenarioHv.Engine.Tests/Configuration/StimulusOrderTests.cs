using ScenarioHv.Engine.Configuration;

namespace ScenarioHv.Engine.Tests.Configuration;

/// <summary>The order that remains of a timeline when its moments are taken away.</summary>
public class StimulusOrderTests
{
    [Test]
    public void Events_of_different_devices_come_in_any_order() =>
        Assert.That(Before(new(100, StimulusAction.Raise, 0), new(200, StimulusAction.Fire, 1)), Is.EqualTo(new uint[] { 0, 0 }));

    [Test]
    public void Events_of_one_device_keep_their_order_whatever_the_order_of_the_lines() => Assert.That(
        Before(new(300, StimulusAction.Lower, 2), new(100, StimulusAction.Raise, 2), new(200, StimulusAction.Raise, 2)),
        Is.EqualTo(new uint[] { 0b110, 0, 0b010 }));

    [Test]
    public void Events_of_one_moment_come_in_any_order() => Assert.That(
        Before(new(100, StimulusAction.Nmi, 0), new(100, StimulusAction.Nmi, 0), new(101, StimulusAction.Nmi, 0)),
        Is.EqualTo(new uint[] { 0, 0, 0b011 }));

    [Test]
    public void A_device_and_a_vCPU_of_one_number_are_two_things() => Assert.That(
        Before(new(100, StimulusAction.Fire, 0), new(200, StimulusAction.PageOut, 0), new(300, StimulusAction.Nmi, 0)),
        Is.EqualTo(new uint[] { 0, 0, 0b010 }));

    [Test]
    public void NMIs_of_two_vCPUs_come_in_any_order() =>
        Assert.That(Before(new(100, StimulusAction.Nmi, 0), new(200, StimulusAction.Nmi, 1)), Is.EqualTo(new uint[] { 0, 0 }));

    [TestCase(StimulusAction.Pause)]
    [TestCase(StimulusAction.Resume)]
    [TestCase(StimulusAction.Save)]
    [TestCase(StimulusAction.Restore)]
    [TestCase(StimulusAction.SetMsr)]
    [TestCase(StimulusAction.Inhibit)]
    [TestCase(StimulusAction.Lift)]
    [TestCase(StimulusAction.Preempt)]
    [TestCase(StimulusAction.Schedule)]
    public void What_the_monitor_does_keeps_its_order_across_vCPUs(StimulusAction action) => Assert.That(
        Before(new(100, StimulusAction.Pause, 0), new(200, action, 1), new(300, StimulusAction.Resume, 2)),
        Is.EqualTo(new uint[] { 0, 0b001, 0b011 }));

    [Test]
    public void A_reason_against_APICv_is_not_about_vCPU_0() => Assert.That(
        Before(new(100, StimulusAction.Inhibit, 0), new(200, StimulusAction.Nmi, 0), new(300, StimulusAction.Lift, 0)),
        Is.EqualTo(new uint[] { 0, 0, 0b001 }));

    // The last of three that begin at 100 and are 50 apart comes at 200.
    [TestCase(200, 3, 0u)]
    [TestCase(201, 3, 1u)]
    [TestCase(1_000_000, 0, 0u)]
    public void A_line_that_repeats_precedes_what_is_after_its_last_coming(long at, int count, uint expected) => Assert.That(
        Before(new(100, StimulusAction.Fire, 0) { Every = 50, Count = count }, new(at, StimulusAction.Fire, 0))[1],
        Is.EqualTo(expected));

    [Test]
    public void The_last_coming_of_a_long_line_does_not_overflow() => Assert.That(
        Before(
            new(1, StimulusAction.Fire, 0) { Every = 1L << 61, Count = int.MaxValue },
            new(long.MaxValue, StimulusAction.Fire, 0)),
        Is.EqualTo(new uint[] { 0, 0 }));

    [Test]
    public void A_timeline_has_at_most_32_lines()
    {
        var lines = Enumerable.Range(0, 32).Select(i => new StimulusConfig(i, StimulusAction.Nmi, 0)).ToList();
        Assert.That(StimulusOrder.Before(lines)[31], Is.EqualTo(0x7fff_ffff));
        lines.Add(new(32, StimulusAction.Nmi, 0));
        Assert.That(() => StimulusOrder.Before(lines), Throws.ArgumentException);
    }

    private static uint[] Before(params StimulusConfig[] timeline) => StimulusOrder.Before(timeline);
}
