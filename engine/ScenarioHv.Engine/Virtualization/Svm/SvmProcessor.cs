namespace ScenarioHv.Engine.Virtualization.Svm;

/// <summary>
/// What the processor does at VMRUN, between the instructions of a guest, and at #VMEXIT. All inputs are passed in; what happens is
/// returned.
/// </summary>
public static class SvmProcessor
{
    private const byte NmiVector = 2;

    /// <summary>
    /// VMRUN's effect on the core, and the event in EVENTINJ, before the first instruction: GIF = 1, active (the VMCB has no activity
    /// state), and an event ends the shadow. IF, TPR, shadow and GIF do not hold it back, and no intercept sees it (APM2 15.20). V_IRQ
    /// stays. An NMI masks NMIs only through V_NMI_MASK. The caller delivers what is returned with <see cref="CpuCore.TakeInjected"/>
    /// when it is vectored.
    /// </summary>
    /// <param name="vmcb">The VMCB. EVENTINJ stays as it is until <see cref="ClearInjectionAtExit"/>.</param>
    /// <param name="core">The guest's core.</param>
    public static InjectedEvent Inject(ref Vmcb vmcb, ref CpuCore core)
    {
        core.GifCleared = 0;
        core.Activity = ActivityState.Active;
        var word = vmcb.EventInj;
        if (!EventInjection.IsValid(word))
            return default;

        core.EndShadows();
        var kind = KindOf(EventInjection.Type(word));
        if (kind == InjectedEventKind.Nmi && vmcb.VNmiEnable != 0)
            vmcb.VNmiMask = 1;
        var errorCode = EventInjection.HasErrorCode(word);
        return new InjectedEvent
        {
            Kind = kind,
            Vector = kind == InjectedEventKind.Nmi ? NmiVector : EventInjection.Vector(word),
            HasErrorCode = (byte)(errorCode ? 1 : 0),
            ErrorCode = errorCode ? EventInjection.ErrorCode(word) : 0,
        };
    }

    /// <summary>
    /// What happens at this instruction boundary in a guest: right after VMRUN and its injected event, and between instructions.
    /// Order: SMI, INIT, debug traps, NMI, physical interrupt, then what is virtual: V_NMI, V_IRQ (APM2 8.5, 15.21.4),
    /// or with AVIC in place of V_IRQ, which is then ignored, the vector of vIRR that was recognized (APM2 15.29).
    /// </summary>
    /// <param name="vmcb">The VMCB.</param>
    /// <param name="core">The guest's core.</param>
    /// <param name="inputs">What is pending; what only VMX has is not looked at.</param>
    public static BoundaryEvent AtBoundary(in Vmcb vmcb, in CpuCore core, in BoundaryInputs inputs)
    {
        if (core.Activity == ActivityState.WaitForSipi)
            return inputs.Has(BoundaryFlags.Sipi) ? BoundaryEvent.Of(BoundaryEventKind.TakeSipi, inputs.SipiVector) : default;

        var gif = core.GifCleared == 0;
        var running = core.Activity != ActivityState.Shutdown;
        if (gif && inputs.Has(BoundaryFlags.Smi))
            return ExitOr(vmcb, Intercept3.Smi, SvmExitCode.Smi, BoundaryEventKind.EnterSmm);
        if (gif && inputs.Has(BoundaryFlags.Init))
            return ExitOr(vmcb, Intercept3.Init, SvmExitCode.Init, BoundaryEventKind.TakeInit);
        if (running && core.PendingDebugTrap != 0 && core.MovSsShadow == 0)
            return DebugTrap(vmcb);
        if (gif && inputs.Has(BoundaryFlags.Nmi) && NmiIsOpen(vmcb, core, inputs))
            return ExitOr(vmcb, Intercept3.Nmi, SvmExitCode.Nmi, BoundaryEventKind.DeliverNmi);
        if (gif && running && inputs.Has(BoundaryFlags.ExternalInterrupt) && PhysicalInterruptIsOpen(vmcb, core, inputs))
            return ExitOr(vmcb, Intercept3.Intr, SvmExitCode.Intr, BoundaryEventKind.DeliverExternalInterrupt);
        if (VirtualNmiIsOpen(vmcb, core, inputs))
            return BoundaryEvent.Of(BoundaryEventKind.DeliverVirtualNmi, NmiVector);
        if (running && vmcb.AvicEnable != 0 && inputs.Has(BoundaryFlags.VirtualInterrupt) && GuestGif(vmcb, core) && core.InterruptsOpen)
            return BoundaryEvent.Of(BoundaryEventKind.DeliverVirtualInterrupt);
        if (running && VirtualInterruptIsOpen(vmcb, core))
            return VirtualInterrupt(vmcb);
        return default;
    }

