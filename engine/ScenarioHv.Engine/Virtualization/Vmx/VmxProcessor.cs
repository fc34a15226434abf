namespace ScenarioHv.Engine.Virtualization.Vmx;

/// <summary>
/// What the processor does at VM entry, between the instructions of a guest, and at VM exit. All inputs are passed in; what happens is
/// returned.
/// </summary>
public static class VmxProcessor
{
    private const byte DebugVector = 1;

    /// <summary>
    /// The effect of the VM-entry interruption-information field on the core (SDM3 26.6, 26.7.1, 26.7.2), without the gate: the caller
    /// delivers what is returned with <see cref="CpuCore.TakeInjected"/> when it is vectored. No control can intercept it, and no APIC
    /// register changes. Of an NMI, blocking follows only with "virtual NMIs" = 1: with 0, NMIs are blocked after the entry if and only if
    /// bit 3 of the interruptibility state says so (SDM3 26.7.1; Bochs blocks there too).
    /// </summary>
    /// <param name="vmcs">The current VMCS. The field stays as it is until <see cref="ClearInjectionAtExit"/>.</param>
    /// <param name="core">The guest's core: a vectored event ends the shadows, makes it active, may drop pending debug traps, and a
    /// virtual NMI blocks virtual NMIs.</param>
    public static InjectedEvent Inject(ref Vmcs vmcs, ref CpuCore core)
    {
        var word = vmcs.EntryInterruptionInformation;
        if (!InterruptionInfo.IsValid(word))
            return default;

        var type = InterruptionInfo.Type(word);
        if (type == InterruptionType.OtherEvent)
            return new InjectedEvent { Kind = InjectedEventKind.MonitorTrap, MonitorTrapPending = 1 };

        if (DropsPendingDebug(type, core))
            core.PendingDebugTrap = PendingDebugExceptions.None;
        core.EndShadows();
        core.Activity = ActivityState.Active;
        if (type == InterruptionType.Nmi && vmcs.Has(PinBasedControls.VirtualNmis))
            core.BlockNmi();

        var errorCode = InterruptionInfo.HasErrorCode(word);
        return new InjectedEvent
        {
            Kind = KindOf(type),
            Vector = InterruptionInfo.Vector(word),
            HasErrorCode = (byte)(errorCode ? 1 : 0),
            ErrorCode = errorCode ? vmcs.EntryErrorCode : 0,
            MonitorTrapPending = (byte)(vmcs.Has(PrimaryControls.MonitorTrapFlag) ? 1 : 0),
        };
    }

    /// <summary>
    /// What happens at this instruction boundary in VMX non-root operation: right after VM entry and its injected event, and between
    /// instructions. The order is that of SDM3 6.9, 25.5.1, 25.5.2, 26.7.3..26.7.8 and 29.2.2; Bochs has the same.
    /// </summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="core">The guest's core.</param>
    /// <param name="inputs">What is pending.</param>
    public static BoundaryEvent AtBoundary(in Vmcs vmcs, in CpuCore core, in BoundaryInputs inputs)
    {
        if (core.Activity == ActivityState.WaitForSipi)
            return inputs.Has(BoundaryFlags.Sipi) ? BoundaryEvent.Exit(VmxExitReason.SipiSignal, inputs.SipiVector) : default;

        var running = core.Activity != ActivityState.Shutdown;
        if (running && inputs.TrapExit != ApicTrapExit.None)
            return TrapExit(inputs);
        if (inputs.Has(BoundaryFlags.Smi))
            return BoundaryEvent.Of(BoundaryEventKind.EnterSmm);
        if (inputs.Has(BoundaryFlags.Init))
            return BoundaryEvent.Exit(VmxExitReason.InitSignal);
        if (inputs.Has(BoundaryFlags.MonitorTrap))
            return BoundaryEvent.Exit(VmxExitReason.MonitorTrapFlag);
        if (running && core.PendingDebugTrap != 0 && core.MovSsShadow == 0)
            return DebugTrap(vmcs, core);
        if (TimerExits(vmcs, core, inputs))
            return BoundaryEvent.Exit(VmxExitReason.PreemptionTimer);
        if (vmcs.Has(PrimaryControls.NmiWindowExiting) && core.NmiBlocked == 0 && !inputs.ShadowHoldsNmi(core))
            return BoundaryEvent.Exit(VmxExitReason.NmiWindow);
        if (inputs.Has(BoundaryFlags.Nmi) && NmiIsOpen(vmcs, core, inputs))
            return Nmi(vmcs);
        return running ? MaskableInterrupt(vmcs, core, inputs) : default;
    }

