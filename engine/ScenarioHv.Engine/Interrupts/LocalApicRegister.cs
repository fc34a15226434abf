namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// Offsets of the local APIC registers in the xAPIC page (SDM3 10.4.1). The x2APIC MSR of a register is 800h + (offset >> 4).
/// </summary>
public static class LocalApicRegister
{
    /// <summary>APIC ID, 31:24.</summary>
    public const int Id = 0x020;

    /// <summary>Version, read-only.</summary>
    public const int Version = 0x030;

    /// <summary>Task priority.</summary>
    public const int Tpr = 0x080;

    /// <summary>Arbitration priority; reads 0 since the Pentium 4.</summary>
    public const int Apr = 0x090;

    /// <summary>Processor priority, read-only.</summary>
    public const int Ppr = 0x0A0;

    /// <summary>End of interrupt, write-only.</summary>
    public const int Eoi = 0x0B0;

    /// <summary>Remote read; obsolete, reads 0.</summary>
    public const int Rrd = 0x0C0;

    /// <summary>Logical destination, 31:24.</summary>
    public const int Ldr = 0x0D0;

    /// <summary>Destination format, 31:28.</summary>
    public const int Dfr = 0x0E0;

    /// <summary>Spurious-interrupt vector.</summary>
    public const int Svr = 0x0F0;

    /// <summary>In service, eight registers from here, read-only.</summary>
    public const int Isr = 0x100;

    /// <summary>Trigger mode, eight registers from here, read-only.</summary>
    public const int Tmr = 0x180;

    /// <summary>Interrupt request, eight registers from here, read-only.</summary>
    public const int Irr = 0x200;

    /// <summary>Error status.</summary>
    public const int Esr = 0x280;

    /// <summary>LVT CMCI.</summary>
    public const int LvtCmci = 0x2F0;

    /// <summary>Interrupt command, low half: writing it sends.</summary>
    public const int IcrLow = 0x300;

    /// <summary>Interrupt command, high half: the destination, 31:24.</summary>
    public const int IcrHigh = 0x310;

    /// <summary>LVT timer.</summary>
    public const int LvtTimer = 0x320;

    /// <summary>LVT thermal sensor.</summary>
    public const int LvtThermal = 0x330;

    /// <summary>LVT performance counters.</summary>
    public const int LvtPerformance = 0x340;

    /// <summary>LVT LINT0.</summary>
    public const int LvtLint0 = 0x350;

    /// <summary>LVT LINT1.</summary>
    public const int LvtLint1 = 0x360;

    /// <summary>LVT error.</summary>
    public const int LvtError = 0x370;

    /// <summary>Timer initial count.</summary>
    public const int TimerInitialCount = 0x380;

    /// <summary>Timer current count, read-only.</summary>
    public const int TimerCurrentCount = 0x390;

    /// <summary>Timer divide configuration, bits 3, 1 and 0.</summary>
    public const int TimerDivide = 0x3E0;

    /// <summary>Self IPI, write-only, in x2APIC mode alone (MSR 83Fh).</summary>
    public const int SelfIpi = 0x3F0;

    /// <summary>The size of the page.</summary>
    public const int PageSize = 0x1000;
}

/// <summary>The spurious-interrupt vector register beside its vector, 7:0 (SDM3 10.9).</summary>
public static class SvrBits
{
    /// <summary>APIC software enable.</summary>
    public const uint Enable = 1u << 8;

    /// <summary>Focus processor checking disabled; kept and without effect since the Pentium 4.</summary>
    public const uint FocusDisable = 1u << 9;

    /// <summary>EOIs are not broadcast; exists if <see cref="LocalApicOptions.EoiBroadcastSuppression"/> is shown.</summary>
    public const uint SuppressEoiBroadcast = 1u << 12;
}

/// <summary>Error status register (SDM3 10.5.3). Bits 3:0 belong to the P6 bus and never appear.</summary>
[Flags]
public enum ApicErrors : byte
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>A lowest-priority IPI was sent where they are not supported. This APIC supports them, so it never sets this bit.</summary>
    RedirectableIpi = 1 << 4,

    /// <summary>An IPI with vector 0..15 was to be sent.</summary>
    SendIllegalVector = 1 << 5,

    /// <summary>A message or local interrupt with vector 0..15 arrived.</summary>
    ReceiveIllegalVector = 1 << 6,

    /// <summary>A reserved offset of the page was accessed.</summary>
    IllegalRegisterAddress = 1 << 7,
}
