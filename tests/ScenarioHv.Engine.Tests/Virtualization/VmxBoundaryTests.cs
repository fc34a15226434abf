using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>Windows, external interrupts, NMIs, shadows and activity states at a boundary in VMX non-root operation.</summary>
public sealed class VmxBoundaryTests
{
    private const BoundaryFlags Intr = BoundaryFlags.ExternalInterrupt;
    private const BoundaryFlags Timer = BoundaryFlags.PreemptionTimerExpired;
    private const PinBasedControls AllExits =
        PinBasedControls.ExternalInterruptExiting | PinBasedControls.NmiExiting | PinBasedControls.VirtualNmis;

    private static readonly CpuCore Open = new() { InterruptFlag = 1 };

    private static BoundaryEvent At(in Vmcs vmcs, in CpuCore core, BoundaryFlags pending = 0, ShadowModel shadow = ShadowModel.Default) =>
        VmxProcessor.AtBoundary(vmcs, core, new BoundaryInputs { Pending = pending, Shadow = shadow });

    private static void ExitIs(in BoundaryEvent actual, VmxExitReason reason) =>
        Assert.That((actual.Kind, actual.VmxReason), Is.EqualTo((BoundaryEventKind.Exit, reason)));

    private static void KindIs(in BoundaryEvent actual, BoundaryEventKind kind) => Assert.That(actual.Kind, Is.EqualTo(kind));

    // External interrupts, SDM3 25.2 and 25.3.

    [TestCase(true, (byte)0, true)]
    [TestCase(true, (byte)1, true)]
    [TestCase(false, (byte)1, false)]
    public void An_external_interrupt_exits_whatever_IF_is_if_it_is_to_exit(bool exiting, byte interruptFlag, bool exits)
    {
        // kvm-unit-tests vmx_pending_event_test: before the first guest instruction.
        var vmcs = new Vmcs { PinBased = exiting ? PinBasedControls.ExternalInterruptExiting : 0 };
        var boundary = At(vmcs, new CpuCore { InterruptFlag = interruptFlag }, Intr);
        KindIs(boundary, exits ? BoundaryEventKind.Exit : BoundaryEventKind.DeliverExternalInterrupt);
        Assert.That(boundary.InterruptionInformation, Is.Zero, "not acknowledged yet");
    }

    [Test]
    public void Without_exiting_IF_0_and_shadows_hold_an_external_interrupt()
    {
        var vmcs = new Vmcs();
        KindIs(At(vmcs, new CpuCore(), Intr), BoundaryEventKind.None);
        KindIs(At(vmcs, Open with { StiShadow = 1 }, Intr), BoundaryEventKind.None);
        KindIs(At(vmcs, Open with { MovSsShadow = 1 }, Intr), BoundaryEventKind.None);
    }

    [TestCase((byte)0)]
    [TestCase((byte)1)]
    public void An_external_interrupt_wakes_HLT_by_an_exit_whatever_IF_is(byte interruptFlag)
    {
        // kvm-unit-tests vmx_pending_event_hlt_test.
        var vmcs = new Vmcs { PinBased = PinBasedControls.ExternalInterruptExiting };
        var core = new CpuCore { InterruptFlag = interruptFlag, Activity = ActivityState.Hlt };
        ExitIs(At(vmcs, core, Intr), VmxExitReason.ExternalInterrupt);
    }

    [TestCase(ExitControls.AcknowledgeInterruptOnExit, 0x8000_0041u)]
    [TestCase(ExitControls.None, 0u)]
    public void Only_acknowledge_on_exit_tells_the_vector(ExitControls controls, uint expected) =>
        Assert.That(VmxProcessor.ExternalInterruptExitInformation(new Vmcs { ExitControls = controls }, 0x41), Is.EqualTo(expected));

