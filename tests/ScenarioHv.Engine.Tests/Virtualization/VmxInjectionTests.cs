using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>Interruption-information words, event injection at VM entry, and the exit fields (SDM3 24.8.3, 26.6, 26.7, 27.2).</summary>
public sealed class VmxInjectionTests
{
    [Test]
    public void The_words_have_the_bits_of_the_manual()
    {
        Assert.That(InterruptionInfo.ExternalInterrupt(0x60), Is.EqualTo(0x8000_0060));
        Assert.That(InterruptionInfo.Nmi, Is.EqualTo(0x8000_0202));
        Assert.That(InterruptionInfo.HardwareException(14, errorCode: true), Is.EqualTo(0x8000_0B0E));
        Assert.That(InterruptionInfo.Make(InterruptionType.SoftwareInterrupt, 33), Is.EqualTo(0x8000_0421));
        Assert.That(InterruptionInfo.MonitorTrap, Is.EqualTo(0x8000_0700));
    }

    [TestCase(0x8000_0060u, InterruptionType.ExternalInterrupt, (byte)0x60, false)]
    [TestCase(0x8000_0B0Eu, InterruptionType.HardwareException, (byte)14, true)]
    [TestCase(0x8000_0603u, InterruptionType.SoftwareException, (byte)3, false)]
    public void A_word_is_taken_apart(uint word, InterruptionType type, byte vector, bool errorCode)
    {
        Assert.That(InterruptionInfo.IsValid(word), Is.True);
        Assert.That(
            (InterruptionInfo.Type(word), InterruptionInfo.Vector(word), InterruptionInfo.HasErrorCode(word)),
            Is.EqualTo((type, vector, errorCode)));
    }

