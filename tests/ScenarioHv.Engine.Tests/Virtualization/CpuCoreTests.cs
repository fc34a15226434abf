using ScenarioHv.Engine.Virtualization;

namespace ScenarioHv.Engine.Tests.Virtualization;

/// <summary>IF, the one-instruction shadows, blocking by NMI and the interruptibility-state word (SDM3 6.8, 24.4.2).</summary>
public sealed class CpuCoreTests
{
    [Test]
    public void STI_opens_interrupts_after_exactly_one_more_instruction()
    {
        var core = new CpuCore();
        core.Sti();
        core.InstructionRetired();
        Assert.That(core.InterruptsOpen, Is.False, "between STI and the next instruction");
        core.InstructionRetired();
        Assert.That(core.InterruptsOpen, Is.True, "after the next instruction");
    }

    [Test]
    public void A_second_STI_makes_no_shadow_of_its_own()
    {
        // kvm-unit-tests vmx_intr_window_test: NOP, STI, STI with IF = 0.
        var core = new CpuCore();
        core.Sti();
        core.InstructionRetired();
        core.Sti();
        core.InstructionRetired();
        Assert.That(core.InterruptsOpen, Is.True);
    }

    [Test]
    public void STI_with_IF_already_1_makes_no_shadow()
    {
        var core = new CpuCore { InterruptFlag = 1 };
        core.Sti();
        core.InstructionRetired();
        Assert.That(core.InterruptsOpen, Is.True);
    }

    [Test]
    public void CLI_in_the_shadow_of_STI_keeps_interrupts_closed()
    {
        var core = new CpuCore();
        core.Sti();
        core.InstructionRetired();
        core.Cli();
        core.InstructionRetired();
        Assert.That(core.InterruptsOpen, Is.False);
        Assert.That(core.InShadow, Is.False);
    }

    [Test]
    public void MOV_SS_shadows_exactly_one_instruction()
    {
        var core = new CpuCore { InterruptFlag = 1 };
        core.MovSs();
        core.InstructionRetired();
        Assert.That(core.InterruptsOpen, Is.False);
        core.InstructionRetired();
        Assert.That(core.InterruptsOpen, Is.True);
    }

    [Test]
    public void Of_consecutive_MOV_SS_only_the_first_shadows()
    {
        var core = new CpuCore { InterruptFlag = 1 };
        core.MovSs();
        core.InstructionRetired();
        core.MovSs();
        core.InstructionRetired();
        Assert.That(core.InterruptsOpen, Is.True);
    }

    [Test]
    public void MOV_SS_in_the_shadow_of_STI_leaves_only_its_own_shadow()
    {
        var core = new CpuCore();
        core.Sti();
        core.InstructionRetired();
        core.MovSs();
        core.InstructionRetired();
        Assert.That(core.Interruptibility, Is.EqualTo(InterruptibilityState.BlockingByMovSs));
    }

    [TestCase(0u)]
    [TestCase(1u)]
    [TestCase(2u)]
    [TestCase(8u)]
    [TestCase(9u)]
    [TestCase(10u)]
    public void The_interruptibility_word_goes_both_ways(uint word)
    {
        var core = new CpuCore { InterruptFlag = 1, Interruptibility = (InterruptibilityState)word };
        Assert.That((uint)core.Interruptibility, Is.EqualTo(word));
        core.InstructionRetired();
        Assert.That((uint)core.Interruptibility, Is.EqualTo(word & 8), "bits 0 and 1 end with the next instruction, bit 3 does not");
    }

    [TestCase(4u)]
    [TestCase(16u)]
    public void Bits_of_SMM_and_enclaves_are_refused(uint word)
    {
        var core = new CpuCore();
        Assert.That(() => core.Interruptibility = (InterruptibilityState)word, Throws.InvalidOperationException);
    }

    [Test]
    public void An_interrupt_gate_clears_IF_wakes_and_ends_the_shadow()
    {
        var core = new CpuCore { InterruptFlag = 1, MovSsShadow = 1, Activity = ActivityState.Hlt };
        core.TakeInterrupt();
        Assert.That((core.InterruptFlag, core.InShadow, core.Activity), Is.EqualTo(((byte)0, false, ActivityState.Active)));
    }

    [Test]
    public void A_trap_gate_leaves_IF()
    {
        var core = new CpuCore { InterruptFlag = 1, PendingDebugTrap = PendingDebugExceptions.Bs };
        core.TakeDebugTrap(interruptGate: false);
        Assert.That((core.InterruptFlag, core.PendingDebugTrap), Is.EqualTo(((byte)1, PendingDebugExceptions.None)));
    }

    [Test]
    public void An_NMI_blocks_NMIs_until_IRET()
    {
        var core = new CpuCore { InterruptFlag = 1 };
        core.TakeNmi();
        Assert.That((core.NmiBlocked, core.InterruptFlag), Is.EqualTo(((byte)1, (byte)0)));
        core.Iret(restoredIf: 1, unblockNmi: true);
        core.InstructionRetired();
        Assert.That((core.NmiBlocked, core.InterruptsOpen), Is.EqualTo(((byte)0, true)), "IRET makes no shadow");
    }
}
