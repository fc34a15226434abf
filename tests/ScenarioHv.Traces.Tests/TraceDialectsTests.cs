using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Traces.Tests;

[TestFixture]
internal sealed class TraceDialectsTests
{
    [Test]
    public void Unknown_dialect_names_the_known_ones() => Assert.That(
        () => TraceDialects.Get("kvm-9"), Throws.ArgumentException.With.Message.Contains("'kvm-9'. Known: kvm-5.1, kvm-6.16, bhyve-ktr."));

    [Test]
    public void Every_dialect_is_found_by_its_name([Values("kvm-5.1", "kvm-6.16", "bhyve-ktr")] string name) =>
        Assert.That(TraceDialects.Get(name).Name, Is.EqualTo(name));

    [Test]
    public void Every_tracepoint_has_a_format_and_a_name_in_every_dialect_of_KVM([ValueSource(nameof(Tracepoints))] TraceEventKind kind)
    {
        var words = $"{kind}".Select((c, i) => (char.IsUpper(c) && i > 0 ? "_" : "") + char.ToLowerInvariant(c));
        var name = string.Concat(words);

        // Kernel 5.18 gave this one another name.
        var oldName = kind == TraceEventKind.KvmApicvInhibitChanged ? "kvm_apicv_update_request" : name;
        Assert.That(TraceDialects.Kvm616.EventName(kind), Is.EqualTo(name));
        if (kind != TraceEventKind.KvmApicvAcceptIrq)
            Assert.That(TraceDialects.Kvm51.EventName(kind), Is.EqualTo(oldName), "5.17 has brought kvm_apicv_accept_irq");
    }

    [Test]
    public void What_is_posted_is_traced_by_kernels_from_5_17_on() => Assert.That(
        (TraceDialects.Kvm51.Knows(TraceEventKind.KvmApicvAcceptIrq), TraceDialects.Kvm616.EventName(TraceEventKind.KvmApicvAcceptIrq)),
        Is.EqualTo((false, "kvm_apicv_accept_irq")));

    [Test]
    public void The_laboratorys_own_events_are_in_no_dialect() =>
        Assert.That(TraceDialects.All.Select(dialect => dialect.Knows(TraceEventKind.LineChanged)), Is.All.False);

    [Test]
    public void An_event_without_a_format_is_an_error_that_names_it() => Assert.That(
        () => TraceDialects.Kvm51.Text(new TraceEvent()), Throws.ArgumentException.With.Message.Contains("kvm-5.1 has no tracepoint None"));

    private static IEnumerable<TraceEventKind> Tracepoints =>
        Enum.GetValues<TraceEventKind>().Where(kind =>
            $"{kind}".StartsWith("Kvm", StringComparison.Ordinal) && kind != TraceEventKind.KvmApicvAcceptIrq);
}
