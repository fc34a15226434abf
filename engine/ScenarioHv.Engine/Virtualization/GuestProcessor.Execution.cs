using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Virtualization;

/// <summary>The operations that the processor executes itself: those that do not exit.</summary>
internal abstract unsafe partial class GuestProcessor
{
    private void Execute(StepContext context, int vcpu)
    {
        var machine = context.Machine;
        ref var state = ref machine.Ref(Board.Vcpus, vcpu);
        ref var op = ref context.Fiber->Op;
        var cause = op.Kind == OperationKind.Iret && InterceptsIret(machine, vcpu) ? ExitCause.Iret : CauseOf(machine, vcpu, op);
        if (cause != ExitCause.None)
        {
            op.Stage = OperationStage.Begun;
            Exit(context, vcpu, new GuestExit(cause, Reason(cause, op), op.Rip, Info1(cause, op)));
            return;
        }

        switch (op.Kind)
        {
            case OperationKind.Work:
                // In a shadow the first instruction is a stretch of its own: what the shadow holds back comes right behind it.
                op.Stage = OperationStage.Begun;
                op.Deadline = new Instant(machine.Now);
                var stretch = Core(machine, vcpu).InShadow || IsStepping(machine, vcpu) ? 1 : op.Remaining;
                if (Board.Classes is not null)
                {
                    // Where the clock stands still, work has no inside: interrupts come before or after it.
                    op.Deadline = new Instant(machine.Now - stretch);
                    AccountWork(context, vcpu);
                    return;
                }

                state.ReadyAt = Instant.Min(op.Deadline + stretch, Instant.Max(NextInterruption(machine, vcpu), op.Deadline));
                return;
            case OperationKind.Finished:
                Core(machine, vcpu).EndShadows();
                state.ReadyAt = NextInterruption(machine, vcpu);
                if (IsStepping(machine, vcpu))
                {
                    TrapAfterStep(context, vcpu);
                    state.ReadyAt = After(context, TimingCost.Instruction);
                }

                return;
            case OperationKind.Hlt:
                ExecuteHlt(context, vcpu);
                return;
            default:
                state.ReadyAt = After(context, CostOf(op.Kind));
                if (IsStepping(machine, vcpu))
                {
                    TrapAfterStep(context, vcpu);
                }

                ExecutePlain(context, vcpu);
                return;
        }
    }

    /// <summary>HLT that does not exit: the processor waits behind it in the HLT activity state, without a shadow.</summary>
    private void ExecuteHlt(StepContext context, int vcpu)
    {
        ref var core = ref Core(context.Machine, vcpu);
        ref var state = ref context.Machine.Ref(Board.Vcpus, vcpu);
        ref var op = ref context.Fiber->Op;
        if (op.Stage == OperationStage.Begun)
        {
            state.ReadyAt = NextInterruption(context.Machine, vcpu);
            return;
        }

        op.Stage = OperationStage.Begun;
        op.Rip += op.Length;
        core.InstructionRetired();
        core.Activity = ActivityState.Hlt;
        state.ReadyAt = After(context, TimingCost.Instruction);
    }

    /// <summary>An event has ended the HLT activity state: the HLT retires, and what comes next is the instruction behind it.</summary>
    protected void WakeFromHlt(StepContext context, int vcpu)
    {
        ref var core = ref Core(context.Machine, vcpu);
        if (core.Activity == ActivityState.Hlt)
        {
            core.Activity = ActivityState.Active;
            Retire(context, vcpu, 0, 1);
        }
    }

    private static TimingCost CostOf(OperationKind kind) => kind switch
    {
        OperationKind.Iret => TimingCost.Iret,
        OperationKind.Eoi or OperationKind.MmioRead or OperationKind.MmioWrite or OperationKind.ReadCr8 or OperationKind.WriteCr8 =>
            TimingCost.ApicAccess,
        OperationKind.In or OperationKind.Out => TimingCost.DeviceAccess,
        _ => TimingCost.Instruction,
    };

