using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Svm;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>VMRUN, the boundaries of a guest and #VMEXIT (APM2 15.5, 15.20, 15.21; kvm-unit-tests svm_tests.c).</summary>
public sealed class SvmProcessorTests
{
    private const BoundaryFlags Intr = BoundaryFlags.ExternalInterrupt;
    private static readonly CpuCore Open = new() { InterruptFlag = 1 };

    private static BoundaryEvent At(in Vmcb vmcb, in CpuCore core, BoundaryFlags pending = 0, ShadowModel shadow = ShadowModel.Default) =>
        SvmProcessor.AtBoundary(vmcb, core, new BoundaryInputs { Pending = pending, Shadow = shadow });

    private static void ExitIs(in BoundaryEvent actual, SvmExitCode code) =>
        Assert.That((actual.Kind, actual.SvmCode), Is.EqualTo((BoundaryEventKind.Exit, code)));

    private static void KindIs(in BoundaryEvent actual, BoundaryEventKind kind) => Assert.That(actual.Kind, Is.EqualTo(kind));

    private static Vmcb Virq(byte prio = 1, byte tpr = 0, Intercept3 intercepts = 0) =>
        new() { VIrq = 1, VIntrVector = 0x51, VIntrPrio = prio, VTpr = tpr, Intercept3 = intercepts };

    // Physical interrupts.

    [Test]
    public void A_pending_interrupt_exits_before_the_first_instruction_without_acknowledge()
    {
        // kvm-unit-tests pending_event.
        var boundary = At(new Vmcb { Intercept3 = Intercept3.Intr, VIntrMasking = 1 }, Open, Intr | BoundaryFlags.HostInterruptFlag);
        ExitIs(boundary, SvmExitCode.Intr);
        Assert.That((boundary.Qualification, boundary.InterruptionInformation, boundary.Vector), Is.EqualTo((0ul, 0u, (byte)0)));
    }

    [TestCase((byte)0, (byte)0, false, false)]
    [TestCase((byte)0, (byte)0, true, false)]
    [TestCase((byte)0, (byte)1, false, true)]
    [TestCase((byte)1, (byte)0, true, true)]
    [TestCase((byte)1, (byte)1, false, false)]
    public void V_INTR_MASKING_chooses_whose_IF_masks(byte masking, byte guestIf, bool hostIf, bool exits)
    {
        var vmcb = new Vmcb { Intercept3 = Intercept3.Intr, VIntrMasking = masking };
        var pending = Intr | (hostIf ? BoundaryFlags.HostInterruptFlag : 0);
        KindIs(At(vmcb, new CpuCore { InterruptFlag = guestIf }, pending), exits ? BoundaryEventKind.Exit : BoundaryEventKind.None);
    }

    [Test]
    public void With_V_INTR_MASKING_the_guest_gets_no_physical_interrupt_by_STI()
    {
        // kvm-unit-tests pending_event_cli: VMRUN with the host's IF = 0; without masking and intercept it fires in the guest after STI.
        var core = new CpuCore();
        core.Sti();
        core.InstructionRetired();
        core.InstructionRetired();
        KindIs(At(new Vmcb { VIntrMasking = 1 }, core, Intr), BoundaryEventKind.None);
        KindIs(At(new Vmcb(), core, Intr), BoundaryEventKind.DeliverExternalInterrupt);
    }

    [Test]
    public void STI_in_the_guest_opens_for_an_intercepted_interrupt()
    {
        // kvm-unit-tests intr_intercept_mix_if.
        var vmcb = new Vmcb { Intercept3 = Intercept3.Intr };
        var core = new CpuCore();
        KindIs(At(vmcb, core, Intr), BoundaryEventKind.None);
        core.Sti();
        core.InstructionRetired();
        core.InstructionRetired();
        ExitIs(At(vmcb, core, Intr), SvmExitCode.Intr);
    }

    [Test]
    public void The_shadow_holds_delivery_and_by_choice_of_the_processor_the_exit()
    {
        var core = Open with { StiShadow = 1 };
        KindIs(At(new Vmcb(), core, Intr), BoundaryEventKind.None);
        var vmcb = new Vmcb { Intercept3 = Intercept3.Intr };
        ExitIs(At(vmcb, core, Intr), SvmExitCode.Intr);
        KindIs(At(vmcb, core, Intr, ShadowModel.DelaysExternalInterruptExit), BoundaryEventKind.None);
    }

