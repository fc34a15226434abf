using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>Machines under bhyve: what their presets choose, and what they cannot have.</summary>
public class BhyveScenarioTests : ScenarioFixture
{
    private const string Amd = "cpu: { vendor: amd }";
    private const string Avic = "cpu: { vendor: amd, apicv: true }";

    [TestCase("bhyve@10.4", SvmInjection.VIrq)]
    [TestCase("bhyve@12.0", SvmInjection.EventInjection)]
    public void A_release_chooses_its_way_of_injection(string preset, SvmInjection injection)
    {
        var config = Build(Amd, "", preset: preset);
        Assert.That((config.Hypervisor, config.Bhyve.Injection), Is.EqualTo((HypervisorKind.Bhyve, injection)));
        Assert.That((config.Bhyve.TprSelection, config.Bhyve.Cr8Intercept), Is.EqualTo((TprSelection.Honour, Cr8Intercept.None)));
    }

    [Test]
    public void AVIC_is_a_way_of_injection()
    {
        Assert.That(Build(Avic, "policies: { svm-injection: avic }").Bhyve.Injection, Is.EqualTo(SvmInjection.Avic));
    }

    [Test]
    public void A_fold_is_a_plan()
    {
        var plan = Build(Amd, "policies: { exit-fold: without-tpr }").Bhyve.ExitFold;
        Assert.That((plan.Has(ExitFoldStep.CopyTpr), plan.Has(ExitFoldStep.FoldVIrq)), Is.EqualTo((false, true)));
    }

    [Test]
    public void Reports_name_how_a_vector_gets_into_the_guest_and_no_point_of_KVM()
    {
        var points = MachineAssembly.PoliciesOf(Read(Amd, "", "bhyve@10.4", "").Base).Select(policy => policy.Point);
        Assert.That(points, Is.EqualTo(new[] { "ioapic-eoi", "svm-injection" }));
    }

    [TestCase("cpu: { vendor: intel }", "", "modelled on AMD processors only")]
    [TestCase(Amd, "userspace: qemu@3.1", "brings its own monitor, bhyve(8)")]
    [TestCase(Amd, "irqchip: kernel", "always in the kernel (vmm): leave it out")]
    [TestCase(Amd, "policies: { immediate-exit: self-ipi(before-entry) }", "immediate-exit is KVM's")]
    [TestCase(Amd, "policies: { svm-injection: avic }", "needs a processor with AVIC")]
    [TestCase(Avic, "policies: { svm-injection: event-injection }", "on ignores (APM2 15.29)")]
    [TestCase(Amd, "policies: { svm-injection: event-injection, tpr-selection: ignore }", "EVENTINJ compares nothing")]
    [TestCase(Amd, "policies: { interrupt-window: none }", "V_IRQ waits in the processor by itself")]
    [TestCase(Avic, "policies: { svm-injection: avic, cr8-intercept: writes }", "has no effect here")]
    [TestCase(Avic, "policies: { svm-injection: avic, exit-fold: without-tpr }", "has no effect here")]
    [TestCase(Amd, "policies: { ioapic-eoi: \"delay-after(10000, 10 ms)\" }", "only under KVM")]
    public void What_bhyve_does_not_have_is_an_error_that_says_so(string cpu, string setting, string message) =>
        Assert.That(() => Build(cpu, setting), Throws.InstanceOf<ScenarioException>().With.Message.Contains(message));

    [TestCase("bare-metal", "there is no host below the guest")]
    [TestCase("bhyve@10.4", null)]
    public void A_page_can_be_taken_away_under_bhyve(string preset, string? message) => Assert.That(
        () => Build(Amd, "", "timeline: [{ at: 1 us, page-out: 0 }]", preset),
        message is null ? Throws.Nothing : Throws.InstanceOf<ScenarioException>().With.Message.Contains(message));

    [Test]
    public void NMIs_and_a_nested_guest_are_refused()
    {
        Assert.That(
            () => Build(Amd, "", "timeline: [{ at: 1 us, nmi: 0 }]"),
            Throws.InstanceOf<ScenarioException>().With.Message.Contains("NMIs are modelled under KVM only"));
        Assert.That(
            () => MachineAssembly.Build(Read(Amd, "", "bhyve@10.4", "", "\n  l2: { script: guest.csx }").Base, new NoGuests()),
            Throws.InstanceOf<ScenarioException>().With.Message.Contains("bhyve has no nested virtualization"));
    }

    [TestCase("kvm@5.1")]
    [TestCase("bare-metal")]
    public void Points_of_bhyve_exist_nowhere_else(string preset) => Assert.That(
        () => Build(Amd, "policies: { svm-injection: v-irq }", preset: preset),
        Throws.InstanceOf<ScenarioException>().With.Message.Contains("svm-injection is bhyve's"));

    private MachineConfig Build(string cpu, string setting, string more = "", string preset = "bhyve@10.4") =>
        MachineAssembly.Build(Read(cpu, setting, preset, more).Base, new NoGuests());

    private ScenarioDocument Read(string cpu, string setting, string preset, string more, string guests = "")
    {
        File.WriteAllText(ScenarioPath, $"""
            scenario: bhyve
            title: A test
            machine:
              tsc: 1 GHz
              timing: epyc
              {cpu}
              hypervisor: {preset}
              vcpus: 1
              {setting}
            guests:
              l1: SCRIPT{guests}
            goal: l1 reports "done"
            {more}
            """.ReplaceLineEndings("\n").Replace("SCRIPT", "{ script: guest.csx }", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(ScenarioPath)!, "guest.csx"), "");
        return ScenarioReader.Read(ScenarioPath, EngineVocabulary.Instance);
    }

    private sealed class NoGuests : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) =>
            new("none", _ => throw new InvalidOperationException("No test here runs a guest."));
    }
}
