using ScenarioHv.Engine.Guests;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>What cannot go together around AVIC, SynIC and the 8259A is said where it is written.</summary>
[TestFixture]
internal sealed class AvicScenarioTests : ScenarioFixture
{
    [TestCase("kvm@5.12", "irqchip: split\n  userspace: qemu@4.1\n  virtual-wire: true", "with 'irqchip: kernel'")]
    [TestCase("bare-metal", "hyperv: { synic: true }", "under KVM only")]
    [TestCase("bhyve@12.0", "hyperv: { vapic: true }", "under KVM only")]
    [TestCase("kvm@5.12", "hyperv: { synik: true }", "did you mean 'synic'?")]
    [TestCase("kvm@5.12", "devices: { serial: { type: isa, irq: 4 } }", "virtual-wire: true")]
    [TestCase("kvm@5.12", "virtual-wire: true\n  devices: { serial: { type: isa, irq: 2 } }", "where the slave 8259A is")]
    [TestCase("kvm@5.12", "devices: { vmbus: { type: synic-event, sint: 2 } }", "hyperv: { synic: true }")]
    [TestCase("kvm@5.12", "policies: { window: ignore }", "'apicv: true'")]
    [TestCase("kvm@5.12", "policies: { inhibit-update: own-lock }", "'apicv: true'")]
    public void Machine(string hypervisor, string lines, string words) =>
        Assert.That(Problem(hypervisor, lines, "[]"), Does.Contain(words));

    [TestCase("{ at: 1 us, inhibit: blockirk }", "did you mean 'blockirq'?")]
    [TestCase("{ at: 1 us, inhibit: blockirq }", "or has no APICv")]
    [TestCase("{ at: 1 us, set-msr: { vcpu: 0, msr: 0x40000092, value: 1 } }", "those of a SynIC")]
    [TestCase("{ at: 1 us, set-msr: { vcpu: 1, msr: 0x40000092, value: 1 } }", "there is no vCPU 1")]
    public void Timeline(string entry, string words) => Assert.That(Problem("kvm@5.12", "vcpus: 1", $"[{entry}]"), Does.Contain(words));

    private string Problem(string hypervisor, string lines, string timeline)
    {
        var text = $$"""
            scenario: avic
            title: A test
            machine:
              tsc: 1 GHz
              timing: epyc
              cpu: { vendor: amd }
              hypervisor: {{hypervisor}}
              {{lines}}
            guests: { l1: l1.csx }
            timeline: {{timeline}}
            goal: l1 reports "done"
            expect: reached
            """;
        File.WriteAllText(ScenarioPath, text);
        var error = Assert.Throws<ScenarioException>(() =>
            MachineAssembly.Build(ScenarioReader.Read(ScenarioPath, EngineVocabulary.Instance).Base, new NoGuests()));
        return error!.Message;
    }

    private sealed class NoGuests : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => new(path, _ => default);
    }
}
