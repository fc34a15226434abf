using System.Runtime.InteropServices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Virtualization.Vmx;

/// <summary>What a virtualized APIC operation leaves behind, apart from the bits of VIRR and VISR.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VirtualApicUpdate
{
    /// <summary>The trap-like exit that the operation owes.</summary>
    public ApicTrapExit TrapExit;

    /// <summary>The vector that was delivered or ended; of an EOI-induced exit it is the qualification.</summary>
    public byte Vector;

    /// <summary>The new RVI.</summary>
    public byte Rvi;

    /// <summary>The new SVI.</summary>
    public byte Svi;

    /// <summary>The new VPPR.</summary>
    public byte Vppr;

    /// <summary>1 if a virtual interrupt is recognized from here on, 0 if recognition ceases.</summary>
    public byte Recognized;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved;

    /// <summary>Writes RVI and SVI to the guest interrupt status. VPPR and recognition are kept by the caller.</summary>
    public readonly void WriteStatus(ref Vmcs vmcs)
    {
        vmcs.Rvi = Rvi;
        vmcs.Svi = Svi;
    }
}

/// <summary>
/// APIC virtualization as functions of small values (SDM3 29.1, 29.2). VIRR, VISR, VTPR and VPPR stay where they are, in the virtual-APIC
/// page: the caller changes one bit of VIRR or VISR as said, and passes in the highest vector that is then left.
/// </summary>
/// <remarks>
/// Evaluation happens at VM entry, TPR virtualization, EOI virtualization, self-IPI virtualization and posted-interrupt processing, and
/// nowhere else: a change of VIRR by software is not seen until RVI is changed and one of them comes.
/// </remarks>
public static class VirtualInterruptDelivery
{
    /// <summary>PPR virtualization (SDM3 29.1.3): VTPR if its class is at least SVI's, else the class of SVI.</summary>
    public static byte VirtualizePpr(byte vtpr, byte svi) => LocalApic.ProcessorPriority(vtpr, svi);

    /// <summary>
    /// Evaluation of pending virtual interrupts (SDM3 29.2.1): class of RVI above class of VPPR, and no interrupt-window exiting.
    /// </summary>
    public static bool Recognizes(in Vmcs vmcs, byte rvi, byte vppr) =>
        !vmcs.Has(PrimaryControls.InterruptWindowExiting) && (rvi >> 4) > (vppr >> 4);

    /// <summary>
    /// VM entry, after the injected event: with virtual-interrupt delivery, PPR virtualization and evaluation (SDM3 26.3.2.5); without
    /// it, and with "virtualize APIC accesses", the TPR threshold is compared (SDM3 26.7.7).
    /// </summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="vtpr">VTPR, bits 7:0.</param>
    /// <param name="vppr">VPPR, bits 7:0; unchanged without virtual-interrupt delivery.</param>
    public static VirtualApicUpdate AtEntry(in Vmcs vmcs, byte vtpr, byte vppr)
    {
        if (vmcs.Has(SecondaryControls.VirtualInterruptDelivery))
            return Evaluate(vmcs, vmcs.Rvi, vmcs.Svi, VirtualizePpr(vtpr, vmcs.Svi));

        var update = Unchanged(vmcs, vppr);
        if (vmcs.Has(SecondaryControls.VirtualizeApicAccesses) && TprIsBelowThreshold(vmcs, vtpr))
            update.TrapExit = ApicTrapExit.TprBelowThreshold;
        return update;
    }

    /// <summary>TPR virtualization, after VTPR was written through CR8, MSR 808h or page offset 80h (SDM3 29.1.2).</summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="vtpr">The new VTPR, bits 7:0.</param>
    /// <param name="vppr">VPPR, bits 7:0; unchanged without virtual-interrupt delivery.</param>
    public static VirtualApicUpdate VirtualizeTpr(in Vmcs vmcs, byte vtpr, byte vppr)
    {
        if (vmcs.Has(SecondaryControls.VirtualInterruptDelivery))
            return Evaluate(vmcs, vmcs.Rvi, vmcs.Svi, VirtualizePpr(vtpr, vmcs.Svi));

        var update = Unchanged(vmcs, vppr);
        if (TprIsBelowThreshold(vmcs, vtpr))
            update.TrapExit = ApicTrapExit.TprBelowThreshold;
        return update;
    }

