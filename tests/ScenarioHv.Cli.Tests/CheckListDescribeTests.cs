using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Tests;

/// <summary><c>check</c>, <c>list</c> and <c>describe</c>.</summary>
public sealed class CheckListDescribeTests : CommandFixture
{
    [Test]
    public void Check_counts_the_cells_and_runs_none()
    {
        var result = Run("check", Scenario("checked", "throw.csx", "reached", MatrixTests.TwoCells));

        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Out, Is.EqualTo("checked.yaml: ok (3 cells)\n"));
    }

    [Test]
    public void Check_compiles_the_scripts() =>
        AssertBadInput(Run("check", Scenario("check-broken", "broken.csx", "reached")), "broken.csx:3:15: ");

    [Test]
    public void Check_goes_on_after_a_file_that_is_wrong()
    {
        var result = Run("check", "no-such-file.yaml", Scenario("right", "done.csx", "reached"));

        Assert.That(result.ExitCode, Is.EqualTo(BadInput));
        Assert.That(result.Out, Is.EqualTo("right.yaml: ok (1 cell)\n"));
        Assert.That(result.Error, Does.Contain("no-such-file.yaml"));
    }

    [Test]
    public void List_names_the_shipped_scenarios()
    {
        var result = Run("list");

        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Out, Does.Match(@"(^|\n)hyperv-hang  +Hyper-V on q35 hangs at boot"));
    }

    [TestCase("source", "KVM list, 2019-03-28")]
    [TestCase("machine", "1 vCPU; Intel (VMX), with APICv, VMX-preemption timer at TSC / 32; TSC 2400 MHz; under kvm@5.1 and")]
    [TestCase("devices", "slot 04.0, GSI 23, vector 0x50 (80)")]
    [TestCase("policies", "ioapic-eoi      reinject (from qemu@3.1)")]
    [TestCase("timeline", "at 50 us (cycle 120000)")]
    [TestCase("goal", "l2 reports \"usb served\"")]
    [TestCase("cells", "base: expected livelock")]
    public void Describe_a_scenario(string section, string part)
    {
        var result = Run("describe", "hyperv-hang");

        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Out, Does.Contain(section).And.Contain(part));
    }

    [TestCase("policies", "throttle(count, delay)", "958a01dab8e0", "qemu@4.1")]
    [TestCase("policies", "lapic-fixed-while-disabled: what a software-disabled APIC does", "accepted  it enters IRR",
        "[architectural, kvm, openvmm, xen] source: SDM3 10.4.7.2", "pic-reinit: what ICW1 leaves standing", "i8259_common.c",
        "lapic-...: kvm, but lapic-bsp-lint0: masked", "ioapic-...: architectural, but ioapic-eoi-register: present")]
    [TestCase("timing", "nested-switch", "estimates", "skylake")]
    [TestCase("properties", "byte by byte", "custody", "Other orders of")]
    public void Describe_a_subject(string subject, params string[] parts)
    {
        var result = Run("describe", subject);

        Assert.That(result.ExitCode, Is.Zero);
        foreach (var part in parts)
        {
            Assert.That(result.Out, Does.Contain(part));
        }
    }

    [Test]
    public void Every_property_that_can_be_expected_is_described()
    {
        var text = Run("describe", "properties").Out;

        Assert.That(EngineVocabulary.Instance.Properties, Has.Exactly(14).Items);
        Assert.That(EngineVocabulary.Instance.Properties.Select(property => property.Name), Has.All.Matches<string>(
            name => text.Contains($"\n  {name} ", StringComparison.Ordinal)));
    }

    [Test]
    public void Description_of_the_policies_fits_the_page() =>
        Assert.That(Run("describe", "policies").Out.Split('\n').Select(line => line.Length), Has.All.AtMost(140));

    [Test]
    public void Describe_what_there_is_not() => AssertBadInput(Run("describe", "polices"), "polices");

    [Test]
    public void Schema_is_the_one_that_lies_beside_the_shipped_scenarios()
    {
        var result = Run("schema");
        var shipped = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "scenarios", "scenario.schema.json"));

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Out, Is.EqualTo(shipped));
    }
}
