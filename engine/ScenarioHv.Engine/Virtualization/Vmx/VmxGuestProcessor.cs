using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Virtualization.Vmx;

/// <summary>An Intel processor: VMX root and non-root operation around the rules of <see cref="VmxProcessor"/>.</summary>
internal sealed class VmxGuestProcessor(Board board) : GuestProcessor(board)
{
    private const byte RescheduleVector = 0xfd;
    private const byte PostedInterruptVector = 0xf2;
    private const byte LocalTimerVector = 0xec;

    // Registers whose stores the processor passes on after the fact, with APIC-register virtualization (SDM3 29.4.3).
    private static readonly int[] TrappedWrites =
    [
        LocalApicRegister.Id, LocalApicRegister.Ldr, LocalApicRegister.Dfr, LocalApicRegister.Svr, LocalApicRegister.Esr,
        LocalApicRegister.IcrLow,
        LocalApicRegister.LvtTimer, LocalApicRegister.LvtThermal, LocalApicRegister.LvtPerformance, LocalApicRegister.LvtLint0,
        LocalApicRegister.LvtLint1, LocalApicRegister.LvtError, LocalApicRegister.TimerInitialCount, LocalApicRegister.TimerDivide,
    ];

    /// <inheritdoc/>
    public override bool HasVirtualInterruptDelivery(Machine machine, int vcpu) =>
        Board.IsKvm && machine.Ref(Board.Vmcs01, vcpu).Has(SecondaryControls.VirtualInterruptDelivery);

    /// <inheritdoc/>
    public override void SetVirtualInterruptDelivery(Machine machine, int vcpu, bool active)
    {
        // vmx.c:vmx_refresh_apicv_exec_ctrl. The APIC-access page stays: without APICv every access to it exits.
        const SecondaryControls Delivery = SecondaryControls.ApicRegisterVirtualization | SecondaryControls.VirtualInterruptDelivery;
        ref var vmcs = ref machine.Ref(Board.Vmcs01, vcpu);
        vmcs.PinBased = active
            ? vmcs.PinBased | PinBasedControls.ProcessPostedInterrupts
            : vmcs.PinBased & ~PinBasedControls.ProcessPostedInterrupts;
        vmcs.Secondary = active ? vmcs.Secondary | Delivery : vmcs.Secondary & ~Delivery;
    }

    /// <inheritdoc/>
    public override void Reset(Machine machine, int vcpu)
    {
        if (Board.HasHypervisor)
        {
            ref var vmcs = ref machine.Ref(Board.Vmcs01, vcpu);
            vmcs.PinBased = PinBasedControls.ExternalInterruptExiting | PinBasedControls.NmiExiting
                | (Board.Config.VirtualNmis ? PinBasedControls.VirtualNmis : PinBasedControls.None);
            vmcs.Primary = PrimaryControls.HltExiting | PrimaryControls.ActivateSecondaryControls;
            vmcs.ExitControls = ExitControls.AcknowledgeInterruptOnExit;
            if (Board.Config.Apicv)
            {
                vmcs.PostedInterruptNotificationVector = PostedInterruptVector;
                vmcs.Primary |= PrimaryControls.UseTprShadow;
                vmcs.Secondary = SecondaryControls.VirtualizeApicAccesses;
                SetVirtualInterruptDelivery(machine, vcpu, active: true);
            }
        }

        if (Board.L2 is not null)
        {
            ref var nested = ref machine.Ref(Board.Vmcs12, vcpu);
            nested.PinBased = PinBasedControls.ExternalInterruptExiting;
            nested.Primary = PrimaryControls.HltExiting;
            nested.ExitControls = ExitControls.AcknowledgeInterruptOnExit;
        }
    }

    /// <inheritdoc/>
    public override uint InjectionOf(Machine machine, int vcpu) => Loaded(machine, vcpu).EntryInterruptionInformation;