    /// <summary>
    /// Whether the vector that an <see cref="BoundaryEventKind.AcknowledgeExternalInterrupt"/> brought starts posted-interrupt processing
    /// or is an ordinary external-interrupt exit (SDM3 29.6 steps 1 and 2).
    /// </summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="vector">The vector that the physical APIC gave.</param>
    public static BoundaryEvent AfterAcknowledge(in Vmcs vmcs, byte vector) =>
        vmcs.Has(PinBasedControls.ProcessPostedInterrupts) && vector == (byte)vmcs.PostedInterruptNotificationVector
            ? BoundaryEvent.Of(BoundaryEventKind.ProcessPostedInterrupts)
            : BoundaryEvent.Exit(VmxExitReason.ExternalInterrupt, 0, InterruptionInfo.ExternalInterrupt(vector));

    /// <summary>
    /// The VM-exit interruption information of an external-interrupt exit: 0x80000000 + vector with "acknowledge interrupt on exit", else
    /// 0, and then the interrupt is still pending in the controller (SDM3 27.2.2).
    /// </summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="acknowledgedVector">The vector that the controller gave; not looked at without the control.</param>
    public static uint ExternalInterruptExitInformation(in Vmcs vmcs, byte acknowledgedVector) =>
        vmcs.Has(ExitControls.AcknowledgeInterruptOnExit) ? InterruptionInfo.ExternalInterrupt(acknowledgedVector) : 0;

    /// <summary>Bit 31 of the VM-entry interruption information is cleared by every VM exit (SDM3 27.2.4), not by a failed entry.</summary>
    public static void ClearInjectionAtExit(ref Vmcs vmcs) => vmcs.EntryInterruptionInformation &= ~InterruptionInfo.Valid;

    /// <summary>
    /// Writes the VM-exit fields of an exit between instructions and clears the injection. IDT-vectoring information becomes 0.
    /// </summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="exit">The exit.</param>
    /// <param name="interruptionInformation">For exit 1: <see cref="ExternalInterruptExitInformation"/>; otherwise the event's own.</param>
    /// <exception cref="InvalidOperationException"><paramref name="exit"/> is not a VM exit.</exception>
    public static void RecordExit(ref Vmcs vmcs, in BoundaryEvent exit, uint interruptionInformation)
    {
        if (exit.Kind != BoundaryEventKind.Exit)
            throw new InvalidOperationException($"{exit.Kind} is not a VM exit.");

        vmcs.ExitReason = exit.ExitCode;
        vmcs.ExitQualification = exit.Qualification;
        vmcs.ExitInterruptionInformation = interruptionInformation;
        vmcs.IdtVectoringInformation = 0;
        ClearInjectionAtExit(ref vmcs);
    }

    /// <summary>
    /// An exit cut the delivery of an event short: it is recorded so that the hypervisor can inject it again (SDM3 27.2.4).
    /// </summary>
    /// <param name="vmcs">The current VMCS, after the other exit fields were written.</param>
    /// <param name="information">The event, in the layout of <see cref="InterruptionInfo"/>.</param>
    /// <param name="errorCode">Its error code, if it has one.</param>
    public static void RecordIdtVectoring(ref Vmcs vmcs, uint information, uint errorCode = 0)
    {
        vmcs.IdtVectoringInformation = information & ~InterruptionInfo.NmiUnblockingDueToIret;
        if (InterruptionInfo.HasErrorCode(information))
            vmcs.IdtVectoringErrorCode = errorCode;
    }

    /// <summary>IRET in the guest. With "NMI exiting" = 1 and "virtual NMIs" = 0 it has no effect on blocking by NMI (SDM3 25.3).</summary>
    /// <param name="vmcs">The current VMCS.</param>
    /// <param name="core">The guest's core.</param>
    /// <param name="restoredIf">The IF that is popped, 0 or 1.</param>
    public static void Iret(in Vmcs vmcs, ref CpuCore core, byte restoredIf) =>
        core.Iret(restoredIf, unblockNmi: !vmcs.Has(PinBasedControls.NmiExiting) || vmcs.Has(PinBasedControls.VirtualNmis));

    /// <summary>True if entering with an injected event of this type drops the pending debug exceptions (SDM3 26.7.3).</summary>
    private static bool DropsPendingDebug(InterruptionType type, in CpuCore core) => type switch
    {
        InterruptionType.SoftwareInterrupt or InterruptionType.SoftwareException => core.MovSsShadow == 0,
        _ => true,
    };

