using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>NMIs and the choice of events from a scenario file to a machine's configuration, and what does not go together.</summary>
public sealed class NmiPolicyTests : ScenarioFixture
{
    private const string Intel = "{ vendor: intel }", Old = "{ vendor: intel, virtual-nmis: false }";
    private const string Amd = "{ vendor: amd }", VNmi = "{ vendor: amd, vnmi: true }";

    [TestCase("kvm@2.6.28", Old, NmiTracking.NoInjection, EventChoice.EveryEntry)]
    [TestCase("kvm@2.6.28", Intel, NmiTracking.VirtualNmi, EventChoice.EveryEntry)]
    [TestCase("kvm@2.6.29", Old, NmiTracking.IrqWindowTimeout, EventChoice.EveryEntry)]
    [TestCase("kvm@3.16", Old, NmiTracking.IrqWindowTimeout, EventChoice.NmiHoldsInterrupts)]
    [TestCase("kvm@5.1", Intel, NmiTracking.VirtualNmi, EventChoice.OnRequest)]
    [TestCase("kvm@5.1", Amd, NmiTracking.IretIntercept, EventChoice.OnRequest)]
    [TestCase("kvm@5.1", VNmi, NmiTracking.IretIntercept, EventChoice.OnRequest)]
    [TestCase("kvm@6.4", VNmi, NmiTracking.HardwareVnmi, EventChoice.OnRequest)]
    [TestCase("kvm@6.4", Amd, NmiTracking.IretIntercept, EventChoice.OnRequest)]
    public void Kernel_and_processor_together_say_how_NMIs_are_tracked(
        string kernel, string cpu, NmiTracking tracking, EventChoice choice)
    {
        var kvm = Build(kernel, cpu).Kvm;
        Assert.That((kvm.NmiTracking, kvm.EventChoice), Is.EqualTo((tracking, choice)));
    }

    [TestCase("kvm@2.6.29", PendingNmisPolicy.One)]
    [TestCase("kvm@5.1", PendingNmisPolicy.Two)]
    public void Before_3_2_one_NMI_waits(string kernel, PendingNmisPolicy pending) =>
        Assert.That(Build(kernel, Intel).Controllers!.Value.Platform.PendingNmis, Is.EqualTo(pending));

    [TestCase(Old, "nmi-tracking: virtual-nmi", "this one has 'virtual-nmis: false'")]
    [TestCase(Intel, "nmi-tracking: irq-window", "virtual-nmis: false")]
    [TestCase(Intel, "nmi-tracking: iret-intercept", "is of AMD processors")]
    [TestCase(Amd, "nmi-tracking: irq-window+timeout", "is of Intel processors", "iret-intercept")]
    [TestCase(Amd, "nmi-tracking: hardware-vnmi", "vnmi: true")]
    [TestCase(Amd, "choose-event: every-entry", "on Intel processors only")]
    [TestCase(Intel, "injected-event: drop", "nothing cuts a delivery", "page-out")]
    public void Value_that_does_not_go_with_the_processor_is_an_error_that_teaches(string cpu, string policy, params string[] parts) =>
        AssertRefused("kvm@5.1", cpu, policy, "", parts);

    [TestCase("kvm@2.6.29", "{ vendor: intel, apicv: true }", "APICv, which came with Linux 3.9", "apicv: false")]
    [TestCase("kvm@2.6.29", Amd, "its SVM could not inject NMIs yet")]
    [TestCase("kvm@5.1", "{ vendor: intel, vnmi: true }", "'vnmi' is AMD's", "virtual-nmis")]
    [TestCase("kvm@5.1", "{ vendor: amd, virtual-nmis: true }", "'virtual-nmis' is Intel's", "vnmi")]
    public void Processor_that_the_kernel_or_the_vendor_does_not_have_is_refused(string kernel, string cpu, params string[] parts) =>
        AssertRefused(kernel, cpu, "", "", parts);

    [Test]
    public void The_other_vendor_s_feature_may_be_absent() =>
        Assert.That(Build("kvm@5.1", "{ vendor: amd, virtual-nmis: false }").VirtualNmis, Is.False);

    [Test]
    public void Window_of_userspace_needs_the_path_that_reads_it() => AssertRefused(
        "kvm@2.6.29", Old, "", "timeline: [{ at: 1 us, nmi-window: 0 }]", "request_nmi_window", "choose-event: every-entry-nmi-first");

    [Test]
    public void Bare_metal_has_none_of_it() => AssertRefused("bare-metal", Intel, "nmi-tracking: virtual-nmi", "", "is KVM's");

    [Test]
    public void Page_out_and_window_act_on_a_vCPU()
    {
        var config = Build("kvm@2.6.29", Old, "choose-event: every-entry-nmi-first",
            "timeline: [{ at: 1 us, nmi-window: 0 }, { at: 2 us, page-out: 0 }]");
        Assert.That(config.Timeline.Select(entry => (entry.Action, entry.Target)),
            Is.EqualTo(new[] { (StimulusAction.NmiWindow, 0), (StimulusAction.PageOut, 0) }));
    }

    private void AssertRefused(string kernel, string cpu, string policy, string timeline, params string[] parts)
    {
        var error = Assert.Throws<ScenarioException>(() => Build(kernel, cpu, policy, timeline))!;
        using (Assert.EnterMultipleScope())
        {
            foreach (var part in parts)
                Assert.That(error.Message, Does.Contain(part));
        }
    }

    private MachineConfig Build(string kernel, string cpu, string policy = "", string timeline = "")
    {
        File.WriteAllText(ScenarioPath, $$"""
            scenario: nmis
            title: A test
            machine:
              tsc: 1 GHz
              timing: skylake
              cpu: {{cpu}}
              hypervisor: {{kernel}}
              policies: { {{policy}} }
            guests: { l1: l1.csx }
            {{timeline}}
            goal: l1 reports "done"
            expect: reached

            """);
        var scenario = ScenarioReader.Read(ScenarioPath, EngineVocabulary.Instance).Base;
        return MachineAssembly.Build(scenario, new NoGuests());
    }

    private sealed class NoGuests : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => new(path, _ => default);
    }
}
