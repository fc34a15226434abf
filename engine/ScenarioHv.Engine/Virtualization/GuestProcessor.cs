using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Virtualization;

/// <summary>
/// A processor that runs guest code: what happens in one step between two instructions of a guest, at any level.
/// A step delivers what the entry injects, or takes the event with the highest priority, or executes one operation.
/// </summary>
internal abstract unsafe partial class GuestProcessor(Board board)
{
    /// <summary>The wiring.</summary>
    protected Board Board { get; } = board;

    /// <summary>Takes one step of the guest that runs on <paramref name="vcpu"/>.</summary>
    public void Step(StepContext context, int vcpu)
    {
        ref var state = ref context.Machine.Ref(Board.Vcpus, vcpu);
        context.Vcpu = (byte)vcpu;
        context.Level = state.Level;
        context.Select(Board.GuestFiber(vcpu, state.Level));
        if (context.Fiber->Op is { Kind: OperationKind.Work, Stage: OperationStage.Begun } && AccountWork(context, vcpu))
        {
            state.ReadyAt = new Instant(context.Machine.Now);
            return;
        }

        if (state.EntryPending != 0)
        {
            state.EntryPending = 0;
            if (DeliverInjected(context, vcpu))
            {
                // A delivery that was cut short has left the guest, and TakeExit has said when its hypervisor goes on.
                state.ReadyAt = state.InGuest != 0 ? After(context, TimingCost.IdtDelivery) : state.ReadyAt;
                return;
            }

            if (Board.Classes is not null && state.PreemptionDeadline.Cycle > context.Machine.Now && !state.PreemptionDeadline.IsNever)
            {
                // Where the clock stands still, a timer that this entry has started can expire before the first instruction.
                state.ReadyAt = new Instant(context.Machine.Now);
                return;
            }
        }

        if (!TakeEvent(context, vcpu))
        {
            Execute(context, vcpu);
        }
    }

    /// <summary>
    /// True if the hardware delivers the interrupts of a vCPU's guest itself, as its control structure stands: VMX virtual-interrupt
    /// delivery, or AVIC.
    /// </summary>
    public abstract bool HasVirtualInterruptDelivery(Machine machine, int vcpu);

    /// <summary>Switches that on or off for the guest of one vCPU, which is not in guest mode (refresh_apicv_exec_ctrl).</summary>
    public abstract void SetVirtualInterruptDelivery(Machine machine, int vcpu, bool active);

    /// <summary>True if an exit clears the global interrupt flag of the nested guest's hypervisor (SVM).</summary>
    public virtual bool ExitClearsGif => false;

    /// <summary>The last exit of a vCPU.</summary>
    public GuestExit LastExit(Machine machine, int vcpu) => machine.Ref(Board.Exits, vcpu).ToExit();

    /// <summary>The controls that hypervisor and guest have set up before the scenario begins.</summary>
    public abstract void Reset(Machine machine, int vcpu);

    /// <summary>The injection word of the control structure that is loaded.</summary>
    public abstract uint InjectionOf(Machine machine, int vcpu);

    /// <summary>Writes an interrupt for injection by the next entry into the level that is loaded.</summary>
    public abstract void WriteInterruptInjection(Machine machine, int vcpu, byte vector);

    /// <summary>Writes an NMI for injection by the next entry into the level that is loaded.</summary>
    public abstract void WriteNmiInjection(Machine machine, int vcpu);

    /// <summary>Takes back what was written for injection.</summary>
    public abstract void ClearInjection(Machine machine, int vcpu);

    /// <summary>Whether the level that is loaded exits as soon as it can take an interrupt, on the hypervisor's own behalf.</summary>
    public abstract void SetInterruptWindow(Machine machine, int vcpu, bool wanted);

    /// <summary>Whether the level that is loaded exits as soon as it can take an NMI.</summary>
    /// <exception cref="InvalidOperationException">This processor has no such exit.</exception>
    public abstract void SetNmiWindow(Machine machine, int vcpu, bool wanted);

    /// <summary>Whether the guest exits before an IRET.</summary>
    /// <exception cref="InvalidOperationException">This processor has no such exit.</exception>
    public virtual void SetIretIntercept(Machine machine, int vcpu, bool wanted) =>
        throw new InvalidOperationException("This processor does not intercept IRET.");

