namespace ScenarioHv.Engine.Virtualization.Vmx;

/// <summary>What a processor supports that the checks on VM entry depend on.</summary>
[Flags]
public enum VmxCapabilities : byte
{
    /// <summary>None of these.</summary>
    None = 0,

    /// <summary>"Monitor trap flag" may be 1, and a pending MTF VM exit may be injected.</summary>
    MonitorTrapFlag = 1 << 0,

    /// <summary>IA32_VMX_BASIC bit 56: a hardware exception may be injected with or without error code, whatever its vector.</summary>
    AnyErrorCode = 1 << 1,

    /// <summary>IA32_VMX_MISC bit 30: a software event may be injected with instruction length 0.</summary>
    ZeroInstructionLength = 1 << 2,

    /// <summary>An NMI must not be injected while there is blocking by STI (SDM3 26.3.1.5: some processors).</summary>
    StiBlocksNmiInjection = 1 << 3,
}

/// <summary>Why a VM entry fails. Below 64: a control field, VMfailValid. From 64 on: guest state, exit 33.</summary>
public enum VmEntryFailure : byte
{
    /// <summary>The entry succeeds, as far as events are concerned.</summary>
    None = 0,

    /// <summary>"Virtual NMIs" without "NMI exiting".</summary>
    VirtualNmisWithoutNmiExiting,

    /// <summary>"NMI-window exiting" without "virtual NMIs".</summary>
    NmiWindowWithoutVirtualNmis,

    /// <summary>TPR threshold bits 31:4 not 0, with a TPR shadow and without virtual-interrupt delivery.</summary>
    TprThresholdReservedBits,

    /// <summary>
    /// TPR threshold above VTPR 7:4, with a TPR shadow, without virtual-interrupt delivery and APIC-access virtualization.
    /// </summary>
    TprThresholdAboveVtpr,

    /// <summary>x2APIC mode, APIC-register virtualization or virtual-interrupt delivery without a TPR shadow.</summary>
    ApicVirtualizationWithoutTprShadow,

    /// <summary>"Virtualize x2APIC mode" together with "virtualize APIC accesses".</summary>
    X2ApicModeWithApicAccesses,

    /// <summary>Virtual-interrupt delivery without "external-interrupt exiting".</summary>
    VirtualInterruptDeliveryWithoutExternalInterruptExiting,

    /// <summary>Posted interrupts without virtual-interrupt delivery.</summary>
    PostedInterruptsWithoutVirtualInterruptDelivery,

    /// <summary>Posted interrupts without "acknowledge interrupt on exit".</summary>
    PostedInterruptsWithoutAcknowledge,

    /// <summary>Posted-interrupt notification vector bits 15:8 not 0.</summary>
    PostedInterruptNotificationVector,

    /// <summary>"Save VMX-preemption timer value" without the timer.</summary>
    SavePreemptionTimerWithoutTimer,

    /// <summary>Entry information: type 1, or type 7 without MTF support.</summary>
    InjectionTypeReserved,

    /// <summary>Entry information: a vector that its type does not allow.</summary>
    InjectionVector,

    /// <summary>Entry information: "deliver error code" where there is none, or missing where there must be one.</summary>
    InjectionDeliverErrorCode,

    /// <summary>Entry information: bits 30:12 not 0.</summary>
    InjectionReservedBits,

    /// <summary>Error code bits 31:16 not 0.</summary>
    InjectionErrorCodeReservedBits,

    /// <summary>A software event with instruction length above 15, or 0 where that is not allowed.</summary>
    InjectionInstructionLength,

    /// <summary>Blocking by STI and by MOV SS at once.</summary>
    StiAndMovSsBlocking = 64,

    /// <summary>Blocking by STI with IF = 0.</summary>
    StiBlockingWithoutIf,

    /// <summary>Blocking by STI or MOV SS in an activity state other than active.</summary>
    ShadowWhileNotActive,

    /// <summary>An external interrupt is injected with IF = 0.</summary>
    ExternalInterruptWithoutIf,

    /// <summary>An external interrupt is injected during blocking by STI or MOV SS.</summary>
    ExternalInterruptInShadow,

    /// <summary>An NMI is injected during blocking by MOV SS, or by STI where the processor refuses that.</summary>
    NmiInShadow,

    /// <summary>An NMI is injected during virtual-NMI blocking.</summary>
    NmiWhileNmiBlocked,

    /// <summary>The activity state does not allow the injected event.</summary>
    InjectionInActivityState,
}

/// <summary>
/// The checks on VM entry that concern events: control fields (SDM3 26.2.1), then guest state (SDM3 26.3.1.4, 26.3.1.5), in that order.
/// </summary>
/// <remarks>
/// Not modelled: a guest with CR0.PE = 0, where "deliver error code" must be 0; all checks of other fields. Error code bits 31:16 must be
/// 0; older manuals said 31:15.
/// </remarks>
public static class VmEntryChecks
{
    /// <summary>The VM-instruction error of every failed control check: invalid control field.</summary>
    public const uint InvalidControlField = 7;

