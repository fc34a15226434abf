namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The local APIC with KVM's policies against recordings of Linux 6.18 KVM, as far as they need no other controller.</summary>
public class LocalApicRecordingTests
{
    [TestCase("directed.jsonl", 790)]
    [TestCase("random-1cpu.jsonl.gz", 4400)]
    [TestCase("random-2cpu.jsonl.gz", 1250)]
    public void Every_compared_operation_shows_what_KVM_showed(string file, int atLeast)
    {
        List<LocalApicReplay> replays = [];
        List<string> differences = [];
        List<Recording> recordings = Recording.Load(file);
        foreach (Recording recording in recordings)
        {
            var replay = new LocalApicReplay(recording);
            if (replay.Run() is { } difference)
                differences.Add(difference);
            replays.Add(replay);
        }
        int whole = replays.Where((replay, i) => replay.Executed == recordings[i].Ops.Length).Count();
        TestContext.Out.WriteLine(
            $"{file}: {replays.Count} cases, {whole} to the end, {recordings.Sum(r => r.Ops.Length)} operations, "
            + $"{replays.Sum(r => r.Executed)} executed, {replays.Sum(r => r.Compared)} compared");
        Assert.That(differences, Is.Empty);
        Assert.That(replays.Sum(r => r.Compared), Is.GreaterThanOrEqualTo(atLeast));
    }
}
