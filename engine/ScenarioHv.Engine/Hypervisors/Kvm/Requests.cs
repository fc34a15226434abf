using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>The requests that vcpu_enter_guest looks at before anything else, and the set of vectors whose EOI is forwarded.</summary>
internal static class Requests
{
    /// <summary>Handles what is pending.</summary>
    /// <returns>True if userspace has to act first.</returns>
    public static bool Handle(VcpuThread vcpu)
    {
        ref var kvm = ref vcpu.Kvm;
        if (vcpu.TakeRequest(KvmRequests.Nmi))
        {
            QueueNmis(vcpu);
        }

        if (vcpu.TakeRequest(KvmRequests.IoApicEoiExit) && IsHandled(ref kvm, kvm.PendingIoApicEoi))
        {
            vcpu.ExitToUserspace(UserExit.IoApicEoi);
            return true;
        }

        if (vcpu.TakeRequest(KvmRequests.ScanIoApic))
        {
            ScanIoApic(vcpu);
        }

        return false;
    }

    /// <summary>
    /// NMIs that have arrived become pending (x86.c:process_nmi): as many as <see cref="PlatformPolicies.PendingNmis"/> says, and one only
    /// while the guest is in an NMI handler or on its way into one.
    /// </summary>
    private static void QueueNmis(VcpuThread vcpu)
    {
        ref var kvm = ref vcpu.Kvm;
        var limit = vcpu.Core(vcpu.State.Level).NmiBlocked != 0 || kvm.NmiInjected != 0
            ? 1
            : HostThread.Board.Controllers.Platform.NmiLimit();
        kvm.NmiPending = (byte)Math.Min(kvm.NmiPending + kvm.NmiQueued, limit);
        kvm.NmiQueued = 0;
        vcpu.Request(KvmRequests.Event);
    }

    /// <summary>Whether the EOI of <paramref name="vector"/> concerns an I/O APIC (kvm_ioapic_handles_vector).</summary>
    public static bool IsHandled(ref KvmVcpu kvm, byte vector) => kvm.HandledVectors.Contains(vector);

    /// <summary>
    /// Collects the vectors of level entries that address this vCPU, masked or not, and those still in service or requested from an entry
    /// that has changed since (kvm_ioapic_scan_entry, kvm_scan_ioapic_routes). Loading them into the hardware waits while L2 is loaded.
    /// </summary>
    public static void ScanIoApic(VcpuThread vcpu)
    {
        var machine = VcpuThread.Context.Machine;
        var board = VcpuThread.Context.Board;
        ref var apic = ref vcpu.Apic;
        ref var kvm = ref vcpu.Kvm;
        EoiExitBitmap handled = default;
        foreach (ref var pin in machine.Span(board.IoApicPins))
        {
            var vector = pin.Entry.Vector;
            var wanted = pin.Entry.IsLevel && apic.Matches(pin.Entry.ToMessage());
            var pending = IsHandled(ref kvm, vector) && (apic.Irr.Contains(vector) || apic.Isr.Contains(vector));
            if (wanted || pending)
            {
                handled.Set(vector);
            }
        }

        kvm.HandledVectors = handled;
        kvm.ExitmapStale = 1;
        LoadExitmap(vcpu);
    }

    /// <summary>Loads the EOI-exit bitmap, unless L2's control structure is the one that is loaded (vcpu_load_eoi_exitmap).</summary>
    public static void LoadExitmap(VcpuThread vcpu)
    {
        ref var kvm = ref vcpu.Kvm;
        if (kvm.ExitmapStale == 0 || vcpu.IsL2)
        {
            return;
        }

        kvm.ExitmapStale = 0;
        var exits = kvm.HandledVectors;
        for (int vector = KvmHyperv.Vectors(vcpu.Index).Highest, first = SynIcSint.FirstValidVector; vector >= first; vector--)
        {
            if (KvmHyperv.Vectors(vcpu.Index).Contains(vector))
            {
                exits.Set((byte)vector);
            }
        }

        VcpuThread.Processor.LoadEoiExitBitmap(VcpuThread.Context.Machine, vcpu.Index, exits);
    }
}
