using ScenarioHv.Conformance;

namespace ScenarioHv.Witnesses.Tests;

/// <summary>The recordings of Linux 6.18 KVM's irqchip, executed once more on this machine's.</summary>
public sealed class KvmRecordingTests
{
    private const string RecordedKernel = "KVM of Linux 6.18.";

    [TestCase("directed.jsonl", 141)]
    [TestCase("random-1cpu.jsonl.gz", 600)]
    [TestCase("random-2cpu.jsonl.gz", 105)]
    public void A_recording_repeats_itself(string file, int cases)
    {
        KvmWitnessSource source = LiveKvm.Source;
        if (!source.Name.StartsWith(RecordedKernel, StringComparison.Ordinal) || !source.EndsInterruptsAtInjection)
            Assert.Ignore($"recorded with {RecordedKernel}* and its pvm backend; this is {source.Name}");
        string path = Path.Combine(TestContext.CurrentContext.TestDirectory, "recordings", file);
        IReadOnlyList<Recording> recordings = RecordingReader.ReadFile(path).Recordings;
        string[] differences = [.. recordings.Select(recording => FirstDifference(source, recording)).OfType<string>()];
        Assert.Multiple(() =>
        {
            Assert.That(differences, Is.Empty);
            Assert.That(recordings, Has.Count.EqualTo(cases));
        });
    }

    private static string? FirstDifference(KvmWitnessSource source, Recording recording)
    {
        using IWitness witness = source.PowerOn(recording.Cpus, recording.HasX2Apic);
        for (int i = 0; i < recording.Ops.Count; i++)
        {
            string found = witness.Execute(recording.Ops[i]);
            if (found != recording.Log[i])
                return $"{recording.Name} op {i} '{recording.Ops[i].Text}': recorded '{recording.Log[i]}', found '{found}'";
        }

        return null;
    }
}
