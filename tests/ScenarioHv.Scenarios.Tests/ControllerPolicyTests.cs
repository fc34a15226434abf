using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>The interrupt controllers' policies from a scenario file to a machine's configuration.</summary>
public sealed class ControllerPolicyTests : ScenarioFixture
{
    private const string KvmKernel = "hypervisor: kvm@5.1";
    private const string KvmSplit = "hypervisor: kvm@5.1\n  irqchip: split\n  userspace: qemu@3.1";
    private const string Bare = "hypervisor: bare-metal";

    [TestCase(KvmKernel, HypervisorKind.Kvm, IrqchipKind.Kernel)]
    [TestCase(KvmSplit, HypervisorKind.Kvm, IrqchipKind.Split)]
    [TestCase(Bare, HypervisorKind.BareMetal, IrqchipKind.Kernel)]
    public void Preset_chooses_the_controllers_of_its_implementation(string machine, HypervisorKind hypervisor, IrqchipKind irqchip) =>
        Assert.That(Controllers(machine), Is.EqualTo(ControllerPolicies.Usual(hypervisor, irqchip)));

    [Test]
    public void Scenario_s_choice_replaces_the_preset_s_and_leaves_the_others()
    {
        var usual = ControllerPolicies.Usual(HypervisorKind.Kvm, IrqchipKind.Kernel);
        var chosen = Controllers($"{KvmKernel}\n  policies: {{ lapic-fixed-while-disabled: accepted, ioapic-eoi-match: level-entries }}");
        Assert.That(chosen, Is.EqualTo(usual with
        {
            LocalApic = usual.LocalApic with { FixedWhileDisabled = FixedWhileDisabledPolicy.Accepted },
            IoApic = usual.IoApic with { EoiMatch = IoApicEoiMatch.LevelEntries },
        }));
    }

    [Test]
    public void Option_replaces_the_scenario_s_choice()
    {
        var document = ReadReal(
            $"{KvmKernel}\n  policies: {{ ioapic-remote-irr: when-sent }}", SettingOverride.Parse("ioapic-remote-irr=if-accepted"));
        Assert.That(Build(document).Controllers!.Value.IoApic.RemoteIrr, Is.EqualTo(IoApicRemoteIrr.IfAccepted));
    }

    [Test]
    public void Reports_name_the_controllers_policies_only_if_the_scenario_does()
    {
        string[] usual = ["immediate-exit", "ioapic-eoi"];
        Assert.That(Named(KvmKernel), Is.EqualTo(usual));
        Assert.That(Named($"{KvmKernel}\n  policies: {{ lapic-timer-period: count-plus-one }}"),
            Is.EqualTo(usual.Append("lapic-timer-period")));
    }

    [Test]
    public void Naming_the_preset_s_own_value_changes_nothing()
    {
        var plain = ReadReal(KvmKernel).Base;
        var own = ReadReal($"{KvmKernel}\n  policies: {{ ioapic-remote-irr: unless-refused }}").Base;
        var other = ReadReal($"{KvmKernel}\n  policies: {{ ioapic-remote-irr: if-accepted }}").Base;
        Assert.That(MachineAssembly.HaveSamePolicies(plain, own), Is.True);
        Assert.That(MachineAssembly.HaveSamePolicies(plain, other), Is.False);
    }

    [Test]
    public void Matrix_has_an_axis_of_controller_policies()
    {
        var document = ReadReal(KvmKernel, more: """
            matrix:
              ioapic-level-request: [line, latch]
              expect: [{ outcome: reached }]
            """);
        Assert.That(
            document.Cells.Skip(1).Select(cell => Build(cell.Scenario).Controllers!.Value.IoApic.LevelRequest),
            Is.EqualTo(new[] { IoApicLevelRequest.Line, IoApicLevelRequest.Latch }));
    }

