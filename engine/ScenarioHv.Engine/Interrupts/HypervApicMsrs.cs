using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>What implementations of the Hyper-V APIC MSRs check differently.</summary>
public enum HypervApicMsrRule : byte
{
    /// <summary>TPR above FFh is #GP (TLFS: 63:8 RsvdZ; OpenVMM).</summary>
    Tlfs = 0,

    /// <summary>
    /// TPR bits 31:8 are ignored and 63:32 are #GP; ICR is checked for the reserved bits of the x2APIC register even in xAPIC mode
    /// (KVM lapic.c:kvm_lapic_msr_write, kvm_x2apic_icr_write).
    /// </summary>
    Kvm = 1,
}

/// <summary>
/// The accelerated local APIC registers, MSRs 40000070h..72h (TLFS virtual-interrupts): the same registers as in the page, by another door.
/// For an APIC in xAPIC mode; that it is enabled is the caller's to know.
/// </summary>
public static class HypervApicMsrs
{
    /// <summary>HV_X64_MSR_EOI, write only.</summary>
    public const uint Eoi = 0x4000_0070;

    /// <summary>HV_X64_MSR_ICR: high half in 63:32, with the destination in 63:56; low half in 31:0.</summary>
    public const uint Icr = 0x4000_0071;

    /// <summary>HV_X64_MSR_TPR, 7:0.</summary>
    public const uint Tpr = 0x4000_0072;

    private const ulong X2ApicIcrReserved = 0xFFF3_2000;

    /// <summary>RDMSR.</summary>
    /// <param name="apic">The local APIC.</param>
    /// <param name="msr">The address.</param>
    /// <param name="value">The value; 0 with #GP.</param>
    /// <returns>False: #GP, for EOI or an address that is none of these.</returns>
    public static bool TryRead(in LocalApic apic, uint msr, out ulong value)
    {
        value = msr switch
        {
            Icr => (ulong)apic.IcrHigh << 32 | apic.IcrLow,
            Tpr => apic.Tpr,
            _ => 0,
        };
        return msr is Icr or Tpr;
    }

    /// <summary>WRMSR. An ICR write stores the high half and then sends with the low one.</summary>
    /// <param name="apic">The local APIC.</param>
    /// <param name="msr">The address.</param>
    /// <param name="value">The value.</param>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The APIC timer's clocks.</param>
    /// <param name="rule">Whose checks.</param>
    /// <param name="effect">What leaves the APIC; nothing with #GP.</param>
    /// <returns>False: #GP.</returns>
    public static bool TryWrite(
        ref LocalApic apic, uint msr, ulong value, Instant now, in LocalApicTimerClock clock, HypervApicMsrRule rule,
        out RegisterWriteEffect effect)
    {
        effect = default;
        bool isKvm = rule == HypervApicMsrRule.Kvm;
        switch (msr)
        {
            case Eoi when value >> 32 == 0:
                effect = apic.Write(LocalApicRegister.Eoi, (uint)value, now, clock);
                return true;
            case Icr when !isKvm || (value & X2ApicIcrReserved) == 0:
                apic.Write(LocalApicRegister.IcrHigh, (uint)(value >> 32), now, clock);
                effect = apic.Write(LocalApicRegister.IcrLow, (uint)value, now, clock);
                return true;
            case Tpr when value >> (isKvm ? 32 : 8) == 0:
                effect = apic.Write(LocalApicRegister.Tpr, (byte)value, now, clock);
                return true;
            default:
                return false;
        }
    }
}
