using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// KVM's I/O APIC in the kernel: the paths around its register file that send messages (ioapic.c). They hold ioapic->lock until the local
/// APICs have accepted.
/// </summary>
internal static class KernelIoApic
{
    /// <summary>
    /// An EOI reaches the I/O APIC: every pin with that vector, in ascending order (kvm_ioapic_update_eoi). The lock is dropped at each,
    /// around notifiers that are not modelled; who waits for it goes first.
    /// </summary>
    public static async HostTask EndOfInterrupt(HostThread thread, byte vector, bool level)
    {
        await KernelLocks.Take(thread, KernelLock.IoApic);
        for (var pin = Next(vector, 0); pin >= 0; pin = Next(vector, pin + 1))
        {
            KernelLocks.Release(thread, KernelLock.IoApic);
            await KernelLocks.Take(thread, KernelLock.IoApic);
            if (!HostThread.Board.IoApicOf(HostThread.Machine).ClearRemoteIrr(pin, vector, level))
            {
                continue;
            }

            await thread.Point(At.RemoteIrrCleared, TimingCost.LoopPoint);
            var decision = HostThread.Kvm.DecideEoi(HostThread.Context, pin);
            await thread.Point(At.LineSampled, TimingCost.LoopPoint);
            if (decision.Action == IoApicEoiAction.Resend)
            {
                var (first, end) = HostThread.PinsServedWith(pin);
                for (var other = first; other < end; other++)
                {
                    await Service(thread, other);
                }
            }
            else if (decision.Action == IoApicEoiAction.Delay)
            {
                HostThread.Context.Emit(
                    TraceEventKind.KvmIoapicDelayedEoiInj,
                    HostThread.Machine.Ref(HostThread.Board.IoApicPins, pin).Entry.Bits);
                HostThread.Kvm.DelayService(HostThread.Context, decision.Cycles);
            }
        }

        KernelLocks.Release(thread, KernelLock.IoApic);
    }

    /// <summary>
    /// A guest writes to the window (ioapic_mmio_write). Where there is an EOI register, a write to it goes the way of an EOI.
    /// </summary>
    public static async HostTask Write(HostThread thread, uint offset, uint value)
    {
        await KernelLocks.Take(thread, KernelLock.IoApic);
        var (first, end, ended) = Store(offset, value);
        if (ended >= 0)
        {
            KernelLocks.Release(thread, KernelLock.IoApic);
            await EndOfInterrupt(thread, (byte)ended, level: true);
            return;
        }

        for (var pin = first; pin < end; pin++)
        {
            await Service(thread, pin);
        }

        KernelLocks.Release(thread, KernelLock.IoApic);
    }

    /// <summary>
    /// A line has changed, under the lock (ioapic_set_irq). The trace line comes last and shows the entry as it was before.
    /// </summary>
    /// <param name="thread">Who drives the line.</param>
    /// <param name="pin">Its pin.</param>
    /// <param name="first">The first pin that the change has served.</param>
    /// <param name="end">One past the last.</param>
    public static async HostTask SetLine(HostThread thread, int pin, int first, int end)
    {
        var entry = HostThread.Machine.Ref(HostThread.Board.IoApicPins, pin).Entry.Bits;
        var accepted = -1;
        for (var other = first; other < end; other++)
        {
            var result = await Service(thread, other);
            accepted = other == pin ? result : accepted;
        }

        HostThread.Context.Emit(TraceEventKind.KvmIoapicSetIrq, (ulong)pin, entry, accepted == 0 ? 1UL : 0);
    }

    /// <summary>
    /// Sends the interrupt of a pin if it wants service (ioapic_service): under the lock, but acceptance by the local APIC is a moment of
    /// its own, which its vCPU sees. Not traced: what an EOI, delayed work or a written entry sends again shows as accepted only.
    /// </summary>
    /// <returns>How many local APICs accepted; -1 if nothing was sent or nobody was addressed.</returns>
    public static async HostTask<int> Service(HostThread thread, int pin)
    {
        if (!HostThread.Board.IoApicOf(HostThread.Machine).TryDispatch(pin, out var message))
        {
            return -1;
        }

        await thread.Point(At.MessageSent, TimingCost.Message);
        var accepted = await InterruptDelivery.ToAll(thread, message, MessageSource.Device);
        return HostThread.Board.IoApicOf(HostThread.Machine).Dispatched(pin, accepted);
    }

    /// <summary>The delayed work: level pins that are asserted and not in service (kvm_ioapic_eoi_inject_work).</summary>
    public static async HostTask DelayedWork(HostThread thread)
    {
        await KernelLocks.Take(thread, KernelLock.IoApic);
        for (var pin = 0; pin < IoApic.StandardPinCount; pin++)
        {
            if (HostThread.Board.IoApicOf(HostThread.Machine).WantsDelayedService(pin))
            {
                await Service(thread, pin);
            }
        }

        KernelLocks.Release(thread, KernelLock.IoApic);
    }

    private static (int First, int End, int Ended) Store(uint offset, uint value)
    {
        var write = HostThread.Kvm.WriteIoApic(HostThread.Context, offset, value);
        return (write.Service.First, write.Service.End, write.EoiVector);
    }

    private static int Next(byte vector, int from) => HostThread.Board.IoApicOf(HostThread.Machine).NextEoiPin(vector, from);
}
