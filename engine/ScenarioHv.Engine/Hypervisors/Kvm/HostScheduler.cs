using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// The host takes the CPU of a vCPU's thread away and gives it back. The thread hands it over where KVM looks for that, on its way into the
/// guest (x86.c:vcpu_run; preempt notifiers kvm_sched_out and kvm_sched_in). Not modelled: a kernel that preempts itself anywhere else, and
/// a monitor that is preempted outside KVM_RUN.
/// </summary>
internal static class HostScheduler
{
    /// <summary>The host wants the CPU: an IPI makes a vCPU in the guest leave it. One that sleeps has no CPU to give.</summary>
    public static void Preempt(StepContext context, int vcpu)
    {
        ref var kvm = ref context.Machine.Ref(context.Board.Kvm, vcpu);
        kvm.CpuTaken = 1;
        if (kvm.Mode != VcpuMode.Outside)
        {
            HostThread.Kvm.Kick(context, vcpu);
        }
    }

    /// <summary>The thread may run again.</summary>
    public static void Schedule(StepContext context, int vcpu)
    {
        context.Machine.Ref(context.Board.Kvm, vcpu).CpuTaken = 0;
        if (HostThread.Kvm.SleepsAt(context.Machine, vcpu, At.Preempted))
        {
            context.Machine.Ref(context.Board.Vcpus, vcpu).ReadyAt =
                new Instant(context.Machine.Now) + context.Cost(TimingCost.Wake);
        }
    }

    /// <summary>The thread is preempted, and goes on when it has a CPU again.</summary>
    public static async HostTask SwitchOut(VcpuThread vcpu)
    {
        Put(vcpu);
        await AwaitCpu(vcpu);
        await Load(vcpu);
    }

    /// <summary>The thread is runnable and waits for a CPU.</summary>
    public static async HostTask AwaitCpu(VcpuThread vcpu)
    {
        while (vcpu.IsPreempted)
        {
            await vcpu.Thread.Sleep(At.Preempted);
        }
    }

    private static bool UsesSn => HostThread.Board.Config.HasPostedDevices;

    private static ref PostedInterrupts Posted(VcpuThread vcpu) =>
        ref HostThread.Machine.Ref(HostThread.Board.PostedInterrupts, vcpu.Index);

    /// <summary>
    /// A preempted vCPU wants no notification, since it looks at PIR before it enters (posted_intr.c:vmx_vcpu_pi_put; that older kernels do
    /// so only while APICv is active is not modelled). One that sleeps is not preempted, and wants to be woken.
    /// </summary>
    private static void Put(VcpuThread vcpu)
    {
        KvmAvic.Put(vcpu);
        if (UsesSn)
        {
            Posted(vcpu).Sn = 1;
        }
    }

    /// <summary>posted_intr.c:vmx_vcpu_pi_load, in the order of the policy <c>posted-load</c>.</summary>
    private static async HostTask Load(VcpuThread vcpu)
    {
        KvmAvic.Load(vcpu);
        for (var i = 0; UsesSn && i < VcpuThread.Policies.PostedLoad.Count; i++)
        {
            if (!VcpuThread.Policies.PostedLoad.Takes(i, vcpu.Index))
            {
                continue;
            }

            var label = TakeStep(vcpu, VcpuThread.Policies.PostedLoad[i]);
            if (!VcpuThread.Policies.PostedLoad.Merges(i, vcpu.Index))
            {
                await vcpu.Thread.Point(label);
            }
        }
    }

    private static At TakeStep(VcpuThread vcpu, PostedLoadStep step)
    {
        if (step == PostedLoadStep.ClearSn)
        {
            Posted(vcpu).Sn = 0;
            return At.SnCleared;
        }

        Posted(vcpu).SetOnIfPosted();
        return At.OnSet;
    }
}
