using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>Devices whose messages an IOMMU posts, and preempted vCPUs, from a scenario's words to the machine.</summary>
public sealed class PostedDeviceTests : ScenarioFixture
{
    private const string Intel = "hypervisor: kvm@5.1\n  cpu: { vendor: intel, apicv: true }";
    private const string Software = "hypervisor: kvm@5.1\n  cpu: { vendor: intel, apicv: false }";
    private const string Old = "hypervisor: kvm@3.16\n  cpu: { vendor: intel, apicv: true }";
    private const string Amd = "hypervisor: kvm@5.10\n  cpu: { vendor: amd, apicv: true }";
    private const string Bare = "hypervisor: bare-metal\n  cpu: { vendor: intel, apicv: true }";
    private const string Posted = "posted: true";

    [Test]
    public void A_posted_device_and_a_preemption_reach_the_machine()
    {
        var config = Build(Intel, Posted, "{ at: 1 us, preempt: 0 }, { at: 2 us, schedule: 0 }");
        Assert.That(config.Devices[0].IsPosted && config.HasPostedDevices);
        Assert.That(config.Timeline.Select(entry => entry.Action), Is.EqualTo(new[] { StimulusAction.Preempt, StimulusAction.Schedule }));
    }

    [TestCase("posted: false")]
    [TestCase("destination: 0")]
    public void Other_devices_are_not_posted(string key) => Assert.That(Build(Intel, key).HasPostedDevices, Is.False);

    [TestCase(Amd, Posted, "needs KVM on an Intel processor with 'apicv: true'")]
    [TestCase(Software, Posted, "needs KVM on an Intel processor with 'apicv: true'")]
    [TestCase(Bare, Posted, "needs KVM on an Intel processor with 'apicv: true'")]
    [TestCase(Old, Posted, "came with Linux 4.4")]
    [TestCase(Intel, Posted + ", destination: 1", "a posted message is for one vCPU, 0..0")]
    public void An_IOMMU_that_could_not_post_is_refused_with_the_reason(string machine, string device, string part) =>
        Assert.That(() => Build(machine, device), Throws.TypeOf<ScenarioException>().With.Message.Contains(part));

    [TestCase(Intel, "{ at: 1 us, schedule: 0 }", "nothing takes the CPU of vCPU 0 away before that")]
    [TestCase(Intel, "{ at: 1 us, schedule: 0 }, { at: 2 us, preempt: 0 }", "nothing takes the CPU of vCPU 0 away before that")]
    [TestCase(Intel, "{ at: 1 us, preempt: 1 }", "there is no vCPU 1")]
    [TestCase(Bare, "{ at: 1 us, preempt: 0 }", "preempted under KVM only, not under bare-metal")]
    public void A_preemption_that_could_not_be_is_refused_with_the_reason(string machine, string timeline, string part) => Assert.That(
        () => Build(machine, "posted: false", timeline), Throws.TypeOf<ScenarioException>().With.Message.Contains(part));

    [TestCase(Amd)]
    [TestCase(Software)]
    public void Posted_load_is_refused_without_posted_interrupts(string machine) => Assert.That(
        () => Build(machine + "\n  policies: { posted-load: leave-on }", "posted: false"),
        Throws.TypeOf<ScenarioException>().With.Message.Contains("posted-load is about posted interrupts"));

    private MachineConfig Build(string machine, string device, string timeline = "")
    {
        File.WriteAllText(ScenarioPath, $$"""
            scenario: posted
            machine:
              tsc: 2.4 GHz
              timing: skylake
              {{machine}}
              devices: { nic: { type: msi, vector: 0x61, {{device}} } }
            guests: { l1: l1.csx }
            timeline: [{{timeline}}]
            goal: l1 reports "packet"
            """);
        return MachineAssembly.Build(ScenarioReader.Read(ScenarioPath, EngineVocabulary.Instance).Base, new NoGuests());
    }

    private sealed class NoGuests : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => new(path, _ => default);
    }
}
