using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// KVM's 8259A pair, and its way through the local APICs: where LVT0 is an unmasked ExtINT the pair's vector is fetched at injection, and
/// neither IRR nor ISR hear of it (i8259.c, irq.c:kvm_cpu_has_extint, lapic.c:kvm_apic_accept_pic_intr). Every vCPU with such an entry
/// sees the pair's output; only the first of them is woken for it.
/// </summary>
internal static class KvmPic
{
    /// <summary>Vector of IRQ0; Linux's ISA_IRQ_VECTOR(0).</summary>
    public const byte VectorBase = 0x30;

    private const byte Icw1 = 0x11, Icw4 = 0x01;
    private const uint ExtIntUnmasked = 0x700;

    /// <summary>The pair as firmware has left it: initialised, nothing masked, LINT0 of the boot processor an ExtINT.</summary>
    public static void Reset()
    {
        if (!Exists)
        {
            return;
        }

        Pair.PowerOn();
        ReadOnlySpan<(ushort Port, byte Value)> writes =
        [
            (Pic8259Pair.MasterPort, Icw1), (Pic8259Pair.MasterPort + 1, VectorBase), (Pic8259Pair.MasterPort + 1, 4),
            (Pic8259Pair.MasterPort + 1, Icw4), (Pic8259Pair.MasterPort + 1, 0),
            (Pic8259Pair.SlavePort, Icw1), (Pic8259Pair.SlavePort + 1, VectorBase + 8), (Pic8259Pair.SlavePort + 1, 2),
            (Pic8259Pair.SlavePort + 1, Icw4), (Pic8259Pair.SlavePort + 1, 0),
        ];
        foreach (var (port, value) in writes)
        {
            Pair.Write(port, value, Policies);
        }

        HostThread.Machine.Ref(HostThread.Board.Apics, 0).LvtLint0 = ExtIntUnmasked;
    }

    /// <summary>True if the machine has one.</summary>
    public static bool Exists => HostThread.Board.Pic.Count > 0;

    /// <summary>kvm_cpu_has_extint.</summary>
    public static bool HasInterrupt(VcpuThread vcpu) => Exists && Pair.IntOutput(Policies) && vcpu.Apic.AcceptsPicInterrupt;

    /// <summary>INTA (kvm_pic_read_irq).</summary>
    public static byte Acknowledge()
    {
        var answer = Pair.Acknowledge(Policies);
        Notify(answer.Ended);
        return answer.Vector;
    }

    /// <summary>A line of the machine reaches the pair (kvm_pic_set_irq).</summary>
    public static void SetLine(int irq, bool high)
    {
        if (!Exists || irq is < 1 or > 15 or Pic8259Pair.CascadeIrq)
        {
            return;
        }

        var before = Pair.IntOutput(Policies);
        var masked = IsMasked(irq);
        var outcome = Pair.SetLine(irq, high, Policies);
        HostThread.Context.Emit(
            TraceEventKind.KvmPicSetIrq, (ulong)(irq >> 3), (ulong)(irq & 7), IsLevel(irq) ? 1UL : 0, masked ? 1UL : 0,
            outcome == Pic8259LineOutcome.Coalesced ? 1UL : 0);
        Wake(before);
    }

    /// <summary>IN or OUT of one of its ports.</summary>
    /// <returns>What IN reads.</returns>
    public static byte Access(ushort port, bool isWrite, byte value)
    {
        var before = Pair.IntOutput(Policies);
        if (!isWrite)
        {
            var read = Pair.Read(port, Policies);
            Notify(read.Ended);
            return read.Value;
        }

        Notify(Pair.Write(port, value, Policies));
        Wake(before);
        return 0;
    }

    private static ref Pic8259Pair Pair => ref HostThread.Machine.Ref(HostThread.Board.Pic);

    private static Pic8259Policies Policies => HostThread.Board.Controllers.Pic;

    private static ref Pic8259 Chip(int irq) => ref irq < 8 ? ref Pair.Master : ref Pair.Slave;

    private static bool IsMasked(int irq) => (Chip(irq).Imr >> (irq & 7) & 1) != 0;

    private static bool IsLevel(int irq) => (Chip(irq).Elcr >> (irq & 7) & 1) != 0;

    private static void Notify(ushort ended)
    {
        for (var irq = 0; irq < 16; irq++)
        {
            if ((ended >> irq & 1) != 0)
            {
                HostThread.Context.Emit(TraceEventKind.KvmAckIrq, (ulong)(irq >> 3), (ulong)(irq & 7));
            }
        }
    }

    /// <summary>The output has risen: the first vCPU that would take its interrupt hears of it (pic_unlock).</summary>
    private static void Wake(bool before)
    {
        if (before || !Pair.IntOutput(Policies))
        {
            return;
        }

        for (var vcpu = 0; vcpu < HostThread.Board.Config.Vcpus; vcpu++)
        {
            if (HostThread.Machine.Ref(HostThread.Board.Apics, vcpu).AcceptsPicInterrupt)
            {
                HostThread.Machine.Ref(HostThread.Board.Kvm, vcpu).Requests |= KvmRequests.Event;
                HostThread.Kvm.Kick(HostThread.Context, vcpu);
                return;
            }
        }
    }
}
