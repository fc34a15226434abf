using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// KVM with its monitor: its actors, and what several of them use. Not modelled yet: SMM.
/// </summary>
internal sealed class KvmHypervisor(Board board) : Hypervisor
{
    /// <inheritdoc/>
    public override IReadOnlyList<Actor> CreateActors() =>
    [
        .. Each(board.Config.Vcpus, vcpu => new VcpuActor(board, vcpu)),
        new IoThreadActor(board),
        .. Each(board.Config.Vcpus, vcpu => new ApicTimerActor(board, vcpu)),
        .. Each(board.Config.HostTickHz > 0 ? board.Config.Vcpus : 0, vcpu => new HostTickActor(board, vcpu)),
        .. board.HasWorker ? [new WorkerActor(board)] : Array.Empty<Actor>(),
        .. Each(board.StoreBuffers.Count, vcpu => new StoreBufferActor(board, vcpu)),
        .. Moments.Of(board),
    ];

    /// <inheritdoc/>
    public override void Reset(StepContext context)
    {
        KvmApicv.Reset(board, context.Machine);
        KvmPic.Reset();
        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            var index = (byte)vcpu;
            context.Machine.Ref(board.Kvm, vcpu).PendingDeadline = Instant.Never;
            context.Actor = context.Vcpu = index;
            context.Level = 0;
            KvmHyperv.Reset(vcpu);
            if (board.StoreBuffers.Count > 0)
            {
                context.Machine.Ref(board.StoreBuffers, vcpu).DrainsAt = Instant.Never;
            }

            if (board.KvmNmi.Count > 0)
            {
                context.Machine.Ref(board.KvmNmi, vcpu).Deadline = Instant.Never;
            }

            Requests.ScanIoApic(new VcpuThread(index));
            context.Start(board.HostFiber(vcpu), () => VcpuLoop.Thread(new VcpuThread(index)).Completed);
        }

