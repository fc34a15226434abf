using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Hypervisors.BareMetal;

/// <summary>
/// No hypervisor below the first guest: it runs on the processor itself, and its own guest by the processor's virtualization. Messages
/// between chips take time.
/// </summary>
internal sealed class BareMetalHypervisor(Board board) : Hypervisor
{
    private const uint TscDeadlineMsr = 0x6e0;

    /// <inheritdoc/>
    public override IReadOnlyList<Actor> CreateActors() =>
    [
        .. Each(board.Config.Vcpus, vcpu => new CpuActor(board, vcpu)),
        new OutsideActor(board),
        new BusActor(board),
        .. Each(board.Config.Vcpus, vcpu => new ApicTimerActor(board, vcpu)),
        .. Moments.Of(board),
    ];

    /// <inheritdoc/>
    public override void Reset(StepContext context)
    {
        foreach (ref var message in context.Machine.Span(board.BusMessages))
        {
            message.Due = Instant.Never;
        }

        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            ref var state = ref context.Machine.Ref(board.Vcpus, vcpu);
            state.InGuest = 1;
            state.ReadyAt = new Instant(context.Machine.Now);
        }
    }

    /// <inheritdoc/>
    public override void TakeExit(StepContext context, int vcpu, in GuestExit exit)
    {
        var machine = context.Machine;
        ref var state = ref machine.Ref(board.Vcpus, vcpu);
        if (state.Level != 2)
        {
            throw new InvalidOperationException($"An exit by {exit.Cause} from a guest that has no hypervisor below it.");
        }

        context.Emit(TraceEventKind.VmExit, exit.Reason, exit.Rip, exit.Info1, 0, exit.InterruptionInformation);
        machine.Ref(board.NestedExits, vcpu) = board.Processor.DescribeNestedExit(machine, vcpu, exit, exit.InterruptionInformation);
        board.Processor.UnloadNested(machine, vcpu);
        state.Level = 1;
        machine.Ref(board.Cores, Board.CoreIndex(vcpu, 1)).GifCleared = board.Processor.ExitClearsGif ? (byte)1 : (byte)0;
        state.ReadyAt = new Instant(machine.Now) + context.Cost(TimingCost.VmExit);
        board.Processor.CompleteOperation(context, vcpu, 1, 0);
    }

    /// <inheritdoc/>
    public override bool ExecuteDirectly(StepContext context, int vcpu, ref ulong result)
    {
        ref var operation = ref context.Machine.Fiber(board.GuestFiber(vcpu, context.Level)).Op;
        switch (operation.Kind)
        {
            case OperationKind.VmEnter:
                return EnterNested(context, vcpu);
            case OperationKind.In:
                result = board.Devices.Read(context.Machine, (ushort)operation.Code, operation.Size);
                return true;
            case OperationKind.Out:
                Send(context, board.Devices.Write(context, (ushort)operation.Code, operation.Size, (uint)operation.Value), default);
                return true;
            case OperationKind.MmioRead:
                result = board.IoApicOf(context.Machine).ReadWindow(operation.Code & 0xff);
                return true;
            case OperationKind.MmioWrite:
                WriteIoApic(context, operation.Code & 0xff, (uint)operation.Value);
                return true;
            case OperationKind.Stgi or OperationKind.Clgi:
                ref var core = ref context.Machine.Ref(board.Cores, Board.CoreIndex(vcpu, context.Level));
                core.GifCleared = operation.Kind == OperationKind.Clgi ? (byte)1 : (byte)0;
                return true;
            default:
                result = AccessMsr(context, vcpu, operation);
                return true;
        }
    }

    /// <inheritdoc/>
    public override void ApicWrite(StepContext context, int vcpu, int offset, uint value)
    {
        var machine = context.Machine;
        var effect = machine.Ref(board.Apics, vcpu).Write(offset, value, new Instant(machine.Now), board.ApicClock);
        if (effect.Has(LocalApicEffects.Eoi) && effect.Eoi.Broadcast)
        {
            EndOfInterrupt(context, (byte)effect.Eoi.Vector);
        }

        if (effect.Has(LocalApicEffects.SelfIpi))
        {
            Accept(context, vcpu, effect.Ipi.Message);
        }
        else if (effect.Has(LocalApicEffects.SendIpi))
        {
            Deliver(context, effect.Ipi.Message, new MessageSource(vcpu, effect.Ipi.Shorthand));
        }
    }

    /// <inheritdoc/>
    public override void TimerExpired(StepContext context, int vcpu)
    {
        var result = context.Machine.Ref(board.Apics, vcpu).Expire(new Instant(context.Machine.Now), board.ApicClock);
        if (result.IsAccepted)
        {
            SafetyChecks.Accepted(context, vcpu, result.Vector);
        }

        board.Processor.Pull(context.Machine, vcpu, new Instant(context.Machine.Now));
    }

    /// <inheritdoc/>
    public override void HostTick(StepContext context, int vcpu) =>
        throw new InvalidOperationException("There is no host below bare metal.");

    /// <inheritdoc/>
    public override Register256 Held(Machine machine, int vcpu) => machine.Ref(board.Apics, vcpu).Irr;

    /// <inheritdoc/>
    public override bool HoldsNmi(Machine machine, int vcpu) => false;

    /// <inheritdoc/>
    public override bool GlobalInterruptFlag(Machine machine, int vcpu) =>
        machine.Ref(board.Cores, Board.CoreIndex(vcpu, 1)).GifCleared == 0;

    /// <inheritdoc/>
    public override bool IsHalted(Machine machine, int vcpu) =>
        machine.Ref(board.Cores, Board.CoreIndex(vcpu, machine.Ref(board.Vcpus, vcpu).Level)).Activity == ActivityState.Hlt;

    /// <summary>Delivers a message to every local APIC that it addresses.</summary>
    /// <returns>How many accepted it.</returns>
    public int Deliver(StepContext context, in ApicMessage message, MessageSource source)
    {
        var targets = Targets(context, message, source);
        var accepted = 0;
        for (var vcpu = 0; targets != 0; vcpu++, targets >>= 1)
        {
            if ((targets & 1) != 0 && Accept(context, vcpu, message))
            {
                accepted++;
            }
        }

        return accepted;
    }

    /// <summary>What leaves a device goes on the bus.</summary>
    public void Send(StepContext context, in DeviceOutput output, in ApicMessage message)
    {
        if (output.SendsMessage)
        {
            Post(context.Machine, message, pin: -1, TimingCost.Message);
        }

        Service(context.Machine, output.Service, TimingCost.Message);
    }

    private void WriteIoApic(StepContext context, uint offset, uint value)
    {
        var write = board.WriteIoApic(context.Machine, offset, value, out _);
        Service(context.Machine, write.Service, TimingCost.Message);
        if (write.EoiVector >= 0)
        {
            EndOfInterrupt(context, (byte)write.EoiVector);
        }
    }

    private void EndOfInterrupt(StepContext context, byte vector)
    {
        var machine = context.Machine;
        for (var pin = board.IoApicOf(machine).NextEoiPin(vector, 0); pin >= 0; pin = board.IoApicOf(machine).NextEoiPin(vector, pin + 1))
        {
            if (!board.IoApicOf(machine).ClearRemoteIrr(pin, vector))
            {
                continue;
            }

            IoApicEoiMemory memory = default;
            var decision = board.Config.IoApicEoi.Decide(pin, board.IoApicOf(machine).LineStillAsserted(pin), ref memory);
            context.Emit(TraceEventKind.PolicyDecided, (ulong)PolicyPoint.IoApicEoi, (ulong)decision.Action, (ulong)pin);
            if (decision.Action == IoApicEoiAction.Resend)
            {
                machine.Ref(board.Statistics).Resent++;
                Service(machine, board.IoApicOf(machine).ServiceFor(pin), TimingCost.Resend);
            }
        }
    }

    private void Service(Machine machine, IoApicPinRange range, TimingCost latency)
    {
        for (var pin = range.First; pin < range.End; pin++)
        {
            if (board.IoApicOf(machine).TryDispatch(pin, out var message))
            {
                Post(machine, message, pin, latency);
            }
        }
    }

    private void Post(Machine machine, in ApicMessage message, int pin, TimingCost latency)
    {
        foreach (ref var slot in machine.Span(board.BusMessages))
        {
            if (slot.Due.IsNever)
            {
                slot = new BusMessage { Due = new Instant(machine.Now) + StepContext.Current.Cost(latency), Message = message, Pin = pin };
                return;
            }
        }

        throw new InvalidOperationException($"More than {BusMessage.Capacity} interrupt messages are under way at once.");
    }

    private bool Accept(StepContext context, int vcpu, in ApicMessage message)
    {
        var result = context.Machine.Ref(board.Apics, vcpu).Accept(message);
        if (result.Core != CoreRequest.None)
        {
            throw new GuestException($"A message of mode {message.Mode} reached CPU {vcpu}: {result.Core} is not modelled on bare metal.");
        }

        if (result.IsAccepted)
        {
            SafetyChecks.Accepted(context, vcpu, message.Vector, message.IsLevel);
        }

        context.Emit(
            TraceEventKind.KvmApicAcceptIrq,
            context.Machine.Ref(board.Apics, vcpu).ApicId,
            message.Vector,
            (ulong)message.Mode,
            (ulong)message.Flags,
            1);
        board.Processor.Pull(context.Machine, vcpu, new Instant(context.Machine.Now));
        return result.IsAccepted;
    }

    private bool EnterNested(StepContext context, int vcpu)
    {
        var machine = context.Machine;
        ref var state = ref machine.Ref(board.Vcpus, vcpu);
        if (board.Processor.NestedEntryProblem(machine, vcpu))
        {
            machine.Ref(board.NestedExits, vcpu) = new NestedExit { Kind = ExitKind.EntryFailed };
            return true;
        }

        machine.Fiber(board.GuestFiber(vcpu, 1)).Op.Stage = OperationStage.Begun;
        ref var statistics = ref machine.Ref(board.Statistics);
        statistics.L2Entries++;
        statistics.L2RetiredAtEntry = statistics.L2Retired;
        state.Level = 2;
        state.EntryPending = 1;
        state.ReadyAt = new Instant(machine.Now) + context.Cost(TimingCost.VmEntry);
        context.Emit(TraceEventKind.VmEntry, board.Processor.Rip(machine, vcpu, 2), board.Processor.InjectionOf(machine, vcpu));
        return false;
    }

    private ulong AccessMsr(StepContext context, int vcpu, in Operation operation)
    {
        if (operation.Code != TscDeadlineMsr)
        {
            throw new GuestException(
                $"The guest uses MSR 0x{operation.Code:x}, which this machine does not model; it has IA32_TSC_DEADLINE (0x6e0).");
        }

        var machine = context.Machine;
        var now = new Instant(machine.Now);
        machine.Ref(board.Layout.Clock).ReadAbsolute();
        ref var apic = ref machine.Ref(board.Apics, vcpu);
        if (operation.Kind == OperationKind.ReadMsr)
        {
            return apic.ReadTscDeadline((ulong)now.Cycle, now);
        }

        if (apic.WriteTscDeadline(operation.Value, (ulong)now.Cycle, now).Has(LocalApicEffects.DeliverabilityMayHaveChanged))
        {
            SafetyChecks.Accepted(context, vcpu, (byte)apic.LvtTimer);
        }

        return 0;
    }
}
