using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization.Svm;

namespace ScenarioHv.Engine.Hypervisors.Bhyve;

/// <summary>
/// What bhyve writes into the VMCB before VMRUN, and what it makes of it after #VMEXIT (svm.c:svm_inj_interrupts, svm_update_virqinfo,
/// svm_save_intinfo).
/// </summary>
internal static class SvmEvents
{
    private const byte HighestPriority = 0xf;

    /// <summary>Chooses the event of the next VMRUN and programs it. GIF is 0: only IRR can change meanwhile.</summary>
    public static async HostTask Inject(BhyveVcpuThread vcpu)
    {
        InjectAgain(vcpu);
        if (BhyveVcpuThread.Policies.Injection == SvmInjection.Avic)
        {
            return;
        }

        var vector = VLapic.PendingInterrupt(vcpu);
        if (vector >= 0)
        {
            SafetyChecks.Committed(HostThread.Context, vcpu.Index, vector);
        }

        await vcpu.Point(At.VectorChosen, TimingCost.LoopPoint);
        if (BhyveVcpuThread.Policies.Injection == SvmInjection.EventInjection)
        {
            var wantsWindow = vector >= 0 && InjectVector(vcpu, (byte)vector);
            SetTpr(vcpu);
            SetWindow(vcpu, wantsWindow);
        }
        else
        {
            SetTpr(vcpu);
            OfferVector(vcpu, vector);
        }
    }

    /// <summary>
    /// Reads back what the processor has made of the VMCB. With V_IRQ this is where bhyve learns that the guest has taken a vector; a
    /// request that came since is in IRR, where the vector has been all the time or not, by <see cref="SvmInjection"/>. With AVIC TPR is in
    /// the page that guest and vLAPIC share.
    /// </summary>
    public static void Fold(BhyveVcpuThread vcpu)
    {
        var plan = BhyveVcpuThread.Policies.ExitFold;
        for (var i = 0; i < plan.Count; i++)
        {
            switch (plan[i])
            {
                case var _ when !plan.Takes(i, vcpu.Index):
                    break;
                case ExitFoldStep.CopyTpr when BhyveVcpuThread.Policies.Injection == SvmInjection.Avic:
                    break;
                case ExitFoldStep.CopyTpr:
                    VLapic.SetCr8(vcpu, vcpu.Vmcb.VTpr);
                    break;
                case ExitFoldStep.FoldVIrq:
                    FoldVIrq(vcpu);
                    break;
                case ExitFoldStep.SaveIntInfo:
                    SaveIntInfo(vcpu);
                    break;
                default:
                    throw new InvalidOperationException($"{plan[i]} is no part of a fold.");
            }
        }

        vcpu.Vmm.ExitUnread = 0;
    }

    /// <summary>An event whose delivery was cut short comes before all others (svm_inj_intinfo).</summary>
    private static void InjectAgain(BhyveVcpuThread vcpu)
    {
        ref var vmm = ref vcpu.Vmm;
        if (!EventInjection.IsValid(vmm.ExitIntInfo))
        {
            return;
        }

        vcpu.Vmcb.EventInj = vmm.ExitIntInfo;
        vcpu.Ktr(KtrMessage.IntInfoInjected, vmm.ExitIntInfo);
        vmm.ExitIntInfo = 0;
    }

    /// <summary>Injects a vector if the guest can take it: IRR to ISR here and now.</summary>
    /// <returns>True if a window is wanted: until the guest can take it, or because there may be more.</returns>
    private static bool InjectVector(BhyveVcpuThread vcpu, byte vector)
    {
        ref var core = ref vcpu.Core;
        ref var vmcb = ref vcpu.Vmcb;
        if (core.InterruptFlag == 0)
        {
            vcpu.Ktr(KtrMessage.BlockedByRflags, vector);
        }
        else if (core.InShadow)
        {
            vcpu.Ktr(KtrMessage.BlockedByShadow, vector);
        }
        else if (EventInjection.IsValid(vmcb.EventInj))
        {
            vcpu.Ktr(KtrMessage.BlockedByEvent, vector, vmcb.EventInj);
        }
        else
        {
            vmcb.EventInj = EventInjection.Make(SvmEventType.Intr, vector);
            vcpu.Ktr(KtrMessage.EventInjected, vector);
            VLapic.Accepted(vcpu, vector);
        }

        return BhyveVcpuThread.Policies.InterruptWindow == InterruptWindow.Vintr;
    }

