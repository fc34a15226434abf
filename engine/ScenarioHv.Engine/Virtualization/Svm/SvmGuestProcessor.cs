using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Virtualization.Svm;

/// <summary>An AMD processor: host and guest mode around the rules of <see cref="SvmProcessor"/>.</summary>
internal sealed partial class SvmGuestProcessor(Board board) : GuestProcessor(board)
{
    private const uint DebugBit = 1u << 1;
    private const byte NmiVector = 2;

    /// <inheritdoc/>
    public override bool ExitClearsGif => true;

    /// <inheritdoc/>
    public override void Reset(Machine machine, int vcpu)
    {
        if (Board.IsKvm)
        {
            ref var vmcb = ref machine.Ref(Board.Vmcb01, vcpu);
            vmcb.Intercept3 = Intercept3.Intr | Intercept3.Nmi | Intercept3.Smi | Intercept3.Init
                | Intercept3.Hlt | Intercept3.Msr | Intercept3.Shutdown;
            vmcb.Intercept4 = Intercept4.Vmrun | Intercept4.Vmmcall | Intercept4.Stgi | Intercept4.Clgi;
            vmcb.InterceptCr = Vmcb.Cr8Read | Vmcb.Cr8Write;
            vmcb.VIntrMasking = 1;
            vmcb.VNmiEnable = Board.Config.Kvm.NmiTracking == NmiTracking.HardwareVnmi ? (byte)1 : (byte)0;
        }

        ResetAvic(machine, vcpu);

        if (Board.L2 is not null)
        {
            ref var nested = ref machine.Ref(Board.Vmcb12, vcpu);
            nested.Intercept3 = Intercept3.Intr | Intercept3.Nmi | Intercept3.Hlt | Intercept3.Msr;
            nested.Intercept4 = Intercept4.Vmrun | Intercept4.Vmmcall;
            nested.VIntrMasking = 1;
        }
    }

    /// <inheritdoc/>
    public override uint InjectionOf(Machine machine, int vcpu) => (uint)Loaded(machine, vcpu).EventInj;

    /// <inheritdoc/>
    public override void WriteInterruptInjection(Machine machine, int vcpu, byte vector) =>
        Loaded(machine, vcpu).EventInj = EventInjection.Make(SvmEventType.Intr, vector);

    /// <inheritdoc/>
    public override void WriteNmiInjection(Machine machine, int vcpu) =>
        Loaded(machine, vcpu).EventInj = EventInjection.Make(SvmEventType.Nmi, 2);

    /// <inheritdoc/>
    public override void ClearInjection(Machine machine, int vcpu) => Loaded(machine, vcpu).EventInj = 0;

    /// <inheritdoc/>
    public override void SetInterruptWindow(Machine machine, int vcpu, bool wanted)
    {
        // While the guest's GIF is clear a window would open too early: it is asked for again at STGI.
        var nested = machine.Ref(Board.Vcpus, vcpu).Level == 2 && NestedWantsWindow(machine, vcpu);
        SetWindow(ref Loaded(machine, vcpu), (wanted && machine.Ref(Board.Kvm, vcpu).GifClear == 0) || nested);
    }

    /// <inheritdoc/>
    public override void SetNmiWindow(Machine machine, int vcpu, bool wanted)
    {
        if (wanted)
        {
            throw new InvalidOperationException("An AMD processor has no exit for an NMI window.");
        }
    }

    /// <inheritdoc/>
    public override void SetIretIntercept(Machine machine, int vcpu, bool wanted)
    {
        ref var intercepts = ref Loaded(machine, vcpu).Intercept3;
        intercepts = wanted ? intercepts | Intercept3.Iret : intercepts & ~Intercept3.Iret;
    }

    /// <inheritdoc/>
    public override void SetSingleStep(Machine machine, int vcpu, bool wanted)
    {
        ref var vmcb = ref Loaded(machine, vcpu);
        vmcb.TrapFlag = wanted ? (byte)1 : (byte)0;
        vmcb.InterceptExceptions = wanted ? vmcb.InterceptExceptions | DebugBit : vmcb.InterceptExceptions & ~DebugBit;
    }

    /// <inheritdoc/>
    public override bool VirtualNmisMasked(Machine machine, int vcpu) => Loaded(machine, vcpu).VNmiMask != 0;

    /// <inheritdoc/>
    public override bool VirtualNmiPending(Machine machine, int vcpu) => Loaded(machine, vcpu).VNmi != 0;

