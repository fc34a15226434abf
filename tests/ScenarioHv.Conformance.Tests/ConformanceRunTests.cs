namespace ScenarioHv.Conformance.Tests;

/// <summary>What the comparison reports, and what it passes over.</summary>
public sealed class ConformanceRunTests
{
    private static readonly string[] Ops = ["mw 0 fee000f0 1ff", "msi fee00000 51", "win 0"];

    [Test]
    public void An_altered_log_is_reported_with_operation_expectation_and_finding()
    {
        CaseResult result = Replay(isStrict: false, Ops, ["", "", "61"]);
        Assert.That(result.Difference, Is.EqualTo(new Difference(2, "win 0", "61", "51")));
    }

    [Test]
    public void The_first_difference_ends_the_case() =>
        Assert.That(Replay(isStrict: false, Ops, ["x", "", "61"]).Difference!.Op, Is.Zero);

    [Test]
    public void Each_altered_entry_of_a_recording_is_found()
    {
        Recording original = RecordingTests.File("directed.jsonl").Recordings[0];
        var run = new ConformanceRun(ConformancePreset.Kvm618, new Comparison(isStrict: true));
        for (int i = 0; i < original.Log.Count; i++)
        {
            string[] log = [.. original.Log];
            log[i] += "!";
            Assert.That(run.Replay(original with { Log = log }).Difference!.Op, Is.EqualTo(i));
        }
    }

    // The pin is masked: KVM latches the edge and does not send it.
    [TestCase("irr=000008", true, true)]
    [TestCase("irr=000000", true, false)]
    [TestCase("irr=000000", false, true)]
    public void The_latch_of_pins_is_compared_only_if_strict(string latch, bool isStrict, bool passes) =>
        Assert.That(Replay(isStrict, ["line i 3 1", "dumpI"], ["", $"I sel=00 id=0 {latch}"]).Passed, Is.EqualTo(passes));

    [Test]
    public void What_is_not_modelled_is_a_difference_that_says_so()
    {
        string found = Replay(isStrict: false, ["mw 0 fee000f0 1ff", "msi fee00000 500"], ["", ""]).Difference!.Found;
        Assert.That(found, Does.StartWith("(not modelled: ").And.Contain("Init"));
    }

    private static CaseResult Replay(bool isStrict, string[] ops, string[] log) =>
        new ConformanceRun(ConformancePreset.Kvm618, new Comparison(isStrict)).Replay(
            new Recording("n", "a:1", 1, false, [.. ops.Select(op => RecordedOp.Parse(op, 1))], log));
}
