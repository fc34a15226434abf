namespace ScenarioHv.Scenarios.Tests;

/// <summary>A small engine for the reader's tests: two policy points, three presets, three device types, one profile.</summary>
internal static class SampleVocabulary
{
    public static Vocabulary Create() => new()
    {
        PolicyPoints =
        [
            new("immediate-exit", "How an exit right after entry is forced.",
            [
                Value("zero-timer"),
                Value("throttle", new("exits", ParameterKind.Count, 1, 1_000_000), new("pause", ParameterKind.Count, 0, 1_000_000)),
                Value("self-ipi", new ParameterInfo("arrival", ParameterKind.Choice)
                {
                    Choices = [Value("before-entry"), Value("after", new ParameterInfo("operations", ParameterKind.Count, 1, 1000))],
                }),
            ]),
            new("ioapic-eoi", "What an EOI of a line that is still high does.",
            [
                Value("reinject"),
                Value("delay-after", new("deliveries", ParameterKind.Count, 1, 1_000_000), new("delay", ParameterKind.Duration, 1)),
            ]),
        ],
        Hypervisors = [new("kvm@5.1", "KVM of Linux 5.1", "Linux"), new("bare-metal", "No hypervisor", "SDM")],
        Userspaces = [new("qemu@3.1", "QEMU 3.1", "QEMU")],
        DeviceTypes =
        [
            new("piix4-uhci", "USB host controller", "PIIX4", [new("slot", DeviceKeyKind.Slot, IsRequired: true)],
                [TimelineAction.Raise, TimelineAction.Lower]),
            new("msi", "A function with one message", "PCI 3.0",
                [
                    new("vector", DeviceKeyKind.Vector, IsRequired: true),
                    new("destination", DeviceKeyKind.Destination),
                    new("mode", DeviceKeyKind.Word) { Words = ["fixed", "lowest-priority"] },
                    new("delay", DeviceKeyKind.Duration),
                    new("masked", DeviceKeyKind.Boolean),
                    new("rate", DeviceKeyKind.Frequency, Minimum: 1, Maximum: 1_000_000),
                    new("burst", DeviceKeyKind.Integer, Minimum: 1, Maximum: 16),
                ],
                [TimelineAction.Fire]),
            new("line", "A line to a pin of the IOAPIC", "test", [new("gsi", DeviceKeyKind.Gsi, IsRequired: true)],
                [TimelineAction.Raise, TimelineAction.Lower]),
        ],
        Timing = new(
            [new("skylake", "A Skylake server", "measured")],
            [new("vm-exit", "From guest to host", 1, 100_000), new("vm-entry", "From host to guest", 1, 100_000)]),
        Properties =
        [
            new("custody", [Outcome.Violated]),
            new("level", [Outcome.Violated, Outcome.Stuck, Outcome.Livelock]),
            new("live", [Outcome.Stuck, Outcome.Livelock]),
        ],
    };

    private static PolicyValueInfo Value(string name, params ParameterInfo[] parameters) => new(name, parameters, name, "test");
}