    [TestCase(0x8000_0060u, InjectedEventKind.ExternalInterrupt, (byte)0x60)]
    [TestCase(0x8000_0202u, InjectedEventKind.Nmi, (byte)2)]
    [TestCase(0x8000_0301u, InjectedEventKind.Exception, (byte)1)]
    [TestCase(0x8000_0421u, InjectedEventKind.SoftwareInterrupt, (byte)33)]
    [TestCase(0x8000_0501u, InjectedEventKind.Exception, (byte)1)]
    [TestCase(0x8000_0603u, InjectedEventKind.Exception, (byte)3)]
    public void A_vectored_event_ends_shadows_and_makes_active(uint word, InjectedEventKind kind, byte vector)
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = word };
        var core = new CpuCore { InterruptFlag = 1, StiShadow = 1, Activity = ActivityState.Hlt };
        var injected = VmxProcessor.Inject(ref vmcs, ref core);
        Assert.That((injected.Kind, injected.Vector), Is.EqualTo((kind, vector)));
        Assert.That((core.InShadow, core.Activity), Is.EqualTo((false, ActivityState.Active)));
        Assert.That(core.InterruptFlag, Is.EqualTo(1), "IF is the gate's");
    }

    [TestCase(PinBasedControls.NmiExiting | PinBasedControls.VirtualNmis, 1)]
    [TestCase(PinBasedControls.NmiExiting, 0)]
    [TestCase(PinBasedControls.None, 0)]
    public void An_injected_NMI_blocks_virtual_NMIs_and_never_physical_ones(PinBasedControls controls, int blocked)
    {
        var vmcs = new Vmcs { PinBased = controls, EntryInterruptionInformation = InterruptionInfo.Nmi };
        var core = new CpuCore();
        VmxProcessor.Inject(ref vmcs, ref core);
        Assert.That(core.NmiBlocked, Is.EqualTo(blocked));
    }

    [TestCase((byte)0)]
    [TestCase((byte)1)]
    public void Without_virtual_NMIs_bit_3_alone_says_what_is_blocked_and_IRET_changes_nothing(byte blocked)
    {
        var vmcs = new Vmcs { PinBased = PinBasedControls.NmiExiting, EntryInterruptionInformation = InterruptionInfo.Nmi };
        var core = new CpuCore { NmiBlocked = blocked };
        VmxProcessor.Inject(ref vmcs, ref core);
        VmxProcessor.Iret(vmcs, ref core, restoredIf: 1);
        Assert.That(core.NmiBlocked, Is.EqualTo(blocked));
    }

    [Test]
    public void Without_injection_shadow_and_HLT_survive_the_entry()
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = 0x60 };
        var core = new CpuCore { InterruptFlag = 1, StiShadow = 1, Activity = ActivityState.Hlt };
        Assert.That(VmxProcessor.Inject(ref vmcs, ref core).Kind, Is.EqualTo(InjectedEventKind.None));
        Assert.That((core.InShadow, core.Activity), Is.EqualTo((true, ActivityState.Hlt)));
    }

    [Test]
    public void A_pending_MTF_exit_vectors_nothing_and_comes_from_HLT()
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = InterruptionInfo.MonitorTrap };
        var core = new CpuCore { Activity = ActivityState.Hlt };
        var injected = VmxProcessor.Inject(ref vmcs, ref core);
        Assert.That((injected.Kind, injected.MonitorTrapPending), Is.EqualTo((InjectedEventKind.MonitorTrap, (byte)1)));
        Assert.That(core.Activity, Is.EqualTo(ActivityState.Hlt));
        var boundary = VmxProcessor.AtBoundary(vmcs, core, new BoundaryInputs { Pending = BoundaryFlags.MonitorTrap });
        Assert.That(boundary.VmxReason, Is.EqualTo(VmxExitReason.MonitorTrapFlag));
    }

    [TestCase(PrimaryControls.MonitorTrapFlag, (byte)1)]
    [TestCase(PrimaryControls.None, (byte)0)]
    public void Under_MTF_a_vectored_event_is_followed_by_the_exit_before_the_first_instruction(PrimaryControls primary, byte pending)
    {
        var vmcs = new Vmcs { Primary = primary, EntryInterruptionInformation = InterruptionInfo.ExternalInterrupt(0x60) };
        var core = new CpuCore { InterruptFlag = 1 };
        Assert.That(VmxProcessor.Inject(ref vmcs, ref core).MonitorTrapPending, Is.EqualTo(pending));
    }

    [TestCase(0x8000_0060u, (byte)0, true)]
    [TestCase(0x8000_0202u, (byte)0, true)]
    [TestCase(0x8000_0301u, (byte)0, true)]
    [TestCase(0x8000_0501u, (byte)0, true)]
    [TestCase(0x8000_0421u, (byte)0, true)]
    [TestCase(0x8000_0421u, (byte)1, false)]
    [TestCase(0x8000_0603u, (byte)1, false)]
    [TestCase(0u, (byte)0, false)]
    public void Pending_debug_exceptions_are_dropped_by_most_injections(uint word, byte movSs, bool dropped)
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = word };
        var core = new CpuCore { MovSsShadow = movSs, PendingDebugTrap = PendingDebugExceptions.Bs };
        VmxProcessor.Inject(ref vmcs, ref core);
        Assert.That(core.PendingDebugTrap, Is.EqualTo(dropped ? PendingDebugExceptions.None : PendingDebugExceptions.Bs));
    }

    [Test]
    public void An_error_code_goes_with_its_exception()
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = 0x8000_0B0D, EntryErrorCode = 0x18 };
        var core = new CpuCore();
        var injected = VmxProcessor.Inject(ref vmcs, ref core);
        Assert.That((injected.HasErrorCode, injected.ErrorCode), Is.EqualTo(((byte)1, 0x18u)));
    }

    [Test]
    public void An_exit_before_the_first_instruction_follows_the_injected_interrupt()
    {
        // The injected interrupt is not subject to external-interrupt exiting; the pending one exits at the handler's first instruction.
        var vmcs = new Vmcs
        {
            PinBased = PinBasedControls.ExternalInterruptExiting,
            EntryInterruptionInformation = InterruptionInfo.ExternalInterrupt(0x60),
        };
        var core = new CpuCore { InterruptFlag = 1 };
        core.TakeInjected(VmxProcessor.Inject(ref vmcs, ref core), interruptGate: true);
        Assert.That(core.InterruptFlag, Is.Zero);
        var boundary = VmxProcessor.AtBoundary(vmcs, core, new BoundaryInputs { Pending = BoundaryFlags.ExternalInterrupt });
        Assert.That(boundary.VmxReason, Is.EqualTo(VmxExitReason.ExternalInterrupt));
    }

    [Test]
    public void An_exit_writes_its_fields_and_clears_only_the_valid_bit_of_the_injection()
    {
        var vmcs = new Vmcs { EntryInterruptionInformation = 0x8000_0060, IdtVectoringInformation = 0x8000_0041 };
        var exit = VmxProcessor.AtBoundary(
            vmcs, default, new BoundaryInputs { TrapExit = ApicTrapExit.EoiInduced, TrapQualification = 0x31 });
        VmxProcessor.RecordExit(ref vmcs, exit, exit.InterruptionInformation);
        Assert.That((vmcs.ExitReason, vmcs.ExitQualification, vmcs.ExitInterruptionInformation), Is.EqualTo((45u, 0x31ul, 0u)));
        Assert.That((vmcs.EntryInterruptionInformation, vmcs.IdtVectoringInformation), Is.EqualTo((0x60u, 0u)));
    }

    [Test]
    public void What_is_no_exit_cannot_be_recorded_as_one()
    {
        var vmcs = new Vmcs();
        Assert.That(() => VmxProcessor.RecordExit(ref vmcs, default, 0), Throws.InvalidOperationException);
    }

    [Test]
    public void A_delivery_that_is_cut_short_is_left_for_injection_again()
    {
        var vmcs = new Vmcs();
        VmxProcessor.RecordIdtVectoring(ref vmcs, InterruptionInfo.HardwareException(14, errorCode: true) | (1u << 12), 6);
        Assert.That((vmcs.IdtVectoringInformation, vmcs.IdtVectoringErrorCode), Is.EqualTo((0x8000_0B0Eu, 6u)), "without bit 12");
    }
}
