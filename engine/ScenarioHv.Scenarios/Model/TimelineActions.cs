namespace ScenarioHv.Scenarios;

/// <summary>The actions of a timeline: their names, and what each needs to have happened before.</summary>
internal static class TimelineActions
{
    /// <summary>As scenarios write them, in the order of <see cref="TimelineAction"/>.</summary>
    public static readonly string[] Names =
    [
        "raise", "lower", "fire", "nmi", "nmi-window", "page-out", "pause", "resume", "save", "restore", "set-msr", "inhibit", "lift",
        "preempt", "schedule",
    ];

    /// <summary>What must have happened to the same vCPU earlier; null if nothing must.</summary>
    public static TimelineAction? NeededBefore(TimelineAction action) => action switch
    {
        TimelineAction.Restore => TimelineAction.Save,
        TimelineAction.Schedule => TimelineAction.Preempt,
        _ => null,
    };

    /// <summary>The lines earlier than <paramref name="entry"/> that do to its vCPU what it needs.</summary>
    public static IEnumerable<TimelineEntry> WhatItNeeds(TimelineEntry entry, IEnumerable<TimelineEntry> timeline, long tscHz) =>
        timeline.Where(other =>
            other.Action == NeededBefore(entry.Action) && other.Vcpu == entry.Vcpu && other.At.ToCycles(tscHz) < entry.At.ToCycles(tscHz));
}