    /// <summary>The exit reason of a failed guest-state check: 33 with bit 31.</summary>
    public const uint InvalidGuestStateExit = 0x8000_0000 | (uint)VmxExitReason.InvalidState;

    private const byte MachineCheckVector = 18;
    private const uint VectorsWithErrorCode = (1u << 8) | (1u << 10) | (1u << 11) | (1u << 12) | (1u << 13) | (1u << 14) | (1u << 17);

    /// <summary>The first check that fails, or none.</summary>
    /// <param name="vmcs">The VMCS of the entry.</param>
    /// <param name="core">The guest's core: the guest-state area.</param>
    /// <param name="vtpr">VTPR, bits 7:0; looked at only with a TPR shadow.</param>
    /// <param name="capabilities">What the processor supports.</param>
    public static VmEntryFailure Check(
        in Vmcs vmcs, in CpuCore core, byte vtpr, VmxCapabilities capabilities = VmxCapabilities.MonitorTrapFlag)
    {
        var failure = CheckExecutionControls(vmcs);
        if (failure == VmEntryFailure.None)
            failure = CheckApicControls(vmcs, vtpr);
        if (failure == VmEntryFailure.None)
            failure = CheckInjection(vmcs, capabilities);
        if (failure == VmEntryFailure.None)
            failure = CheckInterruptibility(vmcs, core, capabilities);
        return failure == VmEntryFailure.None ? CheckActivity(vmcs, core) : failure;
    }

    /// <summary>True if the entry fails with VMfailValid and <see cref="InvalidControlField"/>, before any guest state is loaded.</summary>
    public static bool IsControlFailure(VmEntryFailure failure) =>
        failure is > VmEntryFailure.None and < VmEntryFailure.StiAndMovSsBlocking;

    /// <summary>True if the entry fails as a VM exit with <see cref="InvalidGuestStateExit"/>.</summary>
    public static bool IsGuestStateFailure(VmEntryFailure failure) => failure >= VmEntryFailure.StiAndMovSsBlocking;

    private static VmEntryFailure CheckExecutionControls(in Vmcs vmcs)
    {
        if (vmcs.Has(PinBasedControls.VirtualNmis) && !vmcs.Has(PinBasedControls.NmiExiting))
            return VmEntryFailure.VirtualNmisWithoutNmiExiting;
        if (vmcs.Has(PrimaryControls.NmiWindowExiting) && !vmcs.Has(PinBasedControls.VirtualNmis))
            return VmEntryFailure.NmiWindowWithoutVirtualNmis;
        if (vmcs.Has(ExitControls.SavePreemptionTimer) && !vmcs.Has(PinBasedControls.ActivatePreemptionTimer))
            return VmEntryFailure.SavePreemptionTimerWithoutTimer;
        return VmEntryFailure.None;
    }

    private static VmEntryFailure CheckApicControls(in Vmcs vmcs, byte vtpr)
    {
        const SecondaryControls NeedsTprShadow = SecondaryControls.VirtualizeX2ApicMode
            | SecondaryControls.ApicRegisterVirtualization | SecondaryControls.VirtualInterruptDelivery;
        var vid = vmcs.Has(SecondaryControls.VirtualInterruptDelivery);
        if (!vmcs.Has(PrimaryControls.UseTprShadow) && vmcs.Has(NeedsTprShadow))
            return VmEntryFailure.ApicVirtualizationWithoutTprShadow;
        if (vmcs.Has(PrimaryControls.UseTprShadow) && !vid)
        {
            if (vmcs.TprThreshold >> 4 != 0)
                return VmEntryFailure.TprThresholdReservedBits;
            if (!vmcs.Has(SecondaryControls.VirtualizeApicAccesses) && VirtualInterruptDelivery.TprIsBelowThreshold(vmcs, vtpr))
                return VmEntryFailure.TprThresholdAboveVtpr;
        }

        if (vmcs.Has(SecondaryControls.VirtualizeX2ApicMode) && vmcs.Has(SecondaryControls.VirtualizeApicAccesses))
            return VmEntryFailure.X2ApicModeWithApicAccesses;
        if (vid && !vmcs.Has(PinBasedControls.ExternalInterruptExiting))
            return VmEntryFailure.VirtualInterruptDeliveryWithoutExternalInterruptExiting;
        if (!vmcs.Has(PinBasedControls.ProcessPostedInterrupts))
            return VmEntryFailure.None;
        if (!vid)
            return VmEntryFailure.PostedInterruptsWithoutVirtualInterruptDelivery;
        if (!vmcs.Has(ExitControls.AcknowledgeInterruptOnExit))
            return VmEntryFailure.PostedInterruptsWithoutAcknowledge;
        return vmcs.PostedInterruptNotificationVector > 0xFF ? VmEntryFailure.PostedInterruptNotificationVector : VmEntryFailure.None;
    }