    private void ExecutePlain(StepContext context, int vcpu)
    {
        var machine = context.Machine;
        ref var op = ref context.Fiber->Op;
        ref var core = ref Core(machine, vcpu);
        ulong result = 0;
        switch (op.Kind)
        {
            case OperationKind.Sti: core.Sti(); break;
            case OperationKind.Cli: core.Cli(); break;
            case OperationKind.MovSs: core.MovSs(); break;
            case OperationKind.Iret: ExecuteIret(context, vcpu); return;
            case OperationKind.Cpuid: result = Hypervisors.Kvm.KvmVapic.Cpuid(Board.Config, op.Code); break;
            case OperationKind.AssistEoi: result = AssistEoi(machine, vcpu); break;
            case OperationKind.ReadTsc: result = ReadTsc(machine); break;
            case OperationKind.Choose: result = (ulong)context.Choose((int)op.Value); break;
            case OperationKind.Report: Report(context, op.Value); break;
            case OperationKind.SharedRead or OperationKind.SharedWrite or OperationKind.SharedExchange:
                result = AccessShared(machine, context.Level, op);
                break;
            case OperationKind.MmioRead or OperationKind.MmioWrite when IsIoApic(op):
            case OperationKind.In or OperationKind.Out or OperationKind.ReadMsr or OperationKind.WriteMsr:
            case OperationKind.VmEnter or OperationKind.Stgi or OperationKind.Clgi:
                if (!Board.Hypervisor.ExecuteDirectly(context, vcpu, ref result))
                {
                    return;
                }

                break;
            case OperationKind.Eoi or OperationKind.MmioRead or OperationKind.MmioWrite or OperationKind.ReadCr8 or OperationKind.WriteCr8:
                ExecuteApicAccess(context, vcpu);
                return;
            default:
                throw new GuestException($"The processor cannot execute {op.Kind} at level {context.Level}.");
        }

        Retire(context, vcpu, result, 1);
    }

    private void ExecuteIret(StepContext context, int vcpu)
    {
        var record = context.PopInterrupt();

        // Any IRET ends blocking by NMI, whatever it returns from (SDM3 6.7.1): physical, or virtual where the processor knows of that.
        Iret(context.Machine, vcpu, record.InterruptFlag);
        RestoreTrapFlag(context.Machine, vcpu, record.TrapFlag);
        Core(context.Machine, vcpu).InstructionRetired();
        CountRetired(context, vcpu, 1, operation: true);
        SafetyChecks.Iret(context, vcpu);
        context.Fiber->Op = record.Interrupted;
        context.Fiber->Finished = record.Interrupted.Kind == OperationKind.Finished ? (ushort)1 : (ushort)0;
    }

    /// <summary>
    /// An access to the local APIC that does not exit: by virtualization, or because the guest runs on the processor itself.
    /// </summary>
    private void ExecuteApicAccess(StepContext context, int vcpu)
    {
        var machine = context.Machine;
        ref var apic = ref machine.Ref(Board.Apics, vcpu);
        ref var op = ref context.Fiber->Op;
        var rip = op.Rip + op.Length;
        ulong result = 0;
        var exit = default(GuestExit);
        switch (op.Kind)
        {
            case OperationKind.Eoi or OperationKind.MmioWrite or OperationKind.MmioRead when IsOnDummyPage(machine, vcpu): break;
            case OperationKind.ReadCr8: result = ReadCr8(machine, vcpu); break;
            case OperationKind.WriteCr8: exit = ApicWrite(context, vcpu, LocalApicRegister.Tpr, (uint)op.Value << 4); break;
            case OperationKind.Eoi: exit = ApicWrite(context, vcpu, LocalApicRegister.Eoi, 0); break;
            case OperationKind.MmioWrite: exit = ApicWrite(context, vcpu, (int)(op.Code & 0xfff), (uint)op.Value); break;
            default: result = apic.Read((int)(op.Code & 0xfff), new Instant(machine.Now), Board.ApicClock); break;
        }

        Retire(context, vcpu, result, 1);
        if (exit.Cause != ExitCause.None)
        {
            Exit(context, vcpu, exit with { Rip = rip });
        }
    }

    private ulong AssistEoi(Machine machine, int vcpu) =>
        Board.Assists.Count > 0 && machine.Ref(Board.Assists, vcpu).GuestEoi() ? 1UL : 0;

    private GuestExit ApicWrite(StepContext context, int vcpu, int offset, uint value)
    {
        if (Board.HasHypervisor)
        {
            return VirtualizedApicWrite(context, vcpu, offset, value);
        }

        Board.Hypervisor.ApicWrite(context, vcpu, offset, value);
        return default;
    }

    private ulong ReadTsc(Machine machine)
    {
        if (Board.Classes is not null)
        {
            throw new GuestException(
                "ReadTsc: where the clock stands still there is no such number. "
                + "Keep a deadline (Deadline, Expired), or explore with --timed.");
        }

        ref var clock = ref machine.Ref(Board.Layout.Clock);
        clock.ReadAbsolute();
        return (ulong)clock.Now;
    }

    private void Report(StepContext context, ulong number)
    {
        context.Emit(TraceEventKind.GuestReported, a: number, b: context.Level);
        Hypervisors.Stimuli.Reported(Board, context.Machine, context.Level, number);
        if (Board.Config.Goal is { } goal && goal.Level == context.Level && Board.Reports.Number(goal.Report) == number)
        {
            context.Machine.Ref(Board.Check).GoalReached = 1;
        }
    }

    private ulong AccessShared(Machine machine, int level, in Operation op)
    {
        ref var word = ref machine.Ref(Board.SharedWords(level), (int)op.Code);
        var old = word;
        if (op.Kind != OperationKind.SharedRead)
        {
            word = op.Value;
        }

        return op.Kind == OperationKind.SharedWrite ? 0 : old;
    }
}
