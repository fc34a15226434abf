using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>KVM's I/O APIC in the kernel: the paths around its register file that send messages (ioapic.c).</summary>
internal static class KernelIoApic
{
    /// <summary>An EOI reaches the I/O APIC: every pin with that vector, in ascending order (kvm_ioapic_update_eoi).</summary>
    public static async HostTask EndOfInterrupt(HostThread thread, byte vector, bool level)
    {
        for (var pin = Next(vector, 0); pin >= 0; pin = Next(vector, pin + 1))
        {
            if (!HostThread.Board.IoApicOf(HostThread.Machine).ClearRemoteIrr(pin, vector, level))
            {
                continue;
            }

            await thread.Point(At.RemoteIrrCleared, TimingCost.LoopPoint);
            var decision = HostThread.Kvm.DecideEoi(HostThread.Context, pin);
            await thread.Point(At.LineSampled, TimingCost.LoopPoint);
            if (decision == IoApicEoiDecision.Resend)
            {
                var (first, end) = HostThread.PinsServedWith(pin);
                for (var other = first; other < end; other++)
                {
                    await Service(thread, other);
                }
            }
            else if (decision == IoApicEoiDecision.Delay)
            {
                HostThread.Context.Emit(
                    TraceEventKind.KvmIoapicDelayedEoiInj,
                    HostThread.Machine.Ref(HostThread.Board.IoApicPins, pin).Entry.Bits);
                HostThread.Kvm.DelayService(HostThread.Context);
            }
        }
    }

    /// <summary>
    /// A line has changed (ioapic_set_irq). The trace line comes last and shows the entry as it was before.
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
    /// its own. Not traced: what an EOI, delayed work or a written entry sends again shows as accepted only.
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
        for (var pin = 0; pin < IoApic.StandardPinCount; pin++)
        {
            if (HostThread.Board.IoApicOf(HostThread.Machine).WantsDelayedService(pin))
            {
                await Service(thread, pin);
            }
        }
    }

    private static int Next(byte vector, int from) => HostThread.Board.IoApicOf(HostThread.Machine).NextEoiPin(vector, from);
}
