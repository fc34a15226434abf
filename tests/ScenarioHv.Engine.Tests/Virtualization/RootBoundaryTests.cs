using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>A processor outside guests: SDM3 6.9 and kvm-unit-tests eventinj and apic.</summary>
public sealed class RootBoundaryTests
{
    private const BoundaryFlags Intr = BoundaryFlags.ExternalInterrupt;
    private static readonly CpuCore Open = new() { InterruptFlag = 1 };

    private static BoundaryEventKind At(in CpuCore core, BoundaryFlags pending, ShadowModel shadow = ShadowModel.Default) =>
        Processor.RootBoundary(core, new BoundaryInputs { Pending = pending, Shadow = shadow }).Kind;

    [TestCase(BoundaryFlags.Smi | BoundaryFlags.Init, BoundaryEventKind.EnterSmm)]
    [TestCase(BoundaryFlags.Init | BoundaryFlags.Nmi, BoundaryEventKind.TakeInit)]
    [TestCase(BoundaryFlags.Nmi | Intr, BoundaryEventKind.DeliverNmi)]
    [TestCase(Intr, BoundaryEventKind.DeliverExternalInterrupt)]
    [TestCase(BoundaryFlags.None, BoundaryEventKind.None)]
    public void The_higher_of_two_wins(BoundaryFlags pending, BoundaryEventKind expected) =>
        Assert.That(At(Open, pending), Is.EqualTo(expected));

    [Test]
    public void A_debug_trap_comes_after_INIT_and_before_NMI()
    {
        var core = Open with { PendingDebugTrap = PendingDebugExceptions.Bs };
        Assert.That(At(core, BoundaryFlags.Init), Is.EqualTo(BoundaryEventKind.TakeInit));
        Assert.That(At(core, BoundaryFlags.Nmi), Is.EqualTo(BoundaryEventKind.DeliverDebugTrap));
    }

    [Test]
    public void IF_0_holds_an_interrupt_and_not_an_NMI()
    {
        Assert.That(At(new CpuCore(), Intr), Is.EqualTo(BoundaryEventKind.None));
        Assert.That(At(new CpuCore(), Intr | BoundaryFlags.Nmi), Is.EqualTo(BoundaryEventKind.DeliverNmi));
    }

    [Test]
    public void An_interrupt_pending_at_STI_comes_after_the_next_instruction()
    {
        // kvm-unit-tests eventinj: vector 32 pending, STI; INT 33: the software interrupt runs first. apic.c: sti; nop.
        var core = new CpuCore();
        core.Sti();
        core.InstructionRetired();
        Assert.That(At(core, Intr), Is.EqualTo(BoundaryEventKind.None));
        core.InstructionRetired();
        Assert.That(At(core, Intr), Is.EqualTo(BoundaryEventKind.DeliverExternalInterrupt));
    }

    [Test]
    public void An_NMI_is_never_seen_right_after_STI()
    {
        // kvm-unit-tests eventinj "nmi-after-sti"; the manual leaves it to the processor.
        var core = new CpuCore { InterruptFlag = 1, StiShadow = 1 };
        Assert.That(At(core, BoundaryFlags.Nmi), Is.EqualTo(BoundaryEventKind.None));
        Assert.That(At(core, BoundaryFlags.Nmi, ShadowModel.StiAdmitsNmi), Is.EqualTo(BoundaryEventKind.DeliverNmi));
    }

    [TestCase(ShadowModel.Default)]
    [TestCase(ShadowModel.StiAdmitsNmi)]
    public void MOV_SS_holds_interrupts_NMIs_and_debug_traps(ShadowModel shadow)
    {
        var core = new CpuCore { InterruptFlag = 1, MovSsShadow = 1, PendingDebugTrap = PendingDebugExceptions.Bs };
        Assert.That(At(core, BoundaryFlags.Nmi | Intr, shadow), Is.EqualTo(BoundaryEventKind.None));
        core.InstructionRetired();
        Assert.That(At(core, BoundaryFlags.Nmi | Intr, shadow), Is.EqualTo(BoundaryEventKind.DeliverDebugTrap), "held, not lost");
    }

    [Test]
    public void A_second_NMI_waits_for_IRET()
    {
        // kvm-unit-tests eventinj "nested NMI".
        var core = Open;
        core.TakeNmi();
        Assert.That(At(core, BoundaryFlags.Nmi), Is.EqualTo(BoundaryEventKind.None));
        core.Iret(1, unblockNmi: true);
        core.InstructionRetired();
        Assert.That(At(core, BoundaryFlags.Nmi), Is.EqualTo(BoundaryEventKind.DeliverNmi));
    }

    [TestCase((byte)1, BoundaryEventKind.DeliverExternalInterrupt)]
    [TestCase((byte)0, BoundaryEventKind.None)]
    public void HLT_wakes_only_for_a_deliverable_interrupt(byte interruptFlag, BoundaryEventKind expected)
    {
        var core = new CpuCore { InterruptFlag = interruptFlag, Activity = ActivityState.Hlt };
        Assert.That(At(core, Intr), Is.EqualTo(expected));
    }

    [Test]
    public void Shutdown_ends_by_NMI_and_not_by_an_interrupt_or_a_debug_trap()
    {
        var core = Open with { Activity = ActivityState.Shutdown, PendingDebugTrap = PendingDebugExceptions.Bs };
        Assert.That(At(core, Intr), Is.EqualTo(BoundaryEventKind.None));
        Assert.That(At(core, Intr | BoundaryFlags.Nmi), Is.EqualTo(BoundaryEventKind.DeliverNmi));
    }

    [Test]
    public void Wait_for_SIPI_sees_nothing_but_a_SIPI()
    {
        var core = Open with { Activity = ActivityState.WaitForSipi };
        Assert.That(At(core, BoundaryFlags.Smi | BoundaryFlags.Init | BoundaryFlags.Nmi | Intr), Is.EqualTo(BoundaryEventKind.None));
        var sipi = Processor.RootBoundary(core, new BoundaryInputs { Pending = BoundaryFlags.Sipi, SipiVector = 0x9A });
        Assert.That((sipi.Kind, sipi.Vector), Is.EqualTo((BoundaryEventKind.TakeSipi, (byte)0x9A)));
    }

    [Test]
    public void INIT_is_blocked_in_VMX_root_operation()
    {
        // kvm-unit-tests vmx_init_signal_test.
        Assert.That(At(Open, BoundaryFlags.Init | BoundaryFlags.VmxRoot), Is.EqualTo(BoundaryEventKind.None));
        Assert.That(At(Open, BoundaryFlags.Init), Is.EqualTo(BoundaryEventKind.TakeInit), "VMXOFF");
    }

    [TestCase(BoundaryFlags.ExternalInterrupt)]
    [TestCase(BoundaryFlags.Nmi)]
    [TestCase(BoundaryFlags.Smi)]
    [TestCase(BoundaryFlags.Init)]
    public void GIF_0_holds_everything_until_STGI(BoundaryFlags pending)
    {
        var core = Open;
        core.Clgi();
        Assert.That(At(core, pending), Is.EqualTo(BoundaryEventKind.None));
        core.Stgi();
        Assert.That(At(core, pending), Is.Not.EqualTo(BoundaryEventKind.None));
    }
}
