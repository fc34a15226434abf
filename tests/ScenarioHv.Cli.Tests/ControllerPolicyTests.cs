namespace ScenarioHv.Cli.Tests;

/// <summary>Policies of the interrupt controllers change what a machine does.</summary>
public sealed class ControllerPolicyTests : CommandFixture
{
    private const string Fire = "timeline: [{ at: 20 us, fire: clock }]";

    [Test]
    public void Message_to_a_software_disabled_local_APIC_is_lost_unless_the_policy_accepts_it()
    {
        var file = Scenario("to-a-disabled-apic", "disabled.csx", "stuck", Fire);
        Assert.That(Run("run", file).Line("outcome"), Does.StartWith("stuck"));

        var accepted = Run("run", file, "--set", "lapic-fixed-while-disabled=accepted");
        Assert.That(accepted.Line("outcome"), Does.StartWith("reached"));
        Assert.That(accepted.Line("policies"), Does.EndWith("; lapic-fixed-while-disabled: accepted"));
        Assert.That(accepted.Line("expected"), Is.EqualTo("nothing in particular"), "the scenario as written says nothing about it");
    }

    [Test]
    public void Naming_the_preset_s_own_value_keeps_trace_and_expectation()
    {
        var file = Scenario("to-a-disabled-apic-again", "disabled.csx", "stuck", Fire);
        var plain = Run("run", file);
        var named = Run("run", file, "--set", "lapic-fixed-while-disabled=dropped");
        Assert.That(named.Line("trace"), Is.EqualTo(plain.Line("trace")));
        Assert.That(named.Line("expected"), Is.EqualTo("stuck: met"));
        Assert.That(plain.Line("policies"), Does.Not.Contain("lapic-"));
    }

    [Test]
    public void Json_names_the_policies_of_the_command_line()
    {
        var file = Scenario("to-a-disabled-apic-in-json", "disabled.csx", "stuck", Fire);
        var policies = Run("run", file, "--set", "lapic-fixed-while-disabled=accepted", "--json").Json.GetProperty("policies");
        Assert.That(policies.GetProperty("lapic-fixed-while-disabled").GetString(), Is.EqualTo("accepted"));
        Assert.That(policies.EnumerateObject().Count(), Is.EqualTo(3));
    }

    // A write to offset 40h ends the vector at the I/O APIC before the local APIC's EOI: version 20h alone.
    [TestCase("kernel", "absent", "stuck")]
    [TestCase("kernel", "present", "reached")]
    [TestCase("split", "absent", "stuck")]
    [TestCase("split", "present", "reached")]
    [TestCase("bare", "absent", "stuck")]
    [TestCase("bare", "present", "reached")]
    public void Eoi_register_of_the_IO_APIC_clears_remote_IRR(string machine, string register, string outcome) =>
        Assert.That(
            Run("run", LineScenario(machine, "ended-at-the-io-apic.csx"), "--set", $"ioapic-eoi-register={register}").Line("outcome"),
            Does.StartWith(outcome));

    // The entry is edge while the line rises, and sends it as vector 41h; then it becomes level, vector 42h, with the line still high.
    [TestCase("kernel", "line", "reached")]
    [TestCase("kernel", "latch", "stuck")]
    [TestCase("split", "line", "reached")]
    [TestCase("split", "latch", "stuck")]
    [TestCase("bare", "line", "reached")]
    [TestCase("bare", "latch", "stuck")]
    public void Line_that_is_high_when_its_entry_becomes_level(string machine, string request, string outcome) =>
        Assert.That(
            Run("run", LineScenario(machine, "edge-to-level.csx"), "--set", $"ioapic-level-request={request}").Line("outcome"),
            Does.StartWith(outcome));

    [TestCase("pic-reinit=clear", "this machine has no 8259A")]
    [TestCase("synic-scontrol-reset=enabled", "this machine has no SynIC")]
    [TestCase("stimer-zero-count=disables", "no machine of a scenario has synthetic timers yet")]
    public void Controller_that_the_machine_has_not_is_bad_input(string setting, string words) =>
        AssertBadInput(
            Run("run", "first-steps", "--set", setting),
            $"--set {setting}: ", words);

    private static string LineScenario(string machine, string script)
    {
        var hypervisor = machine switch
        {
            "kernel" => "hypervisor: kvm@5.1",
            "split" => "hypervisor: kvm@5.1, irqchip: split, userspace: qemu@3.1",
            _ => "hypervisor: bare-metal",
        };
        var name = $"{Path.GetFileNameWithoutExtension(script)}-{machine}.yaml";
        File.WriteAllText(InFolder(name), $$"""
            scenario: line
            title: A level line
            machine: { tsc: 1 GHz, timing: skylake, cpu: { vendor: intel, apicv: true }, host-tick: off, {{hypervisor}},
              devices: { disk: { type: line, gsi: 20, vector: 0x41, io: 0xd000 } } }
            guests: { l1: {{script}} }
            timeline: [{ at: 20 us, raise: disk }]
            goal: l1 reports "done"
            """);
        return name;
    }
}