    [TestCase(Intercept3.Intr, BoundaryEventKind.Exit)]
    [TestCase(Intercept3.None, BoundaryEventKind.DeliverExternalInterrupt)]
    public void An_interrupt_wakes_a_halted_guest(Intercept3 intercepts, BoundaryEventKind expected)
    {
        // kvm-unit-tests interrupt: direct + HLT, intercepted + HLT.
        KindIs(At(new Vmcb { Intercept3 = intercepts }, Open with { Activity = ActivityState.Hlt }, Intr), expected);
    }

    // GIF.

    [TestCase(Intr, Intercept3.Intr, SvmExitCode.Intr)]
    [TestCase(BoundaryFlags.Nmi, Intercept3.Nmi, SvmExitCode.Nmi)]
    [TestCase(BoundaryFlags.Smi, Intercept3.Smi, SvmExitCode.Smi)]
    [TestCase(BoundaryFlags.Init, Intercept3.Init, SvmExitCode.Init)]
    public void GIF_0_holds_events_until_STGI(BoundaryFlags pending, Intercept3 intercept, SvmExitCode code)
    {
        // kvm-unit-tests intr_intercept_mix_gif, gif2, nmi, smi.
        var vmcb = new Vmcb { Intercept3 = intercept };
        var core = Open;
        SvmProcessor.Clgi(ref vmcb, ref core);
        KindIs(At(vmcb, core, pending), BoundaryEventKind.None);
        SvmProcessor.Stgi(ref vmcb, ref core);
        ExitIs(At(vmcb, core, pending), code);
    }

    [Test]
    public void VMRUN_sets_GIF_and_activity_active()
    {
        var vmcb = new Vmcb();
        var core = new CpuCore { GifCleared = 1, Activity = ActivityState.Hlt, StiShadow = 1 };
        SvmProcessor.Inject(ref vmcb, ref core);
        Assert.That((core.GifCleared, core.Activity, core.InShadow), Is.EqualTo(((byte)0, ActivityState.Active, true)));
    }

    [Test]
    public void With_vGIF_the_guest_moves_V_GIF_which_holds_only_what_is_virtual()
    {
        // kvm-unit-tests vgif.
        var vmcb = Virq(intercepts: Intercept3.Intr) with { VGifEnable = 1, VGif = 1 };
        var core = Open;
        SvmProcessor.Clgi(ref vmcb, ref core);
        Assert.That((vmcb.VGif, core.GifCleared), Is.EqualTo(((byte)0, (byte)0)));
        KindIs(At(vmcb, core), BoundaryEventKind.None);
        ExitIs(At(vmcb, core, Intr), SvmExitCode.Intr);
        SvmProcessor.Stgi(ref vmcb, ref core);
        KindIs(At(vmcb, core), BoundaryEventKind.DeliverVirtualInterrupt);
    }

    [Test]
    public void Without_vGIF_the_processors_GIF_holds_V_IRQ() =>
        KindIs(At(Virq(), Open with { GifCleared = 1 }), BoundaryEventKind.None);

    // V_IRQ.

    [TestCase(1, 0, 0, true)]
    [TestCase(0, 0, 0, false)]
    [TestCase(5, 5, 0, false)]
    [TestCase(6, 5, 0, true)]
    [TestCase(4, 5, 0, false)]
    [TestCase(4, 5, 1, true)]
    [TestCase(0, 15, 1, true)]
    public void V_INTR_PRIO_must_be_above_V_TPR_unless_V_IGN_TPR(int prio, int tpr, int ignore, bool fires)
    {
        // kvm-unit-tests virq_inject; a VINTR intercept follows the same condition.
        var vmcb = Virq((byte)prio, (byte)tpr) with { VIgnTpr = (byte)ignore };
        KindIs(At(vmcb, Open), fires ? BoundaryEventKind.DeliverVirtualInterrupt : BoundaryEventKind.None);
        vmcb.Intercept3 = Intercept3.Vintr;
        KindIs(At(vmcb, Open), fires ? BoundaryEventKind.Exit : BoundaryEventKind.None);
    }

    [Test]
    public void A_virtual_interrupt_fires_with_its_vector_and_clears_V_IRQ()
    {
        var vmcb = Virq();
        var core = Open;
        var boundary = At(vmcb, core);
        Assert.That((boundary.Kind, boundary.Vector), Is.EqualTo((BoundaryEventKind.DeliverVirtualInterrupt, (byte)0x51)));
        SvmProcessor.TakeVirtualInterrupt(ref vmcb, ref core);
        Assert.That((vmcb.VIrq, core.InterruptFlag), Is.EqualTo(((byte)0, (byte)0)));
    }

