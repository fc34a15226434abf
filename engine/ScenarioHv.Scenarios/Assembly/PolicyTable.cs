using ScenarioHv.Engine.Configuration;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>Every policy point that a scenario can name: those of hypervisors and patches, then those of interrupt controllers.</summary>
internal static class PolicyTable
{
    /// <summary>The point at which an immediate exit is forced.</summary>
    public const string ImmediateExit = "immediate-exit";

    /// <summary>The point at which an EOI finds a line still high.</summary>
    public const string IoApicEoi = "ioapic-eoi";

    /// <summary>The point at which the end of an NMI handler is found.</summary>
    public const string NmiTracking = "nmi-tracking";

    /// <summary>The point at which the event of an entry is chosen.</summary>
    public const string ChooseEvent = "choose-event";

    /// <summary>The point at which an exit says what became of that event.</summary>
    public const string InjectedEvent = "injected-event";

    private static readonly PolicyRule[] OfKvm =
    [
        LevelStormPolicies.ImmediateExit,
        LevelStormPolicies.IoApicEoi,
        AvicPolicies.InhibitOnSynIc,
        AvicPolicies.InhibitUpdate,
        AvicPolicies.Window,
        NmiPolicies.NmiTracking,
        NmiPolicies.ChooseEvent,
        NmiPolicies.InjectedEvent,
        EntryPolicies.Enter,
        EntryPolicies.NestedReflect,
        EoiPolicies.Eoi,
        EoiPolicies.ForwardSet,
        EoiPolicies.Suppression,
        LapicRestorePolicies.LapicRestore,
        LapicRestorePolicies.TimerStart,
        LapicRestorePolicies.TimerFire,
        LapicRestorePolicies.RestoreOrder,
        LapicRestorePolicies.Save,
        LapicRestorePolicies.Post,
        LapicRestorePolicies.SyncPosted,
        PreemptPolicies.PostedLoad,
    ];

    /// <summary>The points of hypervisors and patches, in the order in which reports name them: KVM's, then bhyve's.</summary>
    public static IReadOnlyList<PolicyRule> Rules { get; } = [.. OfKvm.Select(UnlessBhyve), .. BhyvePolicyRules.All];

    /// <summary>All points, for the reader and for <c>describe policies</c>; made as they are asked for.</summary>
    public static IEnumerable<PolicyPointInfo> Points
    {
        get
        {
            foreach (var rule in Rules)
            {
                yield return rule.Info;
            }

            // The controllers' table is large, and most scenarios name nothing of it.
            foreach (var point in ControllerChoices.Points)
            {
                yield return point;
            }
        }
    }

    /// <summary>Whether a point is one of <see cref="Rules"/>.</summary>
    public static bool HasRule(string point) => Rules.Any(rule => rule.Name == point);

    /// <summary>What an EOI does that finds the line still high is every I/O APIC's; the other points are of KVM's own code.</summary>
    private static PolicyRule UnlessBhyve(PolicyRule rule) => rule.Name == IoApicEoi ? rule : rule with
    {
        Absence = config => config.Hypervisor == HypervisorKind.Bhyve ? $"{rule.Name} is KVM's: bhyve does not have this point"
            : rule.Absence(config),
    };
}
