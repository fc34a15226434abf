namespace ScenarioHv.Engine.Virtualization;

/// <summary>Why guest code stopped, in words that both vendors share; the vendor's own number is beside it.</summary>
internal enum ExitCause : byte
{
    None = 0,
    ExternalInterrupt,
    Nmi,
    InterruptWindow,
    NmiWindow,
    PreemptionTimer,
    EoiInduced,
    ApicWrite,
    ApicAccess,
    Mmio,
    Io,
    MsrRead,
    MsrWrite,
    Cr8Read,
    Cr8Write,
    Hlt,
    VmEnter,
    VmCall,
    Stgi,
    Clgi,
    Iret,
    SingleStep,
    EntryFailed,
    AvicIncompleteIpi,
    AvicUnacceleratedAccess,
    Cpuid,
    NestedPageFault,
}

/// <summary>One exit from guest code.</summary>
/// <param name="Cause">Why.</param>
/// <param name="Reason">The vendor's number: a VMX basic exit reason, or an SVM exit code with bit 63 set.</param>
/// <param name="Rip">Where the guest goes on: at the instruction for a fault-like exit, behind it for a trap-like one.</param>
/// <param name="Info1">Exit qualification, or EXITINFO1.</param>
/// <param name="InterruptionInformation">VM-exit interruption information; 0 if not valid.</param>
/// <param name="Value">What the guest stored, for a trap-like exit after an APIC write.</param>
/// <param name="Info2">EXITINFO2; 0 on Intel.</param>
/// <param name="Vectoring">The event whose delivery was cut: IDT-vectoring information or EXITINTINFO; 0 if there is none.</param>
internal readonly record struct GuestExit(
    ExitCause Cause,
    ulong Reason,
    ulong Rip,
    ulong Info1 = 0,
    uint InterruptionInformation = 0,
    uint Value = 0,
    ulong Info2 = 0,
    uint Vectoring = 0);

/// <summary>The last exit of a vCPU, until it enters again: plain data.</summary>
public struct ExitRecord
{
    /// <summary>The vendor's number, as in trace events.</summary>
    public ulong Reason;

    /// <summary>Where the guest goes on.</summary>
    public ulong Rip;

    /// <summary>Exit qualification, or EXITINFO1.</summary>
    public ulong Info1;

    /// <summary>EXITINFO2; 0 on Intel.</summary>
    public ulong Info2;

    /// <summary>VM-exit interruption information.</summary>
    public uint InterruptionInformation;

    /// <summary>What the guest stored, for a trap-like exit after an APIC write.</summary>
    public uint Value;

    /// <summary>The event whose delivery was cut; 0 if there is none.</summary>
    public uint Vectoring;

    /// <summary>Why, as a number.</summary>
    public uint Cause;

    internal static ExitRecord Of(in GuestExit exit) => new()
    {
        Reason = exit.Reason,
        Rip = exit.Rip,
        Info1 = exit.Info1,
        Info2 = exit.Info2,
        InterruptionInformation = exit.InterruptionInformation,
        Value = exit.Value,
        Vectoring = exit.Vectoring,
        Cause = (uint)exit.Cause,
    };

    internal readonly GuestExit ToExit() =>
        new((ExitCause)Cause, Reason, Rip, Info1, InterruptionInformation, Value, Info2, Vectoring);
}
