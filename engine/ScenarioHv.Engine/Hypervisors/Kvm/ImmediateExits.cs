using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// Arms the exit that follows an entry at once, by the policy of that name (vmx.c:vmx_update_hv_timer;
/// x86.c:kvm_make_request(KVM_REQ_EVENT)).
/// </summary>
internal static class ImmediateExits
{
    /// <summary>Arms it if this entry needs it.</summary>
    public static void Arm(VcpuThread vcpu)
    {
        var context = VcpuThread.Context;
        ref var state = ref vcpu.State;
        state.PreemptionDeadline = Instant.Never;
        state.SelfIpiAfter = 0;
        VcpuThread.Processor.DisarmPreemptionTimer(context.Machine, vcpu.Index);
        if (vcpu.Kvm.ImmediateExit == 0)
        {
            return;
        }

        vcpu.Request(KvmRequests.Event);
        ref var memory = ref context.Machine.Ref(context.Board.ImmediateExitMemory, (vcpu.Index * 2) + state.Level - 1);
        var rip = VcpuThread.Processor.Rip(context.Machine, vcpu.Index, state.Level);
        var decision = context.Board.Config.ImmediateExit.Decide(rip, ref memory);
        VcpuThread.Emit(TraceEventKind.PolicyDecided, (ulong)PolicyPoint.ImmediateExit, (ulong)decision.Mechanism, decision.Argument);
        if (decision.Mechanism == ImmediateExitMechanism.PreemptionTimer)
        {
            VcpuThread.Processor.ArmPreemptionTimer(context.Machine, vcpu.Index, decision.Argument);
        }
        else if (decision.Argument == 0)
        {
            state.HostInterrupts |= HostInterrupts.SelfIpi;
            state.HostInterruptAt = new Instant(context.Machine.Now);
        }
        else
        {
            state.SelfIpiAfter = decision.Argument;
        }
    }
}