    /// <inheritdoc/>
    public override bool TrySetVirtualNmi(Machine machine, int vcpu)
    {
        ref var vmcb = ref Loaded(machine, vcpu);
        if (vmcb is not { VNmiEnable: not 0, VNmi: 0 })
        {
            return false;
        }

        vmcb.VNmi = 1;
        return true;
    }

    /// <inheritdoc/>
    public override void ArmPreemptionTimer(Machine machine, int vcpu, uint ticks) =>
        throw new InvalidOperationException("An AMD processor has no VMX-preemption timer: its immediate exit is a self-IPI.");

    /// <inheritdoc/>
    public override void SetNestedInjection(Machine machine, int vcpu, byte vector) =>
        machine.Ref(Board.Vmcb12, vcpu).EventInj = EventInjection.Make(SvmEventType.Intr, vector);

    /// <inheritdoc/>
    public override void SetNestedWindow(Machine machine, int vcpu, bool wanted) => SetWindow(ref machine.Ref(Board.Vmcb12, vcpu), wanted);

    /// <inheritdoc/>
    public override void SetAcknowledgeOnExit(Machine machine, int vcpu, bool wanted)
    {
        if (wanted)
        {
            throw new GuestException("SVM never acknowledges an interrupt at #VMEXIT(INTR); take it through the IDT after STGI.");
        }
    }

    /// <inheritdoc/>
    public override bool NestedExitsOnInterrupt(Machine machine, int vcpu) => machine.Ref(Board.Vmcb12, vcpu).Has(Intercept3.Intr);

    /// <inheritdoc/>
    public override bool NestedAcknowledgesOnExit(Machine machine, int vcpu) => false;

    /// <inheritdoc/>
    public override bool NestedWantsWindow(Machine machine, int vcpu) => machine.Ref(Board.Vmcb12, vcpu).Has(Intercept3.Vintr);

    /// <inheritdoc/>
    public override bool NestedEntryProblem(Machine machine, int vcpu) =>
        VmrunChecks.Check(machine.Ref(Board.Vmcb12, vcpu)) != VmrunFailure.None;

    /// <inheritdoc/>
    public override void LoadNested(Machine machine, int vcpu)
    {
        ref var loaded = ref machine.Ref(Board.Vmcb02, vcpu);
        ref var guest = ref machine.Ref(Board.Vmcb12, vcpu);
        loaded = default;
        loaded.Intercept3 = machine.Ref(Board.Vmcb01, vcpu).Intercept3 | guest.Intercept3;
        loaded.Intercept4 = machine.Ref(Board.Vmcb01, vcpu).Intercept4 | guest.Intercept4;
        loaded.VIntrMasking = 1;
        loaded.EventInj = guest.EventInj;
        SetWindow(ref loaded, guest.Has(Intercept3.Vintr));
    }

    /// <inheritdoc/>
    public override void UnloadNested(Machine machine, int vcpu)
    {
        SvmProcessor.ClearInjectionAtExit(ref machine.Ref(Board.Vmcb12, vcpu));
        machine.Ref(Board.Vmcb12, vcpu).EventInj = 0;
        if (Board.HasHypervisor)
        {
            machine.Ref(Board.Vmcb02, vcpu) = default;
        }
    }

    /// <inheritdoc/>
    protected override bool DeliverInjected(StepContext context, int vcpu)
    {
        ref var vmcb = ref Loaded(context.Machine, vcpu);
        if (VmrunChecks.Check(vmcb) is var failure && failure != VmrunFailure.None)
        {
            SafetyChecks.Fail(context, SafetyProperty.Entry, vcpu, detail: (byte)failure);
        }

        // VMRUN injects whatever IF and the shadow are (APM2 15.20): unlike VMX no check of the entry finds it.
        var isOpen = Core(context.Machine, vcpu).InterruptsOpen;
        EvaluateAvic(context.Machine, vcpu);
        var word = vmcb.EventInj;
        var injected = SvmProcessor.Inject(ref vmcb, ref Core(context.Machine, vcpu));
        vmcb.EventInj = 0;
        if (injected.Kind == InjectedEventKind.None)
        {
            return false;
        }

        if (Board.Hypervisor.DeliveryFaults(context.Machine, vcpu))
        {
            CutShort(context, vcpu, word);
            return true;
        }

        if (injected.Kind == InjectedEventKind.ExternalInterrupt && !isOpen && IsOfLocalApic(context, vcpu, injected.Vector))
        {
            SafetyChecks.InjectedWhileClosed(context, vcpu, injected.Vector);
        }

        EnterHandler(context, vcpu, injected.Vector, injected.Kind == InjectedEventKind.Nmi);
        return true;
    }

