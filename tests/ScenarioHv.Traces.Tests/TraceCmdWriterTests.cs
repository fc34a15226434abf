using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces.Tests;

[TestFixture]
internal sealed class TraceCmdWriterTests
{
    private const long Hz = 2_400_000_000;

    private static readonly TraceActor[] Actors = [TraceActor.VcpuThread(0, 0), new("qemu-io", 3), new("kworker", 1)];

    [TestCase(0, "       CPU 0/KVM-1000  [000] ")]
    [TestCase(1, "         qemu-io-1001  [003] ")]
    [TestCase(2, "         kworker-1002  [001] ")]
    public void Comm_is_right_aligned_in_16_and_pid_left_aligned_in_5(byte actor, string envelope) =>
        Assert.That(Lines(TraceEvent.KvmSetIrq(0, actor, 23, 1, 0))[1], Does.StartWith(envelope + "     0.000000: kvm_set_irq: "));

    [Test]
    public void Header_counts_the_CPUs() => Assert.That(Lines()[0], Is.EqualTo("cpus=4"));

    [Test]
    public void Whole_line() => Assert.That(
        Lines(TraceEvent.KvmEntry(120_000, 0, 0, 0))[1],
        Is.EqualTo("       CPU 0/KVM-1000  [000]      0.000050: kvm_entry:            vcpu 0"));

    [Test]
    public void Text_starts_22_columns_after_the_start_of_the_name()
    {
        var lines = Lines(
            TraceEvent.KvmEntry(0, 0, 0, 0),
            TraceEvent.KvmApicAcceptIrq(0, 0, 0, 0, 243, DeliveryMode.Fixed, ApicMessageFlags.None),
            TraceEvent.KvmUserspaceExit(0, 0, 0, 26));
        var start = lines[1].IndexOf("kvm_entry", StringComparison.Ordinal);
        Assert.That(lines[1][start..], Is.EqualTo("kvm_entry:            vcpu 0"));
        Assert.That(lines[2][start..], Is.EqualTo("kvm_apic_accept_irq:  apicid 0 vec 243 (Fixed|edge)"));
        Assert.That(lines[3].IndexOf("reason", StringComparison.Ordinal), Is.EqualTo(start + 22));
    }

    [Test]
    public void Name_longer_than_20_is_followed_by_one_blank()
    {
        var inject = TraceEvent.KvmNestedVmexitInject(0, 0, 0, 1, 0, 0, 0x80000060, 0);
        Assert.That(Lines(inject)[1], Does.Contain(": kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 "));
    }

    [Test]
    public void Blank_at_the_end_of_a_port_IO_line_stays() =>
        Assert.That(Lines(TraceEvent.KvmPio(0, 0, 0, false, 0xe9, 1, 0x31))[1], Does.EndWith(" val 0x31 "));

    [Test]
    public void The_laboratorys_own_events_are_left_out() =>
        Assert.That(Lines(TraceEvent.LineChanged(0, 1, 0, 1, 23)), Has.Length.EqualTo(1));

    [Test]
    public void The_laboratorys_own_events_can_be_comments()
    {
        var options = new TraceCmdOptions { TscHz = Hz, Actors = Actors, LaboratoryEvents = true, Names = new() { Devices = ["usb"] } };
        var lines = Write(options, TraceEvent.LineChanged(0, 1, 0, 1, 23));
        Assert.That(lines[1], Is.EqualTo("#          qemu-io-1001  [003]      0.000000: line_changed:         usb gsi 23 level 1"));
    }

    [Test]
    public void Comm_is_cut_to_15_bytes() => Assert.That(
        Write(new() { TscHz = Hz, Actors = [new("qemu-system-x86_64", 0)] }, TraceEvent.KvmSetIrq(0, 0, 4, 1, 0))[1],
        Does.StartWith(" qemu-system-x86-1000 "));

    [Test]
    public void Nanosecond_option_prints_nine_decimals()
    {
        var options = new TraceCmdOptions { TscHz = Hz, Actors = Actors, Resolution = TraceResolution.Nanoseconds };
        var lines = Write(options, TraceEvent.KvmSetIrq(2_400_000_003, 0, 4, 1, 0));
        Assert.That(lines[1], Does.Contain("]      1.000000001: kvm_set_irq:"));
    }

    [Test]
    public void Actor_without_a_name_is_an_inconsistency() => Assert.That(
        () => Lines(TraceEvent.KvmSetIrq(0, 3, 4, 1, 0)),
        Throws.InvalidOperationException.With.Message.StartsWith("Actor 3 of a KvmSetIrq event has no name"));

    [Test]
    public void Lines_end_with_a_line_feed_on_every_system()
    {
        using var text = new StringWriter { NewLine = "\r\n" };
        new TraceCmdWriter(text, new() { TscHz = Hz, Actors = Actors }).Emit(TraceEvent.KvmSetIrq(0, 0, 4, 1, 0));
        Assert.That(text.ToString(), Does.Not.Contain('\r').And.EndsWith("source 0\n"));
    }

    private static string[] Lines(params TraceEvent[] events) =>
        Write(new() { Dialect = TraceDialects.Kvm51, TscHz = Hz, Actors = Actors }, events);

    private static string[] Write(TraceCmdOptions options, params TraceEvent[] events)
    {
        using var text = new StringWriter();
        var writer = new TraceCmdWriter(text, options);
        foreach (var e in events)
            writer.Emit(e);
        return text.ToString().TrimEnd('\n').Split('\n');
    }
}
