using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>The recordings of KVM 6.18's in-kernel pair, and those on which QEMU 7.2's own gave the same log.</summary>
public sealed class Pic8259RecordingTests
{
    private static IEnumerable<TestCaseData> All() =>
        Pic8259Replayer.Recordings().Select(recording => new TestCaseData(recording).SetArgDisplayNames(recording.Name));

    private static IEnumerable<TestCaseData> Agreed() =>
        Pic8259Replayer.Recordings().Where(recording => recording.Agree)
            .Select(recording => new TestCaseData(recording).SetArgDisplayNames(recording.Name));

    [TestCaseSource(nameof(All))]
    public void KVM_gives_the_recorded_log(object recording) =>
        Pic8259Replayer.Replay((Pic8259Replayer.Recording)recording, Pic8259Policies.Kvm);

    [TestCaseSource(nameof(Agreed))]
    public void QEMU_gives_the_log_on_which_both_agreed(object recording) =>
        Pic8259Replayer.Replay((Pic8259Replayer.Recording)recording, Pic8259Policies.Qemu);
}