    /// <inheritdoc/>
    protected override bool TakeEvent(StepContext context, int vcpu)
    {
        var machine = context.Machine;
        ref var state = ref machine.Ref(Board.Vcpus, vcpu);
        ref var core = ref Core(machine, vcpu);
        var deliverable = machine.Ref(Board.Apics, vcpu).HighestDeliverable() >= 0;
        var pending = Board.HasHypervisor ? state.HostInterruptAt.Cycle <= machine.Now : deliverable;
        var inputs = new BoundaryInputs
        {
            Pending = (pending ? BoundaryFlags.ExternalInterrupt : 0)
                | (HostTakesInterrupts(machine, vcpu) ? BoundaryFlags.HostInterruptFlag : 0)
                | (RecognizesAvic(machine, vcpu) ? BoundaryFlags.VirtualInterrupt : 0),
        };
        var boundary = !Board.HasHypervisor && state.Level == 1
            ? Processor.RootBoundary(core, inputs)
            : SvmProcessor.AtBoundary(Loaded(machine, vcpu), core, inputs);
        switch (boundary.Kind)
        {
            case BoundaryEventKind.None:
                return false;
            case BoundaryEventKind.DeliverExternalInterrupt:
                WakeFromHlt(context, vcpu);
                EnterHandler(context, vcpu, (byte)machine.Ref(Board.Apics, vcpu).Acknowledge(), nmi: false);
                state.ReadyAt = After(context, TimingCost.IdtDelivery);
                return true;
            case BoundaryEventKind.DeliverVirtualNmi:
                DeliverVirtualNmi(context, vcpu);
                return true;
            case BoundaryEventKind.DeliverVirtualInterrupt:
                if (IsOnAvic(machine, vcpu))
                {
                    DeliverAvic(context, vcpu);
                }
                else
                {
                    TakeVirtualInterrupt(context, vcpu, boundary.Vector);
                }

                return true;
            case BoundaryEventKind.Exit:
                if (boundary.SvmCode == SvmExitCode.DebugException)
                {
                    // A #DB that exits is not delivered: it is the hypervisor's.
                    core.PendingDebugTrap = PendingDebugExceptions.None;
                }

                Exit(context, vcpu, ToExit(machine, vcpu, boundary));
                return true;
            default:
                throw new InvalidOperationException($"An AMD processor in guest mode cannot {boundary.Kind} here.");
        }
    }

    /// <inheritdoc/>
    protected override void Iret(Machine machine, int vcpu, byte restoredIf)
    {
        ref var core = ref Core(machine, vcpu);
        if (!Board.IsKvm && machine.Ref(Board.Vcpus, vcpu).Level == 1)
        {
            core.Iret(restoredIf, unblockNmi: true);
        }
        else
        {
            SvmProcessor.Iret(ref Loaded(machine, vcpu), ref core, restoredIf);
        }
    }

    /// <inheritdoc/>
    protected override bool InterceptsIret(Machine machine, int vcpu) => Board.IsKvm && Loaded(machine, vcpu).Has(Intercept3.Iret);

    /// <inheritdoc/>
    protected override byte ClearTrapFlag(Machine machine, int vcpu)
    {
        if (!Board.IsKvm)
        {
            return 0;
        }

        ref var vmcb = ref Loaded(machine, vcpu);
        var old = vmcb.TrapFlag;
        vmcb.TrapFlag = 0;
        return old;
    }

    /// <inheritdoc/>
    protected override void RestoreTrapFlag(Machine machine, int vcpu, byte value)
    {
        if (Board.IsKvm)
        {
            Loaded(machine, vcpu).TrapFlag = value;
        }
    }

    /// <inheritdoc/>
    protected override bool IsStepping(Machine machine, int vcpu) => Board.IsKvm && Loaded(machine, vcpu).TrapFlag != 0;

