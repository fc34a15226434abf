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
    /// <summary>When it comes next; never when it is used up.</summary>
    public Instant Next;

    /// <summary>How often it still comes; 0 for without end.</summary>
    public int Remaining;

    /// <summary>1 if the report has come after which it can come; 0 where it waits for none.</summary>
    public int Told;
}
