using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors;

/// <summary>State of the thread that applies stimuli and runs the monitor's timers; on bare metal of the outside world.</summary>
public struct IoThreadState
{
    /// <summary>When it goes on; never while it sleeps.</summary>
    public Instant ReadyAt;

    /// <summary>When the I/O APIC's delayed service is due; never if it is not armed.</summary>
    public Instant DelayedService;
}

/// <summary>One line of the timeline.</summary>
public struct StimulusState
{
    /// <summary>When it comes next; never when it is used up or waits for a report.</summary>
    public Instant Next;

    /// <summary>How often it still comes; 0 for without end.</summary>
    public int Remaining;

    /// <summary>Whether it waits for a report.</summary>
    public ReportWait Wait;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved2;
}

/// <summary>How a line of the timeline stands to the report after which it comes.</summary>
public enum ReportWait : byte
{
    /// <summary>It waits for none.</summary>
    None = 0,

    /// <summary>It does not come before the report has come once more.</summary>
    Awaited,

    /// <summary>The report has come, and it comes at its moment.</summary>
    Told,
}
