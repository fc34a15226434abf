using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>The names that the engine knows, for the scenario reader.</summary>
public static class EngineVocabulary
{
    private const long LargestCost = 1_000_000_000;
    private const int LastPort = 0xffe0;

    /// <summary>The one vocabulary.</summary>
    public static Vocabulary Instance { get; } = new()
    {
        PolicyPoints = PolicyTable.Points,
        Hypervisors = Presets.HypervisorInfos,
        Userspaces = Presets.UserspaceInfos,
        DeviceTypes = Array.ConvertAll(Devices, device => device.Info),
        Timing = new TimingInfo(
            Profiles, Array.ConvertAll([.. TimingProfile.Costs], cost => new TimingCostInfo(cost.Name, cost.Meaning, 0, LargestCost))),
        InhibitReasons = InhibitReasons(),
        Properties = Properties(),
    };

    private static TimingProfileInfo[] Profiles =>
    [
        new("skylake", "a Skylake server at a nominal 2.5 GHz", "published round trips; the parts are estimates inside them"),
        new("epyc", "an EPYC server", "published round trips; the parts are estimates inside them"),
    ];

    private static IEnumerable<string> InhibitReasons()
    {
        foreach (var reason in Reasons)
        {
            yield return reason.Name;
        }
    }

    private static IEnumerable<PropertyInfo> Properties()
    {
        foreach (var property in PropertyTable.All)
        {
            yield return new PropertyInfo(property.Name, OutcomesOf(property));
        }
    }

    private static DeviceType[] Devices =>
    [
        Device(
            DeviceKind.Piix4Uhci, "piix4-uhci", "USB controller of the PIIX4, a level PCI function on INTD", "UHCI 1.1; QEMU hcd-uhci.c",
            [TimelineAction.Raise],
            [
                new("slot", DeviceKeyKind.Slot, IsRequired: true),
                new("vector", DeviceKeyKind.Vector, IsRequired: true),
                new("destination", DeviceKeyKind.Destination),
                new("io", DeviceKeyKind.Integer, Minimum: 0x1000, Maximum: LastPort),
            ]),
        Device(
            DeviceKind.Line, "line", "a level device with one status bit: port +0 reads it, writing 1 to port +4 clears it",
            "the least that a level device can be",
            [TimelineAction.Raise, TimelineAction.Lower],
            [
                new("gsi", DeviceKeyKind.Gsi, IsRequired: true),
                new("vector", DeviceKeyKind.Vector, IsRequired: true),
                new("destination", DeviceKeyKind.Destination),
                new("io", DeviceKeyKind.Integer, Minimum: 0x1000, Maximum: LastPort),
            ]),
        Device(
            DeviceKind.Msi, "msi", "a device that sends a message, edge; posted: an assigned one, whose messages the IOMMU posts",
            "SDM3 10.11; VT-d 5.2.3",
            [TimelineAction.Fire],
            [
                new("vector", DeviceKeyKind.Vector, IsRequired: true),
                new("destination", DeviceKeyKind.Destination),
                new("posted", DeviceKeyKind.Boolean),
            ]),
        Device(
            DeviceKind.Isa, "isa", "an ISA device: its IRQ goes up and down again, an edge for the 8259A pair", "8259A data sheet; PIIX3",
            [TimelineAction.Fire],
            [
                new("irq", DeviceKeyKind.Integer, IsRequired: true, Minimum: 1, Maximum: 15),
            ]),
        Device(
            DeviceKind.SynIc, "synic-event", "an event of the monitor that is bound to a source of a vCPU's SynIC",
            "KVM hyperv.c:kvm_hv_synic_set_irq; QEMU hyperv.c:hyperv_sint_route_set_sint",
            [TimelineAction.Fire],
            [
                new("sint", DeviceKeyKind.Integer, IsRequired: true, Minimum: 0, Maximum: 15),
                new("vcpu", DeviceKeyKind.Integer, Minimum: 0, Maximum: 7),
            ]),
    ];

    private static DeviceType Device(
        DeviceKind kind, string name, string summary, string source, IReadOnlyList<TimelineAction> actions, DeviceKeyInfo[] keys) =>
        new(kind, new DeviceTypeInfo(name, summary, source, keys, actions));

    /// <summary>The reasons against APICv as the timeline names them: all but those that a machine has or has not from its start.</summary>
    private static InhibitReason[] Reasons =>
    [
        new("hyperv", ApicvInhibits.HyperV),
        new("absent", ApicvInhibits.Absent),
        new("blockirq", ApicvInhibits.BlockIrq),
        new("physical-id-aliased", ApicvInhibits.PhysicalIdAliased),
        new("apic-id-modified", ApicvInhibits.ApicIdModified),
        new("apic-base-modified", ApicvInhibits.ApicBaseModified),
        new("nested", ApicvInhibits.Nested),
        new("irqwin", ApicvInhibits.IrqWindow),
        new("pit-reinj", ApicvInhibits.PitReinject),
        new("sev", ApicvInhibits.Sev),
        new("logical-id-aliased", ApicvInhibits.LogicalIdAliased),
        new("x2apic", ApicvInhibits.X2Apic),
    ];

    internal static ApicvInhibits ReasonOf(string name) => Array.Find(Reasons, reason => reason.Name == name)!.Reason;

    /// <summary>The preset's policies in the order of the presets, for <c>describe policies</c>.</summary>
    public static IEnumerable<(PresetInfo Preset, IReadOnlyList<PolicyChoice> Policies)> PresetPolicies => Presets.All;

    private static Outcome[] OutcomesOf(PropertyEntry property) => (property.Safety, property.Liveness) switch
    {
        (SafetyProperty.None, LivenessProperty.None) => [],
        (SafetyProperty.None, _) => [Outcome.Stuck, Outcome.Livelock],
        (_, LivenessProperty.None) => [Outcome.Violated],
        _ => [Outcome.Violated, Outcome.Stuck, Outcome.Livelock],
    };

    internal static DeviceKind KindOf(string type) => Array.Find(Devices, device => device.Info.Name == type)!.Kind;

    private sealed record DeviceType(DeviceKind Kind, DeviceTypeInfo Info);

    private sealed record InhibitReason(string Name, ApicvInhibits Reason);
}
