namespace ScenarioHv.Scenarios.Assembly;

/// <summary>A part of a scenario that its author calls optional.</summary>
/// <param name="Device">The device; null if it is a line of the timeline.</param>
/// <param name="Line">The line of the timeline, from 0; null if it is a device.</param>
/// <param name="Words">What it is: <c>device clock</c>, <c>fire: clock at 50 us</c>.</param>
public sealed record OptionalPart(string? Device, int? Line, string Words);

/// <summary>The parts that a scenario may be told without, and the scenario without some of them.</summary>
public static class OptionalParts
{
    /// <summary>All of them: the devices, then the lines of the timeline, in the order written.</summary>
    public static IReadOnlyList<OptionalPart> Of(Scenario scenario) =>
    [
        .. scenario.Machine.Devices.Where(device => device.IsOptional)
            .Select(device => new OptionalPart(device.Name, null, $"device {device.Name}")),
        .. scenario.Timeline.Index().Where(line => line.Item.IsOptional)
            .Select(line => new OptionalPart(null, line.Index, $"{line.Item.Words} at {line.Item.At}")),
    ];

    /// <summary>
    /// The scenario without some of its optional parts, and without what then has nothing to act on: the lines about a device that is gone,
    /// and a restore or schedule whose save or preemption is. All else stays as it is, the ports of the other devices too.
    /// </summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="parts">Some of <see cref="Of"/> of the same scenario.</param>
    public static Scenario Without(Scenario scenario, IReadOnlyCollection<OptionalPart> parts)
    {
        if (parts.Except(Of(scenario)).FirstOrDefault() is { } other)
        {
            throw new ArgumentException($"'{other.Words}' is no optional part of {scenario.Name}.", nameof(parts));
        }

        var lines = scenario.Timeline.Index()
            .Where(line => !parts.Any(part => part.Line == line.Index || part.Device == line.Item.Device))
            .Select(line => line.Item)
            .ToList();
        var hz = scenario.Machine.TscHz;
        lines.RemoveAll(line =>
            TimelineActions.NeededBefore(line.Action) is not null && !TimelineActions.WhatItNeeds(line, lines, hz).Any());
        return scenario with { Timeline = lines, Machine = scenario.Machine with { Devices = Devices(scenario.Machine, parts) } };
    }

    /// <summary>Which ports a device has by default follows from its place, and its guest knows them.</summary>
    private static List<DeviceSection> Devices(MachineSection machine, IReadOnlyCollection<OptionalPart> parts)
    {
        var devices = new List<DeviceSection>();
        foreach (var (place, device) in machine.Devices.Index())
        {
            if (parts.Any(part => part.Device == device.Name))
            {
                continue;
            }

            var io = MachineAssembly.IoBaseOf(device, place);
            devices.Add(device with
            {
                Settings = new OrderedDictionary<string, DeviceSetting>(device.Settings, StringComparer.Ordinal)
                {
                    ["io"] = new DeviceSetting(DeviceKeyKind.Integer, io, default, "", device.Mark),
                },
            });
        }

        return devices;
    }
}
