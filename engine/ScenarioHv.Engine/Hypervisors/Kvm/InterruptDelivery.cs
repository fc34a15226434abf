using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// A message on its last stretch into a local APIC (lapic.c:__apic_accept_irq, vmx.c:vmx_deliver_interrupt). Without APICv it is one step:
/// IRR, KVM_REQ_EVENT, kick. A posted one takes the steps of the policy <c>post</c>, and others can act between any two of them.
/// </summary>
internal static class InterruptDelivery
{
    /// <summary>What a message still needs after the local APIC has looked at it.</summary>
    private enum Acceptance : byte
    {
        Refused,
        Done,
        Post,
    }

    /// <summary>Delivers a message to every local APIC that it addresses, in the order of their numbers.</summary>
    /// <returns>How many accepted it; -1 if none was addressed.</returns>
    public static async HostTask<int> ToAll(HostThread thread, ApicMessage message, MessageSource source)
    {
        var targets = KvmHypervisor.TargetsOf(HostThread.Context, message, source);
        var accepted = targets == 0 ? -1 : 0;
        for (byte vcpu = 0; targets != 0; vcpu++, targets >>= 1)
        {
            if ((targets & 1) != 0 && await ToOne(thread, vcpu, message))
            {
                accepted++;
            }
        }

        return accepted;
    }

    /// <summary>A message enters the kernel by KVM_SIGNAL_MSI or by a GSI that is routed to it (kvm_set_msi).</summary>
    /// <returns>How many local APICs accepted it; -1 if none was addressed.</returns>
    public static async HostTask<int> SignalMsi(HostThread thread, ApicMessage message)
    {
        HostThread.Context.Emit(
            TraceEventKind.KvmMsiSetIrq, message.Destination, message.Vector, (ulong)message.Mode, (ulong)message.Flags);
        return await ToAll(thread, message, MessageSource.Device);
    }

    /// <summary>An IPI leaves a local APIC: to every local APIC that it addresses.</summary>
    public static async HostTask SendIpi(VcpuThread sender, IpiRequest ipi)
    {
        await ToAll(sender.Thread, ipi.Message, new MessageSource(sender.Index, ipi.Shorthand));
    }

    /// <summary>The interrupt of the LVT timer entry, delivered by the vCPU's own thread (kvm_apic_local_deliver).</summary>
    public static async HostTask TimerInterrupt(VcpuThread vcpu)
    {
        if (vcpu.Apic.TryTimerMessage(out var message))
        {
            await ToOne(vcpu.Thread, (byte)vcpu.Index, message);
        }
    }

    /// <summary>
    /// The same by the callback of a host timer. It runs in interrupt context on the CPU of the vCPU, which therefore gets no further
    /// meanwhile: one step.
    /// </summary>
    public static void TimerInterruptInCallback(StepContext context, int vcpu)
    {
        if (context.Machine.Ref(context.Board.Apics, vcpu).TryTimerMessage(out var message)
            && Accept(context, vcpu, message) == Acceptance.Post)
        {
            var mode = VcpuMode.Outside;
            var last = -1;
            for (var step = 0; step < VcpuThread.Policies.Post.Count; step++)
            {
                if (VcpuThread.Policies.Post.Takes(step, vcpu, message.Vector))
                {
                    last = step;
                    if (!Take(context, step, vcpu, message.Vector, ref mode))
                    {
                        break;
                    }
                }
            }

            EmitPosted(context, vcpu, message, last);
        }
    }

    /// <summary>A message for one vCPU's local APIC, whatever it is addressed to.</summary>
    /// <returns>True if it was accepted.</returns>
    public static async HostTask<bool> ToOne(HostThread thread, byte vcpu, ApicMessage message)
    {
        var acceptance = Accept(HostThread.Context, vcpu, message);
        if (acceptance == Acceptance.Post)
        {
            var mode = VcpuMode.Outside;
            var last = -1;
            for (var step = 0; step < VcpuThread.Policies.Post.Count; step++)
            {
                if (last >= 0 && !VcpuThread.Policies.Post.Merges(last, vcpu))
                {
                    await thread.Point(LabelAfter(last));
                }

                last = -1;
                if (VcpuThread.Policies.Post.Takes(step, vcpu, message.Vector))
                {
                    last = step;
                    if (!Take(HostThread.Context, step, vcpu, message.Vector, ref mode))
                    {
                        break;
                    }
                }
            }

            EmitPosted(HostThread.Context, vcpu, message, last);
        }

        return acceptance != Acceptance.Refused;
    }

