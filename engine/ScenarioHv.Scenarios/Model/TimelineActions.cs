namespace ScenarioHv.Scenarios;

/// <summary>The actions of a timeline: their names, and what each needs to have happened before.</summary>
internal static class TimelineActions
{
    /// <summary>Each with what it is, in the order of <see cref="TimelineAction"/>.</summary>
    public static readonly ActionWords[] All =
    [
        new("raise", "A device raises its line."),
        new("lower", "A device lowers its line."),
        new("fire", "A device sends its message, or its line goes up and down again."),
        new("nmi", "An NMI from the monitor to this vCPU."),
        new("nmi-window", "The monitor has an NMI and sends it when KVM says that the guest can take it."),
        new("page-out", "The host takes away the page with the IDT, so that the next delivery is cut by a fault."),
        new("pause", "The monitor keeps the vCPU out of KVM_RUN."),
        new("resume", "The monitor lets the vCPU run again."),
        new("save", "The monitor saves the local APIC and IA32_TSC_DEADLINE of this vCPU."),
        new("restore", "The monitor puts back what was saved last and lets the vCPU run."),
        new("set-msr", "The monitor writes an MSR of a SynIC."),
        new("inhibit", "A reason against APICv or AVIC comes."),
        new("lift", "A reason against APICv or AVIC goes."),
        new("preempt", "The host takes the CPU of the vCPU's thread for something else."),
        new("schedule", "The host gives the vCPU's thread a CPU again."),
    ];

    /// <summary>As scenarios write them, in the order of <see cref="TimelineAction"/>.</summary>
    public static readonly string[] Names = Array.ConvertAll(All, action => action.Name);

    /// <summary>What must have happened to the same vCPU earlier; null if nothing must.</summary>
    public static TimelineAction? NeededBefore(TimelineAction action) => action switch
    {
        TimelineAction.Restore => TimelineAction.Save,
        TimelineAction.Schedule => TimelineAction.Preempt,
        _ => null,
    };

    /// <summary>The lines earlier than <paramref name="entry"/> that do to its vCPU what it needs.</summary>
    public static IEnumerable<TimelineEntry> WhatItNeeds(TimelineEntry entry, IEnumerable<TimelineEntry> timeline, long tscHz) =>
        NeededBefore(entry.Action) is { } needed ? EarlierThan(entry, needed, timeline, tscHz) : [];

    private static IEnumerable<TimelineEntry> EarlierThan(
        TimelineEntry entry, TimelineAction needed, IEnumerable<TimelineEntry> timeline, long tscHz) =>
        timeline.Where(other =>
            other.Action == needed && other.Vcpu == entry.Vcpu && other.At.ToCycles(tscHz) < entry.At.ToCycles(tscHz));

    /// <summary>An action in words.</summary>
    /// <param name="Name">As scenarios write it.</param>
    /// <param name="Meaning">What happens, in a sentence.</param>
    internal sealed record ActionWords(string Name, string Meaning);
}