    [TestCase(0xF2, true)]
    [TestCase(0x41, false)]
    public void Under_posted_interrupts_the_vector_decides_after_the_acknowledge(int vector, bool processes)
    {
        // kvm-unit-tests vmx_posted_interrupts_test; SDM3 29.6 steps 1 and 2.
        var vmcs = new Vmcs
        {
            PinBased = PinBasedControls.ExternalInterruptExiting | PinBasedControls.ProcessPostedInterrupts,
            ExitControls = ExitControls.AcknowledgeInterruptOnExit,
            PostedInterruptNotificationVector = 0xF2,
        };
        KindIs(At(vmcs, Open, Intr), BoundaryEventKind.AcknowledgeExternalInterrupt);
        var then = VmxProcessor.AfterAcknowledge(vmcs, (byte)vector);
        KindIs(then, processes ? BoundaryEventKind.ProcessPostedInterrupts : BoundaryEventKind.Exit);
        Assert.That(then.InterruptionInformation, Is.EqualTo(processes ? 0u : 0x8000_0041u));
        KindIs(VmxProcessor.AfterAcknowledge(vmcs with { PinBased = 0 }, (byte)vector), BoundaryEventKind.Exit);
    }

    // Interrupt window, kvm-unit-tests vmx_intr_window_test.

    [TestCase((byte)1, (byte)0, (byte)0, ActivityState.Active, true)]
    [TestCase((byte)1, (byte)0, (byte)0, ActivityState.Hlt, true)]
    [TestCase((byte)0, (byte)0, (byte)0, ActivityState.Active, false)]
    [TestCase((byte)1, (byte)1, (byte)0, ActivityState.Active, false)]
    [TestCase((byte)1, (byte)0, (byte)1, ActivityState.Active, false)]
    [TestCase((byte)1, (byte)0, (byte)0, ActivityState.Shutdown, false)]
    [TestCase((byte)1, (byte)0, (byte)0, ActivityState.WaitForSipi, false)]
    public void The_interrupt_window_is_IF_without_shadow(byte interruptFlag, byte sti, byte movSs, ActivityState activity, bool open)
    {
        var vmcs = new Vmcs { Primary = PrimaryControls.InterruptWindowExiting };
        var core = new CpuCore { InterruptFlag = interruptFlag, StiShadow = sti, MovSsShadow = movSs, Activity = activity };
        KindIs(At(vmcs, core), open ? BoundaryEventKind.Exit : BoundaryEventKind.None);
    }

    [TestCase(InterruptibilityState.BlockingBySti)]
    [TestCase(InterruptibilityState.BlockingByMovSs)]
    public void An_entry_with_a_shadow_opens_the_interrupt_window_one_instruction_later(InterruptibilityState shadow)
    {
        var vmcs = new Vmcs { Primary = PrimaryControls.InterruptWindowExiting };
        var core = Open with { Interruptibility = shadow };
        KindIs(At(vmcs, core), BoundaryEventKind.None);
        core.InstructionRetired();
        ExitIs(At(vmcs, core), VmxExitReason.InterruptWindow);
    }

    [Test]
    public void NOP_STI_STI_exits_after_the_second_STI()
    {
        // Entered with IF = 0; each is one byte, so RIP is 3 more than the NOP's address. Only the first STI has a shadow.
        var vmcs = new Vmcs { Primary = PrimaryControls.InterruptWindowExiting };
        var core = new CpuCore();
        core.InstructionRetired();
        KindIs(At(vmcs, core), BoundaryEventKind.None);
        core.Sti();
        core.InstructionRetired();
        KindIs(At(vmcs, core), BoundaryEventKind.None);
        core.Sti();
        core.InstructionRetired();
        ExitIs(At(vmcs, core), VmxExitReason.InterruptWindow);
    }

