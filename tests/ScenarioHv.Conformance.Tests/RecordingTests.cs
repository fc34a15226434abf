namespace ScenarioHv.Conformance.Tests;

/// <summary>
/// The recordings of Linux 6.18 KVM's irqchip, replayed from the first operation to the last. Those called live were made by the witness of
/// <c>conform --live kvm</c>: differences that it found once, and the first 400 random lists of seed 1000.
/// </summary>
public sealed class RecordingTests
{
    [TestCase("directed.jsonl", 141)]
    [TestCase("random-1cpu.jsonl.gz", 600)]
    [TestCase("random-2cpu.jsonl.gz", 105)]
    [TestCase("live-directed.jsonl", 25)]
    [TestCase("live-random.jsonl.gz", 400)]
    public void Every_case_shows_what_KVM_showed(string file, int cases)
    {
        FileResult result = Replay(file, isStrict: true);
        string[] differences = [.. result.Cases.Where(item => !item.Passed).Select(Text)];
        Assert.Multiple(() =>
        {
            Assert.That(differences, Is.Empty);
            Assert.That(result.Passed, Is.EqualTo(cases));
        });
    }

    internal static RecordingFile File(string name) =>
        RecordingReader.ReadFile(Path.Combine(TestContext.CurrentContext.TestDirectory, "recordings", name));

    private static FileResult Replay(string file, bool isStrict) =>
        new ConformanceRun(ConformancePreset.Kvm618, new Comparison(isStrict)).Replay(File(file));

    private static string Text(CaseResult result) => $"{result.Recording.Name}: {result.Difference}";
}