    private static InjectedEventKind KindOf(InterruptionType type) => type switch
    {
        InterruptionType.ExternalInterrupt => InjectedEventKind.ExternalInterrupt,
        InterruptionType.Nmi => InjectedEventKind.Nmi,
        InterruptionType.SoftwareInterrupt => InjectedEventKind.SoftwareInterrupt,
        InterruptionType.Reserved => throw new InvalidOperationException("Interruption type 1 fails the VM entry and is never injected."),
        _ => InjectedEventKind.Exception,
    };

    private static BoundaryEvent TrapExit(in BoundaryInputs inputs) => inputs.TrapExit switch
    {
        ApicTrapExit.TprBelowThreshold => BoundaryEvent.Exit(VmxExitReason.TprBelowThreshold),
        ApicTrapExit.EoiInduced => BoundaryEvent.Exit(VmxExitReason.EoiInduced, inputs.TrapQualification),
        ApicTrapExit.ApicWrite => BoundaryEvent.Exit(VmxExitReason.ApicWrite, inputs.TrapQualification),
        _ => throw new InvalidOperationException($"{inputs.TrapExit} is not a trap-like exit."),
    };

    /// <summary>The qualification of an exit for #DB has the breakpoints in 3:0 and BS in 14 (SDM3 27.2.1).</summary>
    private static BoundaryEvent DebugTrap(in Vmcs vmcs, in CpuCore core)
    {
        const PendingDebugExceptions Qualified = PendingDebugExceptions.B0 | PendingDebugExceptions.B1
            | PendingDebugExceptions.B2 | PendingDebugExceptions.B3 | PendingDebugExceptions.Bs;
        return (vmcs.ExceptionBitmap & (1u << DebugVector)) != 0
            ? BoundaryEvent.Exit(
                VmxExitReason.ExceptionNmi, (ulong)(core.PendingDebugTrap & Qualified), InterruptionInfo.HardwareException(DebugVector))
            : BoundaryEvent.Of(BoundaryEventKind.DeliverDebugTrap);
    }

    private static bool TimerExits(in Vmcs vmcs, in CpuCore core, in BoundaryInputs inputs) =>
        inputs.Has(BoundaryFlags.PreemptionTimerExpired)
        && vmcs.Has(PinBasedControls.ActivatePreemptionTimer)
        && !(core.InShadow && inputs.Chooses(ShadowModel.DelaysPreemptionTimer));

    /// <summary>With "virtual NMIs" = 1 physical NMIs are never blocked by NMI: the core's bit is the virtual one (SDM3 24.6.1).</summary>
    private static bool NmiIsOpen(in Vmcs vmcs, in CpuCore core, in BoundaryInputs inputs)
    {
        if (core.NmiBlocked != 0 && !vmcs.Has(PinBasedControls.VirtualNmis))
            return false;

        return vmcs.Has(PinBasedControls.NmiExiting)
            ? !(core.InShadow && inputs.Chooses(ShadowModel.DelaysNmiExit))
            : !inputs.ShadowHoldsNmi(core);
    }

    private static BoundaryEvent Nmi(in Vmcs vmcs) => vmcs.Has(PinBasedControls.NmiExiting)
        ? BoundaryEvent.Exit(VmxExitReason.ExceptionNmi, 0, InterruptionInfo.Nmi)
        : BoundaryEvent.Of(BoundaryEventKind.DeliverNmi);

    private static BoundaryEvent MaskableInterrupt(in Vmcs vmcs, in CpuCore core, in BoundaryInputs inputs)
    {
        if (core.InterruptsOpen)
        {
            if (vmcs.Has(PrimaryControls.InterruptWindowExiting))
                return BoundaryEvent.Exit(VmxExitReason.InterruptWindow);
            if (inputs.Has(BoundaryFlags.VirtualInterrupt) && vmcs.Has(SecondaryControls.VirtualInterruptDelivery))
                return BoundaryEvent.Of(BoundaryEventKind.DeliverVirtualInterrupt);
        }

        if (!inputs.Has(BoundaryFlags.ExternalInterrupt))
            return default;
        if (!vmcs.Has(PinBasedControls.ExternalInterruptExiting))
            return core.InterruptsOpen ? BoundaryEvent.Of(BoundaryEventKind.DeliverExternalInterrupt) : default;
        if (core.InShadow && inputs.Chooses(ShadowModel.DelaysExternalInterruptExit))
            return default;
        return vmcs.Has(PinBasedControls.ProcessPostedInterrupts)
            ? BoundaryEvent.Of(BoundaryEventKind.AcknowledgeExternalInterrupt)
            : BoundaryEvent.Exit(VmxExitReason.ExternalInterrupt);
    }
}
