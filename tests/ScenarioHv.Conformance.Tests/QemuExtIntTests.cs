namespace ScenarioHv.Conformance.Tests;

/// <summary>
/// ExtINT entries of QEMU's I/O APIC, which read the 8259 themselves (QEMU ioapic.c:ioapic_entry_parse). What is expected is what QEMU 7.2
/// shows.
/// </summary>
public sealed class QemuExtIntTests
{
    private static readonly string[] Initialised =
        ["out 0 20 11", "out 0 21 20", "out 0 21 4", "out 0 21 1", "line p 3 1", "mw 0 fee000f0 1ff"];

    [Test]
    public void The_vector_of_the_8259_is_sent() =>
        Assert.That(Log("iow 0 14 700", "line i 2 1", "out 0 20 b", "in 0 20", "win 0"), Is.EqualTo(new[] { "", "", "", "=08", "23" }));

    [Test]
    public void A_masked_entry_acknowledges_and_sends_nothing() =>
        Assert.That(Log("iow 0 14 18700", "line i 2 1", "out 0 20 b", "in 0 20", "win 0"), Is.EqualTo(new[] { "", "", "", "=08", "" }));

    [Test]
    public void An_entry_with_remote_IRR_acknowledges_again_and_sends_nothing() =>
        Assert.That(
            Log("iow 0 14 8700", "line i 2 1", "line p 1 1", "iow 0 16 10000", "out 0 20 b", "in 0 20", "win 0"),
            Is.EqualTo(new[] { "", "", "", "", "", "=0a", "23" }));

    [Test]
    public void A_masked_edge_entry_has_no_request() =>
        Assert.That(Log("iow 0 14 10700", "line i 2 1", "out 0 20 b", "in 0 20"), Is.EqualTo(new[] { "", "", "", "=00" }));

    private static string[] Log(params string[] ops)
    {
        using var machine = new ConformanceMachine(ConformancePreset.Qemu72, 1, false);
        foreach (string op in Initialised)
            machine.Execute(RecordedOp.Parse(op, 1));
        return [.. ops.Select(op => machine.Execute(RecordedOp.Parse(op, 1)))];
    }
}
