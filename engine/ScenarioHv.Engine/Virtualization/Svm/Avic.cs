using System.Runtime.InteropServices;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Virtualization.Svm;

/// <summary>
/// What AVIC has of one vCPU beside its backing page (which is the vCPU's local APIC): its entry in the physical APIC ID table, and what
/// the processor that runs it has seen of the backing page.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct AvicVcpu
{
    /// <summary>When a doorbell that was rung arrives at the processor; never if none is under way.</summary>
    public Instant DoorbellAt;

    /// <summary>Physical APIC ID table, bit 63: the entry is valid.</summary>
    public byte Valid;

    /// <summary>Physical APIC ID table, bit 62: IsRunning.</summary>
    public byte IsRunning;

    /// <summary>
    /// The highest vector of vIRR at the last evaluation; 0 if there was none. A bit that is set later is not seen before the next one:
    /// at VMRUN, a doorbell, or the guest's own EOI, TPR write or self-IPI (APM2 15.29).
    /// </summary>
    public byte Seen;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved1;
}

/// <summary>Why AVIC could not complete an IPI: EXITINFO2 63:32 of #VMEXIT 0x401 (APM2 15.29).</summary>
public enum AvicIpiFailure : byte
{
    /// <summary>Not a fixed, edge-triggered interrupt.</summary>
    InvalidInterruptType = 0,

    /// <summary>A target is not running; its bit in vIRR has been set.</summary>
    TargetNotRunning = 1,

    /// <summary>A target has no valid entry in a table.</summary>
    InvalidTarget = 2,

    /// <summary>A backing page is not valid. No guest can cause it here.</summary>
    InvalidBackingPage = 3,

    /// <summary>The vector is below 16.</summary>
    InvalidVector = 4,
}

/// <summary>
/// Which accesses to the local APIC's page AVIC carries out, and the words of its exits (APM2 15.29; Linux arch/x86/kvm/svm/avic.c,
/// is_avic_unaccelerated_access_trap).
/// </summary>
/// <remarks>
/// Not modelled: the logical APIC ID table as memory of its own (KVM fills it from LDR and DFR, which is where it is read here), x2AVIC,
/// and the IOMMU's guest virtual APIC log.
/// </remarks>
public static class Avic
{
    // A store to one of these is in the backing page when the exit comes, and the instruction has retired.
    private static readonly int[] TrappedWrites =
    [
        LocalApicRegister.Id, LocalApicRegister.Rrd, LocalApicRegister.Ldr, LocalApicRegister.Dfr, LocalApicRegister.Svr,
        LocalApicRegister.Esr, LocalApicRegister.LvtTimer, LocalApicRegister.LvtThermal, LocalApicRegister.LvtPerformance,
        LocalApicRegister.LvtLint0, LocalApicRegister.LvtLint1, LocalApicRegister.LvtError, LocalApicRegister.TimerInitialCount,
        LocalApicRegister.TimerDivide,
    ];

    /// <summary>
    /// A read that faults: it exits before the instruction, which has to be emulated. Other reads are the backing page's.
    /// </summary>
    /// <param name="offset">Offset in the page.</param>
    public static bool ReadFaults(int offset) => offset is LocalApicRegister.TimerCurrentCount or LocalApicRegister.Apr;

    /// <summary>A store that is passed on after the fact: the exit comes when the instruction has retired.</summary>
    /// <param name="offset">Offset in the page.</param>
    public static bool WriteTraps(int offset) => TrappedWrites.AsSpan().Contains(offset);

    /// <summary>A store that faults. TPR, EOI and both halves of the ICR do not, whatever becomes of them.</summary>
    /// <param name="offset">Offset in the page.</param>
    public static bool WriteFaults(int offset) =>
        offset is not (LocalApicRegister.Tpr or LocalApicRegister.Eoi or LocalApicRegister.IcrLow or LocalApicRegister.IcrHigh)
        && !WriteTraps(offset);

    /// <summary>Whether an ICR is of a kind that AVIC sends: fixed and edge-triggered (bits 10:8 and 15).</summary>
    /// <param name="icrLow">ICR 31:0.</param>
    public static bool Sends(uint icrLow) => (icrLow & 0x8700) == 0;

    /// <summary>EXITINFO1 of #VMEXIT 0x402: offset in 11:4, bit 32 for a write.</summary>
    /// <param name="offset">Offset in the page.</param>
    /// <param name="isWrite">True for a store.</param>
    public static ulong AccessInfo1(int offset, bool isWrite) => ((uint)offset & 0xff0) | (isWrite ? 1UL << 32 : 0UL);

    /// <summary>EXITINFO1 of #VMEXIT 0x401: ICR 63:0.</summary>
    public static ulong IpiInfo1(uint icrHigh, uint icrLow) => ((ulong)icrHigh << 32) | icrLow;

    /// <summary>EXITINFO2 of #VMEXIT 0x401: the cause in 63:32, the index of the first such target in 8:0.</summary>
    public static ulong IpiInfo2(AvicIpiFailure cause, uint index) => ((ulong)cause << 32) | index;
}
