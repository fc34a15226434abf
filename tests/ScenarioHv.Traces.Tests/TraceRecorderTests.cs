using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces.Tests;

[TestFixture]
internal sealed class TraceRecorderTests
{
    [Test]
    public void Without_a_limit_everything_is_kept()
    {
        var recorder = Recorded(new TraceRecorder(), 5);
        Assert.That(recorder.Select(e => e.Cycle), Is.EqualTo(new long[] { 0, 1, 2, 3, 4 }));
        Assert.That(recorder.Dropped, Is.Zero);
    }

    [TestCase(3, new long[] { 0, 1, 2 }, 0)]
    [TestCase(4, new long[] { 1, 2, 3 }, 1)]
    [TestCase(8, new long[] { 5, 6, 7 }, 5)]
    public void With_a_limit_the_last_are_kept_oldest_first(int emitted, long[] cycles, int dropped)
    {
        var recorder = Recorded(new TraceRecorder(3), emitted);
        Assert.That(recorder.Select(e => e.Cycle), Is.EqualTo(cycles));
        Assert.That(recorder.Dropped, Is.EqualTo(dropped));
    }

    [Test]
    public void Cleared_recorder_starts_again()
    {
        var recorder = Recorded(new TraceRecorder(3), 4);
        recorder.Clear();
        Assert.That(Recorded(recorder, 2).Select(e => e.Cycle), Is.EqualTo(new long[] { 0, 1 }));
    }

    [Test]
    public void Index_beyond_the_kept_events_is_refused() =>
        Assert.That(() => Recorded(new TraceRecorder(3), 2)[2], Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void Limit_of_zero_is_refused() => Assert.That(() => new TraceRecorder(0), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void Tee_hands_every_event_to_every_sink()
    {
        var first = new TraceRecorder();
        var second = new TraceRecorder(1);
        var tee = TraceSinks.Tee(first, second);
        for (var cycle = 0; cycle < 3; cycle++)
            tee.Emit(TraceEvent.DeviceFired(cycle, 0, 0));
        Assert.That(first, Has.Count.EqualTo(3));
        Assert.That(second[0].Cycle, Is.EqualTo(2));
    }

    private static TraceRecorder Recorded(TraceRecorder recorder, int count)
    {
        for (var cycle = 0; cycle < count; cycle++)
            recorder.Emit(TraceEvent.DeviceFired(cycle, 0, 0));
        return recorder;
    }
}