    /// <summary>
    /// EOI virtualization (SDM3 29.1.4). The caller has cleared VISR[SVI]. If the EOI-exit bitmap has the old SVI, the exit is owed and
    /// nothing is evaluated before the next entry. With SVI = 0 it is the bit of vector 0 that counts.
    /// </summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="vtpr">VTPR, bits 7:0.</param>
    /// <param name="highestVisr">The highest vector left in VISR, 0 if none.</param>
    public static VirtualApicUpdate VirtualizeEoi(in Vmcs vmcs, byte vtpr, byte highestVisr)
    {
        var ended = vmcs.Svi;
        var vppr = VirtualizePpr(vtpr, highestVisr);
        var update = vmcs.EoiExitBitmap.Contains(ended)
            ? new VirtualApicUpdate { TrapExit = ApicTrapExit.EoiInduced, Rvi = vmcs.Rvi, Svi = highestVisr, Vppr = vppr }
            : Evaluate(vmcs, vmcs.Rvi, highestVisr, vppr);
        update.Vector = ended;
        return update;
    }

    /// <summary>Self-IPI virtualization (SDM3 29.1.5). The caller has set VIRR[<paramref name="vector"/>].</summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="vppr">VPPR, bits 7:0.</param>
    /// <param name="vector">The vector, 16..255.</param>
    public static VirtualApicUpdate VirtualizeSelfIpi(in Vmcs vmcs, byte vppr, byte vector) =>
        Evaluate(vmcs, Math.Max(vmcs.Rvi, vector), vmcs.Svi, vppr);

    /// <summary>Steps 6 and 7 of posted-interrupt processing (SDM3 29.6). The caller has merged PIR into VIRR and cleared PIR.</summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="vppr">VPPR, bits 7:0.</param>
    /// <param name="highestPir">The highest vector that was found in PIR, 0 if none.</param>
    public static VirtualApicUpdate ProcessPosted(in Vmcs vmcs, byte vppr, byte highestPir) =>
        Evaluate(vmcs, Math.Max(vmcs.Rvi, highestPir), vmcs.Svi, vppr);

    /// <summary>
    /// Delivery of the recognized virtual interrupt, V = RVI (SDM3 29.2.2). The caller has set VISR[V] and cleared VIRR[V], and delivers
    /// V through the guest's IDT. Recognition ceases. VPPR is the class of V alone, without the low bits of VTPR.
    /// </summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="highestVirr">The highest vector left in VIRR, 0 if none.</param>
    public static VirtualApicUpdate Deliver(in Vmcs vmcs, byte highestVirr) => new()
    {
        Vector = vmcs.Rvi,
        Rvi = highestVirr,
        Svi = vmcs.Rvi,
        Vppr = (byte)(vmcs.Rvi & 0xF0),
    };

    /// <summary>True if the class of VTPR is below TPR threshold 3:0, where there is a TPR shadow.</summary>
    public static bool TprIsBelowThreshold(in Vmcs vmcs, byte vtpr) =>
        vmcs.Has(PrimaryControls.UseTprShadow) && (vtpr >> 4) < (int)(vmcs.TprThreshold & 0xF);

    private static VirtualApicUpdate Evaluate(in Vmcs vmcs, byte rvi, byte svi, byte vppr) => new()
    {
        Rvi = rvi,
        Svi = svi,
        Vppr = vppr,
        Recognized = (byte)(Recognizes(vmcs, rvi, vppr) ? 1 : 0),
    };

    private static VirtualApicUpdate Unchanged(in Vmcs vmcs, byte vppr) => new() { Rvi = vmcs.Rvi, Svi = vmcs.Svi, Vppr = vppr };
}
