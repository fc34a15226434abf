using System.Reflection;
using System.Text.RegularExpressions;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>The table of policy points against the types that it puts into words.</summary>
public sealed partial class ControllerPolicyTableTests
{
    private static readonly string[] DocumentedIn =
    [
        "Interrupts/LocalApicPolicyValues", "Interrupts/IoApicPolicyValues", "Interrupts/Pic8259Policies", "Interrupts/PlatformPolicies",
        "Interrupts/SynIcPolicy", "Interrupts/SyntheticTimerPolicy", "Interrupts/ApicAssistPage", "Interrupts/HypervApicMsrs",
        "Interrupts/MsiFormat", "Devices/Pit8254", "Devices/PitReinjection",
    ];

    public static IEnumerable<ControllerPolicyPoint> Points => ControllerPolicyTable.Points;

    public static IEnumerable<TestCaseData> Properties =>
        from owner in typeof(ControllerPolicies).GetProperties(BindingFlags.Public | BindingFlags.Instance)
        where !owner.PropertyType.IsEnum
        from property in owner.PropertyType.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        select new TestCaseData(property, OwnerOf(owner.Name, property.Name))
            .SetArgDisplayNames($"{owner.PropertyType.Name}.{property.Name}");

    [TestCaseSource(nameof(Properties))]
    public void Every_choice_is_a_point_and_each_of_its_values_is_named_once(PropertyInfo property, ControllerKind controller)
    {
        var point = Points.Single(point => point.Controller == controller && point.Property == property.Name);
        Assert.That(
            point.Values.Select(value => value.Name),
            Is.EquivalentTo(Enum.GetNames(property.PropertyType).Select(ControllerPolicyName.Kebab)));
        Assert.That(point.Summary, Is.Not.Empty);
        Assert.That(point.Values.Select(value => value.Meaning), Has.All.Not.Empty);
        Assert.That(point.Values.Select(value => value.Source), Has.All.Not.Empty);
    }

    [Test]
    public void No_point_is_without_a_choice() => Assert.That(Points.Count(), Is.EqualTo(Properties.Count() + 1), "and msi-rules");

    [Test]
    public void Names_are_unique_words_of_lower_case()
    {
        Assert.That(Points.Select(point => point.Name), Is.Unique);
        foreach (var point in Points)
        {
            Assert.That(point.Name, Does.Match("^(lapic|ioapic|pic|msi|cpu|synic|stimer|hv|pit)(-[a-z0-9]+)+$"));
            Assert.That(point.Values.Select(value => value.Name), Is.Unique.And.All.Match("^[a-z0-9]+(-[a-z0-9]+)*$"));
        }
    }

    [TestCase("pic-reinit", "clear")]
    [TestCase("pic-reinit", "keep-isr")]
    [TestCase("lapic-fixed-while-disabled", "accepted")]
    [TestCase("lapic-x2apic-reserved-bits", "checked")]
    [TestCase("lapic-lint-inputs", "only-extint-and-nmi")]
    [TestCase("ioapic-edge-latch", "line-high")]
    [TestCase("msi-rules", "kvm")]
    [TestCase("cpu-pending-nmis", "two")]
    [TestCase("ioapic-window", "bytes256")]
    [TestCase("lapic-mmio-hole", "present")]
    [TestCase("lapic-destination-map", "ahead")]
    [TestCase("ioapic-eoi-vectors", "scanned")]
    [TestCase("synic-vector-check", "unless-masked")]
    [TestCase("synic-auto-eoi", "with-request")]
    [TestCase("stimer-sint-zero", "disables-if-enabled-before")]
    [TestCase("hv-apic-assist", "openvmm")]
    [TestCase("pit-reinjection", "on")]
    public void Names_as_scenarios_write_them(string point, string value)
    {
        ControllerPolicies policies = default;
        Assert.That(ControllerPolicyTable.TrySet(ref policies, point, value), Is.True);
        Assert.That(ControllerPolicyTable.Find(point)!.ValueIn(policies).Name, Is.EqualTo(value));
    }

    [TestCase("pic-reinit", "clears")]
    [TestCase("pic-reset", "clear")]
    public void Wrong_names_change_nothing(string point, string value)
    {
        var policies = ControllerPolicies.Usual(HypervisorKind.Kvm, IrqchipKind.Kernel);
        Assert.That(ControllerPolicyTable.TrySet(ref policies, point, value), Is.False);
        Assert.That(policies, Is.EqualTo(ControllerPolicies.Usual(HypervisorKind.Kvm, IrqchipKind.Kernel)));
    }

