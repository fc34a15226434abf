namespace ScenarioHv.Engine.Interrupts;

/// <summary>The addresses of the SynIC's MSRs, per virtual processor (TLFS inter-partition-communication).</summary>
public static class SynIcMsr
{
    /// <summary>SCONTROL: bit 0 enables the SynIC.</summary>
    public const uint Scontrol = 0x4000_0080;

    /// <summary>SVERSION: reads 1; a guest's write is #GP.</summary>
    public const uint Sversion = 0x4000_0081;

    /// <summary>SIEFP: bit 0 enables the event flags page, 63:12 is its page.</summary>
    public const uint Siefp = 0x4000_0082;

    /// <summary>SIMP: bit 0 enables the message page, 63:12 is its page.</summary>
    public const uint Simp = 0x4000_0083;

    /// <summary>EOM: any write says that a slot was emptied; reads 0.</summary>
    public const uint Eom = 0x4000_0084;

    /// <summary>SINT0. SINTn follows at + n.</summary>
    public const uint Sint0 = 0x4000_0090;

    /// <summary>SINT15, the last.</summary>
    public const uint Sint15 = 0x4000_009F;

    /// <summary>Bit 0 of SCONTROL, SIEFP and SIMP.</summary>
    public const ulong EnableBit = 1;
}

/// <summary>One synthetic interrupt source register (TLFS inter-partition-communication; hvgdk_mini.h for bits 19 and 20).</summary>
/// <param name="Value">The 64 bits of the register.</param>
public readonly record struct SynIcSint(ulong Value)
{
    /// <summary>The value after reset: masked, vector 0.</summary>
    public const ulong Reset = 0x1_0000;

    /// <summary>Bit 16.</summary>
    public const ulong MaskedBit = 1UL << 16;

    /// <summary>Bit 17.</summary>
    public const ulong AutoEoiBit = 1UL << 17;

    /// <summary>Bit 18.</summary>
    public const ulong PollingBit = 1UL << 18;

    /// <summary>Bit 20.</summary>
    public const ulong ProxyBit = 1UL << 20;

    /// <summary>The first vector that a SINT may have; 0..15 are reserved.</summary>
    public const int FirstValidVector = 16;

    /// <summary>The vector, bits 7:0.</summary>
    public byte Vector => (byte)Value;

    /// <summary>Bit 16: the source raises nothing.</summary>
    public bool IsMasked => (Value & MaskedBit) != 0;

    /// <summary>Bit 17: the interrupt ends as it is dispensed.</summary>
    public bool IsAutoEoi => (Value & AutoEoiBit) != 0;

    /// <summary>Bit 18: unmasked, and yet without interrupts: the guest looks at its pages.</summary>
    public bool IsPolling => (Value & PollingBit) != 0;

    /// <summary>Bit 20: the host serves the source.</summary>
    public bool IsProxy => (Value & ProxyBit) != 0;

    /// <summary>Unmasked, with a legal vector: an EOI of <see cref="Vector"/> concerns this source.</summary>
    public bool IsConnected => !IsMasked && Vector >= FirstValidVector;
}

/// <summary>A fixed, edge interrupt from the SynIC to the local APIC of its own virtual processor.</summary>
/// <param name="Vector">The vector.</param>
/// <param name="IsAutoEoi">The AutoEOI bit of the source when the interrupt was raised; false from a timer in direct mode.</param>
public readonly record struct SynIcInterrupt(byte Vector, bool IsAutoEoi)
{
    /// <summary>The message that the local APIC accepts (KVM hyperv.c:synic_set_irq sends it with shorthand self).</summary>
    /// <param name="apicId">The APIC ID of the virtual processor.</param>
    public ApicMessage ToMessage(uint apicId) => new() { Destination = apicId, Vector = Vector, Mode = DeliveryMode.Fixed };
}

/// <summary>What a write to a SynIC or timer MSR did.</summary>
/// <param name="IsFault">#GP: nothing was written.</param>
/// <param name="Rescan">
/// Bit n: SINTn asks for its undelivered messages: <see cref="SynIc.TryDeliverQueued"/> and <see cref="SyntheticTimers.Acknowledge"/>.
/// </param>
/// <param name="AutoEoiChange">
/// +1 if this virtual processor now has its first AutoEOI vector, −1 if it lost its last, else 0. KVM counts these over the machine and
/// inhibits APICv while the sum is not 0 (KVM hyperv.c:synic_update_vector).
/// </param>
public readonly record struct SynIcWrite(bool IsFault, ushort Rescan = 0, int AutoEoiChange = 0)
{
    /// <summary>#GP.</summary>
    public static SynIcWrite Fault => new(true);
}