    [TestCase(false, true)]
    [TestCase(true, false)]
    public void With_an_injected_DB_the_window_opens_at_the_handler_if_the_gate_left_IF(bool interruptGate, bool exits)
    {
        var vmcs = new Vmcs
        {
            Primary = PrimaryControls.InterruptWindowExiting,
            EntryInterruptionInformation = InterruptionInfo.HardwareException(1),
        };
        var core = Open with { Interruptibility = InterruptibilityState.BlockingByMovSs };
        core.TakeInjected(VmxProcessor.Inject(ref vmcs, ref core), interruptGate);
        KindIs(At(vmcs, core), exits ? BoundaryEventKind.Exit : BoundaryEventKind.None);
    }

    // NMI window, kvm-unit-tests vmx_nmi_window_test.

    [TestCase(ActivityState.Active, true)]
    [TestCase(ActivityState.Hlt, true)]
    [TestCase(ActivityState.Shutdown, true)]
    [TestCase(ActivityState.WaitForSipi, false)]
    public void The_NMI_window_wakes_from_HLT_and_shutdown(ActivityState activity, bool exits)
    {
        var vmcs = new Vmcs { PinBased = AllExits, Primary = PrimaryControls.NmiWindowExiting };
        var boundary = At(vmcs, new CpuCore { Activity = activity });
        KindIs(boundary, exits ? BoundaryEventKind.Exit : BoundaryEventKind.None);
        if (exits)
            ExitIs(boundary, VmxExitReason.NmiWindow);
    }

    [TestCase(InterruptibilityState.BlockingBySti)]
    [TestCase(InterruptibilityState.BlockingByMovSs)]
    public void The_NMI_window_opens_one_instruction_after_a_shadow(InterruptibilityState shadow)
    {
        var vmcs = new Vmcs { PinBased = AllExits, Primary = PrimaryControls.NmiWindowExiting };
        var core = Open with { Interruptibility = shadow };
        KindIs(At(vmcs, core), BoundaryEventKind.None);
        core.InstructionRetired();
        ExitIs(At(vmcs, core), VmxExitReason.NmiWindow);
    }

    [Test]
    public void The_NMI_window_opens_right_after_IRET()
    {
        var vmcs = new Vmcs { PinBased = AllExits, Primary = PrimaryControls.NmiWindowExiting };
        var core = Open with { Interruptibility = InterruptibilityState.BlockingByNmi };
        KindIs(At(vmcs, core), BoundaryEventKind.None);
        VmxProcessor.Iret(vmcs, ref core, 1);
        core.InstructionRetired();
        ExitIs(At(vmcs, core), VmxExitReason.NmiWindow);
    }

    [Test]
    public void The_NMI_window_opens_at_the_handler_of_an_injected_DB()
    {
        var vmcs = new Vmcs
        {
            PinBased = AllExits,
            Primary = PrimaryControls.NmiWindowExiting,
            EntryInterruptionInformation = InterruptionInfo.HardwareException(1),
        };
        var core = Open with { Interruptibility = InterruptibilityState.BlockingByMovSs };
        core.TakeInjected(VmxProcessor.Inject(ref vmcs, ref core), interruptGate: true);
        ExitIs(At(vmcs, core), VmxExitReason.NmiWindow);
    }

    // NMIs, SDM3 24.6.1, 25.3 and the table of bit 3.

    [TestCase(PinBasedControls.None, (byte)0, BoundaryEventKind.DeliverNmi)]
    [TestCase(PinBasedControls.None, (byte)1, BoundaryEventKind.None)]
    [TestCase(PinBasedControls.NmiExiting, (byte)0, BoundaryEventKind.Exit)]
    [TestCase(PinBasedControls.NmiExiting, (byte)1, BoundaryEventKind.None)]
    [TestCase(PinBasedControls.NmiExiting | PinBasedControls.VirtualNmis, (byte)0, BoundaryEventKind.Exit)]
    [TestCase(PinBasedControls.NmiExiting | PinBasedControls.VirtualNmis, (byte)1, BoundaryEventKind.Exit)]
    public void Blocking_by_NMI_is_physical_unless_NMIs_are_virtual(PinBasedControls pin, byte blocked, BoundaryEventKind expected) =>
        KindIs(At(new Vmcs { PinBased = pin }, Open with { NmiBlocked = blocked }, BoundaryFlags.Nmi), expected);