    /// <summary>Whether the guest exits behind its next instruction: RFLAGS.TF = 1, and #DB is intercepted.</summary>
    /// <exception cref="InvalidOperationException">No hypervisor does so on this processor.</exception>
    public virtual void SetSingleStep(Machine machine, int vcpu, bool wanted) =>
        throw new InvalidOperationException("No hypervisor here steps a guest of this processor.");

    /// <summary>Whether the processor itself holds back the guest's virtual NMIs (V_NMI_MASK).</summary>
    public virtual bool VirtualNmisMasked(Machine machine, int vcpu) => false;

    /// <summary>Whether a virtual NMI waits in the processor's own place for one (V_NMI).</summary>
    public virtual bool VirtualNmiPending(Machine machine, int vcpu) => false;

    /// <summary>Puts a virtual NMI into the processor's own place for one.</summary>
    /// <returns>False if one is there already, or there is no such place.</returns>
    public virtual bool TrySetVirtualNmi(Machine machine, int vcpu) => false;

    /// <summary>Loads the timer that forces an exit.</summary>
    /// <exception cref="InvalidOperationException">This processor has none.</exception>
    public abstract void ArmPreemptionTimer(Machine machine, int vcpu, uint ticks);

    /// <summary>The next entry has no such timer.</summary>
    public virtual void DisarmPreemptionTimer(Machine machine, int vcpu)
    {
    }

    /// <summary>Refreshes the hardware's copy of the highest request of the guest, RVI (vmx.c:vmx_hwapic_irr_update).</summary>
    public virtual void SyncVirtualApic(Machine machine, int vcpu)
    {
    }

    /// <summary>
    /// Software has changed ISR: the hardware's copy of its highest vector, SVI, is written in the control structure that is loaded
    /// (vmx.c:vmx_hwapic_isr_update).
    /// </summary>
    public virtual void WriteServicingVector(Machine machine, int vcpu)
    {
    }

    /// <summary>Loads the set of vectors whose virtualized EOI exits into the control structure that is loaded.</summary>
    public virtual void LoadEoiExitBitmap(Machine machine, int vcpu, in EoiExitBitmap bitmap)
    {
    }

    /// <summary>Tells other processors whether a vCPU runs on one (AVIC's IsRunning).</summary>
    public virtual void SetRunning(Machine machine, int vcpu, bool running)
    {
    }

    /// <summary>Makes the processor of a vCPU look at its guest's requests again (AVIC's doorbell, MSR C001011Bh).</summary>
    /// <exception cref="InvalidOperationException">This processor has none.</exception>
    public virtual void RingDoorbell(Machine machine, int vcpu) =>
        throw new InvalidOperationException("An Intel processor has posted interrupts, and no doorbell.");

    /// <summary>Makes <paramref name="vector"/> the event that the next entry of the nested guest injects.</summary>
    public abstract void SetNestedInjection(Machine machine, int vcpu, byte vector);

    /// <summary>Whether the nested guest exits to its hypervisor as soon as it could take an interrupt.</summary>
    public abstract void SetNestedWindow(Machine machine, int vcpu, bool wanted);

    /// <summary>Whether an external interrupt is acknowledged when it makes the nested guest exit.</summary>
    public abstract void SetAcknowledgeOnExit(Machine machine, int vcpu, bool wanted);

    /// <summary>Whether the nested guest's controls make an external interrupt exit to its hypervisor.</summary>
    public abstract bool NestedExitsOnInterrupt(Machine machine, int vcpu);

    /// <summary>Whether that exit acknowledges the interrupt.</summary>
    public abstract bool NestedAcknowledgesOnExit(Machine machine, int vcpu);

    /// <summary>Whether the nested guest's hypervisor has asked to be told when the guest can take an interrupt.</summary>
    public abstract bool NestedWantsWindow(Machine machine, int vcpu);

    /// <summary>Whether the controls that the guest made for its guest fail the entry checks.</summary>
    public abstract bool NestedEntryProblem(Machine machine, int vcpu);

    /// <summary>Makes the nested guest's controls of those of its hypervisor.</summary>
    public abstract void LoadNested(Machine machine, int vcpu);

