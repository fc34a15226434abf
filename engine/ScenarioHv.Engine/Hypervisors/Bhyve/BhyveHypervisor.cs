using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Svm;

namespace ScenarioHv.Engine.Hypervisors.Bhyve;

/// <summary>
/// bhyve on an AMD processor: its actors, and what several of them use. The guest's HLT exits (bhyve -H), and each vCPU's thread stays on a
/// host CPU of its own. Not modelled: NMIs and ExtINT, the 8259A, start-up of vCPUs, rendezvous and suspend, the wake-up of a sleeping
/// vCPU once a second, x2APIC mode.
/// </summary>
internal sealed class BhyveHypervisor(Board board) : Hypervisor
{
    /// <inheritdoc/>
    public override IReadOnlyList<Actor> CreateActors() =>
    [
        .. Each(board.Config.Vcpus, vcpu => new VcpuActor(board, vcpu)),
        new IoThreadActor(board),
        .. Each(board.Config.Vcpus, vcpu => new ApicTimerActor(board, vcpu)),
        .. Each(board.Config.HostTickHz > 0 ? board.Config.Vcpus : 0, vcpu => new HostTickActor(board, vcpu)),
        .. Moments.Of(board),
    ];

    /// <inheritdoc/>
    public override void Reset(StepContext context)
    {
        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            InitVmcb(ref context.Machine.Ref(board.Vmcb01, vcpu));
            var index = (byte)vcpu;
            context.Actor = context.Vcpu = index;
            context.Level = 0;
            context.Start(board.HostFiber(vcpu), () => VmRunLoop.Thread(new BhyveVcpuThread(index)).Completed);
        }

