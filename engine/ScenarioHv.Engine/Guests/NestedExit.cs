namespace ScenarioHv.Engine.Guests;

/// <summary>
/// Why a guest's own guest came back, in words that both vendors share. The numbers are VMX basic exit reasons (SDM3 appendix C) where VMX
/// has one.
/// </summary>
public enum ExitKind : ushort
{
    /// <summary>The entry failed its checks: the guest did not run.</summary>
    EntryFailed = 33,

    /// <summary>NMI.</summary>
    Nmi = 0,

    /// <summary>External interrupt: acknowledged or not, as the exit controls say; never on AMD, where it is called INTR.</summary>
    ExternalInterrupt = 1,

    /// <summary>Interrupt window: the guest could take an interrupt now.</summary>
    InterruptWindow = 7,

    /// <summary>NMI window.</summary>
    NmiWindow = 8,

    /// <summary>HLT.</summary>
    Hlt = 12,

    /// <summary>VMCALL or VMMCALL.</summary>
    VmCall = 18,

    /// <summary>IN or OUT.</summary>
    IoInstruction = 30,

    /// <summary>RDMSR.</summary>
    MsrRead = 31,

    /// <summary>WRMSR.</summary>
    MsrWrite = 32,
}

/// <summary>What the exit of a nested guest left for its hypervisor.</summary>
public struct NestedExit
{
    /// <summary>Operand of the instruction: value written, hypercall number.</summary>
    public ulong Value;

    /// <summary>Address of the guest's instruction.</summary>
    public ulong Rip;

    /// <summary>VM-exit interruption information; 0 if not valid (no acknowledge on exit, or AMD).</summary>
    public uint InterruptionInformation;

    /// <summary>Port or MSR of the instruction.</summary>
    public uint Code;

    /// <summary>The reason.</summary>
    public ExitKind Kind;

    /// <summary>1 if the guest's RFLAGS.IF was set.</summary>
    public byte GuestInterruptFlag;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved2;

    /// <summary>True if the reason is <paramref name="kind"/>.</summary>
    public readonly bool Is(ExitKind kind) => Kind == kind;

    /// <summary>
    /// True if the reason is <paramref name="kind"/> and the processor acknowledged <paramref name="vector"/> at the exit.
    /// </summary>
    public readonly bool Is(ExitKind kind, out byte vector)
    {
        vector = (byte)InterruptionInformation;
        return Kind == kind && (InterruptionInformation >> 31) != 0;
    }
}
