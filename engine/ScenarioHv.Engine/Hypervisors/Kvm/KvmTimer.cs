using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// KVM's local APIC timer around the count: who delivers its interrupt when it expires, and how it is started again by a restore
/// (lapic.c:apic_timer_expired, __start_apic_timer). It is a host timer here; the VMX-preemption timer as its backing is not modelled, nor
/// is its advance.
/// </summary>
internal static class KvmTimer
{
    /// <summary>The host timer's callback (apic_timer_fn).</summary>
    public static void Callback(StepContext context, int vcpu)
    {
        ref var apic = ref context.Machine.Ref(context.Board.Apics, vcpu);
        ref var kvm = ref context.Machine.Ref(context.Board.Kvm, vcpu);
        var deadline = apic.TimerMode == ApicTimerMode.TscDeadline ? apic.TimerDeadline : Instant.Never;
        apic.ElapseTimer(new Instant(context.Machine.Now), context.Board.ApicClock);
        if (kvm.TimerPending != 0)
        {
            return;
        }

        if (VcpuThread.Policies.TimerFire == TimerFire.DeliverInCallback && kvm.ApicvActive != 0 && kvm.Mode == VcpuMode.InGuest)
        {
            InterruptDelivery.TimerInterruptInCallback(context, vcpu);
            return;
        }

        Pend(ref kvm, deadline);
        HostThread.Kvm.Kick(context, vcpu);
    }

    /// <summary>The vCPU's own thread finds, while it starts the timer, that it has expired.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="deadline">The TSC deadline that has passed; never in the other modes.</param>
    public static async HostTask ExpireInThread(VcpuThread vcpu, Instant deadline)
    {
        if (vcpu.Kvm.TimerPending != 0)
        {
            return;
        }

        if (VcpuThread.Policies.TimerFire != TimerFire.Pend && vcpu.ApicvActive)
        {
            await InterruptDelivery.TimerInterrupt(vcpu);
            return;
        }

        Pend(ref vcpu.Kvm, deadline);
    }

    /// <summary>The thread delivers what has become pending (kvm_inject_pending_timer_irqs).</summary>
    public static async HostTask InjectPending(VcpuThread vcpu)
    {
        vcpu.TakeRequest(KvmRequests.Unblock);
        if (vcpu.Kvm.TimerPending != 0)
        {
            Forget(ref vcpu.Kvm);
            await InterruptDelivery.TimerInterrupt(vcpu);
        }
    }

    /// <summary>
    /// A restored timer starts again. Its deadline is made of one reading of the TSC (T1), and whether it has passed is judged by the next
    /// (T2): a deadline of one tick can pass in between (lapic.c:set_target_expiration, start_sw_tscdeadline; vmx.c:vmx_set_hv_timer). In
    /// TSC-deadline mode the deadline is the one that the MSR has.
    /// </summary>
    public static async HostTask Restart(VcpuThread vcpu, uint currentCount, Instant armedDeadline)
    {
        var isDeadline = vcpu.Apic.TimerMode == ApicTimerMode.TscDeadline;
        var target = isDeadline ? new LocalApicTimerTarget { Deadline = armedDeadline } : Target(vcpu, currentCount);
        await vcpu.Point(At.DeadlineComputed, TimingCost.TscReread);
        if (!HasPassed(ref target))
        {
            vcpu.Apic.ArmTimer(target);
            return;
        }

        Elapse(vcpu, target);
        await ExpireInThread(vcpu, isDeadline ? armedDeadline : Instant.Never);
    }

    /// <summary>
    /// The monitor or the guest writes IA32_TSC_DEADLINE: what was pending is forgotten (start_apic_timer), and a deadline that has passed
    /// expires here and now.
    /// </summary>
    public static async HostTask WriteDeadline(VcpuThread vcpu, ulong value)
    {
        if (vcpu.Apic.TimerMode == ApicTimerMode.TscDeadline)
        {
            Forget(ref vcpu.Kvm);
        }

        if (vcpu.Apic.ArmTscDeadline(value, (ulong)Now.Cycle, Now))
        {
            await ExpireInThread(vcpu, new Instant((long)value));
        }
    }

    /// <summary>The timer is started or cancelled: an expiry that was not delivered is forgotten (cancel_apic_timer).</summary>
    public static void Forget(ref KvmVcpu kvm)
    {
        kvm.TimerPending = 0;
        kvm.PendingDeadline = Instant.Never;
    }

    /// <summary>Where the clock stands still, a deadline that is soon has passed by the second reading, or has not.</summary>
    private static bool HasPassed(ref LocalApicTimerTarget target)
    {
        var context = VcpuThread.Context;
        if (context.Board.Config.Time is { } time && target.Deadline > Now && target.Deadline - Now < time.LaterFrom
            && context.Choose(2) == 1)
        {
            target.Deadline = Now;
        }

        return target.Deadline <= Now;
    }

    private static Instant Now => new(VcpuThread.Context.Machine.Now);

    private static LocalApicTimerTarget Target(VcpuThread vcpu, uint currentCount) =>
        vcpu.Apic.RestoredTarget(currentCount, VcpuThread.Policies.TimerStart, Now, VcpuThread.Context.Board.ApicClock);

    /// <summary>A one-shot timer and a deadline are over; a period goes on from the moment at which it was due.</summary>
    private static void Elapse(VcpuThread vcpu, in LocalApicTimerTarget target)
    {
        vcpu.Apic.ArmTimer(target);
        vcpu.Apic.ElapseTimer(Now, VcpuThread.Context.Board.ApicClock);
    }

    private static void Pend(ref KvmVcpu kvm, Instant deadline)
    {
        kvm.TimerPending = 1;
        kvm.PendingDeadline = deadline;
        kvm.Requests |= KvmRequests.Unblock;
    }
}