    /// <summary>Gives the state of the nested guest's controls back to its hypervisor.</summary>
    public abstract void UnloadNested(Machine machine, int vcpu);

    /// <summary>What the nested guest's hypervisor finds of an exit.</summary>
    public NestedExit DescribeNestedExit(Machine machine, int vcpu, in GuestExit exit, uint information)
    {
        ref var operation = ref machine.Fiber(Board.GuestFiber(vcpu, 2)).Op;
        var instruction = exit.Cause is ExitCause.Io or ExitCause.MsrRead or ExitCause.MsrWrite or ExitCause.VmCall or ExitCause.Hlt;
        return new NestedExit
        {
            Kind = KindOf(exit.Cause),
            InterruptionInformation = information,
            Rip = exit.Rip,
            Code = !instruction ? 0 : operation.Kind == OperationKind.Eoi ? HypervApicMsrs.Eoi : operation.Code,
            Value = instruction ? operation.Value : 0,
            GuestInterruptFlag = machine.Ref(Board.Cores, Board.CoreIndex(vcpu, 2)).InterruptFlag,
        };
    }

    /// <summary>Whether the nested guest's hypervisor, not the one below, handles an exit.</summary>
    public bool IsWantedByL1(Machine machine, int vcpu, ExitCause cause) => cause switch
    {
        ExitCause.VmCall or ExitCause.MsrRead or ExitCause.MsrWrite or ExitCause.Hlt => true,
        ExitCause.InterruptWindow => NestedWantsWindow(machine, vcpu),
        _ => false,
    };

    /// <summary>The exit that an external interrupt makes.</summary>
    public GuestExit ExternalInterruptExit(Machine machine, int vcpu) => new(
        ExitCause.ExternalInterrupt,
        Reason(ExitCause.ExternalInterrupt, default),
        Rip(machine, vcpu, machine.Ref(Board.Vcpus, vcpu).Level));

    /// <summary>
    /// Completes the operation that was handed to a hypervisor: it retires, and the guest's code goes on to its next one.
    /// </summary>
    public void CompleteOperation(StepContext context, int vcpu, int level, ulong result)
    {
        var (fiber, arena, oldLevel, oldVcpu, oldResult) =
            ((nint)context.Fiber, context.Arena, context.Level, context.Vcpu, context.Result);
        context.Vcpu = (byte)vcpu;
        context.Level = (byte)level;
        context.Select(Board.GuestFiber(vcpu, level));
        try
        {
            Retire(context, vcpu, result, 1);
        }
        finally
        {
            // Also when the guest's code fails: the hypervisor's frames then carry its own words out of the step.
            context.Fiber = (FiberHead*)fiber;
            (context.Arena, context.Level, context.Vcpu, context.Result) = (arena, oldLevel, oldVcpu, oldResult);
            context.Completed = false;
        }
    }

    /// <summary>Pulls a vCPU that is inside interruptible guest work to the moment of an event.</summary>
    public void Pull(Machine machine, int vcpu, Instant at)
    {
        ref var state = ref machine.Ref(Board.Vcpus, vcpu);
        if (state.InGuest != 0 && IsInterruptible(machine, vcpu, state.Level))
        {
            state.ReadyAt = Instant.Min(state.ReadyAt, Instant.Max(at, new Instant(machine.Now)));
        }
    }

    /// <summary>Where the guest is: the address of its pending instruction.</summary>
    public ulong Rip(Machine machine, int vcpu, int level) => machine.Fiber(Board.GuestFiber(vcpu, level)).Op.Rip;

    /// <summary>Delivers the event that the control structure injects, if it has one.</summary>
    protected abstract bool DeliverInjected(StepContext context, int vcpu);

    /// <summary>IRET: IF is restored, and blocking by NMI ends where the controls say so.</summary>
    protected abstract void Iret(Machine machine, int vcpu, byte restoredIf);

    /// <summary>Whether an IRET exits before it is executed.</summary>
    protected virtual bool InterceptsIret(Machine machine, int vcpu) => false;

    /// <summary>RFLAGS.TF is cleared by a delivery; the value that the handler's IRET restores.</summary>
    protected virtual byte ClearTrapFlag(Machine machine, int vcpu) => 0;