        context.Actor = (byte)board.Config.Vcpus;
        context.Start(board.IoFiber, () => Monitor.IoThread(new HostThread((byte)board.Config.Vcpus)).Completed);
    }

    /// <inheritdoc/>
    public override void TakeExit(StepContext context, int vcpu, in GuestExit exit)
    {
        ref var state = ref context.Machine.Ref(board.Vcpus, vcpu);
        state.InGuest = 0;
        state.ReadyAt = new Instant(context.Machine.Now) + context.Cost(TimingCost.VmExit);
        context.Machine.Fiber(board.HostFiber(vcpu)).Op.Value = (ulong)exit.Cause;
        context.Machine.Ref(board.Bhyve, vcpu).ExitUnread = 1;
    }

    /// <inheritdoc/>
    public override bool ExecuteDirectly(StepContext context, int vcpu, ref ulong result) =>
        throw new InvalidOperationException("Under bhyve every such operation exits.");

    /// <inheritdoc/>
    public override void ApicWrite(StepContext context, int vcpu, int offset, uint value) =>
        throw new InvalidOperationException("Under bhyve a store to the local APIC exits or is virtualized.");

    /// <inheritdoc/>
    public override void TimerExpired(StepContext context, int vcpu)
    {
        ref var apic = ref context.Machine.Ref(board.Apics, vcpu);
        var merges = apic.Irr.Contains((byte)apic.LvtTimer);
        var result = apic.Expire(new Instant(context.Machine.Now), board.ApicClock);
        if (result.IsAccepted)
        {
            Requested(context, vcpu, result.Vector, merges, level: false);
            Notify(context, vcpu);
        }
    }

    /// <inheritdoc/>
    public override void HostTick(StepContext context, int vcpu)
    {
        ref var state = ref context.Machine.Ref(board.Vcpus, vcpu);
        if (state.InGuest != 0 || context.Machine.Ref(board.Bhyve, vcpu).GifClear != 0)
        {
            Interrupt(context.Machine, vcpu, HostInterrupts.Tick, new Instant(context.Machine.Now));
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
        ref var vmm = ref machine.Ref(board.Bhyve, vcpu);
        ref var vmcb = ref machine.Ref(board.Vmcb01, vcpu);
        Add(ref held, vmm.OfferedVector == 0 ? 0 : EventInjection.Make(SvmEventType.Intr, vmm.OfferedVector));
        Add(ref held, vmcb.EventInj);
        Add(ref held, vmm.ExitUnread != 0 ? vmcb.ExitIntInfo : 0);
        Add(ref held, vmm.ExitIntInfo);
        return held;
    }

    /// <inheritdoc/>
    public override bool HoldsNmi(Machine machine, int vcpu) => false;

    /// <inheritdoc/>
    public override bool GlobalInterruptFlag(Machine machine, int vcpu) => true;

    /// <inheritdoc/>
    public override bool IsHalted(Machine machine, int vcpu) => machine.Ref(board.Bhyve, vcpu).State == BhyveRunState.Sleeping;

    /// <inheritdoc/>
    public override bool DeliveryFaults(Machine machine, int vcpu)
    {
        ref var missing = ref machine.Ref(board.Bhyve, vcpu).IdtMissing;
        var faults = missing != 0;
        missing = 0;
        return faults;
    }

    /// <summary>Takes the next stimulus that is due; -1 if none is.</summary>
    public static int TakeStimulus(StepContext context) => Stimuli.TakeDue(context.Board, context.Machine);

    /// <summary>Which vCPUs a message of a device addresses, as a bit mask.</summary>
    public static uint TargetsOf(StepContext context, in ApicMessage message) => Targets(context, message, MessageSource.Device);

    /// <summary>Which vCPUs an IPI addresses, as a bit mask.</summary>
    public static uint TargetsOf(StepContext context, int sender, in IpiRequest ipi) =>
        Targets(context, ipi.Message, new MessageSource(sender, ipi.Shorthand));

    /// <summary>A message sets its bit in a local APIC's IRR (vlapic_set_intr_ready).</summary>
    /// <returns>False if the local APIC does not take it.</returns>
    public bool SetRequest(StepContext context, int vcpu, in ApicMessage message)
    {
        var result = context.Machine.Ref(board.Apics, vcpu).Accept(message);
        if (result.Core != CoreRequest.None)
        {
            throw new GuestException($"A message of mode {message.Mode} reached vCPU {vcpu}: {result.Core} is not modelled under bhyve.");
        }

        if (result.IsAccepted)
        {
            Requested(context, vcpu, message.Vector, result.Outcome == AcceptOutcome.Merged, message.IsLevel);
        }

        return result.IsAccepted;
    }

    /// <summary>
    /// A vCPU has a request to look at: a running one is interrupted, or with AVIC hears its doorbell, a sleeping one is woken; one whose
    /// thread is in the hypervisor looks by itself (vcpu_notify_event).
    /// </summary>
    public void Notify(StepContext context, int vcpu)
    {
        ref var vmm = ref context.Machine.Ref(board.Bhyve, vcpu);
        ref var state = ref context.Machine.Ref(board.Vcpus, vcpu);
        var now = new Instant(context.Machine.Now);
        var runsElsewhere = vmm.State == BhyveRunState.Running && context.Actor != vcpu;
        if (runsElsewhere && board.Processor.HasVirtualInterruptDelivery(context.Machine, vcpu))
        {
            board.Processor.RingDoorbell(context.Machine, vcpu);
        }
        else if (runsElsewhere)
        {
            Interrupt(context.Machine, vcpu, HostInterrupts.Kick, now + context.Cost(TimingCost.HostIpi));
        }
        else if (vmm.State == BhyveRunState.Sleeping && state.ReadyAt.IsNever)
        {
            state.ReadyAt = now + context.Cost(TimingCost.Wake);
        }
    }

    /// <summary>What every guest of bhyve exits by (svm.c:vmcb_init). CR8 is V_TPR, and its accesses do not exit.</summary>
    private void InitVmcb(ref Vmcb vmcb)
    {
        vmcb.Intercept3 = Intercept3.Intr | Intercept3.Nmi | Intercept3.Smi | Intercept3.Init
            | Intercept3.Hlt | Intercept3.Msr | Intercept3.Shutdown;
        vmcb.Intercept4 = Intercept4.Vmrun;
        vmcb.VIntrMasking = 1;
        vmcb.InterceptCr = board.Config.Bhyve.Cr8Intercept == Policies.Cr8Intercept.Writes ? Vmcb.Cr8Write : 0;
    }

    private static void Add(ref Register256 held, ulong eventWord)
    {
        if (EventInjection.IsValid(eventWord) && EventInjection.Type(eventWord) == SvmEventType.Intr)
        {
            held.Set(EventInjection.Vector(eventWord));
        }
    }

    private void Requested(StepContext context, int vcpu, byte vector, bool merges, bool level)
    {
        var word = context.Machine.Ref(board.Apics, vcpu).Irr.Word32(vector >> 5);
        context.EmitOf(vcpu, TraceEventKind.Ktr, (ulong)(merges ? KtrMessage.Collapsed : KtrMessage.IntrReady), vector, word);
        SafetyChecks.Accepted(context, vcpu, vector, level);
    }

    private void Interrupt(Machine machine, int vcpu, HostInterrupts interrupt, Instant at)
    {
        ref var state = ref machine.Ref(board.Vcpus, vcpu);
        state.HostInterrupts |= interrupt;
        state.HostInterruptAt = Instant.Min(state.HostInterruptAt, at);
        board.Processor.Pull(machine, vcpu, state.HostInterruptAt);
    }
}
