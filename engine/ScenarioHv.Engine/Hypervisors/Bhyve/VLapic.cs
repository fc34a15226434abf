using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization.Svm;

namespace ScenarioHv.Engine.Hypervisors.Bhyve;

/// <summary>bhyve's local APIC: what it does around the register file (vlapic.c, vmm_lapic.c).</summary>
internal static class VLapic
{
    /// <summary>The vector that can be offered to the guest, -1 if there is none (vlapic_pending_intr).</summary>
    public static int PendingInterrupt(BhyveVcpuThread vcpu)
    {
        ref var apic = ref vcpu.Apic;
        var vector = BhyveVcpuThread.Policies.TprSelection == TprSelection.Honour ? apic.HighestDeliverable()
            : apic.Irr.Highest >> 4 > Math.Max(apic.Isr.Highest, 0) >> 4 ? apic.Irr.Highest
            : -1;
        if (vector >= 0)
        {
            vcpu.Ktr(KtrMessage.PendingInterrupt, (ulong)vector);
        }

        return vector;
    }

    /// <summary>
    /// The guest has taken a vector: IRR to ISR, whatever TPR is by now (vlapic_intr_accepted). With the pending state it had left IRR
    /// before, and what IRR holds is a request that came since.
    /// </summary>
    public static void Accepted(BhyveVcpuThread vcpu, int vector, bool fromIrr = true)
    {
        ref var apic = ref vcpu.Apic;
        if (fromIrr)
        {
            apic.Irr.Clear(vector);
        }

        apic.Isr.Set(vector);
        apic.UpdatePpr();
        vcpu.Ktr(KtrMessage.IntrAccepted, (ulong)vector, apic.Irr.Word32(vector >> 5), apic.Isr.Word32(vector >> 5));
    }

    /// <summary>The guest has not taken the offered vector: back to IRR, where an equal request may have come meanwhile.</summary>
    public static void TakeBack(BhyveVcpuThread vcpu, int vector) => vcpu.Apic.Irr.Set(vector);

    /// <summary>The guest's CR8 becomes TPR; a sub-class that was written through the page is lost (vlapic_set_cr8).</summary>
    public static void SetCr8(BhyveVcpuThread vcpu, int value)
    {
        ref var apic = ref vcpu.Apic;
        var before = apic.Tpr;
        apic.WriteCr8(value);
        if (apic.Tpr != before)
        {
            vcpu.Ktr(KtrMessage.TprChanged, before, apic.Tpr);
        }
    }

    /// <summary>An access to the page of the local APIC or of the I/O APIC (vm_handle_inst_emul).</summary>
    public static async HostTask EmulateInstruction(BhyveVcpuThread vcpu)
    {
        var operation = vcpu.GuestOperation;
        var isWrite = operation.Kind != OperationKind.MmioRead;
        var address = operation.Kind == OperationKind.Eoi ? MsiFormat.Address + LocalApicRegister.Eoi : operation.Code;
        if (address >> 12 == IoApic.BaseAddress >> 12)
        {
            await VIoApic.Access(vcpu, isWrite, address & 0xff, (uint)operation.Value);
            return;
        }

        if (isWrite)
        {
            await Write(vcpu, (int)(address & 0xfff), (uint)operation.Value);
            vcpu.CompleteOperation(0);
        }
        else
        {
            vcpu.CompleteOperation(Read(vcpu, (int)(address & 0xfff)));
        }
    }

    /// <summary>
    /// An IPI that AVIC could not complete: what it does not send is sent here, and targets that do not run are notified, whose requests
    /// are in their pages already. Written after KVM's (svm/avic.c:avic_incomplete_ipi_interception): bhyve has no such code.
    /// </summary>
    public static async HostTask CompleteIpi(BhyveVcpuThread vcpu)
    {
        var exit = vcpu.LastExit;
        if ((AvicIpiFailure)(exit.Info2 >> 32) != AvicIpiFailure.TargetNotRunning)
        {
            await Write(vcpu, LocalApicRegister.IcrLow, exit.Value);
            return;
        }

        var (targets, _, _) = Store(vcpu, LocalApicRegister.IcrLow, exit.Value);
        for (var target = 0; targets >> target != 0; target++)
        {
            if ((targets >> target & 1) != 0)
            {
                BhyveVcpuThread.Bhyve.Notify(HostThread.Context, target);
            }
        }
    }