    /// <summary>An IRET restores RFLAGS.TF.</summary>
    protected virtual void RestoreTrapFlag(Machine machine, int vcpu, byte value)
    {
    }

    /// <summary>True if the next instruction is followed by a debug trap (RFLAGS.TF).</summary>
    protected virtual bool IsStepping(Machine machine, int vcpu) => false;

    /// <summary>An instruction that began with RFLAGS.TF = 1 has been executed by the processor.</summary>
    protected void TrapAfterStep(StepContext context, int vcpu) =>
        Core(context.Machine, vcpu).PendingDebugTrap |= PendingDebugExceptions.Bs;

    /// <summary>Takes the event with the highest priority at this instruction boundary, if there is one.</summary>
    protected abstract bool TakeEvent(StepContext context, int vcpu);

    /// <summary>The vendor's number for an exit.</summary>
    protected abstract ulong Reason(ExitCause cause, in Operation operation);

    /// <summary>The vendor's first information word for an exit by an instruction.</summary>
    protected abstract ulong Info1(ExitCause cause, in Operation operation);

    /// <summary>Whether an access to the local APIC of the first guest exits, and how.</summary>
    protected abstract ExitCause ApicExit(Machine machine, int vcpu, in Operation operation);

    /// <summary>
    /// A store to the EOI register, or to TPR, that the processor itself carries out on the virtual-APIC page. Trap-like exits are
    /// returned.
    /// </summary>
    protected virtual GuestExit VirtualizedApicWrite(StepContext context, int vcpu, int offset, uint value) => default;

    /// <summary>
    /// True if an access to the local APIC's page that does not exit reaches nobody but a page of memory, whose contents are not kept: it
    /// reads 0.
    /// </summary>
    protected virtual bool IsOnDummyPage(Machine machine, int vcpu) => false;

    /// <summary>What MOV from CR8 reads that does not exit.</summary>
    protected virtual ulong ReadCr8(Machine machine, int vcpu) => (ulong)machine.Ref(Board.Apics, vcpu).ReadCr8();

    /// <summary>Writes what the exit leaves in the control structure itself.</summary>
    protected virtual void RecordExit(Machine machine, int vcpu, in GuestExit exit)
    {
    }

    /// <summary>True for an access to the page of the local APIC.</summary>
    private static bool IsLocalApic(in Operation operation) => operation.Code >> 12 == MsiFormat.Address >> 12;

    /// <summary>True for an access to the page of the I/O APIC.</summary>
    protected static bool IsIoApic(in Operation operation) =>
        operation.Kind is OperationKind.MmioRead or OperationKind.MmioWrite && operation.Code >> 12 == IoApic.BaseAddress >> 12;

    /// <summary>The core state of the level that runs.</summary>
    protected ref CpuCore Core(Machine machine, int vcpu) =>
        ref machine.Ref(Board.Cores, Board.CoreIndex(vcpu, machine.Ref(Board.Vcpus, vcpu).Level));

    /// <summary>Hands an exit to whoever runs this level.</summary>
    protected void Exit(StepContext context, int vcpu, in GuestExit exit)
    {
        ref var state = ref context.Machine.Ref(Board.Vcpus, vcpu);
        state.PreemptionDeadline = Instant.Never;
        state.SelfIpiAfter = 0;
        ref var statistics = ref context.Machine.Ref(Board.Statistics);
        if (state.Level == 2 && statistics.L2Retired == statistics.L2RetiredAtEntry)
        {
            statistics.L2WastedEntries++;
        }

        context.Machine.Ref(Board.Exits, vcpu) = ExitRecord.Of(exit);
        RecordExit(context.Machine, vcpu, exit);
        Board.Hypervisor.TakeExit(context, vcpu, exit);
    }