    /// <inheritdoc/>
    protected override ExitCause ApicExit(Machine machine, int vcpu, in Operation operation) => operation.Kind switch
    {
        OperationKind.ReadCr8 or OperationKind.WriteCr8 when HasVirtualInterruptDelivery(machine, vcpu) => ExitCause.None,
        OperationKind.ReadCr8 => Intercepts(machine, vcpu, Vmcb.Cr8Read) ? ExitCause.Cr8Read : ExitCause.None,
        OperationKind.WriteCr8 => Intercepts(machine, vcpu, Vmcb.Cr8Write) ? ExitCause.Cr8Write : ExitCause.None,
        _ when IsIoApic(operation) || !MapsApicPage(machine, vcpu) => ExitCause.Mmio,
        _ when HasVirtualInterruptDelivery(machine, vcpu) => AvicExit(operation),
        _ => ExitCause.None,
    };

    /// <summary>Under V_INTR_MASKING the guest's CR8 is V_TPR (APM2 15.21.2); with AVIC the backing page has it.</summary>
    protected override ulong ReadCr8(Machine machine, int vcpu) =>
        Board.HasHypervisor && !IsOnAvic(machine, vcpu) ? Loaded(machine, vcpu).VTpr : base.ReadCr8(machine, vcpu);

    /// <inheritdoc/>
    protected override void RecordExit(Machine machine, int vcpu, in GuestExit exit) => SvmProcessor.RecordExit(
        ref Loaded(machine, vcpu),
        new BoundaryEvent { Kind = BoundaryEventKind.Exit, ExitCode = (uint)exit.Reason, Qualification = exit.Info1 });

    /// <summary>Whether the nested page tables map the local APIC's page, which AVIC needs.</summary>
    private bool MapsApicPage(Machine machine, int vcpu) => Board.IsKvm
        ? machine.Ref(Board.KvmVm).ApicPageMapped != 0
        : HasVirtualInterruptDelivery(machine, vcpu);

    /// <inheritdoc/>
    protected override bool IsOnDummyPage(Machine machine, int vcpu) =>
        Board.IsKvm && machine.Ref(Board.KvmVm).ApicPageMapped != 0 && !HasVirtualInterruptDelivery(machine, vcpu);

    /// <inheritdoc/>
    protected override ulong Reason(ExitCause cause, in Operation operation) => (1UL << 63) | (ulong)(cause switch
    {
        ExitCause.ExternalInterrupt => SvmExitCode.Intr,
        ExitCause.Mmio or ExitCause.NestedPageFault => SvmExitCode.Npf,
        ExitCause.Io => SvmExitCode.Ioio,
        ExitCause.MsrRead or ExitCause.MsrWrite => SvmExitCode.Msr,
        ExitCause.Cr8Read => SvmExitCode.ReadCr8,
        ExitCause.Cr8Write => SvmExitCode.WriteCr8,
        ExitCause.Hlt => SvmExitCode.Hlt,
        ExitCause.VmEnter => SvmExitCode.Vmrun,
        ExitCause.VmCall => SvmExitCode.Vmmcall,
        ExitCause.Stgi => SvmExitCode.Stgi,
        ExitCause.Clgi => SvmExitCode.Clgi,
        ExitCause.Cpuid => SvmExitCode.Cpuid,
        ExitCause.Iret => SvmExitCode.Iret,
        ExitCause.AvicIncompleteIpi => SvmExitCode.AvicIncompleteIpi,
        ExitCause.AvicUnacceleratedAccess => SvmExitCode.AvicUnacceleratedAccess,
        _ => throw new InvalidOperationException($"SVM has no instruction exit for {cause}."),
    });

    /// <inheritdoc/>
    protected override ulong Info1(ExitCause cause, in Operation operation) => cause switch
    {
        // EXITINFO1 of IOIO: bit 0 IN, bits 6:4 size, bits 31:16 port (APM2 15.10.2); of MSR: 1 for WRMSR; of NPF: page-fault error code.
        ExitCause.Io => (operation.Kind == OperationKind.In ? 1u : 0) | ((uint)operation.Size << 4) | (operation.Code << 16),
        ExitCause.MsrWrite => 1,
        ExitCause.AvicUnacceleratedAccess => Avic.AccessInfo1((int)(operation.Code & 0xfff), operation.Kind == OperationKind.MmioWrite),
        // A read of the IDT on behalf of the processor: a page that is not there.
        ExitCause.NestedPageFault => 0x1_0000_0004,
        ExitCause.Mmio => operation.Kind == OperationKind.MmioRead ? 0x1_0000_000du : 0x1_0000_000fu,
        _ => 0,
    };

