using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Bhyve;

/// <summary>
/// bhyve's I/O APIC in vmm: the paths around its register file that send messages (vioapic.c), under its spin mutex. Not modelled: that a
/// write to an entry drops it around a rendezvous of the vCPUs.
/// </summary>
internal static class VIoApic
{
    /// <summary>A register of the window (vioapic_mmio_rw).</summary>
    public static async HostTask Access(BhyveVcpuThread vcpu, bool isWrite, uint offset, uint value)
    {
        await KernelLocks.Take(vcpu.Thread, KernelLock.IoApic);
        if (!isWrite)
        {
            vcpu.CompleteOperation(HostThread.Board.IoApicOf(HostThread.Machine).ReadWindow(offset));
        }
        else
        {
            var (first, end, ended) = Write(offset, value);
            if (ended >= 0)
            {
                await End(vcpu.Thread, (byte)ended);
            }

            await Service(vcpu.Thread, first, end);
            vcpu.CompleteOperation(0);
        }

        KernelLocks.Release(vcpu.Thread, KernelLock.IoApic);
    }

    /// <summary>The EOI of a level vector: every pin with it (vioapic_process_eoi).</summary>
    public static async HostTask EndOfInterrupt(HostThread thread, byte vector)
    {
        await KernelLocks.Take(thread, KernelLock.IoApic);
        await End(thread, vector);
        KernelLocks.Release(thread, KernelLock.IoApic);
    }

    private static async HostTask End(HostThread thread, byte vector)
    {
        for (var pin = Next(vector, 0); pin >= 0; pin = Next(vector, pin + 1))
        {
            if (!HostThread.Board.IoApicOf(HostThread.Machine).ClearRemoteIrr(pin, vector))
            {
                continue;
            }

            await thread.Point(At.RemoteIrrCleared, TimingCost.LoopPoint);
            var decision = Decide(pin);
            await thread.Point(At.LineSampled, TimingCost.LoopPoint);
            if (decision == IoApicEoiAction.Resend)
            {
                var (first, end) = HostThread.PinsServedWith(pin);
                await Service(thread, first, end);
            }
        }
    }

    /// <summary>Sends the interrupts of pins that want service, under the lock (vioapic_send_intr).</summary>
    public static async HostTask Service(HostThread thread, int first, int end)
    {
        for (var pin = first; pin < end; pin++)
        {
            if (!HostThread.Board.IoApicOf(HostThread.Machine).TryDispatch(pin, out var message))
            {
                continue;
            }

            await thread.Point(At.MessageSent, TimingCost.Message);
            var accepted = await VLapic.Deliver(thread, BhyveHypervisor.TargetsOf(HostThread.Context, message), message);
            HostThread.Board.IoApicOf(HostThread.Machine).Dispatched(pin, accepted);
        }
    }

    private static IoApicEoiAction Decide(int pin)
    {
        IoApicEoiMemory memory = default;
        var context = HostThread.Context;
        var stillAsserted = context.Board.IoApicOf(context.Machine).LineStillAsserted(pin);
        var decision = context.Board.Config.IoApicEoi.Decide(pin, stillAsserted, ref memory).Action;
        context.Emit(TraceEventKind.PolicyDecided, (ulong)PolicyPoint.IoApicEoi, (ulong)decision, (ulong)pin);
        context.Machine.Ref(context.Board.Statistics).Resent += decision == IoApicEoiAction.Resend ? 1 : 0;
        return decision;
    }

    private static (int First, int End, int Ended) Write(uint offset, uint value)
    {
        var write = HostThread.Board.WriteIoApic(HostThread.Machine, offset, value, out _);
        return (write.Service.First, write.Service.End, write.EoiVector);
    }

    private static int Next(byte vector, int from) => HostThread.Board.IoApicOf(HostThread.Machine).NextEoiPin(vector, from);
}