    /// <summary>Enters the handler for <paramref name="vector"/>: the interrupted operation waits under it.</summary>
    protected void EnterHandler(StepContext context, int vcpu, byte vector, bool nmi)
    {
        ref var core = ref Core(context.Machine, vcpu);
        var program = Board.Guest(context.Level)!;
        var record = new InterruptRecord
        {
            Interrupted = context.Fiber->Op,
            Vector = vector,
            InterruptFlag = core.InterruptFlag,
            Nmi = nmi ? (byte)1 : (byte)0,
            TrapFlag = ClearTrapFlag(context.Machine, vcpu),
        };
        // What blocks the next NMI is not the delivery of a virtual one but the controls: whoever delivers it has seen to that.
        core.TakeInterrupt();

        context.Emit(TraceEventKind.GuestInterrupt, a: vector, b: context.Level);
        if (nmi)
        {
            SafetyChecks.NmiDispatched(context, vcpu);
        }
        else if (IsOfLocalApic(context, vcpu, vector))
        {
            SafetyChecks.Dispatched(context, vcpu, vector, Hypervisors.Kvm.KvmHyperv.IsAutoEoi(vcpu, vector));
        }

        context.Fiber->Finished = 0;
        context.PushInterrupt(record);
        var cpu = new Cpu(vcpu);
        var completed = nmi
            ? (program.OnNmi ?? throw NoHandler(program, "OnNmi", "an NMI"))(cpu).Completed
            : (program.OnInterrupt ?? throw NoHandler(program, "OnInterrupt", $"vector 0x{vector:x2}"))(cpu, vector).Completed;
        if (completed)
        {
            context.Rethrow();
            context.Fiber->Op = new Operation
            {
                Kind = OperationKind.Iret,
                Rip = record.Interrupted.Rip,
                Length = 2,
                Deadline = Instant.Never,
            };
        }
    }

    /// <summary>The moment after a step of the given cost.</summary>
    protected static Instant After(StepContext context, TimingCost cost) => new Instant(context.Machine.Now) + context.Cost(cost);

    /// <summary>When the next event can come that interrupts work or HLT.</summary>
    protected virtual Instant NextInterruption(Machine machine, int vcpu)
    {
        ref var state = ref machine.Ref(Board.Vcpus, vcpu);
        return Instant.Min(state.PreemptionDeadline, state.HostInterruptAt);
    }

    /// <summary>
    /// Whether a delivered vector is one of the vCPU's local APIC, and not one of the 8259A or that the nested guest's hypervisor injects
    /// on its own.
    /// </summary>
    protected bool IsOfLocalApic(StepContext context, int vcpu, byte vector) =>
        !(Board.IsKvm && context.Machine.Ref(Board.Kvm, vcpu) is { InjectedExtInt: not 0 } kvm && kvm.InjectedVector == vector)
        && (context.Level == 1 || (Board.IsKvm && context.Machine.Ref(Board.Kvm, vcpu).InjectedVector == vector));

    private static GuestException NoHandler(GuestProgram program, string method, string what) =>
        new($"{program.Name}: {what} arrived and the script has no {method}.");

    private bool IsInterruptible(Machine machine, int vcpu, int level)
    {
        ref var op = ref machine.Fiber(Board.GuestFiber(vcpu, level)).Op;
        return op.Kind == OperationKind.Finished
            || op is { Kind: OperationKind.Work, Stage: OperationStage.Begun }
            || machine.Ref(Board.Cores, Board.CoreIndex(vcpu, level)).Activity != ActivityState.Active;
    }

    /// <summary>Books the part of the work that has been done; true if that was all of it.</summary>
    private bool AccountWork(StepContext context, int vcpu)
    {
        ref var op = ref context.Fiber->Op;
        var done = Math.Min(new Instant(context.Machine.Now) - op.Deadline, op.Remaining);
        op.Remaining -= done;
        op.Rip += (ulong)done;
        op.Deadline = Instant.Never;
        op.Stage = OperationStage.Pending;
        if (done > 0 && IsStepping(context.Machine, vcpu))
        {
            TrapAfterStep(context, vcpu);
        }

        if (op.Remaining == 0)
        {
            Retire(context, vcpu, 0, done);
            return true;
        }

        if (done > 0)
        {
            // Work is many instructions: the first of them has ended the shadow of an STI or MOV SS before it.
            Core(context.Machine, vcpu).EndShadows();
        }

        CountRetired(context, vcpu, done, operation: false);
        return false;
    }

    private void Retire(StepContext context, int vcpu, ulong result, long instructions)
    {
        context.Machine.Ref(Board.Cores, Board.CoreIndex(vcpu, context.Level)).InstructionRetired();
        CountRetired(context, vcpu, instructions, operation: true);
        InstructionChecks.Retired(context, vcpu, context.Fiber->Op, result);
        context.Resume(result);
    }

