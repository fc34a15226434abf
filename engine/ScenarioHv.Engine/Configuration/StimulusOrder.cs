namespace ScenarioHv.Engine.Configuration;

/// <summary>
/// In which order the lines of a timeline come where moments count for nothing but their order. Lines about different devices or vCPUs come
/// in any order. Lines about one device or one vCPU keep the order of their moments, and so does all that the monitor and the host's
/// scheduler do (pause, resume, save, restore, MSR writes, reasons against APICv, preemption), whichever vCPU it is about. Lines of one
/// moment come in any order; so do two lines whose comings mix, because one repeats.
/// </summary>
public static class StimulusOrder
{
    /// <summary>The most lines that a timeline can have here: one bit each.</summary>
    public const int MostLines = 32;

    /// <summary>For each line, the lines that must be used up before it can come for the first time: bit n is line n.</summary>
    /// <param name="timeline">At most <see cref="MostLines"/> lines. A line without end is used up never, and so precedes none.</param>
    /// <exception cref="ArgumentException">There are more lines.</exception>
    public static uint[] Before(IReadOnlyList<StimulusConfig> timeline)
    {
        if (timeline.Count > MostLines)
        {
            throw new ArgumentException($"A timeline has at most {MostLines} lines here, found {timeline.Count}.", nameof(timeline));
        }

        var before = new uint[timeline.Count];
        for (var later = 0; later < before.Length; later++)
        {
            for (var earlier = 0; earlier < before.Length; earlier++)
            {
                if (IsOneStory(timeline[earlier], timeline[later]) && Last(timeline[earlier]) < timeline[later].At)
                {
                    before[later] |= 1u << earlier;
                }
            }
        }

        return before;
    }

    private static bool IsOneStory(StimulusConfig one, StimulusConfig other) =>
        (IsMonitors(one) && IsMonitors(other))
        || (IsAboutMachine(one) == IsAboutMachine(other) && IsAboutDevice(one) == IsAboutDevice(other) && one.Target == other.Target);

    /// <summary>The cycle of a line's last coming.</summary>
    private static Int128 Last(StimulusConfig line) => line.Every == 0 ? line.At
        : line.Count == 0 ? Int128.MaxValue
        : line.At + ((Int128)line.Every * (line.Count - 1));

    private static bool IsAboutDevice(StimulusConfig line) =>
        line.Action is StimulusAction.Raise or StimulusAction.Lower or StimulusAction.Fire;

    /// <summary>A reason against APICv is about no vCPU, whatever stands in <see cref="StimulusConfig.Target"/>.</summary>
    private static bool IsAboutMachine(StimulusConfig line) => line.Action is StimulusAction.Inhibit or StimulusAction.Lift;

    private static bool IsMonitors(StimulusConfig line) => line.Action switch
    {
        StimulusAction.Pause or StimulusAction.Resume or StimulusAction.Save or StimulusAction.Restore or StimulusAction.SetMsr => true,
        StimulusAction.Inhibit or StimulusAction.Lift or StimulusAction.Preempt or StimulusAction.Schedule => true,
        _ => false,
    };
}