    /// <inheritdoc/>
    public override void WriteInterruptInjection(Machine machine, int vcpu, byte vector) =>
        Loaded(machine, vcpu).EntryInterruptionInformation = InterruptionInfo.ExternalInterrupt(vector);

    /// <inheritdoc/>
    public override void WriteNmiInjection(Machine machine, int vcpu) =>
        Loaded(machine, vcpu).EntryInterruptionInformation = InterruptionInfo.Nmi;

    /// <inheritdoc/>
    public override void ClearInjection(Machine machine, int vcpu) => Loaded(machine, vcpu).EntryInterruptionInformation = 0;

    /// <inheritdoc/>
    public override void SetInterruptWindow(Machine machine, int vcpu, bool wanted)
    {
        var nested = machine.Ref(Board.Vcpus, vcpu).Level == 2 && NestedWantsWindow(machine, vcpu);
        SetControl(ref Loaded(machine, vcpu), PrimaryControls.InterruptWindowExiting, wanted || nested);
    }

    /// <inheritdoc/>
    public override void SetNmiWindow(Machine machine, int vcpu, bool wanted) =>
        SetControl(ref Loaded(machine, vcpu), PrimaryControls.NmiWindowExiting, wanted);

    /// <inheritdoc/>
    public override void ArmPreemptionTimer(Machine machine, int vcpu, uint ticks)
    {
        ref var vmcs = ref Loaded(machine, vcpu);
        vmcs.PinBased |= PinBasedControls.ActivatePreemptionTimer;
        vmcs.PreemptionTimerValue = ticks;
    }

    /// <inheritdoc/>
    public override void DisarmPreemptionTimer(Machine machine, int vcpu)
    {
        ref var vmcs = ref Loaded(machine, vcpu);
        vmcs.PinBased &= ~PinBasedControls.ActivatePreemptionTimer;
        vmcs.PreemptionTimerValue = 0;
    }

    /// <inheritdoc/>
    public override void SyncVirtualApic(Machine machine, int vcpu)
    {
        if (HasVirtualInterruptDelivery(machine, vcpu))
        {
            machine.Ref(Board.Vmcs01, vcpu).Rvi = HighestOf(machine.Ref(Board.Apics, vcpu).Irr);
        }
    }

    /// <inheritdoc/>
    public override void WriteServicingVector(Machine machine, int vcpu)
    {
        if (HasVirtualInterruptDelivery(machine, vcpu))
        {
            Loaded(machine, vcpu).Svi = HighestOf(machine.Ref(Board.Apics, vcpu).Isr);
        }
    }

    /// <inheritdoc/>
    public override void LoadEoiExitBitmap(Machine machine, int vcpu, in EoiExitBitmap bitmap) =>
        Loaded(machine, vcpu).EoiExitBitmap = bitmap;

    /// <inheritdoc/>
    public override void SetNestedInjection(Machine machine, int vcpu, byte vector) =>
        machine.Ref(Board.Vmcs12, vcpu).EntryInterruptionInformation = InterruptionInfo.ExternalInterrupt(vector);

    /// <inheritdoc/>
    public override void SetNestedWindow(Machine machine, int vcpu, bool wanted) =>
        SetControl(ref machine.Ref(Board.Vmcs12, vcpu), PrimaryControls.InterruptWindowExiting, wanted);

    /// <inheritdoc/>
    public override void SetAcknowledgeOnExit(Machine machine, int vcpu, bool wanted)
    {
        ref var controls = ref machine.Ref(Board.Vmcs12, vcpu).ExitControls;
        controls = wanted ? controls | ExitControls.AcknowledgeInterruptOnExit : controls & ~ExitControls.AcknowledgeInterruptOnExit;
    }

    /// <inheritdoc/>
    public override bool NestedExitsOnInterrupt(Machine machine, int vcpu) =>
        machine.Ref(Board.Vmcs12, vcpu).Has(PinBasedControls.ExternalInterruptExiting);