    private void CountRetired(StepContext context, int vcpu, long instructions, bool operation)
    {
        ref var statistics = ref context.Machine.Ref(Board.Statistics);
        context.RetiredLevels |= instructions > 0 ? 1 << context.Level : 0;
        if (context.Level == 2)
        {
            statistics.L2Retired += instructions;
        }
        else
        {
            statistics.L1Retired += instructions;
        }

        ref var state = ref context.Machine.Ref(Board.Vcpus, vcpu);
        if (operation && state.SelfIpiAfter > 0 && --state.SelfIpiAfter == 0)
        {
            state.HostInterrupts |= HostInterrupts.SelfIpi;
            state.HostInterruptAt = new Instant(context.Machine.Now);
        }
    }

    private static ExitKind KindOf(ExitCause cause) => cause switch
    {
        ExitCause.ExternalInterrupt => ExitKind.ExternalInterrupt,
        ExitCause.Nmi => ExitKind.Nmi,
        ExitCause.InterruptWindow => ExitKind.InterruptWindow,
        ExitCause.NmiWindow => ExitKind.NmiWindow,
        ExitCause.Hlt => ExitKind.Hlt,
        ExitCause.VmCall => ExitKind.VmCall,
        ExitCause.Io => ExitKind.IoInstruction,
        ExitCause.MsrRead => ExitKind.MsrRead,
        ExitCause.MsrWrite => ExitKind.MsrWrite,
        ExitCause.EntryFailed => ExitKind.EntryFailed,
        _ => throw new InvalidOperationException($"A nested guest's hypervisor is never told of an exit by {cause}."),
    };

    /// <summary>Why an operation exits at the level that runs; none if the processor executes it.</summary>
    private ExitCause CauseOf(Machine machine, int vcpu, in Operation operation)
    {
        var level = machine.Ref(Board.Vcpus, vcpu).Level;
        var direct = level == 1 && !Board.HasHypervisor;
        switch (operation.Kind)
        {
            case OperationKind.VmCall: return ExitCause.VmCall;
            case OperationKind.VmEnter: return direct ? ExitCause.None : ExitCause.VmEnter;
            case OperationKind.Hlt: return direct ? ExitCause.None : ExitCause.Hlt;
            case OperationKind.In or OperationKind.Out: return Board.HasHypervisor ? ExitCause.Io : ExitCause.None;
            case OperationKind.Cpuid: return Board.IsKvm ? ExitCause.Cpuid : ExitCause.None;
            case OperationKind.ReadMsr: return direct ? ExitCause.None : ExitCause.MsrRead;
            case OperationKind.WriteMsr: return direct ? ExitCause.None : ExitCause.MsrWrite;
            case OperationKind.Stgi or OperationKind.Clgi:
                return Board.Config.Vendor == Configuration.CpuVendor.Intel
                    ? throw new GuestException($"{operation.Kind} is an instruction of AMD processors; this machine's is Intel's.")
                    : level == 2
                        ? throw new GuestException(
                            $"{operation.Kind}: a hypervisor of L2's own is not modelled, "
                            + "and so L2 has no global interrupt flag to change.")
                    : direct ? ExitCause.None : operation.Kind == OperationKind.Stgi ? ExitCause.Stgi : ExitCause.Clgi;
            case OperationKind.Eoi when level == 2: return ExitCause.MsrWrite;
            case OperationKind.MmioRead or OperationKind.MmioWrite when level == 1 && !IsLocalApic(operation) && !IsIoApic(operation):
                throw new GuestException(
                    $"Nothing answers at physical address 0x{operation.Code:x8}: "
                    + "there are local APICs at FEE00000h and an I/O APIC at FEC00000h.");
            case OperationKind.Eoi or OperationKind.MmioRead or OperationKind.MmioWrite or OperationKind.ReadCr8 or OperationKind.WriteCr8:
                return level == 2
                    ? throw new GuestException($"{operation.Kind}: the local APIC that L1 makes for L2 is not modelled; L2 has Eoi().")
                    : direct ? ExitCause.None : ApicExit(machine, vcpu, operation);
            default: return ExitCause.None;
        }
    }
}
