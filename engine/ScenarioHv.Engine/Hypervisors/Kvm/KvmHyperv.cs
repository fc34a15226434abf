using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// KVM as Hyper-V: the SynIC of each vCPU, and what its AutoEOI means for APICv (hyperv.c). Its interrupts come from events of the monitor
/// that are bound to a source (KVM_IRQ_ROUTING_HV_SINT). Not modelled: messages and event flags, whose pages are the guest's memory, and
/// so EOM has nothing to scan for.
/// </summary>
internal static class KvmHyperv
{
    private const int QueueLength = SyntheticTimers.Count + 1;

    /// <summary>The state after the monitor has offered the SynIC (KVM_CAP_HYPERV_SYNIC).</summary>
    public static void Reset(int vcpu)
    {
        if (HostThread.Board.SynIcs.Count > 0)
        {
            SynIcMessagePage messages = default;
            SynIcEventPage events = default;
            var synic = View(vcpu, ref messages, ref events, stackalloc SynIcQueueEntry[QueueLength]);
            synic.PowerOn();
            synic.Activate();
        }
    }

    /// <summary>True for an MSR of the SynIC.</summary>
    public static bool IsSynIcMsr(uint msr) => msr is >= SynIcMsr.Scontrol and <= SynIcMsr.Eom or >= SynIcMsr.Sint0 and <= SynIcMsr.Sint15;

    /// <summary>RDMSR.</summary>
    /// <exception cref="GuestException">It is #GP.</exception>
    public static ulong Read(int vcpu, uint msr)
    {
        SynIcMessagePage messages = default;
        SynIcEventPage events = default;
        var synic = View(vcpu, ref messages, ref events, stackalloc SynIcQueueEntry[QueueLength]);
        return synic.TryReadMsr(msr, fromHost: false, out var value) ? value
            : throw new GuestException($"RDMSR of 0x{msr:x} is #GP, which guests of scenarios have no handler for.");
    }

    /// <summary>WRMSR by the guest, or KVM_SET_MSRS (synic_set_msr, synic_set_sint).</summary>
    /// <param name="thread">Whose code writes.</param>
    /// <param name="vcpu">Whose SynIC.</param>
    /// <param name="msr">The MSR.</param>
    /// <param name="value">Its value.</param>
    /// <param name="host">True for KVM_SET_MSRS.</param>
    /// <exception cref="GuestException">It is #GP.</exception>
    public static async HostTask Write(HostThread thread, int vcpu, uint msr, ulong value, bool host)
    {
        var change = Store(vcpu, msr, value, host);
        if (msr < SynIcMsr.Sint0)
        {
            return;
        }

        if (HostThread.Board.Config.Kvm.SynIcInhibit == SynIcInhibit.WhenAutoEoiUsed)
        {
            // synic_update_vector runs for the old vector and then for the new one.
            await UpdateVector(thread, vcpu, 0, host);
            await UpdateVector(thread, vcpu, change, host);
        }

        HostThread.Machine.Ref(HostThread.Board.Kvm, vcpu).Requests |= KvmRequests.ScanIoApic;
    }

    /// <summary>An event of the monitor raises a source (synic_set_irq).</summary>
    /// <param name="thread">The monitor's thread.</param>
    /// <param name="device">The number of the device.</param>
    public static async HostTask SetIrq(HostThread thread, int device)
    {
        var vcpu = HostThread.Board.Config.Devices[device].Destination;
        var sint = HostThread.Board.Config.Devices[device].Sint;
        var source = new SynIcSint(HostThread.Machine.Ref(HostThread.Board.SynIcs, vcpu).Sints[sint]);
        var accepted = !source.IsMasked
            && await InterruptDelivery.ToOne(thread, vcpu, new SynIcInterrupt(source.Vector, false).ToMessage(vcpu));
        HostThread.Context.Emit(TraceEventKind.KvmHvSynicSetIrq, vcpu, sint, source.Vector, accepted ? 1UL : 0);
    }

    /// <summary>True if a vector that KVM acknowledges ends by that (kvm_hv_synic_auto_eoi_set).</summary>
    public static bool IsAutoEoi(int vcpu, int vector)
    {
        if (HostThread.Board.SynIcs.Count == 0)
        {
            return false;
        }

        SynIcMessagePage messages = default;
        SynIcEventPage events = default;
        return View(vcpu, ref messages, ref events, stackalloc SynIcQueueEntry[QueueLength]).IsAutoEoi(vector);
    }

    /// <summary>The vectors whose EOI a SynIC wants to hear of (vec_bitmap).</summary>
    public static Register256 Vectors(int vcpu)
    {
        if (HostThread.Board.SynIcs.Count == 0)
        {
            return default;
        }

        SynIcMessagePage messages = default;
        SynIcEventPage events = default;
        return View(vcpu, ref messages, ref events, stackalloc SynIcQueueEntry[QueueLength]).VectorBitmap;
    }

