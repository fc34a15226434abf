using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// What becomes of the event that an entry has injected, in the order of the policy's plan: it was delivered, or the exit came in the
/// middle of its delivery (vmx.c:__vmx_complete_interrupts, svm.c:svm_complete_interrupts). Not modelled: an exit that L1 wants and that
/// cuts an event of L2. Deliveries are cut at the first guest only.
/// </summary>
internal static class ExitFolding
{
    /// <summary>After an exit, before its handler.</summary>
    public static void Fold(VcpuThread vcpu)
    {
        var plan = HostThread.Board.Config.Kvm.ExitFold;
        var cut = vcpu.LastExit.Vectoring;
        var extInt = vcpu.Kvm.InjectedVector == InterruptionInfo.Vector(cut) ? vcpu.Kvm.InjectedExtInt : (byte)0;
        var isNmi = InterruptionInfo.IsNmi(cut);
        for (var i = 0; i < plan.Count; i++)
        {
            switch (plan[i])
            {
                case FoldStep.ForgetInUserspace:
                case var _ when !plan.Takes(i, vcpu.Index):
                    break;
                case FoldStep.Forget:
                    Forget(vcpu);
                    break;
                case FoldStep.UnblockNmi when cut != 0 && isNmi:
                    vcpu.Core(1).NmiBlocked = 0;
                    break;
                case FoldStep.Requeue when cut != 0:
                    vcpu.Kvm.NmiInjected = isNmi ? (byte)1 : (byte)0;
                    vcpu.Kvm.InjectedVector = isNmi ? (byte)0 : InterruptionInfo.Vector(cut);
                    vcpu.Kvm.InjectedExtInt = isNmi ? (byte)0 : extInt;
                    vcpu.Request(KvmRequests.Event);
                    break;
            }
        }
    }

    /// <summary>The exit goes up to userspace.</summary>
    public static void LeavingKernel(VcpuThread vcpu)
    {
        var plan = HostThread.Board.Config.Kvm.ExitFold;
        var step = plan.IndexOf(FoldStep.ForgetInUserspace);
        if (step >= 0 && plan.Takes(step, vcpu.Index))
        {
            Forget(vcpu);
        }
    }

    private static void Forget(VcpuThread vcpu)
    {
        vcpu.Kvm.InjectedVector = 0;
        vcpu.Kvm.InjectedExtInt = 0;
        vcpu.Kvm.NmiInjected = 0;
    }
}