    [Test]
    public void The_VINTR_intercept_exits_before_the_delivery_and_leaves_V_IRQ()
    {
        var vmcb = Virq(intercepts: Intercept3.Vintr);
        var boundary = At(vmcb, Open);
        ExitIs(boundary, SvmExitCode.Vintr);
        SvmProcessor.RecordExit(ref vmcb, boundary);
        Assert.That((vmcb.ExitCode, vmcb.VIrq), Is.EqualTo((0x64ul, (byte)1)));
    }

    [Test]
    public void The_VINTR_intercept_waits_for_IF() =>
        KindIs(At(Virq(intercepts: Intercept3.Vintr), new CpuCore()), BoundaryEventKind.None);

    [Test]
    public void A_virtual_interrupt_fires_after_exactly_one_shadowed_instruction()
    {
        // kvm-unit-tests virq_inject_within_shadow.
        var vmcb = Virq();
        var core = new CpuCore();
        core.Sti();
        core.InstructionRetired();
        KindIs(At(vmcb, core), BoundaryEventKind.None);
        core.InstructionRetired();
        KindIs(At(vmcb, core), BoundaryEventKind.DeliverVirtualInterrupt);
        SvmProcessor.TakeVirtualInterrupt(ref vmcb, ref core);
        Assert.That((core.InShadow, vmcb.VIrq), Is.EqualTo((false, (byte)0)));
    }

    [TestCase(Intercept3.Intr, BoundaryEventKind.Exit)]
    [TestCase(Intercept3.None, BoundaryEventKind.DeliverExternalInterrupt)]
    public void A_physical_interrupt_goes_before_a_virtual_one(Intercept3 intercepts, BoundaryEventKind expected) =>
        KindIs(At(Virq(intercepts: intercepts), Open, Intr), expected);

    [Test]
    public void Guest_IF_masks_V_IRQ_even_under_V_INTR_MASKING() =>
        KindIs(At(Virq() with { VIntrMasking = 1 }, new CpuCore(), BoundaryFlags.HostInterruptFlag), BoundaryEventKind.None);

    [Test]
    public void AVIC_ignores_V_IRQ() => KindIs(At(Virq() with { AvicEnable = 1 }, Open), BoundaryEventKind.None);

    [Test]
    public void A_virtual_interrupt_wakes_a_halted_guest() =>
        KindIs(At(Virq(), Open with { Activity = ActivityState.Hlt }), BoundaryEventKind.DeliverVirtualInterrupt);

    // EVENTINJ.

    [Test]
    public void EVENTINJ_is_delivered_first_then_a_physical_interrupt_exits_at_the_handler()
    {
        // Both KVM and bhyve force an immediate exit after injection by a self-IPI.
        var vmcb = new Vmcb { Intercept3 = Intercept3.Intr, VIntrMasking = 1, EventInj = EventInjection.Make(SvmEventType.Intr, 0x60) };
        var core = new CpuCore { StiShadow = 1 };
        var injected = SvmProcessor.Inject(ref vmcb, ref core);
        Assert.That(core.InShadow, Is.False);
        core.TakeInjected(injected, interruptGate: true);
        Assert.That(
            (injected.Kind, injected.Vector),
            Is.EqualTo((InjectedEventKind.ExternalInterrupt, (byte)0x60)),
            "IF = 0 and a shadow do not matter");
        var boundary = At(vmcb, core, Intr | BoundaryFlags.HostInterruptFlag);
        ExitIs(boundary, SvmExitCode.Intr);
        SvmProcessor.RecordExit(ref vmcb, boundary);
        Assert.That(EventInjection.IsValid(vmcb.EventInj), Is.False, "kvm-unit-tests exc_inject: V reads 0 after #VMEXIT");
    }

    [Test]
    public void EVENTINJ_does_not_consume_V_IRQ()
    {
        var vmcb = Virq() with { EventInj = EventInjection.Make(SvmEventType.Intr, 0x60) };
        var core = Open;
        core.TakeInjected(SvmProcessor.Inject(ref vmcb, ref core), interruptGate: true);
        Assert.That(vmcb.VIrq, Is.EqualTo(1));
        KindIs(At(vmcb, core), BoundaryEventKind.None);
        core.Iret(1, unblockNmi: false);
        core.InstructionRetired();
        KindIs(At(vmcb, core), BoundaryEventKind.DeliverVirtualInterrupt);
    }