    /// <summary>True if the guest's own GIF is 1: V_GIF where it is enabled, else the processor's GIF (APM2 15.33).</summary>
    /// <param name="vmcb">The VMCB.</param>
    /// <param name="core">The guest's core.</param>
    public static bool GuestGif(in Vmcb vmcb, in CpuCore core) => vmcb.VGifEnable != 0 ? vmcb.VGif != 0 : core.GifCleared == 0;

    /// <summary>CLGI in the guest, not intercepted.</summary>
    /// <param name="vmcb">The VMCB.</param>
    /// <param name="core">The guest's core.</param>
    public static void Clgi(ref Vmcb vmcb, ref CpuCore core)
    {
        if (vmcb.VGifEnable != 0)
            vmcb.VGif = 0;
        else
            core.Clgi();
    }

    /// <summary>STGI in the guest, not intercepted.</summary>
    /// <param name="vmcb">The VMCB.</param>
    /// <param name="core">The guest's core.</param>
    public static void Stgi(ref Vmcb vmcb, ref CpuCore core)
    {
        if (vmcb.VGifEnable != 0)
            vmcb.VGif = 1;
        else
            core.Stgi();
    }

    /// <summary>
    /// IRET in the guest, not intercepted: with virtual NMIs it clears V_NMI_MASK, else it unblocks physical NMIs (APM2 15.21.10).
    /// </summary>
    /// <param name="vmcb">The VMCB.</param>
    /// <param name="core">The guest's core.</param>
    /// <param name="restoredIf">The IF that is popped, 0 or 1.</param>
    public static void Iret(ref Vmcb vmcb, ref CpuCore core, byte restoredIf)
    {
        core.Iret(restoredIf, unblockNmi: vmcb.VNmiEnable == 0);
        if (vmcb.VNmiEnable != 0)
            vmcb.VNmiMask = 0;
    }

    /// <summary>The virtual interrupt is vectored: V_IRQ = 0. No APIC register changes (APM2 15.21.4).</summary>
    /// <param name="vmcb">The VMCB.</param>
    /// <param name="core">The guest's core.</param>
    public static void TakeVirtualInterrupt(ref Vmcb vmcb, ref CpuCore core)
    {
        vmcb.VIrq = 0;
        core.TakeInterrupt();
    }

    /// <summary>
    /// The virtual NMI is vectored: V_NMI = 0, V_NMI_MASK = 1 (APM2 15.21.10). Blocking of physical NMIs does not change.
    /// </summary>
    /// <param name="vmcb">The VMCB.</param>
    /// <param name="core">The guest's core.</param>
    public static void TakeVirtualNmi(ref Vmcb vmcb, ref CpuCore core)
    {
        vmcb.VNmi = 0;
        vmcb.VNmiMask = 1;
        core.TakeException(interruptGate: true);
    }

    /// <summary>EVENTINJ.V is cleared by every #VMEXIT (APM2 15.20).</summary>
    public static void ClearInjectionAtExit(ref Vmcb vmcb) => vmcb.EventInj &= ~EventInjection.Valid;

    /// <summary>Writes the exit fields of a #VMEXIT between instructions and clears the injection. EXITINTINFO becomes 0.</summary>
    /// <param name="vmcb">The VMCB.</param>
    /// <param name="exit">The exit.</param>
    /// <exception cref="InvalidOperationException"><paramref name="exit"/> is not a #VMEXIT.</exception>
    public static void RecordExit(ref Vmcb vmcb, in BoundaryEvent exit)
    {
        if (exit.Kind != BoundaryEventKind.Exit)
            throw new InvalidOperationException($"{exit.Kind} is not a #VMEXIT.");

        vmcb.ExitCode = unchecked((ulong)(int)exit.ExitCode);
        vmcb.ExitInfo1 = exit.Qualification;
        vmcb.ExitInfo2 = 0;
        vmcb.ExitIntInfo = 0;
        ClearInjectionAtExit(ref vmcb);
    }

