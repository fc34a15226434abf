namespace ScenarioHv.Engine.Interrupts;

/// <summary>When an enabled timer starts to run after a write to its MSRs.</summary>
public enum SyntheticTimerStart : byte
{
    /// <summary>With the write: a period is counted from there (TLFS).</summary>
    AtWrite = 0,

    /// <summary>In the next pass; one that is past expires in the same pass (OpenVMM synic.rs:evaluate).</summary>
    InPass = 1,

    /// <summary>In the next pass; one that is past expires in the pass after, behind the higher timers (KVM stimer_start).</summary>
    InPassExpiresInNext = 2,
}

/// <summary>What a configuration with SINTx 0 and no direct mode does to the enabled bit.</summary>
public enum SyntheticTimerSintZero : byte
{
    /// <summary>Clears it (TLFS timers).</summary>
    Disables = 0,

    /// <summary>Clears it if the timer was enabled before the write (KVM hyperv.c:stimer_set_config).</summary>
    DisablesIfEnabledBefore = 1,

    /// <summary>Nothing: SINT0 gets the messages (OpenVMM).</summary>
    Allowed = 2,
}

/// <summary>What a timer does that expires while its SINT's slot is busy.</summary>
public enum SyntheticTimerBusySlot : byte
{
    /// <summary>Its message waits in the SINT's queue; until it is delivered the timer does not expire again (TLFS).</summary>
    Queued = 0,

    /// <summary>
    /// A periodic tick is dropped without a pending flag. A one-shot sets the flag and waits for an EOM or EOI of its SINT (KVM).
    /// </summary>
    DropsPeriodic = 1,

    /// <summary>It sets the flag, stays due, and is tried on each pass (OpenVMM).</summary>
    StaysDue = 2,
}

/// <summary>When a periodic timer next expires, once an expiry was delivered or dropped.</summary>
public enum SyntheticTimerNextPeriod : byte
{
    /// <summary>One period after the last expiry, even if that is past: none is missed. Lazy timers drop those (TLFS).</summary>
    CatchesUpUnlessLazy = 0,

    /// <summary>The first multiple of the period after now: missed ones are dropped, the phase is kept (KVM stimer_start).</summary>
    DropsMissed = 1,

    /// <summary>One period after the delivery: the phase moves (OpenVMM).</summary>
    FromDelivery = 2,
}

/// <summary>The points on which synthetic timers differ. Each is read in one place; the presets are the three that are known.</summary>
public sealed record SyntheticTimerPolicy
{
    /// <summary>The Top-Level Functional Specification to the letter.</summary>
    public static SyntheticTimerPolicy Tlfs { get; } = new()
    {
        Start = SyntheticTimerStart.AtWrite,
        SintZero = SyntheticTimerSintZero.Disables,
        ReservedBitsFault = true,
        ZeroCountDisables = true,
        BusySlot = SyntheticTimerBusySlot.Queued,
        NextPeriod = SyntheticTimerNextPeriod.CatchesUpUnlessLazy,
        ComparesSigned = false,
        InterruptMustBeAccepted = false,
    };

    /// <summary>KVM's hyperv.c: every periodic timer behaves as if lazy.</summary>
    public static SyntheticTimerPolicy Kvm { get; } = new()
    {
        Start = SyntheticTimerStart.InPassExpiresInNext,
        SintZero = SyntheticTimerSintZero.DisablesIfEnabledBefore,
        ReservedBitsFault = false,
        ZeroCountDisables = true,
        BusySlot = SyntheticTimerBusySlot.DropsPeriodic,
        NextPeriod = SyntheticTimerNextPeriod.DropsMissed,
        ComparesSigned = false,
        InterruptMustBeAccepted = true,
    };

    /// <summary>OpenVMM's hv1_emulator (synic.rs).</summary>
    public static SyntheticTimerPolicy OpenVmm { get; } = new()
    {
        Start = SyntheticTimerStart.InPass,
        SintZero = SyntheticTimerSintZero.Allowed,
        ReservedBitsFault = false,
        ZeroCountDisables = false,
        BusySlot = SyntheticTimerBusySlot.StaysDue,
        NextPeriod = SyntheticTimerNextPeriod.FromDelivery,
        ComparesSigned = true,
        InterruptMustBeAccepted = false,
    };

    /// <summary>When a timer starts.</summary>
    public required SyntheticTimerStart Start { get; init; }

    /// <summary>What SINTx 0 does.</summary>
    public required SyntheticTimerSintZero SintZero { get; init; }

    /// <summary>Writing a reserved bit of the configuration (15:13, 63:20) is #GP.</summary>
    public required bool ReservedBitsFault { get; init; }

    /// <summary>Writing count 0 clears the enabled bit. If false the timer only stands still.</summary>
    public required bool ZeroCountDisables { get; init; }

    /// <summary>What happens at a busy slot.</summary>
    public required SyntheticTimerBusySlot BusySlot { get; init; }

    /// <summary>How periods follow each other.</summary>
    public required SyntheticTimerNextPeriod NextPeriod { get; init; }

    /// <summary>
    /// A count is past if the signed difference to the counter is not positive: 2⁶³ units or more ahead is past. If false, it is just far.
    /// </summary>
    public required bool ComparesSigned { get; init; }

    /// <summary>
    /// An expiry whose interrupt no APIC took (SINT masked, APIC software-disabled) counts as undelivered although its message is written;
    /// it is tried again at an EOM or EOI of the SINT, in direct mode never (KVM hyperv.c:stimer_expiration).
    /// </summary>
    public required bool InterruptMustBeAccepted { get; init; }
}
