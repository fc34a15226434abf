using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>Pausing, saving and restoring a vCPU, and the policies of it, from a scenario's words to the machine.</summary>
public sealed class LapicRestoreTests : ScenarioFixture
{
    private const string Apicv = "hypervisor: kvm@6.3\n  cpu: { vendor: intel, apicv: true }";
    private const string Amd = "hypervisor: kvm@6.3\n  cpu: { vendor: amd, apicv: true }";
    private const string Bare = "hypervisor: bare-metal\n  cpu: { vendor: intel }";
    private const string Saved = "{ at: 1 us, save: 0 }, ";

    [Test]
    public void A_restore_may_replace_the_timers_count()
    {
        var timeline = Build(Apicv, Saved + "{ at: 2 us, restore: 0, timer-count: 1 }").Timeline;
        Assert.That(timeline.Select(entry => entry.Action), Is.EqualTo(new[] { StimulusAction.Save, StimulusAction.Restore }));
        Assert.That(timeline.Select(entry => entry.TimerCount), Is.EqualTo(new uint?[] { null, 1 }));
    }

    [TestCase(Apicv, "{ at: 2 us, restore: 0 }", "nothing of vCPU 0 is saved before that")]
    [TestCase(Apicv, "{ at: 2 us, restore: 0 }, { at: 3 us, save: 0 }", "nothing of vCPU 0 is saved before that")]
    [TestCase(Apicv, "{ at: 2 us, save: 0, timer-count: 1 }", "'timer-count' is what 'restore' finds")]
    [TestCase(Apicv, "{ at: 2 us, pause: 1 }", "there is no vCPU 1")]
    [TestCase(Bare, "{ at: 2 us, pause: 0 }", "under KVM only, not under bare-metal")]
    public void What_cannot_be_done_is_refused_with_the_reason(string machine, string timeline, string part) =>
        Assert.That(() => Build(machine, timeline), Throws.TypeOf<ScenarioException>().With.Message.Contains(part));

    [TestCase(Amd, "post: mode-first", "post is about posted interrupts")]
    [TestCase(Amd, "sync-posted: when-active", "sync-posted is about posted interrupts")]
    [TestCase(Bare, "lapic-restore: no-purge", "lapic-restore is KVM's")]
    public void A_policy_of_what_a_machine_does_not_have_is_refused(string machine, string policy, string part) => Assert.That(
        () => Build($"{machine}\n  policies: {{ {policy} }}", ""), Throws.TypeOf<ScenarioException>().With.Message.Contains(part));

    [TestCase("kvm@3.16", "no-purge", RestoredCount.Initial, TimerFire.Pend, SyncGate.WhenApicvActive)]
    [TestCase("kvm@5.1", "timer-then-purge", RestoredCount.Initial, TimerFire.Pend, SyncGate.WhenApicvActive)]
    [TestCase("kvm@5.10", "timer-then-purge", RestoredCount.CurrentOrInitial, TimerFire.DeliverIfApicv, SyncGate.WhenApicvActive)]
    [TestCase("kvm@6.2", "timer-then-purge", RestoredCount.CurrentOrInitial, TimerFire.DeliverIfApicv, SyncGate.Always)]
    [TestCase("kvm@6.3", "timer-then-purge", RestoredCount.Current, TimerFire.DeliverIfApicv, SyncGate.Always)]
    [TestCase("kvm@6.7", "purge-first", RestoredCount.Current, TimerFire.DeliverIfApicv, SyncGate.Always)]
    public void A_kernels_preset_has_what_its_version_did(
        string preset, string restore, RestoredCount start, TimerFire fire, SyncGate gate)
    {
        var kvm = Build(Apicv.Replace("kvm@6.3", preset, StringComparison.Ordinal), "").Kvm;
        Assert.That(
            (kvm.LapicRestore.Text, kvm.TimerStart, kvm.TimerFire, kvm.SyncPosted.Gate), Is.EqualTo((restore, start, fire, gate)));
        Assert.That(kvm.TracesApicvAccept, Is.EqualTo(gate == SyncGate.Always), "5.16 and 5.17");
    }

    private MachineConfig Build(string machine, string timeline)
    {
        File.WriteAllText(ScenarioPath, $$"""
            scenario: restore
            machine:
              tsc: 2.4 GHz
              timing: skylake
              {{machine}}
            guests: { l1: l1.csx }
            timeline: [{{timeline}}]
            goal: l1 reports "tick"
            """);
        return MachineAssembly.Build(ScenarioReader.Read(ScenarioPath, EngineVocabulary.Instance).Base, new NoGuests());
    }

    private sealed class NoGuests : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => new(path, _ => default);
    }
}
