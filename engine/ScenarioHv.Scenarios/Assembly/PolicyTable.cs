using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

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
    public static PolicyRule[] Rules { get; } = [.. Array.ConvertAll(OfKvm, UnlessBhyve), .. BhyvePolicyRules.All];

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

    /// <summary>The names of the points that a script is made for.</summary>
    public static IReadOnlyList<string> PointsFor(PolicyProgram program) =>
        [.. Points.Where(point => point.Script!.Takes(program)).Select(point => point.Name)];

    /// <summary>
    /// The configuration with a script in a point, whosever it is. For a controller's the configuration has its <c>Controllers</c> already.
    /// </summary>
    /// <param name="point">A point that the machine has.</param>
    /// <param name="program">The script.</param>
    /// <param name="mark">Where the point is given it.</param>
    /// <param name="config">The machine.</param>
    /// <exception cref="ScenarioException">The script is made for another point, or could have no effect in the machine.</exception>
    /// <exception cref="PolicyException">The script failed when it was asked.</exception>
    public static MachineConfig Apply(string point, PolicyProgram program, SourceMark mark, MachineConfig config) =>
        Rules.FirstOrDefault(rule => rule.Name == point) is { } rule
            ? rule.Apply(program, mark, config)
            : ControllerChoices.Apply(point, program, mark, config);

    /// <summary>What an EOI does that finds the line still high is every I/O APIC's; the other points are of KVM's own code.</summary>
    private static PolicyRule UnlessBhyve(PolicyRule rule) => rule.Name == IoApicEoi ? rule : rule with
    {
        Absence = config => config.Hypervisor == HypervisorKind.Bhyve ? $"{rule.Name} is KVM's: bhyve does not have this point"
            : rule.Absence(config),
    };
}
