using System.Runtime.InteropServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// A local APIC in xAPIC mode, as the manual has it (SDM3 chapter APIC; section numbers of the edition where it is chapter 10).
/// It knows no other controller: messages come in through <see cref="Accept"/>, and what leaves is returned.
/// </summary>
/// <remarks>
/// The default value is not a local APIC: call <see cref="Reset"/> first. State and priorities are in this file; acceptance, local vector
/// table, IPIs, timer and the register page are in files of their own. What is not modelled stands at the end of this one.
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

    /// <summary>APIC ID register, 31:24.</summary>
    public uint Id;

    /// <summary>Version register.</summary>
    public uint Version;

    /// <summary>Logical destination register, 31:24.</summary>
    public uint Ldr;

    /// <summary>Destination format register; 27:0 are ones.</summary>
    public uint Dfr;

    /// <summary>Spurious-interrupt vector register.</summary>
    public uint Svr;

    /// <summary>Interrupt command register, low half, as last written.</summary>
    public uint IcrLow;

    /// <summary>Interrupt command register, high half: destination in 31:24.</summary>
    public uint IcrHigh;

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

    /// <summary>What RESET and INIT put into <see cref="LvtLint0"/>.</summary>
    public uint LvtLint0Reset;

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

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved;

    /// <summary>The APIC ID, 0..255 in xAPIC mode.</summary>
    public readonly byte ApicId => (byte)(Id >> 24);

    /// <summary>SVR bit 8: the APIC accepts fixed interrupts.</summary>
    public readonly bool IsSoftwareEnabled => (Svr & SvrBits.Enable) != 0;

    /// <summary>RESET: every register gets the value of SDM3 10.4.7.1. The LINT inputs keep their levels.</summary>
    /// <param name="apicId">The hardware-assigned APIC ID, 0..254 (255 is the broadcast address).</param>
    /// <param name="bsp">This is the boot processor's.</param>
    /// <param name="options">The model of APIC, made by its constructor.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="apicId"/> is above 254.</exception>
    /// <exception cref="ArgumentException"><paramref name="options"/> is the default value.</exception>
    public void Reset(uint apicId, bool bsp, in LocalApicOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(apicId, 254u);
        if (options.Version == 0)
            throw new ArgumentException("The options have no version: start from LocalApicOptions.Architectural.", nameof(options));
        Id = apicId << 24;
        Version = options.Version;
        LvtLint0Reset = bsp && options.BspLint0IsExtInt ? BspLint0ExtInt : LvtReset;
        Init();
    }

    /// <summary>INIT as the core takes it: like RESET, but the APIC ID stays (SDM3 10.4.7.3). The timer is stopped.</summary>
    public void Init()
    {
        LocalApic reset = default;
        reset.Id = Id;
        reset.Version = Version;
        reset.LvtLint0Reset = LvtLint0Reset;
        reset.LintLevels = LintLevels;
        reset.Dfr = DfrReset;
        reset.Svr = SvrReset;
        reset.LvtLint0 = LvtLint0Reset;
        reset.LvtTimer = reset.LvtThermal = reset.LvtPerformance = reset.LvtLint1 = reset.LvtError = LvtReset;
        reset.LvtCmci = HasCmci ? LvtReset : 0;
        reset.TimerDeadline = Instant.Never;
        this = reset;
    }

    /// <summary>
    /// The vector that INTA would get from IRR now, or −1. A fixed interrupt needs a class (vector 7:4) strictly above PPR's
    /// (SDM3 10.8.3.1). What has been accepted stays deliverable while the APIC is software-disabled (SDM3 10.4.7.2, KVM's reading).
    /// </summary>
    public readonly int HighestDeliverable()
    {
        int vector = Irr.Highest;
        return vector >> 4 > Ppr >> 4 ? vector : -1;
    }

    /// <summary>Moves a deliverable vector from IRR to ISR and raises PPR: what INTA does when it takes it (SDM3 10.8.4).</summary>
    /// <param name="vector">As <see cref="HighestDeliverable"/> returned it.</param>
    /// <exception cref="InvalidOperationException">The vector is not in IRR, or its class is not above PPR's.</exception>
    public void Dispense(int vector)
    {
        if (!Irr.Contains(vector) || vector >> 4 <= Ppr >> 4)
            ThrowNotDeliverable(vector);
        Irr.Clear(vector);
        Isr.Set(vector);
        Ppr = (byte)(vector & 0xF0);
    }

    /// <summary>
    /// INTA: dispenses the highest deliverable vector and returns it. If none is deliverable any more, the spurious vector SVR[7:0] is
    /// returned and ISR does not change; its handler must not write EOI (SDM3 10.9).
    /// </summary>
    public int Acknowledge()
    {
        int vector = HighestDeliverable();
        if (vector < 0)
            return (byte)Svr;
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
        bool broadcast = Tmr.Contains(vector) && (Svr & SvrBits.SuppressEoiBroadcast) == 0;
        if (((LvtLint0 | LvtLint1) & LvtBits.RemoteIrr) != 0)
            EndLint(vector);
        return new EoiResult(vector, broadcast);
    }

    /// <summary>
    /// PPR from TPR and the highest ISR bit: all of TPR if its class is at least ISRV's, else ISRV's class (SDM3 10.8.3.1).
    /// Every operation here keeps PPR right; this is for those who load TPR or ISR from a saved state.
    /// </summary>
    public void UpdatePpr()
    {
        int inService = Isr.Highest;
        Ppr = inService >> 4 > Tpr >> 4 ? (byte)(inService & 0xF0) : Tpr;
    }

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

    private readonly void ThrowNotDeliverable(int vector) =>
        throw new InvalidOperationException(
            $"Vector {vector} was dispensed, but it is {(Irr.Contains(vector) ? "blocked by PPR" : "not in IRR")} (PPR {Ppr}).");

    // Not modelled:
    // * x2APIC mode, and IA32_APIC_BASE: this APIC is hardware-enabled and somebody decodes its page.
    // * APR and remote read: both registers read 0, as on every part since the Pentium 4. ESR bits 3:0 (the P6 bus) and bit 4
    //   (redirectable IPI) never appear; delivery status always reads 0, because a message arrives when it is sent.
    // * Which of several APICs takes a lowest-priority message: the router's choice. Focus checking is a bit without effect.
    // * The polarity bit of LINT0 and LINT1: an input is asserted or not, whatever voltage that is. Level sensitivity of LINT1, which the
    //   manual does not promise, is that of LINT0.
    // * The permitted but optional error for writing a vector 0..15 to an LVT entry: it comes when the interrupt does.
    // * Accesses that are not an aligned 32-bit word of a register's first four bytes, which are undefined: they read 0 and write nothing.
    //
    // Where the sources differ, this is the manual's side; the other sides are:
    // * IRR while SVR[8] = 0 stays deliverable, as in KVM. QEMU and OpenVMM hold it back.
    // * An INTA that finds nothing gets the spurious vector, as in QEMU. KVM, OpenVMM and Xen never produce it.
    // * Vectors 0..15 never enter IRR and set ESR. KVM accepts them, inert; OpenVMM drops them without error.
    // * ESR is latched in two stages. KVM and OpenVMM always read 0; QEMU has bit 7 only, without the latch.
    // * IPIs are always edge, asserted, and NMI/SMI/INIT/start-up reach a software-disabled APIC. KVM and QEMU honour trigger level in the
    //   ICR; KVM drops an NMI by MSI to a software-disabled APIC.
    // * Software-disabling sets all LVT masks, as in KVM. QEMU lets ExtINT pass.
    // * LVT bits 12 and 14 are read-only, and reserved ICR bits read 0. KVM and QEMU store them.
    // * A performance interrupt masks its entry. KVM does that for Intel-compatible guests only.
    // * A withdrawn level LINT keeps its IRR bit. QEMU clears it.
    // * One-shot <-> periodic keeps the count running, as in KVM, Xen and kvm-unit-tests; the manual says a mode change disarms.
    // * A period is N ticks, and every missed one is made up for. QEMU has N + 1; KVM drops missed ones and clamps short ones.
}