    private static VmEntryFailure CheckInjection(in Vmcs vmcs, VmxCapabilities capabilities)
    {
        var word = vmcs.EntryInterruptionInformation;
        if (!InterruptionInfo.IsValid(word))
            return VmEntryFailure.None;

        var type = InterruptionInfo.Type(word);
        var vector = InterruptionInfo.Vector(word);
        if (type == InterruptionType.Reserved
            || (type == InterruptionType.OtherEvent && (capabilities & VmxCapabilities.MonitorTrapFlag) == 0))
            return VmEntryFailure.InjectionTypeReserved;
        if (!AllowsVector(type, vector))
            return VmEntryFailure.InjectionVector;
        if (!AllowsErrorCode(type, vector, InterruptionInfo.HasErrorCode(word), capabilities))
            return VmEntryFailure.InjectionDeliverErrorCode;
        if ((word & 0x7FFF_F000) != 0)
            return VmEntryFailure.InjectionReservedBits;
        if (InterruptionInfo.HasErrorCode(word) && vmcs.EntryErrorCode > 0xFFFF)
            return VmEntryFailure.InjectionErrorCodeReservedBits;
        return IsSoftware(type) && !AllowsLength(vmcs.EntryInstructionLength, capabilities)
            ? VmEntryFailure.InjectionInstructionLength
            : VmEntryFailure.None;
    }

    private static bool AllowsVector(InterruptionType type, byte vector) => type switch
    {
        InterruptionType.Nmi => vector == 2,
        InterruptionType.HardwareException => vector <= 31,
        InterruptionType.OtherEvent => vector == 0,
        _ => true,
    };

    private static bool AllowsErrorCode(InterruptionType type, byte vector, bool deliver, VmxCapabilities capabilities)
    {
        if (type != InterruptionType.HardwareException)
            return !deliver;
        if ((capabilities & VmxCapabilities.AnyErrorCode) != 0)
            return true;
        return deliver == (((VectorsWithErrorCode >> vector) & 1) != 0);
    }

    private static bool IsSoftware(InterruptionType type) =>
        type is InterruptionType.SoftwareInterrupt or InterruptionType.PrivilegedSoftwareException or InterruptionType.SoftwareException;

    private static bool AllowsLength(uint length, VmxCapabilities capabilities) =>
        length <= 15 && (length != 0 || (capabilities & VmxCapabilities.ZeroInstructionLength) != 0);

    private static VmEntryFailure CheckInterruptibility(in Vmcs vmcs, in CpuCore core, VmxCapabilities capabilities)
    {
        if (core.StiShadow != 0 && core.MovSsShadow != 0)
            return VmEntryFailure.StiAndMovSsBlocking;
        if (core.StiShadow != 0 && core.InterruptFlag == 0)
            return VmEntryFailure.StiBlockingWithoutIf;

        var word = vmcs.EntryInterruptionInformation;
        if (!InterruptionInfo.IsValid(word))
            return VmEntryFailure.None;
        switch (InterruptionInfo.Type(word))
        {
            case InterruptionType.ExternalInterrupt:
                if (core.InterruptFlag == 0)
                    return VmEntryFailure.ExternalInterruptWithoutIf;
                return core.InShadow ? VmEntryFailure.ExternalInterruptInShadow : VmEntryFailure.None;

            case InterruptionType.Nmi:
                if (core.MovSsShadow != 0 || (core.StiShadow != 0 && (capabilities & VmxCapabilities.StiBlocksNmiInjection) != 0))
                    return VmEntryFailure.NmiInShadow;
                return vmcs.Has(PinBasedControls.VirtualNmis) && core.NmiBlocked != 0
                    ? VmEntryFailure.NmiWhileNmiBlocked
                    : VmEntryFailure.None;

            default:
                return VmEntryFailure.None;
        }
    }

    private static VmEntryFailure CheckActivity(in Vmcs vmcs, in CpuCore core)
    {
        if (core.Activity != ActivityState.Active && core.InShadow)
            return VmEntryFailure.ShadowWhileNotActive;
        var word = vmcs.EntryInterruptionInformation;
        return InterruptionInfo.IsValid(word) && !AllowsInjection(core.Activity, InterruptionInfo.Type(word), InterruptionInfo.Vector(word))
            ? VmEntryFailure.InjectionInActivityState
            : VmEntryFailure.None;
    }

    private static bool AllowsInjection(ActivityState activity, InterruptionType type, byte vector) => activity switch
    {
        ActivityState.Active => true,
        ActivityState.Hlt => type is InterruptionType.ExternalInterrupt or InterruptionType.Nmi or InterruptionType.OtherEvent
            || (type == InterruptionType.HardwareException && vector is 1 or MachineCheckVector),
        ActivityState.Shutdown => type == InterruptionType.Nmi
            || (type == InterruptionType.HardwareException && vector == MachineCheckVector),
        _ => false,
    };
}
