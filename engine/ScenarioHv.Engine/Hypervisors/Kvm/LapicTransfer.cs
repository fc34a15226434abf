using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// A local APIC saved and restored by the monitor: KVM_GET_LAPIC and KVM_SET_LAPIC, called on the vCPU's own thread, in the steps of the
/// policies <c>save</c> and <c>lapic-restore</c>, and IA32_TSC_DEADLINE beside them. Nothing else of a snapshot is put back: the guest
/// goes on where it is, and the TSC goes on as well, as after a migration between hosts whose TSCs agree. An NMI or a vector that is
/// being injected (KVM_GET_VCPU_EVENTS) stays where it is.
/// </summary>
internal static class LapicTransfer
{
    /// <summary>The monitor saves.</summary>
    public static async HostTask Save(VcpuThread vcpu)
    {
        await vcpu.Point(At.LapicIoctl, TimingCost.ToKernel);
        for (var step = 0; step < VcpuThread.Policies.Save.Count; step++)
        {
            if (!VcpuThread.Policies.Save.Takes(step, vcpu.Index))
            {
                continue;
            }

            switch (VcpuThread.Policies.Save[step])
            {
                case LapicSaveStep.SyncPir:
                    await PostedSync.AtSave(vcpu);
                    break;
                case LapicSaveStep.SyncPirIfApicvActive:
                    if (vcpu.ApicvActive)
                    {
                        await PostedSync.AtSave(vcpu);
                    }

                    break;
                default:
                    Copy(vcpu);
                    break;
            }

            if (VcpuThread.Policies.Save.Merges(step, vcpu.Index))
            {
                HostThread.PassOver(TimingCost.LoopPoint);
                continue;
            }

            await vcpu.Point(At.LapicStepDone, TimingCost.LoopPoint);
        }
    }

    /// <summary>The monitor restores what it has saved.</summary>
    public static async HostTask Restore(VcpuThread vcpu)
    {
        await vcpu.Point(At.LapicIoctl, TimingCost.ToKernel);

        // From here on the guest's requests are those of the page: what was owed before belongs to a past that did not happen.
        SafetyChecks.RestoreBegins(VcpuThread.Context, vcpu.Index);
        var isMsrFirst = VcpuThread.Policies.RestoreOrder == RestoreOrder.MsrFirst;
        if (isMsrFirst)
        {
            await WriteMsr(vcpu);
        }

        for (var step = 0; step < VcpuThread.Policies.LapicRestore.Count; step++)
        {
            if (!VcpuThread.Policies.LapicRestore.Takes(step, vcpu.Index))
            {
                continue;
            }

            if (VcpuThread.Policies.LapicRestore[step] == LapicRestoreStep.StartTimer)
            {
                await KvmTimer.Restart(vcpu, CountOf(vcpu), Saved(vcpu).KeptDeadline);
            }
            else
            {
                Take(vcpu, VcpuThread.Policies.LapicRestore[step]);
            }

            if (VcpuThread.Policies.LapicRestore.Merges(step, vcpu.Index))
            {
                HostThread.PassOver(TimingCost.LoopPoint);
                continue;
            }

            await vcpu.Point(At.LapicStepDone, TimingCost.LoopPoint);
        }

        if (!isMsrFirst)
        {
            await WriteMsr(vcpu);
        }
    }

    /// <summary>KVM_SET_MSRS with the deadline alone; without effect in the other timer modes.</summary>
    private static async HostTask WriteMsr(VcpuThread vcpu)
    {
        await KvmTimer.WriteDeadline(vcpu, SavedDeadline(vcpu));
        await vcpu.Point(At.LapicIoctl, TimingCost.ToKernel);
    }

    /// <summary>Where the clock stands still, a saved deadline has passed until it is restored, or has not.</summary>
    private static ulong SavedDeadline(VcpuThread vcpu)
    {
        var deadline = Saved(vcpu).TscDeadline;
        if (deadline.IsNever)
        {
            return 0;
        }

        var isOpen = HostThread.Board.Config.Time is not null && deadline.Cycle > HostThread.Machine.Now;
        return (ulong)(isOpen && HostThread.Context.Choose(2) == 1 ? HostThread.Machine.Now : deadline.Cycle);
    }

    private static void Copy(VcpuThread vcpu)
    {
        ref var saved = ref Saved(vcpu);
        ref var apic = ref vcpu.Apic;
        saved.Page = apic.Save(new Instant(VcpuThread.Context.Machine.Now), VcpuThread.Context.Board.ApicClock);
        saved.TscDeadline = DeadlineOf(vcpu);
        saved.Missing = SafetyChecks.MissingIn(VcpuThread.Context, vcpu.Index, saved.Page.Irr);
    }

    /// <summary>What IA32_TSC_DEADLINE holds; never if it reads 0. A deadline that has expired stays in it until it is delivered.</summary>
    private static Instant DeadlineOf(VcpuThread vcpu) =>
        vcpu.Kvm.TimerPending != 0 ? vcpu.Kvm.PendingDeadline
        : vcpu.Apic.TimerMode == ApicTimerMode.TscDeadline ? vcpu.Apic.TimerDeadline
        : Instant.Never;

    private static void Take(VcpuThread vcpu, LapicRestoreStep step)
    {
        switch (step)
        {
            case LapicRestoreStep.Load:
                Load(vcpu);
                break;
            case LapicRestoreStep.SyncHardware:
                VcpuThread.Processor.SyncVirtualApic(VcpuThread.Context.Machine, vcpu.Index);
                VcpuThread.Processor.WriteServicingVector(VcpuThread.Context.Machine, vcpu.Index);
                vcpu.Request(KvmRequests.Event);
                break;
            case LapicRestoreStep.Purge:
            case LapicRestoreStep.PurgeIfApicvActive when vcpu.ApicvActive:
                PostedSync.Purge(vcpu);
                break;
        }
    }

    /// <summary>
    /// The timer is cancelled, also if it has expired and is pending, and the page is copied. A deadline that the MSR has in deadline mode
    /// survives that, unless the page changes the mode (apic_update_lvtt).
    /// </summary>
    private static void Load(VcpuThread vcpu)
    {
        ref var saved = ref Saved(vcpu);
        ref var apic = ref vcpu.Apic;
        var (mode, deadline) = (apic.TimerMode, DeadlineOf(vcpu));
        apic.Load(saved.Page);
        saved.KeptDeadline = apic.TimerMode == mode ? deadline : Instant.Never;
        KvmTimer.Forget(ref vcpu.Kvm);
        SafetyChecks.Restored(VcpuThread.Context, vcpu.Index, saved.Missing);
    }

    private static uint CountOf(VcpuThread vcpu) =>
        HostThread.Board.Config.Timeline[vcpu.Kvm.RestoreLine].TimerCount ?? Saved(vcpu).Page.TimerCurrentCount;

    private static ref SavedLapic Saved(VcpuThread vcpu) => ref HostThread.Machine.Ref(HostThread.Board.SavedLapics, vcpu.Index);
}

/// <summary>What a monitor has saved of a vCPU's local APIC.</summary>
public struct SavedLapic
{
    /// <summary>The page.</summary>
    public LocalApicPage Page;

    /// <summary>IA32_TSC_DEADLINE; never if it read 0.</summary>
    public Instant TscDeadline;

    /// <summary>During a restore: the deadline that the MSR had when the page was copied.</summary>
    public Instant KeptDeadline;

    /// <summary>For the property snapshot: the highest vector that was owed at the save and is not in the page; 0 if none was.</summary>
    public ulong Missing;
}
