namespace ScenarioHv.Engine.Interrupts;

/// <summary>An entry of the local vector table; 0..5 lie at offset 320h + 10h × value, CMCI at 2F0h (SDM3 10.5.1).</summary>
public enum LvtEntry : byte
{
    /// <summary>The APIC timer, 320h.</summary>
    Timer = 0,

    /// <summary>The thermal sensor, 330h.</summary>
    Thermal = 1,

    /// <summary>Performance monitoring counters, 340h.</summary>
    Performance = 2,

    /// <summary>The LINT0 pin, 350h.</summary>
    Lint0 = 3,

    /// <summary>The LINT1 pin, 360h.</summary>
    Lint1 = 4,

    /// <summary>The APIC's own errors, 370h.</summary>
    Error = 5,

    /// <summary>Corrected machine-check interrupt, 2F0h; only if the version register counts seven entries.</summary>
    Cmci = 6,
}

/// <summary>The bits of an LVT entry that rules look at.</summary>
public static class LvtBits
{
    /// <summary>Remote IRR, read-only: a level, fixed LINT interrupt has been accepted and its EOI has not come.</summary>
    public const uint RemoteIrr = 1u << 14;

    /// <summary>Trigger mode level; LINT0 and LINT1 in fixed mode only.</summary>
    public const uint Level = 1u << 15;

    /// <summary>Masked.</summary>
    public const uint Mask = 1u << 16;

    /// <summary>Where the timer mode begins in the timer's entry.</summary>
    public const int TimerModeShift = 17;
}

/// <summary>Bits 18:17 of the LVT timer entry (SDM3 10.5.4).</summary>
public enum ApicTimerMode : byte
{
    /// <summary>Counts down once.</summary>
    OneShot = 0,

    /// <summary>Reloads from the initial count at each expiry.</summary>
    Periodic = 1,

    /// <summary>Expires when the TSC reaches IA32_TSC_DEADLINE.</summary>
    TscDeadline = 2,

    /// <summary>Reserved: the timer does not run.</summary>
    Reserved = 3,
}