    // The policy stands in line 8 behind four blanks; its value begins two columns behind the colon.
    [TestCase(KvmKernel, "pic-reinit: clear", "this machine has no 8259A")]
    [TestCase(KvmKernel, "lapic-pic-gate: ext-int", "'ext-int' is not a value of lapic-pic-gate", "did you mean 'extint'?")]
    [TestCase(KvmKernel, "lapic-pic-gate: extint", "8259A")]
    [TestCase(KvmKernel, "lapic-extint-messages: dropped", "8259A")]
    [TestCase(KvmKernel, "lapic-apic-base-writes: fixed-base", "IA32_APIC_BASE")]
    [TestCase(KvmKernel, "lapic-device-broadcast: plain-id", "x2APIC mode")]
    [TestCase(KvmKernel, "lapic-icr-across-modes: cleared", "x2APIC mode")]
    [TestCase(KvmKernel, "lapic-lint-inputs: delivered", "LINT")]
    [TestCase(KvmKernel, "lapic-spurious-vector: delivered", "INTR and INTA are one step")]
    [TestCase(KvmKernel, "lapic-eoi-broadcast: suppressible", "it is eoi-suppression that says what SVR bit 12 does")]
    [TestCase(Bare, "lapic-eoi-broadcast: suppressible", "have no SVR bit 12")]
    [TestCase(KvmKernel, "lapic-pending-while-disabled: held-back", "apicv: true", "RVI")]
    [TestCase(KvmKernel, "lapic-illegal-vectors: delivered", "apicv: true", "RVI")]
    [TestCase(KvmKernel, "lapic-lowest-priority: counters", "memory of earlier messages")]
    [TestCase(KvmKernel, "ioapic-edge-detection: every-assertion", "driven only when they change")]
    [TestCase(KvmKernel, "ioapic-window-access: dwords", "4 bytes")]
    [TestCase(KvmKernel, "ioapic-reset: entries", "reset")]
    [TestCase(KvmKernel, "ioapic-rtc: plain", "no machine of a scenario has an RTC yet")]
    [TestCase(KvmKernel, "ioapic-pin-zero: pin-two", "irqchip: kernel")]
    [TestCase(KvmKernel, "ioapic-eoi-value: all-bits", "ioapic-eoi-register: absent")]
    [TestCase(Bare, "ioapic-edge-modes: always-edge", "bare metal")]
    [TestCase(KvmKernel, "msi-rules: architectural", "FEExxxxxh")]
    [TestCase(KvmKernel, "lapic-mmio-hole: absent", "IA32_APIC_BASE")]
    [TestCase(KvmKernel, "lapic-destination-map: ahead", "KVM's map is complete")]
    [TestCase(KvmKernel, "ioapic-eoi-vectors: every", "eoi-forward-set")]
    [TestCase(KvmKernel, "ioapic-window: bytes32", "whole page")]
    [TestCase(Bare, "cpu-pending-nmis: two", "NMIs are not modelled on bare metal")]
    [TestCase(KvmKernel, "synic-page-clearing: at-reset", "this machine has no SynIC")]
    [TestCase(KvmKernel, "stimer-start: at-write", "no machine of a scenario has synthetic timers yet")]
    [TestCase(KvmKernel, "hv-apic-assist: openvmm", "has not Hyper-V's interfaces to the local APIC")]
    [TestCase(KvmKernel, "pit-reinjection: off", "no machine of a scenario has an 8254 yet")]
    public void Choice_that_could_have_no_effect_is_refused_where_it_is_written(string machine, string setting, params string[] parts)
    {
        var error = Assert.Throws<ScenarioException>(() => Build(ReadReal($"{machine}\n  policies:\n    {setting}")))!;
        AssertError(error.Diagnostic, 8, setting.IndexOf(": ", StringComparison.Ordinal) + 7, parts);
    }

    [TestCase(KvmSplit, "ioapic-pin-zero: own")]
    [TestCase(KvmSplit, "ioapic-eoi-value: low-byte")]
    [TestCase(KvmKernel, "ioapic-edge-modes: always-edge")]
    [TestCase(Bare, "lapic-pending-while-disabled: held-back")]
    [TestCase(Bare, "lapic-illegal-vectors: delivered")]
    [TestCase(KvmKernel, "cpu-pending-nmis: one")]
    public void The_same_choice_is_taken_where_it_has_an_effect(string machine, string setting) =>
        Assert.That(() => Build(ReadReal($"{machine}\n  policies: {{ {setting} }}")), Throws.Nothing);

    [TestCase("synic-page-clear", "describe policies")]
    [TestCase("pic-reinitt", "did you mean 'pic-reinit'?")]
    public void Point_that_there_is_not_says_which_was_meant(string point, string advice)
    {
        var error = Assert.Throws<ScenarioException>(() => ReadReal($"{KvmKernel}\n  policies: {{ {point}: clear }}"))!;
        AssertError(error.Diagnostic, 7, 15, $"unknown policy point '{point}'", advice);
    }

    private static string[] Names(Scenario scenario) => [.. MachineAssembly.PoliciesOf(scenario).Select(policy => policy.Point)];

    private string[] Named(string machine) => Names(ReadReal(machine).Base);

    private ControllerPolicies Controllers(string machine) => Build(ReadReal(machine)).Controllers!.Value;

    private static MachineConfig Build(ScenarioDocument document) => Build(document.Base);

    private static MachineConfig Build(Scenario scenario) => MachineAssembly.Build(scenario, new NoGuests());

    private ScenarioDocument ReadReal(string machine, SettingOverride option) => Read(machine, "", option);

    private ScenarioDocument ReadReal(string machine, string more = "") => Read(machine, more);

    private ScenarioDocument Read(string machine, string more, params SettingOverride[] options)
    {
        File.WriteAllText(ScenarioPath, $$"""
            scenario: controllers
            title: A test
            machine:
              tsc: 1 GHz
              timing: skylake
              {{machine}}
              cpu: { vendor: intel, apicv: true }
            guests: { l1: l1.csx }
            goal: l1 reports "done"
            expect: reached
            {{more}}
            """);
        return ScenarioReader.Read(ScenarioPath, EngineVocabulary.Instance, options);
    }

    private sealed class NoGuests : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => new(path, _ => default);
    }
}