    [TestCase((byte)0, (byte)0)]
    [TestCase((byte)1, (byte)1)]
    public void An_injected_NMI_masks_NMIs_only_with_vNMI(byte enable, byte mask)
    {
        var vmcb = new Vmcb { VNmiEnable = enable, EventInj = EventInjection.Make(SvmEventType.Nmi, 0) };
        var core = Open;
        var injected = SvmProcessor.Inject(ref vmcb, ref core);
        core.TakeInjected(injected, interruptGate: true);
        Assert.That((injected.Kind, injected.Vector), Is.EqualTo((InjectedEventKind.Nmi, (byte)2)));
        Assert.That((vmcb.VNmiMask, core.NmiBlocked), Is.EqualTo((mask, (byte)0)));
    }

    [Test]
    public void EVENTINJ_carries_the_error_code_in_its_high_half()
    {
        var vmcb = new Vmcb { EventInj = EventInjection.Exception(14, 6) };
        Assert.That(vmcb.EventInj, Is.EqualTo(0x0000_0006_8000_0B0Eul));
        var core = Open;
        var injected = SvmProcessor.Inject(ref vmcb, ref core);
        Assert.That((injected.Kind, injected.HasErrorCode, injected.ErrorCode), Is.EqualTo((InjectedEventKind.Exception, (byte)1, 6u)));
    }

    [Test]
    public void A_delivery_that_is_cut_short_is_reported_in_EXITINTINFO()
    {
        var vmcb = new Vmcb();
        SvmProcessor.RecordExitIntInfo(ref vmcb, EventInjection.Make(SvmEventType.Intr, 0x60));
        Assert.That(vmcb.ExitIntInfo, Is.EqualTo(0x8000_0060));
    }

    // NMIs.

    [TestCase(Intercept3.Nmi, ActivityState.Active, BoundaryEventKind.Exit)]
    [TestCase(Intercept3.Nmi, ActivityState.Hlt, BoundaryEventKind.Exit)]
    [TestCase(Intercept3.None, ActivityState.Active, BoundaryEventKind.DeliverNmi)]
    [TestCase(Intercept3.None, ActivityState.Hlt, BoundaryEventKind.DeliverNmi)]
    public void An_NMI_comes_before_an_interrupt_running_and_halted(
        Intercept3 intercepts, ActivityState activity, BoundaryEventKind expected)
    {
        // kvm-unit-tests nmi, nmi_hlt.
        KindIs(At(new Vmcb { Intercept3 = intercepts }, Open with { Activity = activity }, BoundaryFlags.Nmi | Intr), expected);
    }

    [TestCase((byte)1, (byte)0, (byte)0, (byte)0, true)]
    [TestCase((byte)0, (byte)0, (byte)0, (byte)0, false)]
    [TestCase((byte)1, (byte)1, (byte)0, (byte)0, false)]
    [TestCase((byte)1, (byte)0, (byte)1, (byte)0, false)]
    [TestCase((byte)1, (byte)0, (byte)0, (byte)1, false)]
    public void A_virtual_NMI_needs_no_mask_no_shadow_and_GIF(byte enable, byte mask, byte shadow, byte gifCleared, bool delivers)
    {
        var vmcb = new Vmcb { Intercept3 = Intercept3.Nmi, VNmiEnable = enable, VNmi = 1, VNmiMask = mask };
        var core = new CpuCore { MovSsShadow = shadow, GifCleared = gifCleared };
        KindIs(At(vmcb, core), delivers ? BoundaryEventKind.DeliverVirtualNmi : BoundaryEventKind.None);
    }

    [Test]
    public void V_NMI_MASK_is_1_in_the_handler_and_0_after_IRET()
    {
        // kvm-unit-tests vnmi.
        var vmcb = new Vmcb { Intercept3 = Intercept3.Nmi, VNmiEnable = 1, VNmi = 1 };
        var core = Open;
        SvmProcessor.TakeVirtualNmi(ref vmcb, ref core);
        Assert.That((vmcb.VNmi, vmcb.VNmiMask, core.NmiBlocked), Is.EqualTo(((byte)0, (byte)1, (byte)0)));
        ExitIs(At(vmcb, core, BoundaryFlags.Nmi), SvmExitCode.Nmi);
        SvmProcessor.Iret(ref vmcb, ref core, 1);
        Assert.That(vmcb.VNmiMask, Is.Zero);
    }

    [Test]
    public void Without_vNMI_IRET_unblocks_physical_NMIs()
    {
        var vmcb = new Vmcb();
        var core = Open;
        core.TakeNmi();
        KindIs(At(vmcb, core, BoundaryFlags.Nmi), BoundaryEventKind.None);
        SvmProcessor.Iret(ref vmcb, ref core, 1);
        KindIs(At(vmcb, core, BoundaryFlags.Nmi), BoundaryEventKind.DeliverNmi);
    }

    // Debug traps.