    /// <summary>__apic_accept_irq: the trace line comes first, whatever becomes of the message.</summary>
    private static Acceptance Accept(StepContext context, int vcpu, in ApicMessage message)
    {
        var board = context.Board;
        ref var apic = ref context.Machine.Ref(board.Apics, vcpu);
        var fromIoApic = board.Config.Irqchip == IrqchipKind.Kernel && message.IsLevel;
        context.Emit(
            TraceEventKind.KvmApicAcceptIrq, apic.ApicId, message.Vector, (ulong)message.Mode, (ulong)message.Flags, fromIoApic ? 1UL : 0);
        var posts = HostThread.Kvm.IsPosted(context.Machine, vcpu);
        var result = posts ? apic.AcceptPosted(message) : apic.Accept(message);
        if (!result.IsAccepted)
        {
            return Acceptance.Refused;
        }

        switch (result.Core)
        {
            case CoreRequest.None when posts:
                return Acceptance.Post;
            case CoreRequest.None:
                SafetyChecks.Accepted(context, vcpu, message.Vector, message.IsLevel);
                if (context.Machine.Ref(board.Kvm, vcpu).ApicvActive != 0)
                {
                    EmitAccepted(context, vcpu, message);
                }

                HostThread.Kvm.Notify(context, vcpu);
                return Acceptance.Done;
            case CoreRequest.Nmi:
                HostThread.Kvm.QueueNmi(context, vcpu);
                return Acceptance.Done;
            default:
                throw new GuestException($"A message of mode {message.Mode} reached vCPU {vcpu}: {result.Core} is not modelled under KVM.");
        }
    }

    /// <summary>Takes a step of the policy <c>post</c>.</summary>
    /// <returns>False if the posting ends here.</returns>
    private static bool Take(StepContext context, int step, int vcpu, byte vector, ref VcpuMode mode)
    {
        ref var posted = ref context.Machine.Ref(context.Board.PostedInterrupts, vcpu);
        ref var kvm = ref context.Machine.Ref(context.Board.Kvm, vcpu);
        ref var apic = ref context.Machine.Ref(context.Board.Apics, vcpu);
        switch (context.Board.Config.Kvm.Post[step])
        {
            case PostStep.SetPir:
                SafetyChecks.Accepted(context, vcpu, vector, apic.Tmr.Contains(vector));
                return !posted.TestAndSet(vector);
            case PostStep.SetOn:
                return !posted.TestAndSetOn();
            case PostStep.SetFlag:
                var isNew = kvm.NotificationFlag == 0;
                kvm.NotificationFlag = 1;
                return isNew;
            case PostStep.ReadMode:
                mode = kvm.Mode;
                return true;
            case PostStep.Notify:
                HostThread.Kvm.NotifyPosted(context, vcpu, mode);
                return true;
            default:
                apic.Request(vector);
                SafetyChecks.Accepted(context, vcpu, vector, apic.Tmr.Contains(vector));
                HostThread.Kvm.RequestEvent(context, vcpu);
                return false;
        }
    }

    /// <summary>Traced whether a notification was needed or not, but not of a posting that failed.</summary>
    private static void EmitPosted(StepContext context, int vcpu, in ApicMessage message, int last)
    {
        if (last < 0 || context.Board.Config.Kvm.Post[last] != PostStep.FallBackToIrr)
        {
            EmitAccepted(context, vcpu, message);
        }
    }

    private static void EmitAccepted(StepContext context, int vcpu, in ApicMessage message)
    {
        if (context.Board.Config.Kvm.TracesApicvAccept)
        {
            var apicId = context.Machine.Ref(context.Board.Apics, vcpu).ApicId;
            context.Emit(TraceEventKind.KvmApicvAcceptIrq, apicId, message.Vector, (ulong)message.Mode, (ulong)message.Flags);
        }
    }

    private static At LabelAfter(int step) => VcpuThread.Policies.Post[step] switch
    {
        PostStep.SetPir => At.PirSet,
        PostStep.SetOn or PostStep.SetFlag => At.OnSet,
        _ => At.ModeRead,
    };
}
