using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>The requests that vcpu_enter_guest looks at before anything else, and the set of vectors whose EOI is forwarded.</summary>
internal static class Requests
{
    /// <summary>Handles what is pending.</summary>
    /// <returns>True if userspace has to act first.</returns>
    public static async HostTask<bool> Handle(VcpuThread vcpu)
    {
        if (vcpu.TakeRequest(KvmRequests.Nmi))
        {
            NmiMasking.Queue(vcpu);
        }

        if (vcpu.TakeRequest(KvmRequests.IoApicEoiExit) && IsHandled(ref vcpu.Kvm, vcpu.Kvm.PendingIoApicEoi))
        {
            vcpu.ExitToUserspace(UserExit.IoApicEoi);
            return true;
        }

        if (vcpu.TakeRequest(KvmRequests.ScanIoApic))
        {
            await PostedSync.AtQuery(vcpu);
            await ScanUnderLock(vcpu);
        }

        return false;
    }

    /// <summary>KVM's own I/O APIC is looked at under its lock; the routes of a split irqchip are KVM's copy.</summary>
    private static async HostTask ScanUnderLock(VcpuThread vcpu)
    {
        var locks = HostThread.Board.Config.Irqchip == IrqchipKind.Kernel;
        if (locks)
        {
            await KernelLocks.Take(vcpu.Thread, KernelLock.IoApic);
        }

        ScanIoApic(vcpu);
        if (locks)
        {
            KernelLocks.Release(vcpu.Thread, KernelLock.IoApic);
        }
    }

    /// <summary>Whether the EOI of <paramref name="vector"/> concerns an I/O APIC (kvm_ioapic_handles_vector).</summary>
    public static bool IsHandled(ref KvmVcpu kvm, byte vector) => kvm.HandledVectors.Contains(vector);

    /// <summary>
    /// Collects the vectors of the entries that <see cref="IsWanted"/> (kvm_ioapic_scan_entry, kvm_scan_ioapic_routes). Loading them into
    /// the hardware waits while L2 is loaded.
    /// </summary>
    public static void ScanIoApic(VcpuThread vcpu)
    {
        ref var kvm = ref vcpu.Kvm;
        EoiExitBitmap handled = default;
        foreach (ref var pin in VcpuThread.Context.Machine.Span(VcpuThread.Context.Board.IoApicPins))
        {
            if (IsWanted(vcpu, pin.Entry))
            {
                handled.Set(pin.Entry.Vector);
            }
        }

        kvm.HandledVectors = handled;
        kvm.ExitmapStale = 1;
        LoadExitmap(vcpu);
    }

    /// <summary>
    /// Loads the EOI-exit bitmap, unless L2's control structure is the one that is loaded (vcpu_load_eoi_exitmap). What is written there
    /// is lost when L2 is left.
    /// </summary>
    public static void LoadExitmap(VcpuThread vcpu)
    {
        ref var kvm = ref vcpu.Kvm;
        var waits = vcpu.IsL2 && VcpuThread.Policies.EoiForwardSet != EoiForwardSet.CurrentVmcs;
        if (kvm.ExitmapStale == 0 || waits)
        {
            return;
        }

        kvm.ExitmapStale = 0;
        var exits = kvm.HandledVectors;
        var synic = KvmHyperv.Vectors(vcpu.Index);
        for (int vector = synic.Highest, first = SynIcSint.FirstValidVector; vector >= first; vector--)
        {
            if (synic.Contains(vector))
            {
                exits.Set((byte)vector);
            }
        }

        VcpuThread.Processor.LoadEoiExitBitmap(VcpuThread.Context.Machine, vcpu.Index, exits);
    }

    /// <summary>
    /// Whether a vCPU's EOI of an entry's vector is forwarded, by the policy of that name: level entries that address the vCPU, and those
    /// that did when they sent what is still in service or requested.
    /// </summary>
    private static bool IsWanted(VcpuThread vcpu, RedirectionEntry entry)
    {
        var policy = VcpuThread.Policies.EoiForwardSet;
        if (policy == EoiForwardSet.UnmaskedEntries && entry.IsMasked)
        {
            return false;
        }

        ref var apic = ref vcpu.Apic;
        return (entry.IsLevel && apic.Matches(entry.ToMessage()))
            || (policy != EoiForwardSet.NewestRouting
                && IsHandled(ref vcpu.Kvm, entry.Vector)
                && (apic.Irr.Contains(entry.Vector) || apic.Isr.Contains(entry.Vector)));
    }
}