    [TestCase(0u, BoundaryEventKind.DeliverDebugTrap)]
    [TestCase(2u, BoundaryEventKind.Exit)]
    public void A_debug_trap_goes_before_NMI_and_interrupt(uint intercepts, BoundaryEventKind expected)
    {
        var vmcb = new Vmcb { InterceptExceptions = intercepts, Intercept3 = Intercept3.Nmi | Intercept3.Intr };
        var boundary = At(vmcb, Open with { PendingDebugTrap = PendingDebugExceptions.Bs }, BoundaryFlags.Nmi | Intr);
        KindIs(boundary, expected);
        Assert.That(boundary.ExitCode, Is.EqualTo(expected == BoundaryEventKind.Exit ? 0x41u : 0u));
    }

    [Test]
    public void The_shadow_of_MOV_SS_holds_a_debug_trap()
    {
        var core = new CpuCore { MovSsShadow = 1, PendingDebugTrap = PendingDebugExceptions.Bs };
        KindIs(At(new Vmcb(), core), BoundaryEventKind.None);
        core.InstructionRetired();
        KindIs(At(new Vmcb(), core), BoundaryEventKind.DeliverDebugTrap);
    }

    [Test]
    public void Shutdown_ends_by_NMI_and_not_by_interrupts_or_a_debug_trap()
    {
        var core = Open with { Activity = ActivityState.Shutdown, PendingDebugTrap = PendingDebugExceptions.Bs };
        KindIs(At(Virq(), core, Intr), BoundaryEventKind.None);
        KindIs(At(Virq(), core, Intr | BoundaryFlags.Nmi), BoundaryEventKind.DeliverNmi);
    }

    // VMRUN checks and words.

    [TestCase(0x8000_0302ul, VmrunFailure.EventExceptionVector)] // kvm-unit-tests exc_inject
    [TestCase(0x8000_0320ul, VmrunFailure.EventExceptionVector)]
    [TestCase(0x8000_0301ul, VmrunFailure.None)]
    [TestCase(0x8000_0202ul, VmrunFailure.None)]
    [TestCase(0x8000_0421ul, VmrunFailure.None)]
    [TestCase(0x8000_0120ul, VmrunFailure.EventTypeReserved)]
    [TestCase(0x8000_0520ul, VmrunFailure.EventTypeReserved)]
    [TestCase(0x8000_0720ul, VmrunFailure.EventTypeReserved)]
    [TestCase(0x0000_0302ul, VmrunFailure.None)]
    public void VMRUN_refuses_impossible_events(ulong eventInj, VmrunFailure expected) =>
        Assert.That(VmrunChecks.Check(new Vmcb { Intercept4 = Intercept4.Vmrun, EventInj = eventInj }), Is.EqualTo(expected));

    [TestCase(Intercept3.None, VmrunFailure.VirtualNmiWithoutNmiIntercept)]
    [TestCase(Intercept3.Nmi, VmrunFailure.None)]
    public void VNMI_needs_the_NMI_intercept(Intercept3 intercepts, VmrunFailure expected)
    {
        // kvm-unit-tests vnmi.
        var vmcb = new Vmcb { Intercept3 = intercepts, Intercept4 = Intercept4.Vmrun, VNmiEnable = 1 };
        Assert.That(VmrunChecks.Check(vmcb), Is.EqualTo(expected));
    }

    [Test]
    public void A_VMCB_without_the_VMRUN_intercept_is_invalid_and_ends_with_minus_1()
    {
        var vmcb = new Vmcb { EventInj = EventInjection.Make(SvmEventType.Intr, 0x60) };
        Assert.That(VmrunChecks.Check(vmcb), Is.EqualTo(VmrunFailure.VmrunInterceptClear));
        VmrunChecks.RecordInvalid(ref vmcb);
        Assert.That((long)vmcb.ExitCode, Is.EqualTo(-1));
        Assert.That((SvmExitCode)(uint)vmcb.ExitCode, Is.EqualTo(SvmExitCode.Invalid));
    }

    [Test]
    public void Int_ctl_has_the_bits_of_the_manual()
    {
        var vmcb = new Vmcb { VTpr = 5, VIrq = 1, VGif = 1, VIntrPrio = 9, VIgnTpr = 1, VIntrMasking = 1, VGifEnable = 1 };
        Assert.That(vmcb.IntCtl, Is.EqualTo(0x0319_0305u));
        Assert.That(new Vmcb { VNmi = 1, VNmiMask = 1, VNmiEnable = 1, AvicEnable = 1 }.IntCtl, Is.EqualTo(0x8400_1800u));
    }
}