    [TestCase(PinBasedControls.None, (byte)0)]
    [TestCase(PinBasedControls.NmiExiting, (byte)1)]
    [TestCase(PinBasedControls.NmiExiting | PinBasedControls.VirtualNmis, (byte)0)]
    public void IRET_unblocks_NMIs_unless_they_exit_and_are_not_virtual(PinBasedControls pin, byte expected)
    {
        var core = new CpuCore { NmiBlocked = 1 };
        VmxProcessor.Iret(new Vmcs { PinBased = pin }, ref core, 0);
        Assert.That(core.NmiBlocked, Is.EqualTo(expected));
    }

    [TestCase(ActivityState.Hlt)]
    [TestCase(ActivityState.Shutdown)]
    public void An_NMI_wakes(ActivityState activity) =>
        KindIs(At(new Vmcs(), new CpuCore { Activity = activity }, BoundaryFlags.Nmi), BoundaryEventKind.DeliverNmi);

    // What the manual leaves to the processor about shadows, SDM3 25.3.

    [TestCase(Intr, ShadowModel.DelaysExternalInterruptExit)]
    [TestCase(BoundaryFlags.Nmi, ShadowModel.DelaysNmiExit)]
    [TestCase(Timer, ShadowModel.DelaysPreemptionTimer)]
    public void An_exit_in_a_shadow_waits_only_where_the_processor_does_so(BoundaryFlags pending, ShadowModel choice)
    {
        var vmcs = new Vmcs { PinBased = AllExits | PinBasedControls.ActivatePreemptionTimer };
        foreach (var shadow in new[] { InterruptibilityState.BlockingBySti, InterruptibilityState.BlockingByMovSs })
        {
            var core = Open with { Interruptibility = shadow };
            KindIs(At(vmcs, core, pending), BoundaryEventKind.Exit);
            KindIs(At(vmcs, core, pending, ShadowModel.Bochs & ~choice), BoundaryEventKind.Exit);
            KindIs(At(vmcs, core, pending, choice), BoundaryEventKind.None);
            core.InstructionRetired();
            KindIs(At(vmcs, core, pending, choice), BoundaryEventKind.Exit);
        }
    }

    [TestCase((byte)1, (byte)0, ShadowModel.Default, false)]
    [TestCase((byte)1, (byte)0, ShadowModel.StiAdmitsNmi, true)]
    [TestCase((byte)0, (byte)1, ShadowModel.Default, false)]
    [TestCase((byte)0, (byte)1, ShadowModel.StiAdmitsNmi, false)]
    public void Delivery_of_an_NMI_waits_for_a_shadow(byte sti, byte movSs, ShadowModel shadow, bool delivers) =>
        KindIs(
            At(new Vmcs(), Open with { StiShadow = sti, MovSsShadow = movSs }, BoundaryFlags.Nmi, shadow),
            delivers ? BoundaryEventKind.DeliverNmi : BoundaryEventKind.None);

    // Debug traps and the preemption timer.

    [Test]
    public void MOV_SS_holds_a_debug_trap_until_after_the_next_instruction()
    {
        var core = Open with { MovSsShadow = 1, PendingDebugTrap = PendingDebugExceptions.Bs };
        KindIs(At(new Vmcs(), core), BoundaryEventKind.None);
        core.InstructionRetired();
        KindIs(At(new Vmcs(), core), BoundaryEventKind.DeliverDebugTrap);
    }

    [TestCase(PendingDebugExceptions.Bs, 0x4000ul)]
    [TestCase(PendingDebugExceptions.B0 | PendingDebugExceptions.B3 | PendingDebugExceptions.EnabledBreakpoint, 0x9ul)]
    public void An_intercepted_debug_trap_tells_its_causes(PendingDebugExceptions pending, ulong qualification)
    {
        var boundary = At(new Vmcs { ExceptionBitmap = 2 }, Open with { PendingDebugTrap = pending });
        Assert.That((boundary.Qualification, boundary.InterruptionInformation), Is.EqualTo((qualification, 0x8000_0301u)));
    }

