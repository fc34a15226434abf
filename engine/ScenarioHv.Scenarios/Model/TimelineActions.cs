namespace ScenarioHv.Scenarios;

/// <summary>The actions of a timeline: their names, and what each needs to have happened before.</summary>
internal static class TimelineActions
{
    /// <summary>Each with what it is, in the order of <see cref="TimelineAction"/>.</summary>
    public static readonly (string Name, string Meaning)[] All =
    [
        ("raise", "A device raises its line."),
        ("lower", "A device lowers its line."),
        ("fire", "A device sends its message, or its line goes up and down again."),
        ("nmi", "An NMI from the monitor to this vCPU."),
        ("nmi-window", "The monitor has an NMI and sends it when KVM says that the guest can take it."),
        ("page-out", "The host takes away the page with the IDT, so that the next delivery is cut by a fault."),
        ("pause", "The monitor keeps the vCPU out of KVM_RUN."),
        ("resume", "The monitor lets the vCPU run again."),
        ("save", "The monitor saves the local APIC and IA32_TSC_DEADLINE of this vCPU."),
        ("restore", "The monitor puts back what was saved last and lets the vCPU run."),
        ("set-msr", "The monitor writes an MSR of a SynIC."),
        ("inhibit", "A reason against APICv or AVIC comes."),
        ("lift", "A reason against APICv or AVIC goes."),
        ("preempt", "The host takes the CPU of the vCPU's thread for something else."),
        ("schedule", "The host gives the vCPU's thread a CPU again."),
    ];

    /// <summary>As scenarios write them, in the order of <see cref="TimelineAction"/>.</summary>
    public static readonly string[] Names = [.. All.Select(action => action.Name)];

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
