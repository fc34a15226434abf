namespace ScenarioHv.Engine.Interrupts;

/// <summary>Delivery mode, bits 10:8 of an ICR, RTE, LVT entry or MSI data word (SDM3 10.6.1, 10.11.2).</summary>
public enum DeliveryMode : byte
{
    /// <summary>Deliver the vector to every destination.</summary>
    Fixed = 0,

    /// <summary>Deliver the vector to the one destination with the lowest priority.</summary>
    LowestPriority = 1,

    /// <summary>System management interrupt; the vector is ignored.</summary>
    Smi = 2,

    /// <summary>Reserved (remote read in old parts).</summary>
    Reserved3 = 3,

    /// <summary>Non-maskable interrupt; the vector is ignored.</summary>
    Nmi = 4,

    /// <summary>INIT.</summary>
    Init = 5,

    /// <summary>Start-up IPI; the vector is the page of the start address.</summary>
    StartUp = 6,

    /// <summary>External interrupt: the vector comes from the 8259A.</summary>
    ExtInt = 7,
}

/// <summary>
/// An interrupt message on its way to local APICs: what an MSI write, an I/O APIC and an ICR write have in common.
/// It is addressed by number; who matches is decided by each local APIC (SDM3 10.6.2).
/// </summary>
public struct ApicMessage
{
    /// <summary>
    /// Destination: an APIC ID, or a logical message destination address (MDA). 8 bits from an RTE or MSI, 32 in x2APIC mode.
    /// </summary>
    public uint Destination;

    /// <summary>The vector, 0..255. 0..15 are illegal for Fixed and LowestPriority.</summary>
    public byte Vector;

    /// <summary>The delivery mode.</summary>
    public DeliveryMode Mode;

    /// <summary>How destination, trigger and level are meant.</summary>
    public ApicMessageFlags Flags;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;

    /// <summary>True if <see cref="Destination"/> is a logical address.</summary>
    public readonly bool IsLogical => (Flags & ApicMessageFlags.Logical) != 0;

    /// <summary>True for trigger mode level.</summary>
    public readonly bool IsLevel => (Flags & ApicMessageFlags.Level) != 0;

    /// <summary>True unless this is a level de-assert.</summary>
    public readonly bool IsAssert => (Flags & ApicMessageFlags.Deassert) == 0;

    /// <summary>True if the MSI redirection hint (address bit 3) is set.</summary>
    public readonly bool HasRedirectionHint => (Flags & ApicMessageFlags.RedirectionHint) != 0;
}

/// <summary>The one-bit fields of an <see cref="ApicMessage"/>.</summary>
[Flags]
public enum ApicMessageFlags : byte
{
    /// <summary>Physical destination, edge, no hint.</summary>
    None = 0,

    /// <summary>Destination mode: logical.</summary>
    Logical = 1,

    /// <summary>Trigger mode: level.</summary>
    Level = 2,

    /// <summary>Level de-assert (bit 14 clear with trigger mode level).</summary>
    Deassert = 4,

    /// <summary>MSI redirection hint.</summary>
    RedirectionHint = 8,
}