    [Test]
    public void Timer_0_exits_at_the_handler_of_a_pending_debug_trap_unless_that_is_intercepted()
    {
        // kvm-unit-tests vmx_preemption_timer_zero_test.
        var vmcs = new Vmcs { PinBased = PinBasedControls.ActivatePreemptionTimer };
        var core = Open with { PendingDebugTrap = PendingDebugExceptions.Bs };
        ExitIs(At(vmcs with { ExceptionBitmap = 2 }, core, Timer), VmxExitReason.ExceptionNmi);
        KindIs(At(vmcs, core, Timer), BoundaryEventKind.DeliverDebugTrap);
        core.TakeDebugTrap(interruptGate: true);
        ExitIs(At(vmcs, core, Timer), VmxExitReason.PreemptionTimer);
    }

    [Test]
    public void Timer_0_exits_at_the_handler_of_an_injected_DB_even_if_DB_is_intercepted()
    {
        // kvm-unit-tests vmx_preemption_timer_zero_test.
        var vmcs = new Vmcs
        {
            PinBased = PinBasedControls.ActivatePreemptionTimer,
            ExceptionBitmap = 2,
            EntryInterruptionInformation = InterruptionInfo.HardwareException(1),
        };
        var core = Open;
        var injected = VmxProcessor.Inject(ref vmcs, ref core);
        Assert.That((injected.Kind, injected.Vector), Is.EqualTo((InjectedEventKind.Exception, (byte)1)));
        core.TakeInjected(injected, interruptGate: true);
        ExitIs(At(vmcs, core, Timer), VmxExitReason.PreemptionTimer);
    }

    [Test]
    public void A_single_step_trap_is_never_dropped_for_the_timer()
    {
        // kvm-unit-tests vmx_preemption_timer_tf_test: the trap is delivered first, then exit 52.
        var vmcs = new Vmcs { PinBased = PinBasedControls.ActivatePreemptionTimer };
        KindIs(At(vmcs, Open with { PendingDebugTrap = PendingDebugExceptions.Bs }, Timer), BoundaryEventKind.DeliverDebugTrap);
    }

    [TestCase(ActivityState.Hlt, true)]
    [TestCase(ActivityState.Shutdown, true)]
    [TestCase(ActivityState.WaitForSipi, false)]
    public void The_timer_wakes_from_HLT_and_shutdown(ActivityState activity, bool exits)
    {
        var vmcs = new Vmcs { PinBased = PinBasedControls.ActivatePreemptionTimer };
        KindIs(At(vmcs, new CpuCore { Activity = activity }, Timer), exits ? BoundaryEventKind.Exit : BoundaryEventKind.None);
    }

    [Test]
    public void An_expired_timer_that_is_not_activated_is_nothing() =>
        KindIs(At(new Vmcs(), Open, Timer), BoundaryEventKind.None);

    // Virtual interrupts, SDM3 29.2.2.

    [TestCase((byte)1, (byte)0, ActivityState.Active, true)]
    [TestCase((byte)1, (byte)0, ActivityState.Hlt, true)]
    [TestCase((byte)0, (byte)0, ActivityState.Active, false)]
    [TestCase((byte)0, (byte)0, ActivityState.Hlt, false)]
    [TestCase((byte)1, (byte)1, ActivityState.Active, false)]
    [TestCase((byte)1, (byte)0, ActivityState.Shutdown, false)]
    public void A_recognized_virtual_interrupt_needs_IF_and_no_shadow(byte interruptFlag, byte sti, ActivityState activity, bool delivers)
    {
        // kvm-unit-tests vmx_hlt_with_rvi_test: it wakes HLT.
        var core = new CpuCore { InterruptFlag = interruptFlag, StiShadow = sti, Activity = activity };
        KindIs(
            At(WithVid(), core, BoundaryFlags.VirtualInterrupt),
            delivers ? BoundaryEventKind.DeliverVirtualInterrupt : BoundaryEventKind.None);
    }