    /// <summary>
    /// A #VMEXIT cut the delivery of an event short: it is recorded so that the hypervisor can inject it again (APM2 15.7.2).
    /// </summary>
    /// <param name="vmcb">The VMCB, after the other exit fields were written.</param>
    /// <param name="word">The event, in the layout of <see cref="EventInjection"/>.</param>
    public static void RecordExitIntInfo(ref Vmcb vmcb, ulong word) => vmcb.ExitIntInfo = word;

    private static InjectedEventKind KindOf(SvmEventType type) => type switch
    {
        SvmEventType.Intr => InjectedEventKind.ExternalInterrupt,
        SvmEventType.Nmi => InjectedEventKind.Nmi,
        SvmEventType.Exception => InjectedEventKind.Exception,
        SvmEventType.SoftwareInterrupt => InjectedEventKind.SoftwareInterrupt,
        _ => throw new InvalidOperationException($"EVENTINJ type {(byte)type} fails VMRUN and is never injected."),
    };

    private static BoundaryEvent ExitOr(in Vmcb vmcb, Intercept3 intercept, SvmExitCode code, BoundaryEventKind otherwise) =>
        vmcb.Has(intercept) ? BoundaryEvent.Exit(code) : BoundaryEvent.Of(otherwise);

    private static BoundaryEvent DebugTrap(in Vmcb vmcb) => (vmcb.InterceptExceptions & (1u << 1)) != 0
        ? BoundaryEvent.Exit(SvmExitCode.DebugException)
        : BoundaryEvent.Of(BoundaryEventKind.DeliverDebugTrap);

    private static bool NmiIsOpen(in Vmcb vmcb, in CpuCore core, in BoundaryInputs inputs)
    {
        if (core.NmiBlocked != 0)
            return false;

        return vmcb.Has(Intercept3.Nmi)
            ? !(core.InShadow && inputs.Chooses(ShadowModel.DelaysNmiExit))
            : !inputs.ShadowHoldsNmi(core);
    }

    /// <summary>
    /// V_INTR_MASKING chooses whose IF masks physical interrupts; the shadow is the guest's in either case (APM2 15.21.1, 15.21.2).
    /// </summary>
    private static bool PhysicalInterruptIsOpen(in Vmcb vmcb, in CpuCore core, in BoundaryInputs inputs)
    {
        var unmasked = vmcb.VIntrMasking != 0 ? inputs.Has(BoundaryFlags.HostInterruptFlag) : core.InterruptFlag != 0;
        var shadowHolds = core.InShadow && (!vmcb.Has(Intercept3.Intr) || inputs.Chooses(ShadowModel.DelaysExternalInterruptExit));
        return unmasked && !shadowHolds;
    }

    private static bool VirtualNmiIsOpen(in Vmcb vmcb, in CpuCore core, in BoundaryInputs inputs) =>
        vmcb.VNmiEnable != 0 && vmcb.VNmi != 0 && vmcb.VNmiMask == 0 && GuestGif(vmcb, core) && !inputs.ShadowHoldsNmi(core);

    private static bool VirtualInterruptIsOpen(in Vmcb vmcb, in CpuCore core) =>
        vmcb.VIrq != 0
        && vmcb.AvicEnable == 0
        && GuestGif(vmcb, core)
        && core.InterruptsOpen
        && (vmcb.VIgnTpr != 0 || (vmcb.VIntrPrio & 0xF) > (vmcb.VTpr & 0xF));

    private static BoundaryEvent VirtualInterrupt(in Vmcb vmcb) => vmcb.Has(Intercept3.Vintr)
        ? BoundaryEvent.Exit(SvmExitCode.Vintr)
        : BoundaryEvent.Of(BoundaryEventKind.DeliverVirtualInterrupt, vmcb.VIntrVector);
}