    /// <inheritdoc/>
    public override bool NestedAcknowledgesOnExit(Machine machine, int vcpu) =>
        machine.Ref(Board.Vmcs12, vcpu).Has(ExitControls.AcknowledgeInterruptOnExit);

    /// <inheritdoc/>
    public override bool NestedWantsWindow(Machine machine, int vcpu) =>
        machine.Ref(Board.Vmcs12, vcpu).Has(PrimaryControls.InterruptWindowExiting);

    /// <inheritdoc/>
    public override bool NestedEntryProblem(Machine machine, int vcpu) =>
        VmEntryChecks.Check(machine.Ref(Board.Vmcs12, vcpu), machine.Ref(Board.Cores, Board.CoreIndex(vcpu, 2)), vtpr: 0)
            != VmEntryFailure.None;

    /// <inheritdoc/>
    public override void LoadNested(Machine machine, int vcpu)
    {
        ref var own = ref machine.Ref(Board.Vmcs01, vcpu);
        ref var guest = ref machine.Ref(Board.Vmcs12, vcpu);
        ref var loaded = ref machine.Ref(Board.Vmcs02, vcpu);
        loaded = default;
        loaded.PinBased = own.PinBased & ~(PinBasedControls.ProcessPostedInterrupts | PinBasedControls.ActivatePreemptionTimer);
        loaded.Primary = PrimaryControls.HltExiting | (guest.Primary & PrimaryControls.InterruptWindowExiting);
        loaded.ExitControls = own.ExitControls;
        loaded.EntryInterruptionInformation = guest.EntryInterruptionInformation;
    }

    /// <inheritdoc/>
    public override void UnloadNested(Machine machine, int vcpu)
    {
        VmxProcessor.ClearInjectionAtExit(ref machine.Ref(Board.Vmcs12, vcpu));
        if (Board.HasHypervisor)
        {
            machine.Ref(Board.Vmcs02, vcpu) = default;
        }
    }