    [Test]
    public void Secondary_controls_that_are_not_activated_count_as_0() =>
        KindIs(At(new Vmcs { Secondary = WithVid().Secondary }, Open, BoundaryFlags.VirtualInterrupt), BoundaryEventKind.None);

    // Trap-like exits, SDM3 29.4.3.3: not blocked by IF or shadows.

    [TestCase(ApicTrapExit.TprBelowThreshold, VmxExitReason.TprBelowThreshold, 0)]
    [TestCase(ApicTrapExit.EoiInduced, VmxExitReason.EoiInduced, 0x41)]
    [TestCase(ApicTrapExit.ApicWrite, VmxExitReason.ApicWrite, 0x300)]
    public void A_trap_like_exit_comes_even_in_a_shadow_with_IF_0(ApicTrapExit trap, VmxExitReason reason, int qualification)
    {
        var inputs = new BoundaryInputs { TrapExit = trap, TrapQualification = (ushort)qualification, Shadow = ShadowModel.Bochs };
        var boundary = VmxProcessor.AtBoundary(new Vmcs(), new CpuCore { MovSsShadow = 1 }, inputs);
        ExitIs(boundary, reason);
        Assert.That(boundary.Qualification, Is.EqualTo((ulong)qualification));
    }

    [TestCase(ActivityState.Hlt, BoundaryEventKind.Exit)]
    [TestCase(ActivityState.Shutdown, BoundaryEventKind.None)]
    public void A_threshold_exit_after_entry_wakes_HLT_and_not_shutdown(ActivityState activity, BoundaryEventKind expected)
    {
        var inputs = new BoundaryInputs { TrapExit = ApicTrapExit.TprBelowThreshold };
        KindIs(VmxProcessor.AtBoundary(new Vmcs(), new CpuCore { Activity = activity }, inputs), expected);
    }

    // Wait-for-SIPI, shutdown, INIT.

    [Test]
    public void In_wait_for_SIPI_only_a_SIPI_exits_with_its_vector()
    {
        // kvm-unit-tests vmx_sipi_signal_test.
        var core = Open with { Activity = ActivityState.WaitForSipi };
        KindIs(At(new Vmcs { PinBased = AllExits }, core, (BoundaryFlags)0xFF & ~BoundaryFlags.Sipi), BoundaryEventKind.None);
        var boundary = VmxProcessor.AtBoundary(default, core, new BoundaryInputs { Pending = BoundaryFlags.Sipi, SipiVector = 0x12 });
        ExitIs(boundary, VmxExitReason.SipiSignal);
        Assert.That(boundary.Qualification, Is.EqualTo(0x12));
    }

    [Test]
    public void INIT_exits_and_a_SIPI_is_dropped_elsewhere()
    {
        // kvm-unit-tests vmx_init_signal_test.
        ExitIs(At(new Vmcs(), Open, BoundaryFlags.Init), VmxExitReason.InitSignal);
        KindIs(At(new Vmcs(), Open, BoundaryFlags.Sipi), BoundaryEventKind.None);
    }

    [Test]
    public void In_shutdown_external_interrupts_and_debug_traps_are_blocked()
    {
        var core = Open with { Activity = ActivityState.Shutdown, PendingDebugTrap = PendingDebugExceptions.Bs };
        KindIs(At(new Vmcs { PinBased = AllExits }, core, Intr), BoundaryEventKind.None);
    }

    private static Vmcs WithVid() => new()
    {
        PinBased = PinBasedControls.ExternalInterruptExiting,
        Primary = PrimaryControls.ActivateSecondaryControls | PrimaryControls.UseTprShadow,
        Secondary = SecondaryControls.VirtualInterruptDelivery,
    };
}
