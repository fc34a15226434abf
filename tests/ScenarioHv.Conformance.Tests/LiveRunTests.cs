namespace ScenarioHv.Conformance.Tests;

/// <summary>Two models side by side, one of them in the place of a witness.</summary>
public sealed class LiveRunTests
{
    // 1FE and a second enabling are noise; a fixed message to a software-disabled local APIC is what KVM drops and QEMU accepts.
    private static readonly string[] NoisyDifference =
    [
        "mw 0 fee00080 20", "pol 0 31-fe 4", "msi fee00000 51", "line i 3 1", "dumpI", "mw 0 fee000f0 1fe", "win 0", "dumpL 0",
    ];

    [Test]
    public void Equal_machines_show_no_difference()
    {
        var run = Run(ConformancePreset.Kvm618, ConformancePreset.Kvm618);
        for (int i = 0; i < 200; i++)
            Assert.That(run.Execute(OperationGenerator.Generate(3, i)).Difference, Is.Null);
    }

    [Test]
    public void A_difference_shrinks_to_the_operations_that_make_it()
    {
        var run = Run(ConformancePreset.Qemu72, ConformancePreset.Kvm618);
        LiveResult found = run.Execute(List(NoisyDifference));
        LiveResult small = run.Shrink(found);
        Assert.That(found.Difference!.Text, Is.EqualTo("win 0"));
        Assert.That(small.Recording.Ops.Select(op => op.Text), Is.EqualTo(new[] { "msi fee00000 51", "dumpL 0" }).Or.EqualTo(
            new[] { "msi fee00000 51", "mw 0 fee000f0 1fe", "win 0" }));
        Assert.That(small.Difference, Is.Not.Null);
    }

    [Test]
    public void A_shrunk_difference_is_a_recording_of_the_witness()
    {
        var run = Run(ConformancePreset.Qemu72, ConformancePreset.Kvm618);
        Recording small = run.Shrink(run.Execute(List(NoisyDifference))).Recording;
        Recording read = RecordingReader.Parse(RecordingWriter.Line(small), "a:1");
        var comparison = new Comparison(isStrict: true);
        Assert.That(new ConformanceRun(ConformancePreset.Qemu72, comparison).Replay(read).Passed);
        Assert.That(new ConformanceRun(ConformancePreset.Kvm618, comparison).Replay(read).Passed, Is.False);
    }

    [Test]
    public void What_a_machine_cannot_show_ends_the_list_and_is_told()
    {
        LiveResult result = Run(ConformancePreset.Kvm618, ConformancePreset.Kvm618)
            .Execute(List(["mw 0 fee000f0 1ff", "msi fee00000 500", "ppr 0"]));
        Assert.That(result.Limit, Does.StartWith("op 1, msi fee00000 500: ").And.Contain("Init"));
        Assert.That(result.Recording.Log, Is.EqualTo(new[] { "" }));
    }

    [Test]
    public void Two_operations_that_need_each_other_are_left_out_together()
    {
        RecordedOp[] ops = [.. "1 2 3 4 5 6".Split(' ').Select(n => RecordedOp.Parse($"sleep {n}", 1))];
        var kept = Shrinker.Shrink(ops, rest => rest.Contains(ops[5]) && rest.Contains(ops[1]) == rest.Contains(ops[3]));
        Assert.That(kept, Is.EqualTo(new[] { ops[5] }));
    }

    private static LiveRun Run(ConformancePreset witness, ConformancePreset model) =>
        new(new Models(witness), model, new Comparison(isStrict: false));

    private static Recording List(string[] ops) => new("n", "n", 1, false, [.. ops.Select(op => RecordedOp.Parse(op, 1))], []);

    private sealed class Models(ConformancePreset preset) : IWitnessSource
    {
        public string Name => "a model";

        public ConformancePreset Preset => preset;

        public IWitness PowerOn(int cpus, bool hasX2Apic) => new ConformanceMachine(preset, cpus, hasX2Apic);

        public void Dispose()
        {
        }
    }
}
