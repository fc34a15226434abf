using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>The plans and decisions of KVM, from a scenario's words to the machine.</summary>
public sealed class KvmPolicyTests : ScenarioFixture
{
    private const string Kernel = "hypervisor: kvm@5.1\n  cpu: { vendor: intel, apicv: true }";
    private const string NoApicv = "hypervisor: kvm@5.1\n  cpu: { vendor: intel, apicv: false }";
    private const string Split = "hypervisor: kvm@5.1\n  irqchip: split\n  userspace: qemu@3.1\n  cpu: { vendor: intel, apicv: true }";
    private const string Amd = "hypervisor: kvm@5.1\n  cpu: { vendor: amd }";
    private const string Bhyve = "hypervisor: bhyve@12.0\n  cpu: { vendor: amd }";
    private const string Bare = "hypervisor: bare-metal\n  cpu: { vendor: intel, apicv: true }";

    [TestCase(Bare, "enter: inject-then-publish", "enter is a rule of KVM's code")]
    [TestCase(Bare, "eoi: without-request", "eoi is a rule of KVM's code")]
    [TestCase(Bare, "eoi-forward-set: every-entry", "eoi-forward-set is a rule of KVM's code")]
    [TestCase(Bare, "eoi-suppression: respected", "eoi-suppression is a rule of KVM's code")]
    [TestCase(Bare, "nested-reflect: read-vector-only", "nested-reflect is a rule of KVM's code")]
    [TestCase(Bhyve, "enter: inject-then-publish", "enter is KVM's")]
    [TestCase(Amd, "nested-reflect: read-vector-only", "an exit of SVM acknowledges nothing")]
    [TestCase(Amd, "eoi: tell-if-emulated", "Intel processor")]
    [TestCase(Amd, "eoi-forward-set: current-vmcs", "Intel processor")]
    [TestCase(NoApicv, "nested-reflect: acknowledge-then-switch", "copy of ISR", "apicv: true")]
    [TestCase(NoApicv, "eoi-forward-set: current-vmcs", "EOI-exit bitmap", "apicv: true")]
    [TestCase(NoApicv, "eoi: tell-if-emulated", "apicv: true")]
    [TestCase(Kernel, "eoi: without-request", "the processor looks itself")]
    public void Policy_that_a_machine_cannot_have_is_refused_with_the_reason(string machine, string setting, params string[] parts)
    {
        var error = Assert.Throws<ScenarioException>(() => Build($"{machine}\n  policies: {{ {setting} }}"))!;
        foreach (var part in parts)
        {
            Assert.That(error.Message, Does.Contain(part));
        }
    }

    [Test]
    public void Every_value_that_a_machine_has_becomes_the_plan_or_decision_of_that_name()
    {
        Assert.That(Build($"{Kernel}\n  policies: {{ enter: recheck-then-publish }}").Kvm.Enter, Is.SameAs(EnterPlans.RecheckThenPublish));
        Assert.That(Build($"{NoApicv}\n  policies: {{ eoi: without-request }}").Kvm.Eoi, Is.SameAs(EoiPlans.WithoutRequest));
        Assert.That(
            Build($"{Kernel}\n  policies: {{ nested-reflect: read-vector-only }}").Kvm.NestedReflect,
            Is.SameAs(ReflectPlans.ReadVectorOnly));
        Assert.That(
            Build($"{Kernel}\n  policies: {{ eoi-forward-set: newest-routing }}").Kvm.EoiForwardSet,
            Is.EqualTo(EoiForwardSet.NewestRouting));
    }

    // KVM takes the bit away where its own I/O APIC, which has no EOI register, is used (0bcc3fb95b97).
    [TestCase(Kernel, EoiSuppression.NotAdvertised)]
    [TestCase(Split, EoiSuppression.Quirked)]
    public void A_split_irqchip_shows_SVR_bit_12_and_does_not_obey_it(string machine, EoiSuppression usual) =>
        Assert.That(Build(machine).Kvm.EoiSuppression, Is.EqualTo(usual));

    private MachineConfig Build(string machine) => MachineAssembly.Build(ReadReal(machine).Base, new NoGuests());

    private ScenarioDocument ReadReal(string machine)
    {
        File.WriteAllText(ScenarioPath, $$"""
            scenario: kvm
            title: A test
            machine:
              tsc: 1 GHz
              timing: skylake
              {{machine}}
            guests: { l1: l1.csx }
            goal: l1 reports "done"
            expect: reached
            """);
        return ScenarioReader.Read(ScenarioPath, EngineVocabulary.Instance);
    }

    private sealed class NoGuests : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => new(path, _ => default);
    }
}