    /// <summary>An EOI that KVM performs: a SynIC hears of it if the vector is one of its own (kvm_hv_synic_send_eoi).</summary>
    public static void Ended(int vcpu, int vector)
    {
        if (vector >= 0 && Vectors(vcpu).Contains(vector))
        {
            HostThread.Context.Emit(TraceEventKind.KvmHvSynicSendEoi, (ulong)vcpu, (ulong)vector);
        }
    }

    /// <summary>The kernel's worker: APICv follows what the SynICs use (hv_apicv_update_work of the third version of the series).</summary>
    public static async HostTask Worker(HostThread thread)
    {
        while (true)
        {
            if (HostThread.Machine.Ref(HostThread.Board.KvmVm).WorkQueued == 0)
            {
                await thread.Sleep();
                continue;
            }

            HostThread.Machine.Ref(HostThread.Board.KvmVm).WorkQueued = 0;
            await KernelLocks.Take(thread, KernelLock.KvmLock);
            await KvmApicv.Change(thread, ApicvInhibits.HyperV, IsAutoEoiUsed);
            EndProgress();
            KernelLocks.Release(thread, KernelLock.KvmLock);
        }
    }

    /// <summary>A vCPU itself sees to it before its next entry, where it can do without kvm->srcu.</summary>
    public static async HostTask UpdateByRequest(VcpuThread vcpu)
    {
        KernelLocks.LeaveSrcu(vcpu.Thread);
        await KvmApicv.Change(vcpu.Thread, ApicvInhibits.HyperV, IsAutoEoiUsed);
        KernelLocks.ReadSrcu(vcpu.Thread, SrcuReason.Run);
    }

    private static bool IsAutoEoiUsed => HostThread.Machine.Ref(HostThread.Board.KvmVm).AutoEoiVcpus != 0;

    private static async HostTask UpdateVector(HostThread thread, int vcpu, int change, bool host)
    {
        var call = HostThread.Board.Config.Kvm.InhibitCall;
        if (call == InhibitCall.SrcuDropped && !host)
        {
            KernelLocks.LeaveSrcu(thread);
            await thread.Point(At.SrcuDropped, TimingCost.LoopPoint);
        }

        if (Count(change))
        {
            if (call is InhibitCall.ByWork or InhibitCall.ByRequest)
            {
                Defer(vcpu, call);
            }
            else
            {
                await KvmApicv.Change(thread, ApicvInhibits.HyperV, IsAutoEoiUsed);
            }
        }

        if (call == InhibitCall.SrcuDropped && !host)
        {
            KernelLocks.ReadSrcu(thread, SrcuReason.Exit);
        }
    }

    /// <returns>True if the machine now has its first vCPU with AutoEOI, or has lost its last.</returns>
    private static bool Count(int change)
    {
        ref var used = ref HostThread.Machine.Ref(HostThread.Board.KvmVm).AutoEoiVcpus;
        var before = used;
        used = (byte)(used + change);
        return (before == 0) != (used == 0);
    }

    private static void Defer(int vcpu, InhibitCall call)
    {
        if (call == InhibitCall.ByRequest)
        {
            HostThread.Machine.Ref(HostThread.Board.Kvm, vcpu).Requests |= KvmRequests.ApicvInhibit;
            return;
        }

        HostThread.Machine.Ref(HostThread.Board.KvmVm).WorkQueued = 1;
        for (var other = 0; other < HostThread.Board.Config.Vcpus; other++)
        {
            HostThread.Machine.Ref(HostThread.Board.Kvm, other).Requests |= KvmRequests.ApicvInProgress;
            HostThread.Kvm.Kick(HostThread.Context, other);
        }

        new HostThread((byte)(HostThread.Board.Config.Vcpus + 1)).Wake(HostThread.Context.Cost(TimingCost.Wake));
    }

    private static void EndProgress()
    {
        for (var vcpu = 0; vcpu < HostThread.Board.Config.Vcpus; vcpu++)
        {
            HostThread.Machine.Ref(HostThread.Board.Kvm, vcpu).Requests &= ~KvmRequests.ApicvInProgress;
        }
    }

    private static int Store(int vcpu, uint msr, ulong value, bool host)
    {
        SynIcMessagePage messages = default;
        SynIcEventPage events = default;
        var write = View(vcpu, ref messages, ref events, stackalloc SynIcQueueEntry[QueueLength]).WriteMsr(msr, value, host);
        if (write.IsFault)
        {
            throw new GuestException($"WRMSR of 0x{value:x} to 0x{msr:x} is #GP, which guests of scenarios have no handler for.");
        }

        HostThread.Context.Emit(TraceEventKind.KvmHvSynicSetMsr, (ulong)vcpu, msr, value, host ? 1UL : 0);
        return write.AutoEoiChange;
    }

    private static SynIc View(int vcpu, ref SynIcMessagePage messages, ref SynIcEventPage events, Span<SynIcQueueEntry> queue) => new(
        ref HostThread.Machine.Ref(HostThread.Board.SynIcs, vcpu), ref messages, ref events, queue, HostThread.Board.Controllers.SynIc);
}