    /// <summary>The processor takes what V_IRQ offers: no exit, and no APIC register changes (APM2 15.21.4).</summary>
    private void TakeVirtualInterrupt(StepContext context, int vcpu, byte vector)
    {
        ref var vmcb = ref Loaded(context.Machine, vcpu);
        if (Board.Hypervisor.DeliveryFaults(context.Machine, vcpu))
        {
            vmcb.VIrq = 0;
            CutShort(context, vcpu, EventInjection.Make(SvmEventType.Intr, vector));
            return;
        }

        EnterHandler(context, vcpu, vector, nmi: false);
        SvmProcessor.TakeVirtualInterrupt(ref vmcb, ref Core(context.Machine, vcpu));
        context.Machine.Ref(Board.Vcpus, vcpu).ReadyAt = After(context, TimingCost.IdtDelivery);
    }

    /// <summary>The processor takes the NMI that waits in V_NMI: no exit, and V_NMI_MASK holds back the next one.</summary>
    private void DeliverVirtualNmi(StepContext context, int vcpu)
    {
        SvmProcessor.TakeVirtualNmi(ref Loaded(context.Machine, vcpu), ref Core(context.Machine, vcpu));
        if (Board.Hypervisor.DeliveryFaults(context.Machine, vcpu))
        {
            CutShort(context, vcpu, EventInjection.Make(SvmEventType.Nmi, NmiVector));
            return;
        }

        WakeFromHlt(context, vcpu);
        EnterHandler(context, vcpu, NmiVector, nmi: true);
        context.Machine.Ref(Board.Vcpus, vcpu).ReadyAt = After(context, TimingCost.IdtDelivery);
    }

    /// <summary>A nested page fault ends the delivery of an event: the guest has not seen it, and EXITINTINFO says what it was.</summary>
    private void CutShort(StepContext context, int vcpu, ulong word)
    {
        var machine = context.Machine;
        const ExitCause Cause = ExitCause.NestedPageFault;
        SafetyChecks.DeliveryCutShort(context, vcpu, EventInjection.Vector(word));
        var rip = Rip(machine, vcpu, 1);
        Exit(context, vcpu, new GuestExit(Cause, Reason(Cause, default), rip, Info1(Cause, default), Vectoring: (uint)word));
        SvmProcessor.RecordExitIntInfo(ref Loaded(machine, vcpu), word);
    }

    private bool Intercepts(Machine machine, int vcpu, uint access) => (Loaded(machine, vcpu).InterceptCr & access) != 0;

    private static void SetWindow(ref Vmcb vmcb, bool wanted)
    {
        vmcb.Intercept3 = wanted ? vmcb.Intercept3 | Intercept3.Vintr : vmcb.Intercept3 & ~Intercept3.Vintr;
        vmcb.VIrq = wanted ? (byte)1 : (byte)0;
        vmcb.VIgnTpr = wanted ? (byte)1 : (byte)0;
        vmcb.VIntrPrio = wanted ? (byte)0xf : (byte)0;
    }

    /// <summary>
    /// With V_INTR_MASKING a physical interrupt is masked by the host's own IF, which KVM sets before VMRUN; on bare metal it is the
    /// guest's.
    /// </summary>
    private bool HostTakesInterrupts(Machine machine, int vcpu) =>
        Board.HasHypervisor || machine.Ref(Board.Cores, Board.CoreIndex(vcpu, 1)).InterruptFlag != 0;

    private ref Vmcb Loaded(Machine machine, int vcpu)
    {
        if (!Board.HasHypervisor)
        {
            return ref machine.Ref(Board.Vmcb12, vcpu);
        }

        return ref machine.Ref(machine.Ref(Board.Vcpus, vcpu).Level == 2 ? Board.Vmcb02 : Board.Vmcb01, vcpu);
    }

    private GuestExit ToExit(Machine machine, int vcpu, in BoundaryEvent boundary) => new(
        boundary.SvmCode switch
        {
            SvmExitCode.Intr => ExitCause.ExternalInterrupt,
            SvmExitCode.Nmi => ExitCause.Nmi,
            SvmExitCode.Vintr => ExitCause.InterruptWindow,
            SvmExitCode.DebugException => ExitCause.SingleStep,
            _ => throw new InvalidOperationException($"No hypervisor here expects the exit {boundary.SvmCode}."),
        },
        (1UL << 63) | boundary.ExitCode,
        Rip(machine, vcpu, machine.Ref(Board.Vcpus, vcpu).Level));
}