    /// <summary>An access that AVIC does not carry out, or passes on (KVM svm/avic.c:avic_unaccelerated_access_interception).</summary>
    public static async HostTask CompleteAccess(BhyveVcpuThread vcpu)
    {
        var exit = vcpu.LastExit;
        var offset = (int)(exit.Info1 & 0xff0);
        if (offset == LocalApicRegister.Eoi || Avic.WriteTraps(offset))
        {
            await Write(vcpu, offset, exit.Value);
        }
        else
        {
            await EmulateInstruction(vcpu);
        }
    }

    /// <summary>
    /// A message reaches local APICs: each gets its request, and is then notified (lapic_set_intr, lapic_intr_msi). Between the two others
    /// can act.
    /// </summary>
    /// <param name="thread">Who sends.</param>
    /// <param name="targets">Which vCPUs, as a bit mask.</param>
    /// <param name="message">The message.</param>
    /// <returns>How many accepted it; -1 if none was addressed.</returns>
    public static async HostTask<int> Deliver(HostThread thread, uint targets, ApicMessage message)
    {
        var accepted = targets == 0 ? -1 : 0;
        for (var target = 0; targets >> target != 0; target++)
        {
            if ((targets >> target & 1) == 0 || !BhyveVcpuThread.Bhyve.SetRequest(HostThread.Context, target, message))
            {
                continue;
            }

            accepted++;
            await thread.Point(At.RequestSet, TimingCost.LoopPoint);
            BhyveVcpuThread.Bhyve.Notify(HostThread.Context, target);
        }

        return accepted;
    }

    private static uint Read(BhyveVcpuThread vcpu, int offset)
    {
        var value = vcpu.Apic.Read(offset, new Instant(HostThread.Machine.Now), HostThread.Board.ApicClock);
        vcpu.Ktr(KtrMessage.ApicRead, (ulong)offset, value);
        return value;
    }

    private static async HostTask Write(BhyveVcpuThread vcpu, int offset, uint value)
    {
        var (targets, message, ended) = Store(vcpu, offset, value);
        if (targets != 0)
        {
            await Deliver(vcpu.Thread, targets, message);
        }

        if (ended >= 0)
        {
            await VIoApic.EndOfInterrupt(vcpu.Thread, (byte)ended);
        }
    }

    /// <summary>The store itself.</summary>
    /// <returns>Where the IPI goes that it sends, and the vector whose EOI the I/O APIC has to hear of; none is 0, and -1.</returns>
    private static (uint Targets, ApicMessage Message, int Ended) Store(BhyveVcpuThread vcpu, int offset, uint value)
    {
        vcpu.Ktr(KtrMessage.ApicWrite, (ulong)offset, value);
        var effect = vcpu.Apic.Write(offset, value, new Instant(HostThread.Machine.Now), HostThread.Board.ApicClock);
        if (effect.Has(LocalApicEffects.Eoi))
        {
            vcpu.Ktr(effect.Eoi.Vector < 0 ? KtrMessage.GratuitousEoi : KtrMessage.Eoi, (ulong)Math.Max(effect.Eoi.Vector, 0));
            return (0, default, effect.Eoi.Broadcast ? effect.Eoi.Vector : -1);
        }

        if (!effect.Has(LocalApicEffects.SendIpi) && !effect.Has(LocalApicEffects.SelfIpi))
        {
            return (0, default, -1);
        }

        vcpu.Ktr(KtrMessage.IcrWritten, ((ulong)vcpu.Apic.IcrHigh << 32) | vcpu.Apic.IcrLow, effect.Ipi.Message.Vector);
        return (BhyveHypervisor.TargetsOf(HostThread.Context, vcpu.Index, effect.Ipi), effect.Ipi.Message, -1);
    }
}