    /// <inheritdoc/>
    protected override bool DeliverInjected(StepContext context, int vcpu)
    {
        var machine = context.Machine;
        ref var vmcs = ref Loaded(machine, vcpu);
        ref var state = ref machine.Ref(Board.Vcpus, vcpu);
        LoadTimer(machine, ref vmcs, ref state);
        RequireLegalEntry(context, vcpu, vmcs);
        if (state.Level == 1 && HasVirtualInterruptDelivery(machine, vcpu))
        {
            MirrorChecks.AtEntry(context, vcpu, vmcs);
        }

        var word = vmcs.EntryInterruptionInformation;
        var injected = VmxProcessor.Inject(ref vmcs, ref Core(machine, vcpu));
        vmcs.EntryInterruptionInformation = 0;
        if (injected.Kind == InjectedEventKind.None)
        {
            return false;
        }

        if (Board.Hypervisor.DeliveryFaults(machine, vcpu))
        {
            CutShort(context, vcpu, word);
            return true;
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
        ref var apic = ref machine.Ref(Board.Apics, vcpu);
        if (!Board.HasHypervisor && state.Level == 1)
        {
            return TakeDirectly(context, vcpu, apic.HighestDeliverable() >= 0);
        }

        ref var vmcs = ref Loaded(machine, vcpu);
        var now = new Instant(machine.Now);
        ProcessPostedInterrupts(machine, vcpu, ref vmcs, now);
        var inputs = new BoundaryInputs
        {
            Pending = (state.PreemptionDeadline <= now ? BoundaryFlags.PreemptionTimerExpired : 0)
                | (HostInterruptPending(machine, vcpu, now) ? BoundaryFlags.ExternalInterrupt : 0)
                | (state.Level == 1 && IsVirtualInterruptRecognized(vmcs, apic) ? BoundaryFlags.VirtualInterrupt : 0),
        };
        var boundary = VmxProcessor.AtBoundary(vmcs, core, inputs);
        switch (boundary.Kind)
        {
            case BoundaryEventKind.None:
                return false;
            case BoundaryEventKind.DeliverVirtualInterrupt:
                DeliverVirtualInterrupt(context, vcpu, ref vmcs);
                return true;
            case BoundaryEventKind.AcknowledgeExternalInterrupt:
                Exit(context, vcpu, AcknowledgedExit(context, vcpu, ref vmcs));
                return true;
            case BoundaryEventKind.Exit
                when boundary.VmxReason == VmxExitReason.ExternalInterrupt && vmcs.Has(ExitControls.AcknowledgeInterruptOnExit):
                Exit(context, vcpu, AcknowledgedExit(context, vcpu, ref vmcs));
                return true;
            case BoundaryEventKind.Exit:
                Exit(context, vcpu, ToExit(machine, vcpu, boundary));
                return true;
            default:
                throw new InvalidOperationException($"An Intel processor in non-root operation cannot {boundary.Kind} here.");
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
            VmxProcessor.Iret(Loaded(machine, vcpu), ref core, restoredIf);
        }
    }

    /// <inheritdoc/>
    protected override GuestExit VirtualizedApicWrite(StepContext context, int vcpu, int offset, uint value)
    {
        var machine = context.Machine;
        ref var apic = ref machine.Ref(Board.Apics, vcpu);
        ref var vmcs = ref machine.Ref(Board.Vmcs01, vcpu);
        switch (offset)
        {
            case LocalApicRegister.Tpr or LocalApicRegister.IcrHigh:
                apic.Write(offset, value, new Instant(machine.Now), Board.ApicClock);
                return default;
            case LocalApicRegister.Eoi:
                // It is SVI that ends, not the highest bit of VISR: a hypervisor that has not kept the two together finds that out here.
                apic.Isr.Clear(vmcs.Svi);
                var update = VirtualInterruptDelivery.VirtualizeEoi(vmcs, apic.Tpr, HighestOf(apic.Isr));
                update.WriteStatus(ref vmcs);
                apic.Ppr = update.Vppr;
                return update.TrapExit == ApicTrapExit.EoiInduced
                    ? new GuestExit(ExitCause.EoiInduced, (ulong)VmxExitReason.EoiInduced, 0, update.Vector)
                    : default;
            case LocalApicRegister.IcrLow when IsVirtualizedSelfIpi(value):
                var effect = apic.Write(offset, value, new Instant(machine.Now), Board.ApicClock);
                apic.Accept(effect.Ipi.Message);
                SafetyChecks.Accepted(context, vcpu, effect.Ipi.Message.Vector);
                VirtualInterruptDelivery.VirtualizeSelfIpi(vmcs, apic.Ppr, effect.Ipi.Message.Vector).WriteStatus(ref vmcs);
                return default;
            default:
                return new GuestExit(ExitCause.ApicWrite, (ulong)VmxExitReason.ApicWrite, 0, (ulong)offset, 0, value);
        }
    }

    /// <inheritdoc/>
    protected override ExitCause ApicExit(Machine machine, int vcpu, in Operation operation)
    {
        var offset = (int)(operation.Code & 0xfff);
        if (IsIoApic(operation))
        {
            return ExitCause.Mmio;
        }

        // Without APICv every access exits: the TPR shadow is not modelled.
        if (!HasVirtualInterruptDelivery(machine, vcpu))
        {
            return operation.Kind switch
            {
                OperationKind.ReadCr8 => ExitCause.Cr8Read,
                OperationKind.WriteCr8 => ExitCause.Cr8Write,
                _ => ExitCause.ApicAccess,
            };
        }

        return operation.Kind switch
        {
            OperationKind.MmioRead when offset is LocalApicRegister.Ppr or LocalApicRegister.TimerCurrentCount or LocalApicRegister.Apr =>
                ExitCause.ApicAccess,
            OperationKind.MmioWrite when offset is not (LocalApicRegister.Tpr or LocalApicRegister.Eoi or LocalApicRegister.IcrHigh)
                && !TrappedWrites.AsSpan().Contains(offset) => ExitCause.ApicAccess,
            _ => ExitCause.None,
        };
    }

    /// <inheritdoc/>
    protected override ulong Reason(ExitCause cause, in Operation operation) => (ulong)(cause switch
    {
        ExitCause.ExternalInterrupt => VmxExitReason.ExternalInterrupt,
        ExitCause.ApicAccess => VmxExitReason.ApicAccess,
        ExitCause.Mmio => VmxExitReason.EptMisconfig,
        ExitCause.Io => VmxExitReason.IoInstruction,
        ExitCause.MsrRead => VmxExitReason.MsrRead,
        ExitCause.MsrWrite => VmxExitReason.MsrWrite,
        ExitCause.Cr8Read or ExitCause.Cr8Write => VmxExitReason.CrAccess,
        ExitCause.Hlt => VmxExitReason.Hlt,
        ExitCause.Cpuid => VmxExitReason.Cpuid,
        ExitCause.VmEnter => VmxExitReason.Vmresume,
        ExitCause.VmCall => VmxExitReason.Vmcall,
        ExitCause.NestedPageFault => VmxExitReason.EptViolation,
        ExitCause.EntryFailed => VmxExitReason.InvalidState,
        _ => throw new InvalidOperationException($"VMX has no instruction exit for {cause}."),
    });

    /// <inheritdoc/>
    protected override ulong Info1(ExitCause cause, in Operation operation) => cause switch
    {
        ExitCause.Io => (uint)(operation.Size - 1) | (operation.Kind == OperationKind.In ? 8u : 0) | (operation.Code << 16),
        ExitCause.ApicAccess => OffsetOf(operation) | (operation.Kind is OperationKind.MmioRead ? 0u : 0x1000u),
        // A data read at a linear address, on the translation of that address (SDM3 27.2.1, table 27-7).
        ExitCause.NestedPageFault => 0x181,
        ExitCause.Cr8Read => 0x18,
        ExitCause.Cr8Write => 0x08,
        _ => 0,
    };

    /// <summary>
    /// A self-IPI that the processor virtualizes (SDM3 29.1.5): shorthand self, fixed, edge, a legal vector, and 0 in the reserved bits and
    /// delivery status.
    /// </summary>
    private static bool IsVirtualizedSelfIpi(uint icr) => (icr & 0xfff3_b700) == 0 && (icr >> 18 & 3) == (uint)IpiShorthand.Self
        && (icr & 0xf0) != 0;

    /// <summary>RVI and SVI hold 0 where no vector is set.</summary>
    private static byte HighestOf(in Register256 register) => (byte)Math.Max(0, register.Highest);

    private static uint OffsetOf(in Operation operation) =>
        operation.Kind == OperationKind.Eoi ? LocalApicRegister.Eoi : operation.Code & 0xfff;

    private static void SetControl(ref Vmcs vmcs, PrimaryControls control, bool wanted) =>
        vmcs.Primary = wanted ? vmcs.Primary | control : vmcs.Primary & ~control;

    /// <summary>
    /// An EPT violation ends the delivery of an event: the guest has not seen it, and IDT-vectoring information says what it was. What the
    /// entry, or the processor's own delivery, has done stays, virtual-NMI blocking among it.
    /// </summary>
    private void CutShort(StepContext context, int vcpu, uint information)
    {
        const ExitCause Cause = ExitCause.NestedPageFault;
        SafetyChecks.DeliveryCutShort(context, vcpu, InterruptionInfo.Vector(information));
        var rip = Rip(context.Machine, vcpu, 1);
        Exit(context, vcpu, new GuestExit(Cause, Reason(Cause, default), rip, Info1(Cause, default), Vectoring: information));
    }

    /// <summary>The control structure that is loaded: L0's for the level that runs; on bare metal the guest's own.</summary>
    private ref Vmcs Loaded(Machine machine, int vcpu)
    {
        if (!Board.HasHypervisor)
        {
            return ref machine.Ref(Board.Vmcs12, vcpu);
        }

        return ref machine.Ref(machine.Ref(Board.Vcpus, vcpu).Level == 2 ? Board.Vmcs02 : Board.Vmcs01, vcpu);
    }

    /// <summary>
    /// What a hypervisor enters with passes the processor's checks; the nested guest's own hypervisor is told of a failure instead.
    /// </summary>
    private void RequireLegalEntry(StepContext context, int vcpu, in Vmcs vmcs)
    {
        var vtpr = context.Level == 1 ? context.Machine.Ref(Board.Apics, vcpu).Tpr : (byte)0;
        var failure = VmEntryChecks.Check(vmcs, Core(context.Machine, vcpu), vtpr);
        if (failure != VmEntryFailure.None)
        {
            SafetyChecks.Fail(context, SafetyProperty.Entry, vcpu, detail: (byte)failure);
        }
    }

    /// <summary>The timer counts from the entry. Where its first tick falls depends on the low bits of the TSC, unless it is 0.</summary>
    private void LoadTimer(Machine machine, ref Vmcs vmcs, ref VcpuState state)
    {
        if (!vmcs.Has(PinBasedControls.ActivatePreemptionTimer))
        {
            return;
        }

        var shift = Board.Config.PreemptionTimerShift;
        if (VmxPreemptionTimer.ReadsPhase(vmcs.PreemptionTimerValue, shift))
        {
            machine.Ref(Board.Layout.Clock).ReadPhase(shift);
        }

        state.PreemptionDeadline = new Instant(VmxPreemptionTimer.Deadline(machine.Now, vmcs.PreemptionTimerValue, shift));
    }

    /// <summary>
    /// A posted-interrupt notification that meets the guest itself is dismissed, ON is cleared, PIR goes to VIRR in one piece, and RVI
    /// follows: no exit (SDM3 29.6). It is uninterruptible, one step.
    /// </summary>
    private void ProcessPostedInterrupts(Machine machine, int vcpu, ref Vmcs vmcs, Instant now)
    {
        ref var state = ref machine.Ref(Board.Vcpus, vcpu);
        var acknowledged = state.HostInterruptAt <= now && HostVector(state.HostInterrupts) == PostedInterruptVector;
        if (!acknowledged || !vmcs.Has(PinBasedControls.ProcessPostedInterrupts))
        {
            return;
        }

        state.HostInterrupts &= ~HostInterrupts.PostedNotification;
        state.HostInterruptAt = state.HostInterrupts == HostInterrupts.None ? Instant.Never : state.HostInterruptAt;
        ref var posted = ref machine.Ref(Board.PostedInterrupts, vcpu);
        ref var apic = ref machine.Ref(Board.Apics, vcpu);
        posted.On = 0;
        var highest = 0;
        for (var word = 0; word < PostedInterrupts.WordCount; word++)
        {
            highest = Math.Max(highest, posted.Harvest(word, ref apic));
        }

        VirtualInterruptDelivery.ProcessPosted(vmcs, apic.Ppr, (byte)highest).WriteStatus(ref vmcs);
    }

    private bool HostInterruptPending(Machine machine, int vcpu, Instant now) => Board.HasHypervisor
        ? machine.Ref(Board.Vcpus, vcpu).HostInterruptAt <= now
        : machine.Ref(Board.Apics, vcpu).HighestDeliverable() >= 0;

    private static bool IsVirtualInterruptRecognized(in Vmcs vmcs, in LocalApic apic) =>
        vmcs.Has(SecondaryControls.VirtualInterruptDelivery)
        && VirtualInterruptDelivery.Recognizes(vmcs, vmcs.Rvi, VirtualInterruptDelivery.VirtualizePpr(apic.Tpr, vmcs.Svi));

    private void DeliverVirtualInterrupt(StepContext context, int vcpu, ref Vmcs vmcs)
    {
        ref var apic = ref context.Machine.Ref(Board.Apics, vcpu);
        var vector = vmcs.Rvi;
        apic.Isr.Set(vector);
        apic.Irr.Clear(vector);
        var update = VirtualInterruptDelivery.Deliver(vmcs, HighestOf(apic.Irr));
        update.WriteStatus(ref vmcs);
        apic.Ppr = update.Vppr;
        SafetyChecks.CommittedByProcessor(context, vcpu, vector);
        WakeFromHlt(context, vcpu);
        if (Board.Hypervisor.DeliveryFaults(context.Machine, vcpu))
        {
            CutShort(context, vcpu, InterruptionInfo.ExternalInterrupt(vector));
            return;
        }

        EnterHandler(context, vcpu, vector, nmi: false);
        context.Machine.Ref(Board.Vcpus, vcpu).ReadyAt = After(context, TimingCost.IdtDelivery);
    }

    private bool TakeDirectly(StepContext context, int vcpu, bool interruptPending)
    {
        var inputs = new BoundaryInputs { Pending = interruptPending ? BoundaryFlags.ExternalInterrupt : 0 };
        var boundary = Processor.RootBoundary(Core(context.Machine, vcpu), inputs);
        if (boundary.Kind != BoundaryEventKind.DeliverExternalInterrupt)
        {
            return false;
        }

        var vector = context.Machine.Ref(Board.Apics, vcpu).Acknowledge();
        WakeFromHlt(context, vcpu);
        EnterHandler(context, vcpu, (byte)vector, nmi: false);
        context.Machine.Ref(Board.Vcpus, vcpu).ReadyAt = After(context, TimingCost.IdtDelivery);
        return true;
    }

    /// <summary>The exit acknowledges the interrupt: for L0 one of the host's own, on bare metal one of the guest's local APIC.</summary>
    private GuestExit AcknowledgedExit(StepContext context, int vcpu, ref Vmcs vmcs)
    {
        var machine = context.Machine;
        var vector = Board.HasHypervisor
            ? HostVector(machine.Ref(Board.Vcpus, vcpu).HostInterrupts)
            : (byte)machine.Ref(Board.Apics, vcpu).Acknowledge();
        if (!Board.HasHypervisor)
        {
            SafetyChecks.Dispatched(context, vcpu, vector);
        }

        return ToExit(machine, vcpu, VmxProcessor.AfterAcknowledge(vmcs, vector));
    }

    private GuestExit ToExit(Machine machine, int vcpu, in BoundaryEvent boundary) => new(
        boundary.VmxReason switch
        {
            VmxExitReason.ExternalInterrupt => ExitCause.ExternalInterrupt,
            VmxExitReason.ExceptionNmi => ExitCause.Nmi,
            VmxExitReason.InterruptWindow => ExitCause.InterruptWindow,
            VmxExitReason.NmiWindow => ExitCause.NmiWindow,
            VmxExitReason.PreemptionTimer => ExitCause.PreemptionTimer,
            _ => throw new InvalidOperationException($"No hypervisor here expects the exit {boundary.VmxReason}."),
        },
        (ulong)boundary.VmxReason,
        Rip(machine, vcpu, machine.Ref(Board.Vcpus, vcpu).Level),
        boundary.Qualification,
        boundary.InterruptionInformation);

    /// <summary>
    /// The host's vector with the highest priority among those that are pending (Linux arch/x86/include/asm/irq_vectors.h).
    /// </summary>
    private static byte HostVector(HostInterrupts pending) =>
        (pending & (HostInterrupts.Kick | HostInterrupts.SelfIpi)) != 0 ? RescheduleVector
        : (pending & HostInterrupts.PostedNotification) != 0 ? PostedInterruptVector
        : LocalTimerVector;
}
