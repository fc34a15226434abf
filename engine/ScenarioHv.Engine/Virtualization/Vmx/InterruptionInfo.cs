namespace ScenarioHv.Engine.Virtualization.Vmx;

/// <summary>Interruption type, bits 10:8 of an interruption-information word (SDM3 24.8.3, table 24-14).</summary>
public enum InterruptionType : byte
{
    /// <summary>External interrupt.</summary>
    ExternalInterrupt = 0,

    /// <summary>Reserved.</summary>
    Reserved = 1,

    /// <summary>NMI.</summary>
    Nmi = 2,

    /// <summary>Hardware exception.</summary>
    HardwareException = 3,

    /// <summary>Software interrupt (INT n).</summary>
    SoftwareInterrupt = 4,

    /// <summary>Privileged software exception (INT1).</summary>
    PrivilegedSoftwareException = 5,

    /// <summary>Software exception (INT3, INTO).</summary>
    SoftwareException = 6,

    /// <summary>Other event; with vector 0 a pending MTF VM exit.</summary>
    OtherEvent = 7,
}

/// <summary>
/// The interruption-information words: VM-entry (0x4016), VM-exit (0x4404) and IDT-vectoring (0x4408), which share vector 7:0, type 10:8,
/// error code 11 and valid 31 (SDM3 24.8.3, 24.9.2, 24.9.3). SVM's EVENTINJ and EXITINTINFO have the same low half.
/// </summary>
public static class InterruptionInfo
{
    /// <summary>The word is valid.</summary>
    public const uint Valid = 1u << 31;

    /// <summary>An error code belongs to it.</summary>
    public const uint ErrorCodeValid = 1u << 11;

    /// <summary>
    /// VM-exit information only: the IRET that faulted had unblocked NMIs. Reserved at VM entry, undefined in IDT-vectoring information.
    /// </summary>
    public const uint NmiUnblockingDueToIret = 1u << 12;

    /// <summary>An NMI: valid, type 2, vector 2.</summary>
    public const uint Nmi = Valid | ((uint)InterruptionType.Nmi << 8) | 2;

    /// <summary>A pending MTF VM exit: valid, type 7, vector 0.</summary>
    public const uint MonitorTrap = Valid | ((uint)InterruptionType.OtherEvent << 8);

    /// <summary>An external interrupt: 0x80000000 + vector.</summary>
    public static uint ExternalInterrupt(byte vector) => Valid | vector;

    /// <summary>A hardware exception.</summary>
    /// <param name="vector">Its vector, 0..31.</param>
    /// <param name="errorCode">True if an error code belongs to it.</param>
    public static uint HardwareException(byte vector, bool errorCode = false) =>
        Make(InterruptionType.HardwareException, vector, errorCode);

    /// <summary>Any valid word.</summary>
    /// <param name="type">The type.</param>
    /// <param name="vector">The vector.</param>
    /// <param name="errorCode">True if an error code belongs to it.</param>
    public static uint Make(InterruptionType type, byte vector, bool errorCode = false) =>
        Valid | ((uint)type << 8) | vector | (errorCode ? ErrorCodeValid : 0);

    /// <summary>True if bit 31 is set.</summary>
    public static bool IsValid(uint word) => (word & Valid) != 0;

    /// <summary>Bits 10:8.</summary>
    public static InterruptionType Type(uint word) => (InterruptionType)((word >> 8) & 7);

    /// <summary>True for a valid word whose type is NMI.</summary>
    public static bool IsNmi(uint word) => IsValid(word) && Type(word) == InterruptionType.Nmi;

    /// <summary>Bits 7:0.</summary>
    public static byte Vector(uint word) => (byte)word;

    /// <summary>Bit 11.</summary>
    public static bool HasErrorCode(uint word) => (word & ErrorCodeValid) != 0;
}
