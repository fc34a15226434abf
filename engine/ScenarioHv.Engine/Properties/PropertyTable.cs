namespace ScenarioHv.Engine.Properties;

/// <summary>A property by its name.</summary>
/// <param name="Name">Name in scenarios and reports: <c>custody</c>.</param>
/// <param name="Safety">What a step can break; <see cref="SafetyProperty.None"/> for a property of liveness alone.</param>
/// <param name="Liveness">What explains that nothing goes on; <see cref="LivenessProperty.None"/> for a property of safety alone.</param>
public sealed record PropertyEntry(string Name, SafetyProperty Safety, LivenessProperty Liveness);

/// <summary>Every property with its name. <c>level</c> has two halves, one of each kind.</summary>
public static class PropertyTable
{
    /// <summary>The properties of safety, then those of liveness alone.</summary>
    public static IReadOnlyList<PropertyEntry> All { get; } =
    [
        new("custody", SafetyProperty.Custody, LivenessProperty.None),
        new("just", SafetyProperty.Just, LivenessProperty.None),
        new("once", SafetyProperty.Once, LivenessProperty.None),
        new("priority", SafetyProperty.Priority, LivenessProperty.None),
        new("nmi", SafetyProperty.Nmi, LivenessProperty.None),
        new("entry", SafetyProperty.Entry, LivenessProperty.None),
        new("lock", SafetyProperty.Lock, LivenessProperty.None),
        new("destination", SafetyProperty.Destination, LivenessProperty.None),
        new("mirror", SafetyProperty.Mirror, LivenessProperty.None),
        new("level", SafetyProperty.Level, LivenessProperty.Level),
        new("snapshot", SafetyProperty.Snapshot, LivenessProperty.None),
        new("live", SafetyProperty.None, LivenessProperty.Live),
        new("wake", SafetyProperty.None, LivenessProperty.Wake),
    ];

    /// <summary>The name of what a step broke; null for <see cref="SafetyProperty.None"/>.</summary>
    public static string? NameOf(SafetyProperty property) =>
        property == SafetyProperty.None ? null : All.First(entry => entry.Safety == property).Name;

    /// <summary>The name of what explains that nothing goes on; null for <see cref="LivenessProperty.None"/>.</summary>
    public static string? NameOf(LivenessProperty property) =>
        property == LivenessProperty.None ? null : All.First(entry => entry.Liveness == property).Name;
}