    /// <summary>V_IRQ with the vector, for the processor to deliver when it can; without one nothing is offered any more.</summary>
    private static void OfferVector(BhyveVcpuThread vcpu, int vector)
    {
        ref var vmcb = ref vcpu.Vmcb;
        if (vector < 0)
        {
            if (vmcb.VIntrVector != 0)
            {
                vcpu.Ktr(KtrMessage.VIrqCleared);
            }

            vmcb.VIrq = vmcb.VIntrVector = vmcb.VIntrPrio = 0;
            return;
        }

        vcpu.Ktr(KtrMessage.VIrqProgrammed, (ulong)vector);
        vmcb.VIrq = 1;
        vmcb.VIgnTpr = 0;
        vmcb.VIntrVector = (byte)vector;
        vmcb.VIntrPrio = (byte)(vector >> 4);
        if (BhyveVcpuThread.Policies.Injection == SvmInjection.VIrqPendingState)
        {
            vcpu.Apic.Irr.Clear(vector);
            vcpu.Vmm.OfferedVector = (byte)vector;
        }
    }

    /// <summary>The guest's TPR may have been written through the APIC page, which only bhyve has seen.</summary>
    private static void SetTpr(BhyveVcpuThread vcpu)
    {
        ref var vmcb = ref vcpu.Vmcb;
        var tpr = (byte)vcpu.Apic.ReadCr8();
        if (vmcb.VTpr != tpr)
        {
            vcpu.Ktr(KtrMessage.VTprChanged, vmcb.VTpr, tpr);
            vmcb.VTpr = tpr;
        }
    }

    /// <summary>
    /// #VMEXIT(VINTR) as soon as the guest can take an interrupt: V_IRQ without a vector, intercepted (enable_intr_window_exiting,
    /// disable_intr_window_exiting).
    /// </summary>
    private static void SetWindow(BhyveVcpuThread vcpu, bool wanted)
    {
        ref var vmcb = ref vcpu.Vmcb;
        if (vmcb.VIrq != 0 == wanted)
        {
            return;
        }

        vcpu.Ktr(wanted ? KtrMessage.WindowEnabled : KtrMessage.WindowDisabled);
        vmcb.VIrq = wanted ? (byte)1 : (byte)0;
        vmcb.VIgnTpr = vmcb.VIrq;
        vmcb.VIntrPrio = wanted ? HighestPriority : (byte)0;
        vmcb.Intercept3 = wanted ? vmcb.Intercept3 | Intercept3.Vintr : vmcb.Intercept3 & ~Intercept3.Vintr;
    }

    private static void FoldVIrq(BhyveVcpuThread vcpu)
    {
        ref var vmcb = ref vcpu.Vmcb;
        ref var vmm = ref vcpu.Vmm;
        if (vmcb.VIntrVector == 0)
        {
            return;
        }

        var vector = vmcb.VIntrVector;
        var taken = vmcb.VIrq == 0;
        vcpu.Ktr(KtrMessage.VIrqOutcome, vector, taken ? 1UL : 0);
        if (taken)
        {
            VLapic.Accepted(vcpu, vector, fromIrr: BhyveVcpuThread.Policies.Injection == SvmInjection.VIrq);
        }
        else if (vmm.OfferedVector != 0)
        {
            VLapic.TakeBack(vcpu, vector);
        }

        vmm.OfferedVector = 0;
    }

    private static void SaveIntInfo(BhyveVcpuThread vcpu)
    {
        var information = vcpu.Vmcb.ExitIntInfo;
        if (!EventInjection.IsValid(information))
        {
            return;
        }

        vcpu.Ktr(KtrMessage.IntInfoPending, information);
        vcpu.Vmm.ExitIntInfo = information;
    }
}
