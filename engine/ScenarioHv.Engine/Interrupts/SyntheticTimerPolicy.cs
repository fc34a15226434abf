namespace ScenarioHv.Engine.Interrupts;

/// <summary>When an enabled timer starts to run after a write to its MSRs.</summary>
public enum SyntheticTimerStart : byte
{
    /// <summary>With the write: a period is counted from there (TLFS).</summary>
    AtWrite = 0,

    /// <summary>In the next pass; one that is past expires in the same pass (OpenVMM synic.rs:evaluate).</summary>
    InPass = 1,

    /// <summary>
    /// In the next pass; one that is past expires in the pass after, behind the higher timers (KVM hyperv.c:stimer_start).
    /// </summary>
    InPassExpiresInNext = 2,
}

/// <summary>What a configuration with SINTx 0 and no direct mode does to the enabled bit.</summary>
public enum SyntheticTimerSintZero : byte
{
    /// <summary>Clears it (TLFS timers).</summary>
    Disables = 0,

    /// <summary>Clears it if the timer was enabled before the write (KVM hyperv.c:stimer_set_config).</summary>
    DisablesIfEnabledBefore = 1,

    /// <summary>Nothing: SINT0 gets the messages (OpenVMM synic.rs).</summary>
    Allowed = 2,
}

/// <summary>What a timer does that expires while its SINT's slot is busy.</summary>
public enum SyntheticTimerBusySlot : byte
{
    /// <summary>Its message waits in the SINT's queue; until it is delivered the timer does not expire again (TLFS).</summary>
    Queued = 0,

    /// <summary>
    /// A periodic tick is dropped without a pending flag. A one-shot sets the flag and waits for an EOM or EOI of its SINT (KVM
    /// hyperv.c:stimer_send_msg).
    /// </summary>
    DropsPeriodic = 1,

    /// <summary>It sets the flag, stays due, and is tried on each pass (OpenVMM synic.rs).</summary>
    StaysDue = 2,
}

/// <summary>When a periodic timer next expires, once an expiry was delivered or dropped.</summary>
public enum SyntheticTimerNextPeriod : byte
{
    /// <summary>One period after the last expiry, even if that is past: none is missed. Lazy timers drop those (TLFS).</summary>
    CatchesUpUnlessLazy = 0,

    /// <summary>
    /// The first multiple of the period after now: missed ones are dropped, the phase is kept (KVM hyperv.c:stimer_start).
    /// </summary>
    DropsMissed = 1,

    /// <summary>One period after the delivery: the phase moves (OpenVMM synic.rs).</summary>
    FromDelivery = 2,
}

/// <summary>What writing a reserved bit of the configuration (15:13, 63:20) does.</summary>
public enum SyntheticTimerReservedBits : byte
{
    /// <summary>#GP (TLFS).</summary>
    Fault = 0,

    /// <summary>They are stored (KVM hyperv.c:stimer_set_config; OpenVMM synic.rs).</summary>
    Stored = 1,
}

/// <summary>What writing count 0 does.</summary>
public enum SyntheticTimerZeroCount : byte
{
    /// <summary>It clears the enabled bit (TLFS; KVM hyperv.c:stimer_set_count).</summary>
    Disables = 0,

    /// <summary>The timer stands still; its enabled bit stays (OpenVMM synic.rs).</summary>
    StandsStill = 1,
}

/// <summary>What a count is that lies 2⁶³ units or more ahead.</summary>
public enum SyntheticTimerFarCount : byte
{
    /// <summary>Just far (TLFS; KVM hyperv.c:stimer_start).</summary>
    Future = 0,

    /// <summary>Past, because the signed difference to the counter is not positive (OpenVMM synic.rs:evaluate).</summary>
    Past = 1,
}

/// <summary>How an expiry counts whose interrupt no APIC takes (SINT masked, APIC software-disabled).</summary>
public enum SyntheticTimerLostInterrupt : byte
{
    /// <summary>As delivered: the message is written (TLFS; OpenVMM synic.rs).</summary>
    Delivered = 0,

    /// <summary>
    /// As undelivered although the message is written: it is tried again at an EOM or EOI of the SINT, in direct mode never (KVM
    /// hyperv.c:stimer_expiration).
    /// </summary>
    Undelivered = 1,
}

/// <summary>
/// The points on which synthetic timers differ. Each is read in one place; the presets are the three that are known, and the default is
/// <see cref="Tlfs"/>.
/// </summary>
public readonly record struct SyntheticTimerPolicy
{
    /// <summary>The Top-Level Functional Specification to the letter.</summary>
    public static SyntheticTimerPolicy Tlfs => default;

    /// <summary>KVM's hyperv.c: every periodic timer behaves as if lazy.</summary>
    public static SyntheticTimerPolicy Kvm => new()
    {
        Start = SyntheticTimerStart.InPassExpiresInNext,
        SintZero = SyntheticTimerSintZero.DisablesIfEnabledBefore,
        ReservedBits = SyntheticTimerReservedBits.Stored,
        BusySlot = SyntheticTimerBusySlot.DropsPeriodic,
        NextPeriod = SyntheticTimerNextPeriod.DropsMissed,
        LostInterrupt = SyntheticTimerLostInterrupt.Undelivered,
    };

    /// <summary>OpenVMM's hv1_emulator (synic.rs).</summary>
    public static SyntheticTimerPolicy OpenVmm => new()
    {
        Start = SyntheticTimerStart.InPass,
        SintZero = SyntheticTimerSintZero.Allowed,
        ReservedBits = SyntheticTimerReservedBits.Stored,
        ZeroCount = SyntheticTimerZeroCount.StandsStill,
        BusySlot = SyntheticTimerBusySlot.StaysDue,
        NextPeriod = SyntheticTimerNextPeriod.FromDelivery,
        FarCount = SyntheticTimerFarCount.Past,
    };

    /// <summary>When a timer starts.</summary>
    public SyntheticTimerStart Start { get; init; }

    /// <summary>What SINTx 0 does.</summary>
    public SyntheticTimerSintZero SintZero { get; init; }

    /// <summary>What a reserved bit of the configuration does.</summary>
    public SyntheticTimerReservedBits ReservedBits { get; init; }

    /// <summary>What count 0 does.</summary>
    public SyntheticTimerZeroCount ZeroCount { get; init; }

    /// <summary>What happens at a busy slot.</summary>
    public SyntheticTimerBusySlot BusySlot { get; init; }

    /// <summary>How periods follow each other.</summary>
    public SyntheticTimerNextPeriod NextPeriod { get; init; }

    /// <summary>What a count far ahead is.</summary>
    public SyntheticTimerFarCount FarCount { get; init; }

    /// <summary>How an expiry counts whose interrupt is lost.</summary>
    public SyntheticTimerLostInterrupt LostInterrupt { get; init; }
}
