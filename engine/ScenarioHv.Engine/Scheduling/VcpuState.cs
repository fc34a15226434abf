using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// What every vCPU has whatever runs it: when it can take its next step, whose code it runs, what the outside asks of its host CPU.
/// </summary>
public struct VcpuState
{
    /// <summary>When its next step can be taken; never while it waits for something.</summary>
    public Instant ReadyAt;

    /// <summary>When the earliest interrupt of the host arrives at its CPU; never if none is under way.</summary>
    public Instant HostInterruptAt;

    /// <summary>When the VMX-preemption timer of the guest that runs expires; never if it is not active.</summary>
    public Instant PreemptionDeadline;

    /// <summary>After how many more retired guest operations the self-IPI of an immediate exit arrives.</summary>
    public uint SelfIpiAfter;

    /// <summary>The level whose control structure is loaded: 1 the guest, 2 the guest's guest.</summary>
    public byte Level;

    /// <summary>1 while the processor runs guest code, 0 while it runs the hypervisor's.</summary>
    public byte InGuest;

    /// <summary>1 until the event that the entry injects has been delivered.</summary>
    public byte EntryPending;

    /// <summary>Interrupts of the host under way or pending at its CPU.</summary>
    public HostInterrupts HostInterrupts;
}

/// <summary>Interrupts of the host that a running guest's CPU can meet.</summary>
[Flags]
public enum HostInterrupts : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Reschedule IPI: another thread kicks this vCPU.</summary>
    Kick = 1,

    /// <summary>Posted-interrupt notification.</summary>
    PostedNotification = 2,

    /// <summary>The host's tick.</summary>
    Tick = 4,

    /// <summary>The CPU's own IPI that forces an immediate exit.</summary>
    SelfIpi = 8,
}

/// <summary>Counters for the verdict. They decide nothing.</summary>
public struct Statistics
{
    /// <summary>Entries into the nested guest.</summary>
    [State.Observable]
    public long L2Entries;

    /// <summary>Entries into the nested guest that came back before it retired anything.</summary>
    [State.Observable]
    public long L2WastedEntries;

    /// <summary>Instructions that the nested guest retired; a cycle of work counts as one.</summary>
    [State.Observable]
    public long L2Retired;

    /// <summary>Instructions that the guest retired; a cycle of work counts as one.</summary>
    [State.Observable]
    public long L1Retired;

    /// <summary>Level interrupts sent again because the line was still high at EOI.</summary>
    [State.Observable]
    public long Resent;

    /// <summary>Re-sends that the EOI policy put off.</summary>
    [State.Observable]
    public long Delayed;

    /// <summary>Stimuli from outside.</summary>
    [State.Observable]
    public long Stimuli;

    /// <summary><see cref="L2Retired"/> at the last entry into the nested guest.</summary>
    [State.Observable]
    public long L2RetiredAtEntry;
}

/// <summary>What the checks of a run remember.</summary>
public struct CheckMemory
{
    /// <summary>1 once the goal has been met.</summary>
    public ulong GoalReached;

    /// <summary>The first safety property that failed.</summary>
    public Properties.Violation Violation;
}
