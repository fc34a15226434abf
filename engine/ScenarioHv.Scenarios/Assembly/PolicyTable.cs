namespace ScenarioHv.Scenarios.Assembly;

/// <summary>Every policy point that a scenario can name: those of hypervisors and patches, then those of interrupt controllers.</summary>
internal static class PolicyTable
{
    /// <summary>The point at which an immediate exit is forced.</summary>
    public const string ImmediateExit = "immediate-exit";

    /// <summary>The point at which an EOI finds a line still high.</summary>
    public const string IoApicEoi = "ioapic-eoi";

    /// <summary>The points of hypervisors and patches, in the order in which reports name them.</summary>
    public static IReadOnlyList<PolicyRule> Rules { get; } =
    [
        LevelStormPolicies.ImmediateExit,
        LevelStormPolicies.IoApicEoi,
        AvicPolicies.InhibitOnSynIc,
        AvicPolicies.InhibitUpdate,
        AvicPolicies.Window,
    ];

    /// <summary>All points, for the reader and for <c>describe policies</c>.</summary>
    public static IReadOnlyList<PolicyPointInfo> Points { get; } = [.. Rules.Select(rule => rule.Info), .. ControllerChoices.Points];
}
