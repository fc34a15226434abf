using ScenarioHv.Conformance;
using ScenarioHv.Conformance.Tests;

namespace ScenarioHv.Witnesses.Tests;

/// <summary>The recordings of Linux 6.18 KVM's irqchip, executed once more on this machine's.</summary>
public sealed class KvmRecordingTests
{
    private const string RecordedKernel = "KVM of Linux 6.18.";

    [TestCase("directed.jsonl", 141)]
    [TestCase("random-1cpu.jsonl.gz", 600)]
    [TestCase("random-2cpu.jsonl.gz", 105)]
    [TestCase("live-directed.jsonl", 25)]
    [TestCase("live-random.jsonl.gz", 400)]
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

    // Rows 2 and 31 are of a KVM that was just made, and of NMIs as its backend takes them.
    [TestCaseSource(typeof(Differences), nameof(Differences.All))]
    public void A_row_of_the_table_of_differences_is_seen(Disagreement row)
    {
        KvmWitnessSource source = LiveKvm.Source;
        if (!source.Name.StartsWith(RecordedKernel, StringComparison.Ordinal))
            Assert.Ignore($"the table is of {RecordedKernel}*; this is {source.Name}");
        using IWitness witness = source.PowerOn(1, hasX2Apic: false);
        Assert.That(row.On(witness), Is.EqualTo(row.Kvm));
    }

    [Test]
    public void Random_operations_show_what_the_model_of_KVM_shows()
    {
        KvmWitnessSource source = LiveKvm.Source;
        if (!source.Name.StartsWith(RecordedKernel, StringComparison.Ordinal) || !source.EndsInterruptsAtInjection)
            Assert.Ignore($"the model is of {RecordedKernel}* and its pvm backend; this is {source.Name}");
        var run = new LiveRun(source, source.Preset, new Comparison(isStrict: true));
        LiveResult[] results = [.. Enumerable.Range(0, 500).Select(number => run.Execute(OperationGenerator.Generate(seed: 6, number)))];
        Assert.That(results.Where(result => result.Difference is not null).Select(result => run.Shrink(result).Difference), Is.Empty);
        Assert.That(results.Where(result => result.Limit is not null), Is.Empty);
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