        context.Actor = (byte)board.Config.Vcpus;
        context.Start(board.IoFiber, () => Userspace.IoThread(new HostThread((byte)board.Config.Vcpus)).Completed);
        if (board.HasWorker)
        {
            context.Start(board.WorkerFiber, () => KvmHyperv.Worker(new HostThread((byte)(board.Config.Vcpus + 1))).Completed);
        }
    }

    /// <inheritdoc/>
    public override void TakeExit(StepContext context, int vcpu, in GuestExit exit)
    {
        ref var state = ref context.Machine.Ref(board.Vcpus, vcpu);
        state.InGuest = 0;
        state.ReadyAt = new Instant(context.Machine.Now) + context.Cost(TimingCost.VmExit);
        context.Machine.Fiber(board.HostFiber(vcpu)).Op.Value = (ulong)exit.Cause;
    }

    /// <inheritdoc/>
    public override bool ExecuteDirectly(StepContext context, int vcpu, ref ulong result) =>
        throw new InvalidOperationException("Under KVM every such operation exits.");

    /// <inheritdoc/>
    public override void ApicWrite(StepContext context, int vcpu, int offset, uint value) =>
        throw new InvalidOperationException("Under KVM a store to the local APIC exits or is virtualized.");

    /// <inheritdoc/>
    public override void TimerExpired(StepContext context, int vcpu) => KvmTimer.Callback(context, vcpu);

    /// <inheritdoc/>
    public override void HostTick(StepContext context, int vcpu)
    {
        ref var state = ref context.Machine.Ref(board.Vcpus, vcpu);
        var now = new Instant(context.Machine.Now);
        if (state.InGuest != 0 || context.Machine.Ref(board.Kvm, vcpu).Mode != VcpuMode.Outside)
        {
            Interrupt(context.Machine, vcpu, HostInterrupts.Tick, now);
        }
        else if (!state.ReadyAt.IsNever)
        {
            // The host's handler runs on the CPU of the vCPU's thread, which goes on afterwards.
            state.ReadyAt += context.Cost(TimingCost.HostInterrupt);
        }
    }

    /// <inheritdoc/>
    public override Register256 Held(Machine machine, int vcpu)
    {
        var held = machine.Ref(board.Apics, vcpu).Irr;
        ref var kvm = ref machine.Ref(board.Kvm, vcpu);
        if (kvm.InjectedVector != 0)
        {
            held.Set(kvm.InjectedVector);
        }

        // Between an exit and its fold: the processor was delivering by itself, and the exit says what.
        var cut = machine.Ref(board.Exits, vcpu).Vectoring;
        if (cut != 0 && kvm.Mode != VcpuMode.Outside && !InterruptionInfo.IsNmi(cut))
        {
            held.Set(InterruptionInfo.Vector(cut));
        }

        if (board.PostedInterrupts.Count > 0)
        {
            machine.Ref(board.PostedInterrupts, vcpu).AddTo(ref held);
        }

        return held;
    }

    /// <inheritdoc/>
    public override bool HoldsNmi(Machine machine, int vcpu)
    {
        ref var kvm = ref machine.Ref(board.Kvm, vcpu);
        return (kvm.NmiQueued | kvm.NmiPending | kvm.NmiInjected) != 0
            || board.Processor.VirtualNmiPending(machine, vcpu)
            || InterruptionInfo.IsNmi(machine.Ref(board.Exits, vcpu).Vectoring);
    }

    /// <inheritdoc/>
    public override bool GlobalInterruptFlag(Machine machine, int vcpu) => machine.Ref(board.Kvm, vcpu).GifClear == 0;

    /// <inheritdoc/>
    public override bool IsHalted(Machine machine, int vcpu) => machine.Ref(board.Kvm, vcpu).Halted != 0;

    /// <summary>Which vCPUs a message addresses, as a bit mask: of a lowest-priority message the one that takes it.</summary>
    public static uint TargetsOf(StepContext context, in ApicMessage message, MessageSource source) => Targets(context, message, source);

    /// <summary>Whether a vector for a vCPU goes to PIR and not to IRR (vmx.c:vmx_deliver_posted_interrupt).</summary>
    public bool IsPosted(Machine machine, int vcpu) =>
        board.PostedInterrupts.Count > 0 && machine.Ref(board.Kvm, vcpu).ApicvActive != 0;

    /// <summary>IRR has a new vector that software has to look at: KVM_REQ_EVENT, and a kick.</summary>
    public void RequestEvent(StepContext context, int vcpu)
    {
        context.Machine.Ref(board.Kvm, vcpu).Requests |= KvmRequests.Event;
        Kick(context, vcpu);
    }

    /// <summary>
    /// A vector was posted to a vCPU that was seen in <paramref name="mode"/>: in the guest it is notified, by a vector that makes L2 exit;
    /// elsewhere it looks at PIR itself before it enters, and only has to be woken (vmx.c:kvm_vcpu_trigger_posted_interrupt).
    /// </summary>
    public void NotifyPosted(StepContext context, int vcpu, VcpuMode mode)
    {
        if (mode == VcpuMode.InGuest)
        {
            Interrupt(
                context.Machine,
                vcpu,
                HostInterrupts.PostedNotification,
                new Instant(context.Machine.Now) + context.Cost(TimingCost.HostIpi));
        }
        else
        {
            Wake(context.Machine, vcpu);
        }
    }

    /// <summary>
    /// The IOMMU notifies a vCPU, wherever it is: a CPU in the host takes the interrupt and does nothing. One whose thread sleeps has told
    /// it to use the vector that wakes (posted_intr.c:pi_enable_wakeup_handler).
    /// </summary>
    public void NotifyByHardware(StepContext context, int vcpu)
    {
        if (SleepsAt(context.Machine, vcpu, At.Sleeping))
        {
            Wake(context.Machine, vcpu);
        }
        else
        {
            NotifyPosted(context, vcpu, VcpuMode.InGuest);
        }
    }

    /// <inheritdoc/>
    public override bool DeliveryFaults(Machine machine, int vcpu)
    {
        if (board.MissingIdtPages.Count == 0 || machine.Ref(board.Vcpus, vcpu).Level != 1)
        {
            return false;
        }

        ref var missing = ref machine.Ref(board.MissingIdtPages, vcpu);
        var faults = missing != 0;
        missing = 0;
        return faults;
    }

    /// <summary>Whether a vCPU's thread sleeps at <paramref name="label"/> and nobody has woken it.</summary>
    public bool SleepsAt(Machine machine, int vcpu, At label)
    {
        ref var op = ref machine.Fiber(board.HostFiber(vcpu)).Op;
        return op.Kind == OperationKind.Sleep && op.Code == (uint)label && machine.Ref(board.Vcpus, vcpu).ReadyAt.IsNever;
    }

    /// <summary>Somebody kicks a vCPU: out of the guest by an interrupt, or out of its sleep (kvm_vcpu_kick).</summary>
    public void Kick(StepContext context, int vcpu)
    {
        ref var kvm = ref context.Machine.Ref(board.Kvm, vcpu);
        var now = new Instant(context.Machine.Now);
        if (kvm.Mode == VcpuMode.Outside)
        {
            Wake(context.Machine, vcpu);
            return;
        }

        if (kvm.Mode == VcpuMode.Exiting)
        {
            return;
        }

        kvm.Mode = VcpuMode.Exiting;
        Interrupt(context.Machine, vcpu, HostInterrupts.Kick, now + context.Cost(TimingCost.HostIpi));
    }

    /// <summary>An NMI arrives for a vCPU, which looks at it when it comes round its loop (kvm_inject_nmi).</summary>
    public void QueueNmi(StepContext context, int vcpu)
    {
        ref var kvm = ref context.Machine.Ref(board.Kvm, vcpu);
        kvm.NmiQueued = (byte)Math.Min(kvm.NmiQueued + 1, board.Controllers.Platform.NmiLimit());
        kvm.Requests |= KvmRequests.Nmi;
        SafetyChecks.NmiAccepted(context, vcpu);
        Kick(context, vcpu);
    }

    /// <summary>
    /// The monitor wants to hear when the guest can take an NMI: its vCPU thread leaves KVM_RUN by a signal and comes back with
    /// request_nmi_window set. The way out and back is not modelled: the flag is set, and the vCPU kicked.
    /// </summary>
    public void RequestNmiWindow(StepContext context, int vcpu)
    {
        context.Machine.Ref(board.KvmNmi, vcpu).WindowRequested = 1;
        Kick(context, vcpu);
    }

    /// <summary>Asks the EOI policy what to do about a pin, after remote IRR was cleared.</summary>
    public IoApicEoiDecision DecideEoi(StepContext context, int pin)
    {
        var machine = context.Machine;
        var stillAsserted = board.IoApicOf(machine).LineStillAsserted(pin);
        IoApicEoiMemory none = default;
        ref var memory = ref board.IoApicEoiMemory.Count > 0 ? ref machine.Ref(board.IoApicEoiMemory, pin) : ref none;
        var decision = board.Config.IoApicEoi.Decide(pin, stillAsserted, ref memory);
        context.Emit(TraceEventKind.PolicyDecided, (ulong)PolicyPoint.IoApicEoi, (ulong)decision.Action, (ulong)pin);
        machine.Ref(board.Statistics).Resent += decision.Action == IoApicEoiAction.Resend ? 1 : 0;
        machine.Ref(board.Statistics).Delayed += decision.Action == IoApicEoiAction.Delay ? 1 : 0;
        return decision;
    }

    /// <summary>Arms the delayed service; an earlier deadline stays (timer_mod_anticipate; queued work is not queued again).</summary>
    /// <param name="context">The step.</param>
    /// <param name="cycles">The delay.</param>
    public void DelayService(StepContext context, long cycles)
    {
        ref var io = ref context.Machine.Ref(board.Io);
        var due = new Instant(context.Machine.Now) + cycles;
        io.DelayedService = Instant.Min(io.DelayedService, due);
    }

    /// <summary>Takes the delayed service if it is due.</summary>
    public bool TakeDelayedService(StepContext context)
    {
        ref var io = ref context.Machine.Ref(board.Io);
        var due = io.DelayedService.Cycle <= context.Machine.Now;
        if (due)
        {
            io.DelayedService = Instant.Never;
        }

        return due;
    }

    /// <summary>Takes the next stimulus that is due; -1 if none is.</summary>
    public int TakeStimulus(StepContext context) => Stimuli.TakeDue(board, context.Machine);

    /// <summary>
    /// A guest writes the I/O APIC's window. If that is a redirection entry, its EOI policy hears of it, and every vCPU looks again.
    /// </summary>
    public IoApicWrite WriteIoApic(StepContext context, uint offset, uint value)
    {
        var write = board.WriteIoApic(context.Machine, offset, value, out var pin);
        for (var vcpu = 0; pin >= 0 && vcpu < board.Config.Vcpus; vcpu++)
        {
            context.Machine.Ref(board.Kvm, vcpu).Requests |= KvmRequests.ScanIoApic;
            Kick(context, vcpu);
        }

        return write;
    }

    /// <summary>A vCPU that sleeps in the kernel wakes (kvm_vcpu_wake_up); one that the monitor keeps out of it does not.</summary>
    private void Wake(Machine machine, int vcpu)
    {
        if (SleepsAt(machine, vcpu, At.Sleeping))
        {
            machine.Ref(board.Vcpus, vcpu).ReadyAt = new Instant(machine.Now) + StepContext.Current.Cost(TimingCost.Wake);
        }
    }

    /// <summary>
    /// The IRR of a vCPU has a new vector. Without APICv or AVIC software has to look: KVM_REQ_EVENT, and a kick. With AVIC the doorbell is
    /// rung, and VMRUN looks anyway (svm.c:svm_complete_interrupt_delivery).
    /// </summary>
    public void Notify(StepContext context, int vcpu)
    {
        if (context.Machine.Ref(board.Kvm, vcpu).ApicvActive == 0)
        {
            RequestEvent(context, vcpu);
        }
        else
        {
            NotifyByDoorbell(context, vcpu);
        }
    }

    private void NotifyByDoorbell(StepContext context, int vcpu)
    {
        if (context.Machine.Ref(board.Kvm, vcpu).Mode == VcpuMode.InGuest)
        {
            context.Emit(TraceEventKind.KvmAvicDoorbell, (ulong)vcpu, context.Machine.Ref(board.Apics, vcpu).ApicId);
            board.Processor.RingDoorbell(context.Machine, vcpu);
            return;
        }

        Wake(context.Machine, vcpu);
    }

    private void Interrupt(Machine machine, int vcpu, HostInterrupts interrupt, Instant at)
    {
        ref var state = ref machine.Ref(board.Vcpus, vcpu);
        state.HostInterrupts |= interrupt;
        state.HostInterruptAt = Instant.Min(state.HostInterruptAt, at);
        board.Processor.Pull(machine, vcpu, state.HostInterruptAt);
    }
}
