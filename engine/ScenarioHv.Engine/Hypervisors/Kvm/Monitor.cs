using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// What the monitor's main thread asks of a vCPU's thread: to stay out of KVM_RUN, to save its local APIC, to restore it, to write an MSR
/// (QEMU cpus.c: a signal takes the thread out of the kernel, run_on_cpu has it do the work, under the big lock).
/// </summary>
internal static class Monitor
{
    /// <summary>The main thread asks.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="action">What for.</param>
    /// <param name="line">The line of the timeline.</param>
    public static void Ask(VcpuThread vcpu, StimulusAction action, int line)
    {
        ref var kvm = ref vcpu.Kvm;
        switch (action)
        {
            case StimulusAction.Pause:
                kvm.Wishes |= MonitorWish.Pause;
                break;
            case StimulusAction.Resume:
                kvm.Wishes &= ~MonitorWish.Pause;
                break;
            case StimulusAction.Save:
                kvm.Wishes |= MonitorWish.Save;
                break;
            case StimulusAction.SetMsr:
                kvm.Wishes |= MonitorWish.SetMsr;
                kvm.HostMsr = HostThread.Board.Config.Timeline[line].Msr;
                kvm.HostMsrValue = HostThread.Board.Config.Timeline[line].Value;
                break;
            default:
                kvm.Wishes |= MonitorWish.Restore;
                kvm.RestoreLine = (ushort)line;
                break;
        }

        HostThread.Kvm.Kick(VcpuThread.Context, vcpu.Index);
        Wake(vcpu);
    }

    /// <summary>The thread has left KVM_RUN and does what it is asked for; it goes on when it is not to pause.</summary>
    public static async HostTask Serve(VcpuThread vcpu)
    {
        while (vcpu.HasSignal)
        {
            if (vcpu.Kvm.Wishes == MonitorWish.Pause)
            {
                await vcpu.Thread.Sleep(At.Paused);
                continue;
            }

            await KernelLocks.Take(vcpu.Thread, KernelLock.Monitor);
            await DoWork(vcpu);
            KernelLocks.Release(vcpu.Thread, KernelLock.Monitor);
        }
    }

    private static async HostTask DoWork(VcpuThread vcpu)
    {
        if (Take(vcpu, MonitorWish.Save))
        {
            await LapicTransfer.Save(vcpu);
        }
        else if (Take(vcpu, MonitorWish.Restore))
        {
            await LapicTransfer.Restore(vcpu);
            vcpu.Kvm.Wishes &= ~MonitorWish.Pause;
        }
        else if (Take(vcpu, MonitorWish.SetMsr))
        {
            await SetMsrs(vcpu);
        }
    }

    /// <summary>KVM_SET_MSRS: the ioctl is a reader of kvm->srcu around its whole list (x86.c:kvm_arch_vcpu_ioctl).</summary>
    private static async HostTask SetMsrs(VcpuThread vcpu)
    {
        KernelLocks.ReadSrcu(vcpu.Thread, SrcuReason.SetMsrs);
        await KvmHyperv.Write(vcpu.Thread, vcpu.Index, vcpu.Kvm.HostMsr, vcpu.Kvm.HostMsrValue, host: true);
        KernelLocks.LeaveSrcu(vcpu.Thread);
    }

    private static bool Take(VcpuThread vcpu, MonitorWish wish)
    {
        ref var wishes = ref vcpu.Kvm.Wishes;
        var wanted = (wishes & wish) != 0;
        wishes &= ~wish;
        return wanted;
    }

    private static void Wake(VcpuThread vcpu)
    {
        if (HostThread.Kvm.SleepsAt(HostThread.Machine, vcpu.Index, At.Paused))
        {
            vcpu.State.ReadyAt = new Instant(HostThread.Machine.Now) + HostThread.Context.Cost(TimingCost.Wake);
        }
    }
}
