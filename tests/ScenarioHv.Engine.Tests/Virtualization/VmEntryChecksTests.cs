using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>Which VM entries fail (SDM3 26.2.1, 26.3.1.4, 26.3.1.5; kvm-unit-tests vmx_tests.c).</summary>
public sealed class VmEntryChecksTests
{
    private static readonly CpuCore Open = new() { InterruptFlag = 1 };

    private static VmEntryFailure Inject(
        uint word, uint length = 0, uint errorCode = 0, VmxCapabilities capabilities = VmxCapabilities.MonitorTrapFlag)
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = word, EntryInstructionLength = length, EntryErrorCode = errorCode };
        return VmEntryChecks.Check(vmcs, Open, 0, capabilities);
    }

    // kvm-unit-tests test_invalid_event_injection.

    [TestCase(0x8000_0020u, VmEntryFailure.None)]
    [TestCase(0x8000_0120u, VmEntryFailure.InjectionTypeReserved)]
    [TestCase(0x8000_0700u, VmEntryFailure.None)]
    [TestCase(0x8000_0701u, VmEntryFailure.InjectionVector)]
    [TestCase(0x8000_0202u, VmEntryFailure.None)]
    [TestCase(0x8000_0201u, VmEntryFailure.InjectionVector)]
    [TestCase(0x8000_0203u, VmEntryFailure.InjectionVector)]
    [TestCase(0x8000_0320u, VmEntryFailure.InjectionVector)]
    [TestCase(0x8000_031Fu, VmEntryFailure.None)]
    [TestCase(0x0000_0120u, VmEntryFailure.None, Description = "not valid, not looked at")]
    public void Type_and_vector_must_fit(uint word, VmEntryFailure expected) => Assert.That(Inject(word), Is.EqualTo(expected));

    [Test]
    public void A_pending_MTF_exit_needs_support_of_MTF()
    {
        var failure = Inject(InterruptionInfo.MonitorTrap, capabilities: VmxCapabilities.None);
        Assert.That(failure, Is.EqualTo(VmEntryFailure.InjectionTypeReserved));
    }

    [Test]
    public void Hardware_exceptions_have_their_error_codes_and_no_others([Range(0, 31)] int vector)
    {
        var has = vector is 8 or 10 or 11 or 12 or 13 or 14 or 17;
        var with = Inject(InterruptionInfo.HardwareException((byte)vector, errorCode: true));
        var without = Inject(InterruptionInfo.HardwareException((byte)vector, errorCode: false));
        Assert.That(with, Is.EqualTo(has ? VmEntryFailure.None : VmEntryFailure.InjectionDeliverErrorCode));
        Assert.That(without, Is.EqualTo(has ? VmEntryFailure.InjectionDeliverErrorCode : VmEntryFailure.None));
    }

    [TestCase((byte)3)]
    [TestCase((byte)13)]
    public void IA32_VMX_BASIC_bit_56_makes_the_error_code_free(byte vector)
    {
        foreach (var errorCode in new[] { true, false })
        {
            var failure = Inject(InterruptionInfo.HardwareException(vector, errorCode), capabilities: VmxCapabilities.AnyErrorCode);
            Assert.That(failure, Is.EqualTo(VmEntryFailure.None));
        }
    }

    [TestCase(InterruptionType.ExternalInterrupt, (byte)0x60)]
    [TestCase(InterruptionType.Nmi, (byte)2)]
    [TestCase(InterruptionType.SoftwareInterrupt, (byte)13)]
    [TestCase(InterruptionType.PrivilegedSoftwareException, (byte)13)]
    [TestCase(InterruptionType.SoftwareException, (byte)13)]
    public void Only_hardware_exceptions_have_an_error_code(InterruptionType type, byte vector)
    {
        var failure = Inject(InterruptionInfo.Make(type, vector, errorCode: true), length: 1);
        Assert.That(failure, Is.EqualTo(VmEntryFailure.InjectionDeliverErrorCode));
    }

    [Test]
    public void Bits_30_to_12_are_reserved([Range(12, 30)] int bit) =>
        Assert.That(Inject(0x8000_0020u | (1u << bit)), Is.EqualTo(VmEntryFailure.InjectionReservedBits));

    [TestCase(0xFFFFu, VmEntryFailure.None)]
    [TestCase(0x1_0000u, VmEntryFailure.InjectionErrorCodeReservedBits)]
    [TestCase(0x8000_0000u, VmEntryFailure.InjectionErrorCodeReservedBits)]
    public void The_error_code_has_16_bits(uint errorCode, VmEntryFailure expected) =>
        Assert.That(Inject(InterruptionInfo.HardwareException(13, true), errorCode: errorCode), Is.EqualTo(expected));

    [TestCase(0u, VmxCapabilities.None, false)]
    [TestCase(0u, VmxCapabilities.ZeroInstructionLength, true)]
    [TestCase(1u, VmxCapabilities.None, true)]
    [TestCase(15u, VmxCapabilities.None, true)]
    [TestCase(16u, VmxCapabilities.ZeroInstructionLength, false)]
    public void Software_events_have_a_length(uint length, VmxCapabilities capabilities, bool succeeds)
    {
        foreach (var word in new[] { 0x8000_0421u, 0x8000_0501u, 0x8000_0603u })
        {
            var expected = succeeds ? VmEntryFailure.None : VmEntryFailure.InjectionInstructionLength;
            Assert.That(Inject(word, length, capabilities: capabilities), Is.EqualTo(expected));
        }
    }

    // kvm-unit-tests test_nmi_ctrls, and the pairs of controls of SDM3 26.2.1.1, 26.2.1.2.

    [TestCase(false, false, false, VmEntryFailure.None)]
    [TestCase(false, true, false, VmEntryFailure.VirtualNmisWithoutNmiExiting)]
    [TestCase(true, false, false, VmEntryFailure.None)]
    [TestCase(true, true, false, VmEntryFailure.None)]
    [TestCase(true, true, true, VmEntryFailure.None)]
    [TestCase(true, false, true, VmEntryFailure.NmiWindowWithoutVirtualNmis)]
    [TestCase(false, false, true, VmEntryFailure.NmiWindowWithoutVirtualNmis)]
    [TestCase(false, true, true, VmEntryFailure.VirtualNmisWithoutNmiExiting)]
    public void NMI_controls_need_each_other(bool exiting, bool virtualNmis, bool window, VmEntryFailure expected)
    {
        var vmcs = new Vmcs
        {
            PinBased = (exiting ? PinBasedControls.NmiExiting : 0) | (virtualNmis ? PinBasedControls.VirtualNmis : 0),
            Primary = window ? PrimaryControls.NmiWindowExiting : 0,
        };
        Assert.That(VmEntryChecks.Check(vmcs, Open, 0), Is.EqualTo(expected));
    }

    [Test]
    public void Saving_the_preemption_timer_needs_the_timer()
    {
        var vmcs = new Vmcs { ExitControls = ExitControls.SavePreemptionTimer };
        Assert.That(VmEntryChecks.Check(vmcs, Open, 0), Is.EqualTo(VmEntryFailure.SavePreemptionTimerWithoutTimer));
        vmcs.PinBased = PinBasedControls.ActivatePreemptionTimer;
        Assert.That(VmEntryChecks.Check(vmcs, Open, 0), Is.EqualTo(VmEntryFailure.None));
    }

    // kvm-unit-tests test_tpr_threshold.

    [TestCase(0x10u, 0xFF, SecondaryControls.None, VmEntryFailure.TprThresholdReservedBits)]
    [TestCase(0x8000_0000u, 0xFF, SecondaryControls.None, VmEntryFailure.TprThresholdReservedBits)]
    [TestCase(0x10u, 0xFF, SecondaryControls.VirtualInterruptDelivery, VmEntryFailure.None)]
    [TestCase(5u, 0x4F, SecondaryControls.None, VmEntryFailure.TprThresholdAboveVtpr)]
    [TestCase(5u, 0x50, SecondaryControls.None, VmEntryFailure.None)]
    [TestCase(5u, 0x4F, SecondaryControls.VirtualizeApicAccesses, VmEntryFailure.None)]
    [TestCase(5u, 0x4F, SecondaryControls.VirtualInterruptDelivery, VmEntryFailure.None)]
    public void The_threshold_has_four_bits_and_is_not_above_VTPR(
        uint threshold, int vtpr, SecondaryControls secondary, VmEntryFailure expected)
    {
        var vmcs = new Vmcs
        {
            PinBased = PinBasedControls.ExternalInterruptExiting,
            Primary = PrimaryControls.UseTprShadow | PrimaryControls.ActivateSecondaryControls,
            Secondary = secondary,
            TprThreshold = threshold,
        };
        Assert.That(VmEntryChecks.Check(vmcs, Open, (byte)vtpr), Is.EqualTo(expected));
        Assert.That(VmEntryChecks.Check(vmcs with { Primary = 0 }, Open, (byte)vtpr), Is.EqualTo(VmEntryFailure.None), "no TPR shadow");
    }

    [TestCase(SecondaryControls.VirtualizeX2ApicMode)]
    [TestCase(SecondaryControls.ApicRegisterVirtualization)]
    [TestCase(SecondaryControls.VirtualInterruptDelivery)]
    public void APIC_virtualization_needs_a_TPR_shadow(SecondaryControls secondary)
    {
        var vmcs = new Vmcs { Primary = PrimaryControls.ActivateSecondaryControls, Secondary = secondary };
        Assert.That(VmEntryChecks.Check(vmcs, Open, 0), Is.EqualTo(VmEntryFailure.ApicVirtualizationWithoutTprShadow));
    }

    [Test]
    public void X2APIC_mode_excludes_APIC_access_virtualization()
    {
        var vmcs = WithVid();
        vmcs.Secondary |= SecondaryControls.VirtualizeX2ApicMode | SecondaryControls.VirtualizeApicAccesses;
        Assert.That(VmEntryChecks.Check(vmcs, Open, 0), Is.EqualTo(VmEntryFailure.X2ApicModeWithApicAccesses));
    }

    [Test]
    public void Virtual_interrupt_delivery_needs_external_interrupt_exiting()
    {
        var vmcs = WithVid() with { PinBased = 0 };
        Assert.That(VmEntryChecks.Check(vmcs, Open, 0), Is.EqualTo(VmEntryFailure.VirtualInterruptDeliveryWithoutExternalInterruptExiting));
    }

    [TestCase(true, true, 0xF2, VmEntryFailure.None)]
    [TestCase(false, true, 0xF2, VmEntryFailure.PostedInterruptsWithoutVirtualInterruptDelivery)]
    [TestCase(true, false, 0xF2, VmEntryFailure.PostedInterruptsWithoutAcknowledge)]
    [TestCase(true, true, 0x1F2, VmEntryFailure.PostedInterruptNotificationVector)]
    public void Posted_interrupts_need_delivery_acknowledge_and_a_vector(bool vid, bool acknowledge, int vector, VmEntryFailure expected)
    {
        var vmcs = WithVid();
        vmcs.PinBased |= PinBasedControls.ProcessPostedInterrupts;
        vmcs.Secondary = vid ? SecondaryControls.VirtualInterruptDelivery : 0;
        vmcs.ExitControls = acknowledge ? ExitControls.AcknowledgeInterruptOnExit : 0;
        vmcs.PostedInterruptNotificationVector = (ushort)vector;
        Assert.That(VmEntryChecks.Check(vmcs, Open, 0), Is.EqualTo(expected));
    }

    // Guest state, SDM3 26.3.1.5.

    [TestCase(InterruptionType.ExternalInterrupt, (byte)1, (byte)0, (byte)0, VmEntryFailure.None)]
    [TestCase(InterruptionType.ExternalInterrupt, (byte)0, (byte)0, (byte)0, VmEntryFailure.ExternalInterruptWithoutIf)]
    [TestCase(InterruptionType.ExternalInterrupt, (byte)1, (byte)1, (byte)0, VmEntryFailure.ExternalInterruptInShadow)]
    [TestCase(InterruptionType.ExternalInterrupt, (byte)1, (byte)0, (byte)1, VmEntryFailure.ExternalInterruptInShadow)]
    [TestCase(InterruptionType.Nmi, (byte)0, (byte)0, (byte)0, VmEntryFailure.None)]
    [TestCase(InterruptionType.Nmi, (byte)1, (byte)1, (byte)0, VmEntryFailure.None)]
    [TestCase(InterruptionType.Nmi, (byte)0, (byte)0, (byte)1, VmEntryFailure.NmiInShadow)]
    [TestCase(InterruptionType.HardwareException, (byte)0, (byte)0, (byte)1, VmEntryFailure.None)]
    public void An_injected_event_meets_IF_and_shadows(
        InterruptionType type, byte interruptFlag, byte sti, byte movSs, VmEntryFailure expected)
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = InterruptionInfo.Make(type, 2) };
        var core = new CpuCore { InterruptFlag = interruptFlag, StiShadow = sti, MovSsShadow = movSs };
        Assert.That(VmEntryChecks.Check(vmcs, core, 0), Is.EqualTo(expected));
    }

    [Test]
    public void Some_processors_refuse_an_NMI_in_the_shadow_of_STI()
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = InterruptionInfo.Nmi };
        var failure = VmEntryChecks.Check(vmcs, Open with { StiShadow = 1 }, 0, VmxCapabilities.StiBlocksNmiInjection);
        Assert.That(failure, Is.EqualTo(VmEntryFailure.NmiInShadow));
    }

    [TestCase(true, VmEntryFailure.NmiWhileNmiBlocked)]
    [TestCase(false, VmEntryFailure.None)]
    public void An_NMI_is_not_injected_into_virtual_NMI_blocking(bool virtualNmis, VmEntryFailure expected)
    {
        var vmcs = new Vmcs
        {
            PinBased = PinBasedControls.NmiExiting | (virtualNmis ? PinBasedControls.VirtualNmis : 0),
            EntryInterruptionInformation = InterruptionInfo.Nmi,
        };
        Assert.That(VmEntryChecks.Check(vmcs, Open with { NmiBlocked = 1 }, 0), Is.EqualTo(expected));
    }

    [TestCase((byte)1, (byte)1, (byte)1, ActivityState.Active, VmEntryFailure.StiAndMovSsBlocking)]
    [TestCase((byte)0, (byte)1, (byte)0, ActivityState.Active, VmEntryFailure.StiBlockingWithoutIf)]
    [TestCase((byte)0, (byte)0, (byte)1, ActivityState.Active, VmEntryFailure.None)]
    [TestCase((byte)1, (byte)1, (byte)0, ActivityState.Hlt, VmEntryFailure.ShadowWhileNotActive)]
    [TestCase((byte)1, (byte)0, (byte)1, ActivityState.Shutdown, VmEntryFailure.ShadowWhileNotActive)]
    public void The_interruptibility_state_is_consistent(
        byte interruptFlag, byte sti, byte movSs, ActivityState activity, VmEntryFailure expected)
    {
        var core = new CpuCore { InterruptFlag = interruptFlag, StiShadow = sti, MovSsShadow = movSs, Activity = activity };
        Assert.That(VmEntryChecks.Check(default, core, 0), Is.EqualTo(expected));
    }

    [TestCase(0x8000_0060u, true, false, false)]
    [TestCase(0x8000_0202u, true, true, false)]
    [TestCase(0x8000_0301u, true, false, false)]
    [TestCase(0x8000_0312u, true, true, false)]
    [TestCase(0x8000_0306u, false, false, false)]
    [TestCase(0x8000_0421u, false, false, false)]
    [TestCase(0x8000_0501u, false, false, false)]
    [TestCase(0x8000_0603u, false, false, false)]
    [TestCase(0x8000_0700u, true, false, false)]
    [TestCase(0u, true, true, true)]
    public void The_activity_state_allows_few_injections(uint word, bool halted, bool shutdown, bool waitForSipi)
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = word, EntryInstructionLength = 1 };
        VmEntryFailure In(ActivityState activity) => VmEntryChecks.Check(vmcs, Open with { Activity = activity }, 0);
        VmEntryFailure Expected(bool allowed) => allowed ? VmEntryFailure.None : VmEntryFailure.InjectionInActivityState;
        Assert.That(In(ActivityState.Active), Is.EqualTo(VmEntryFailure.None));
        Assert.That(In(ActivityState.Hlt), Is.EqualTo(Expected(halted)));
        Assert.That(In(ActivityState.Shutdown), Is.EqualTo(Expected(shutdown)));
        Assert.That(In(ActivityState.WaitForSipi), Is.EqualTo(Expected(waitForSipi)));
    }

    [Test]
    public void Control_fields_are_checked_before_guest_state()
    {
        var vmcs = new Vmcs
        {
            PinBased = PinBasedControls.VirtualNmis,
            EntryInterruptionInformation = InterruptionInfo.ExternalInterrupt(0x60),
        };
        var failure = VmEntryChecks.Check(vmcs, default, 0);
        Assert.That(VmEntryChecks.IsControlFailure(failure), Is.True);
        var later = VmEntryChecks.Check(vmcs with { PinBased = 0 }, default, 0);
        Assert.That(VmEntryChecks.IsGuestStateFailure(later), Is.True);
        Assert.That(VmEntryChecks.InvalidGuestStateExit, Is.EqualTo(0x8000_0021));
    }

    private static Vmcs WithVid() => new()
    {
        PinBased = PinBasedControls.ExternalInterruptExiting,
        Primary = PrimaryControls.UseTprShadow | PrimaryControls.ActivateSecondaryControls,
        Secondary = SecondaryControls.VirtualInterruptDelivery,
    };
}
