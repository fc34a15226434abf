using System.Runtime.InteropServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// A local APIC, disabled, in xAPIC or in x2APIC mode (SDM3 chapter APIC; section numbers of the edition where it is chapter 10).
/// It knows no other controller: messages come in through <see cref="Accept(in ApicMessage)"/>,
/// and what leaves is returned. Where implementations
/// differ, <see cref="Policies"/> decides.
/// </summary>
/// <remarks>
/// The default value is not a local APIC: call <see cref="Reset"/> first. State and priorities are in this file; acceptance, local vector
/// table, IPIs, timer, modes, register page and MSRs are in files of their own. What is not modelled stands at the end of this one.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public partial struct LocalApic
{
    private const uint LvtReset = LvtBits.Mask;
    private const uint DfrReset = 0xFFFF_FFFF;
    private const uint SvrReset = 0x0000_00FF;
    private const uint BspLint0ExtInt = 0x0000_0700;

    /// <summary>Interrupt request register: accepted, not yet dispensed.</summary>
    public Register256 Irr;

    /// <summary>In-service register: dispensed, EOI not yet written.</summary>
    public Register256 Isr;

    /// <summary>Trigger mode register: 1 = the vector's latest accepted message was level. Written at acceptance only.</summary>
    public Register256 Tmr;

    /// <summary>When the timer next expires, in any of its modes; <see cref="Instant.Never"/> if it is not running.</summary>
    public Instant TimerDeadline;

    /// <summary>
    /// How much later than exact <see cref="TimerDeadline"/> is, in cycles / BusHz (0..BusHz − 1). The next period is counted from the
    /// exact moment, so a periodic timer does not drift.
    /// </summary>
    public long TimerDeadlineExcess;

    /// <summary>A TSC deadline 2⁶² cycles or more ahead, as written; it never comes. 0 if there is none.</summary>
    public ulong FarTscDeadline;

    /// <summary>When the initial count was written; kept only with <see cref="TimerModeSwitchPolicy.RecomputedFromLoad"/>.</summary>
    public Instant TimerLoaded;

    /// <summary>IA32_APIC_BASE (MSR 1Bh), see <see cref="WriteApicBase"/>.</summary>
    public ulong ApicBase;

    /// <summary>How this APIC differs from others; fixed at RESET.</summary>
    public LocalApicPolicies Policies;

    /// <summary>APIC ID register: 31:24 in xAPIC mode, all 32 bits in x2APIC mode.</summary>
    public uint Id;

    /// <summary>The hardware-assigned ID: the x2APIC ID, and its low byte the initial xAPIC ID.</summary>
    public uint HardwareId;

    /// <summary>Version register.</summary>
    public uint Version;

    /// <summary>Logical destination register: 31:24 in xAPIC mode; derived from the ID in x2APIC mode.</summary>
    public uint Ldr;

    /// <summary>Destination format register; 27:0 are ones.</summary>
    public uint Dfr;

    /// <summary>Spurious-interrupt vector register.</summary>
    public uint Svr;

    /// <summary>Interrupt command register, low half, as last written.</summary>
    public uint IcrLow;

    /// <summary>Interrupt command register, high half: destination in 31:24, in x2APIC mode in all bits.</summary>
    public uint IcrHigh;

    /// <summary>
    /// The high half that belongs to the other of the modes xAPIC and x2APIC, with <see cref="IcrAcrossModesPolicy.TwoHighHalves"/>.
    /// </summary>
    public uint OtherIcrHigh;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved;

    /// <summary>LVT timer.</summary>
    public uint LvtTimer;

    /// <summary>LVT thermal sensor.</summary>
    public uint LvtThermal;

    /// <summary>LVT performance counters.</summary>
    public uint LvtPerformance;

    /// <summary>LVT LINT0.</summary>
    public uint LvtLint0;

    /// <summary>LVT LINT1.</summary>
    public uint LvtLint1;

    /// <summary>LVT error.</summary>
    public uint LvtError;

    /// <summary>LVT CMCI.</summary>
    public uint LvtCmci;

    /// <summary>Timer initial count.</summary>
    public uint TimerInitialCount;

    /// <summary>Task priority register.</summary>
    public byte Tpr;

    /// <summary>Processor priority register: follows TPR and ISR, see <see cref="UpdatePpr"/>.</summary>
    public byte Ppr;

    /// <summary>Errors since the last write to ESR; not visible until the next (SDM3 10.5.3).</summary>
    public ApicErrors PendingErrors;

    /// <summary>The readable error status: the errors latched by the last write to ESR.</summary>
    public ApicErrors Esr;

    /// <summary>Timer divide configuration, bits 3, 1 and 0.</summary>
    public byte TimerDivide;

    /// <summary>Which LINT inputs are asserted: bit 0 LINT0, bit 1 LINT1. Wires, not registers: RESET and INIT leave them.</summary>
    public byte LintLevels;

    /// <summary>MAXPHYADDR; fixed at RESET.</summary>
    public byte PhysicalAddressBits;

    /// <summary>What this model has; fixed at RESET.</summary>
    public LocalApicFeatures Features;

    /// <summary>The APIC ID in xAPIC mode, 0..255; in x2APIC mode its low byte.</summary>
    public readonly byte ApicId => (byte)PhysicalId;

    /// <summary>The APIC ID: 8 bits from the ID register, or all 32 in x2APIC mode.</summary>
    public readonly uint PhysicalId => Mode == ApicMode.X2Apic ? Id : Id >> 24;

    /// <summary>SVR bit 8: the APIC accepts fixed interrupts.</summary>
    public readonly bool IsSoftwareEnabled => (Svr & SvrBits.Enable) != 0;

    /// <summary>RESET: every register gets the value of SDM3 10.4.7.1, the mode is xAPIC. The LINT inputs keep their levels.</summary>
    /// <param name="apicId">
    /// The hardware-assigned APIC ID, 0..254 (255 is the broadcast address). With x2APIC also 256..FFFFFh; its low byte is then what xAPIC
    /// mode shows.
    /// </param>
    /// <param name="bsp">This is the boot processor's.</param>
    /// <param name="options">The model of APIC, made by its constructor.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="apicId"/> is 255, or above 254 without x2APIC, or above FFFFFh.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="options"/> is the default value, or its <see cref="LocalApicOptions.PhysicalAddressBits"/> out of range.
    /// </exception>
    public void Reset(uint apicId, bool bsp, in LocalApicOptions options)
    {
        if (apicId > (options.HasX2Apic ? MaxX2ApicId : Broadcast - 1) || apicId == Broadcast)
            throw new ArgumentOutOfRangeException(nameof(apicId), apicId, "An APIC ID is 0..254, with x2APIC also 256..FFFFFh.");
        if (options.Version == 0)
            throw new ArgumentException("The options have no version: start from LocalApicOptions.Architectural.", nameof(options));
        if (options.PhysicalAddressBits is < 36 or > 52)
            throw new ArgumentException("MAXPHYADDR is 36..52.", nameof(options));
        HardwareId = apicId;
        Id = apicId << 24;
        Version = options.Version;
        Policies = options.Policies;
        PhysicalAddressBits = options.PhysicalAddressBits;
        Features = (options.HasX2Apic ? LocalApicFeatures.X2Apic : 0)
            | (options.HasTscDeadline ? LocalApicFeatures.TscDeadline : 0)
            | (bsp && options.BspLint0IsExtInt ? LocalApicFeatures.Lint0ResetsToExtInt : 0);
        ApicBase = ApicBaseBits.DefaultAddress | ApicBaseBits.Enable | (bsp ? ApicBaseBits.Bsp : 0);
        Init();
    }

    /// <summary>
    /// INIT as the core takes it: like RESET, but IA32_APIC_BASE, the mode and the APIC ID stay, and with x2APIC mode the LDR that follows
    /// from it (SDM3 10.4.7.3, 10.12.5.1). The timer is stopped.
    /// </summary>
    public void Init()
    {
        LocalApic reset = default;
        reset.Id = Id;
        reset.Version = Version;
        reset.HardwareId = HardwareId;
        reset.ApicBase = ApicBase;
        reset.Policies = Policies;
        reset.PhysicalAddressBits = PhysicalAddressBits;
        reset.Features = Features;
        reset.Ldr = Mode == ApicMode.X2Apic ? X2ApicLdr(Id) : 0;
        reset.LintLevels = LintLevels;
        reset.Dfr = DfrReset;
        reset.Svr = SvrReset;
        reset.LvtLint0 = (Features & LocalApicFeatures.Lint0ResetsToExtInt) != 0 ? BspLint0ExtInt : LvtReset;
        reset.LvtTimer = reset.LvtThermal = reset.LvtPerformance = reset.LvtLint1 = reset.LvtError = LvtReset;
        reset.LvtCmci = HasCmci ? LvtReset : 0;
        reset.TimerDeadline = reset.TimerLoaded = Instant.Never;
        this = reset;
    }

    /// <summary>
    /// The vector that INTA would get from IRR now, or −1. A fixed interrupt needs a class (vector 7:4) strictly above PPR's
    /// (SDM3 10.8.3.1). A hardware-disabled APIC delivers nothing; a software-disabled one as
    /// <see cref="LocalApicPolicies.PendingWhileDisabled"/> has it.
    /// </summary>
    public readonly int HighestDeliverable()
    {
        int vector = Irr.Highest;
        return IsAbovePpr(vector) && Dispenses ? vector : -1;
    }

    /// <summary>Moves a deliverable vector from IRR to ISR and raises PPR: what INTA does when it takes it (SDM3 10.8.4).</summary>
    /// <param name="vector">As <see cref="HighestDeliverable"/> returned it.</param>
    /// <exception cref="InvalidOperationException">The vector is not in IRR, or its class is not above PPR's.</exception>
    public void Dispense(int vector)
    {
        if (!Irr.Contains(vector) || !IsAbovePpr(vector))
            ThrowNotDeliverable(vector);
        Irr.Clear(vector);
        Isr.Set(vector);
        Ppr = (byte)(vector & 0xF0);
    }

    /// <summary>
    /// INTA: dispenses the highest deliverable vector and returns it. If none is deliverable any more, the spurious vector SVR[7:0] is
    /// returned and ISR does not change; its handler must not write EOI (SDM3 10.9). With <see cref="SpuriousVectorPolicy.Never"/> it
    /// is −1.
    /// </summary>
    public int Acknowledge()
    {
        int vector = HighestDeliverable();
        if (vector < 0)
            return Policies.SpuriousVector == SpuriousVectorPolicy.Never ? -1 : (byte)Svr;
        Dispense(vector);
        return vector;
    }

    /// <summary>
    /// EOI: the highest vector leaves ISR, whichever handler wrote it (SDM3 10.8.5). A level LINT input with this vector is sampled
    /// again; the I/O APICs are the caller's, if the result says broadcast.
    /// </summary>
    public EoiResult Eoi()
    {
        int vector = Isr.Highest;
        if (vector < 0)
            return new EoiResult(-1, false);
        Isr.Clear(vector);
        UpdatePpr();
        bool broadcast = Tmr.Contains(vector) && !SuppressesEoiBroadcast;
        if (((LvtLint0 | LvtLint1) & LvtBits.RemoteIrr) != 0 && Policies.LintInputs == LintInputsPolicy.Delivered)
            EndLint(vector);
        return new EoiResult(vector, broadcast);
    }

    /// <summary>True if software has forbidden by SVR bit 12 that EOIs are broadcast, and this APIC obeys (SDM3 10.8.5).</summary>
    public readonly bool SuppressesEoiBroadcast =>
        (Svr & SvrBits.SuppressEoiBroadcast) != 0 && Policies.EoiBroadcast == EoiBroadcastPolicy.Suppressible;

    /// <summary>The processor priority: all of TPR if its class is at least ISRV's, else ISRV's class (SDM3 10.8.3.1).</summary>
    /// <param name="tpr">TPR.</param>
    /// <param name="isrv">The highest vector in service; 0 or -1 if there is none.</param>
    public static byte ProcessorPriority(byte tpr, int isrv) => isrv >> 4 > tpr >> 4 ? (byte)(isrv & 0xF0) : tpr;

    /// <summary>
    /// PPR from TPR and the highest ISR bit, see <see cref="ProcessorPriority"/>.
    /// Every operation here keeps PPR right; this is for those who load TPR or ISR from a saved state.
    /// </summary>
    public void UpdatePpr() => Ppr = ProcessorPriority(Tpr, Isr.Highest);

    /// <summary>What MOV from CR8 reads: TPR[7:4] (SDM3 10.8.6).</summary>
    public readonly int ReadCr8() => Tpr >> 4;

    /// <summary>MOV to CR8: TPR becomes the class with sub-class 0. Bits 63:4 are the core's to check (#GP).</summary>
    /// <param name="value">0..15.</param>
    /// <returns>True if PPR changed, so that deliverability may have.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> is not 0..15.</exception>
    public bool WriteCr8(int value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, 15u, nameof(value));
        return WriteTpr((byte)(value << 4));
    }

    private bool WriteTpr(byte value)
    {
        byte before = Ppr;
        Tpr = value;
        UpdatePpr();
        return Ppr != before;
    }

    private readonly bool Dispenses =>
        IsHardwareEnabled && (IsSoftwareEnabled || Policies.PendingWhileDisabled == PendingWhileDisabledPolicy.Dispensed);

    private readonly bool IsAbovePpr(int vector) =>
        vector >> 4 > Ppr >> 4 || (vector >= 0 && Ppr == 0 && Policies.IllegalVectors == IllegalVectorsPolicy.Delivered);

    private readonly void ThrowNotDeliverable(int vector) =>
        throw new InvalidOperationException(
            $"Vector {vector} was dispensed, but it is {(Irr.Contains(vector) ? "blocked by PPR" : "not in IRR")} (PPR {Ppr}).");

    // Not modelled:
    // * APR and remote read: both registers read 0, as on every part since the Pentium 4. ESR bits 3:0 (the P6 bus) and bit 4
    //   (redirectable IPI) never appear; delivery status always reads 0, because a message arrives when it is sent.
    // * The polarity bit of LINT0 and LINT1: an input is asserted or not, whatever voltage that is. Level sensitivity of LINT1, which the
    //   manual does not promise, is that of LINT0.
    // * The permitted but optional error for writing a vector 0..15 to an LVT entry: it comes when the interrupt does.
    // * Accesses that are not an aligned 32-bit word of a register's first four bytes, which are undefined: they read 0 and write nothing.
    // * Reserved encodings of delivery mode (3, and ExtINT in an ICR): such IPIs are not sent, and x2APIC mode does not fault on them.
    //   KVM's use of mode 3 for a paravirtual unhalt.
    // * KVM: dropped periods and the clamp of short ones; an xAPIC ID above FFh matched by its 32-bit ID; the separate ICR halves that
    //   survive a round trip through x2APIC mode (here the destination is cleared on entering and on leaving it).
    // * QEMU: a new divider takes effect at the next expiry. OpenVMM: one DFR for all APICs, TPR without sub-class, no INIT without the
    //   level bit, no lowest-priority IPI in x2APIC mode. Xen: SMI dropped.
    // * A performance interrupt masks its entry, as on Intel; KVM leaves it clear for AMD guests.
}