    [TestCaseSource(nameof(Points))]
    public void A_choice_changes_its_own_point_and_no_other(ControllerPolicyPoint point)
    {
        foreach (var preset in ControllerPolicyTable.Presets)
        {
            foreach (var value in point.Values)
            {
                var changed = preset.Policies;
                Assert.That(point.TrySet(ref changed, value.Name), Is.True);
                Assert.That(point.ValueIn(changed), Is.EqualTo(value));
                var others = Points.Where(other => other != point);
                Assert.That(others.All(other => other.ValueIn(changed) == other.ValueIn(preset.Policies)), Is.True);
            }
        }
    }

    // Somebody has to differ, or it is no choice; "latched" and "vectors" of old versions have no preset of their own, nor have shared IDs,
    // which a monitor chooses.
    [Test]
    public void Every_point_but_those_of_old_versions_and_options_tells_two_implementations_apart()
    {
        var alike = Points.Where(point => point.Values.Count(value => ControllerPolicyTable.PresetsWith(point, value).Any()) < 2);
        string[] expected = ["lapic-shared-ids", "ioapic-masked-edge", "pic-poll-bit7"];
        Assert.That(alike.Select(point => point.Name), Is.EquivalentTo(expected));
    }

    /// <summary>Meaning and source are written twice, beside the value and in the table: they are held together here.</summary>
    [Test]
    public void Words_of_a_value_are_those_of_its_documentation()
    {
        var sources = string.Concat(DocumentedIn.Select(name => File.ReadAllText(Path.Combine(EngineFolder(), name + ".cs"))));
        var documented = Documentation().Matches(sources)
            .Select(match => Plain(match.Groups[1].Value))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        var written = Points.SelectMany(point => point.Values)
            .Select(value => $"{value.Meaning} ({value.Source}).");
        Assert.That(written.Where(words => !documented.Contains(words)), Is.Empty);
    }

    [Test]
    public void Usual_controllers_are_those_of_the_machines()
    {
        var kernel = ControllerPolicies.Usual(HypervisorKind.Kvm, IrqchipKind.Kernel);
        var split = ControllerPolicies.Usual(HypervisorKind.Kvm, IrqchipKind.Split);
        var bare = ControllerPolicies.Usual(HypervisorKind.BareMetal, IrqchipKind.Kernel);
        Assert.That(kernel.LocalApic, Is.EqualTo(LocalApicPolicies.Kvm with { BspLint0 = BspLint0Policy.Masked }));
        Assert.That(split.LocalApic, Is.EqualTo(kernel.LocalApic));
        Assert.That(bare.LocalApic, Is.EqualTo(LocalApicOptions.Architectural.Policies));
        Assert.That(kernel.IoApic, Is.EqualTo(IoApicPolicies.Kvm));
        Assert.That(kernel.Platform.PendingNmis, Is.EqualTo(PendingNmisPolicy.Two));
        Assert.That(split.IoApic, Is.EqualTo(IoApicPolicies.Qemu));
        Assert.That(bare.IoApic, Is.EqualTo(IoApicPolicies.Architectural with { EoiRegister = IoApicEoiRegister.Present }));
    }

    [GeneratedRegex(@"/// <summary>((?:(?!</summary>).)*)</summary>\s+\w+ = \d+,", RegexOptions.Singleline)]
    private static partial Regex Documentation();

    // The choices between the controllers go by the controller that they are seen at.
    private static ControllerKind OwnerOf(string owner, string property) => (owner, property) switch
    {
        (nameof(ControllerPolicies.Platform), nameof(PlatformPolicies.PendingNmis)) => ControllerKind.Cpu,
        (nameof(ControllerPolicies.Platform), nameof(PlatformPolicies.Window) or nameof(PlatformPolicies.EoiVectors)) =>
            ControllerKind.IoApic,
        (nameof(ControllerPolicies.Platform), _) => ControllerKind.LocalApic,
        _ => Enum.Parse<ControllerKind>(owner),
    };

    private static string Plain(string comment) =>
        Regex.Replace(Regex.Replace(comment, "</?c>", ""), @"[\s/]*///\s*|\s+", " ").Trim();

    private static string EngineFolder()
    {
        var folder = TestContext.CurrentContext.TestDirectory;
        while (!File.Exists(Path.Combine(folder, "ScenarioHv.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return Path.Combine(folder, "engine", "ScenarioHv.Engine");
    }
}
