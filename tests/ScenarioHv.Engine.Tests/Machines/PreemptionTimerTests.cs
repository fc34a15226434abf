using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Machines;

/// <summary>
/// The VMX-preemption timer in the machine (SDM3 25.5.1, 26.6.4): loaded at the entry, exits at a multiple of 2^X of the TSC.
/// </summary>
[TestFixture]
internal sealed class PreemptionTimerTests
{
    private const ulong Start = 0x2000;

    [Test]
    public void A_value_of_0_exits_before_the_first_instruction()
    {
        var rig = Armed(0, 5);
        Assert.That((rig.With("kvm_exit: reason PREEMPTION_TIMER")[0].B, rig.Statistics.L2Retired), Is.EqualTo((Start, 0L)));
        Assert.That(Expiry(rig), Is.EqualTo(Entered(rig)));
    }

    [TestCase(1u, 5)]
    [TestCase(1000u, 5)]
    [TestCase(7u, 8)]
    [TestCase(3u, 0)]
    [TestCase(1u, 12)]
    public void A_value_of_n_exits_at_the_nth_multiple_of_2_to_the_rate_and_RIP_is_what_was_done(uint ticks, int shift)
    {
        var rig = Armed(ticks, shift);
        var entered = Entered(rig);
        var deadline = ((entered >> shift) + ticks) << shift;
        Assert.That(Expiry(rig), Is.EqualTo(deadline));
        Assert.That(rig.With("kvm_exit: reason PREEMPTION_TIMER")[0].B, Is.EqualTo(Start + (ulong)(deadline - entered)));
        Assert.That(rig.Statistics.L2Retired, Is.EqualTo(deadline - entered));
    }

    [TestCase(0u, 5, 0x00UL)]
    [TestCase(1u, 5, 0x1fUL)]
    [TestCase(1000u, 8, 0xffUL)]
    [TestCase(9u, 0, 0x00UL)]
    public void Loading_a_value_other_than_0_makes_the_phase_of_the_TSC_part_of_the_state(uint ticks, int shift, ulong bits)
    {
        var rig = Armed(ticks, shift);
        Assert.That(rig.Machine.Ref(rig.Board.Layout.Clock).ReadBits, Is.EqualTo(bits));
    }

    [Test]
    public void An_instruction_in_flight_completes_first()
    {
        // 1 tick at rate 5 ends inside the first CLI, which is 50 cycles.
        static async GuestTask Operations(Cpu cpu)
        {
            while (true)
                await cpu.Cli();
        }

        var rig = Armed(1, 5, Operations);
        Assert.That((rig.Statistics.L2Retired, Expiry(rig)), Is.EqualTo((1L, Entered(rig) + Rig.Cost(TimingCost.Instruction))));
    }

    [Test]
    public void The_next_entry_has_no_timer_unless_it_is_armed_again()
    {
        var rig = Armed(1, 5);
        rig.UntilReport("entering again").Run(rig.Machine.Now + 5_000_000);
        Assert.That((rig.Count("kvm_exit: reason PREEMPTION_TIMER"), rig.Vcpu().Level, rig.Vcpu().InGuest),
            Is.EqualTo((1, (byte)2, (byte)1)));
    }

    /// <summary>An interrupt is pending at VMRESUME, so that the entry needs an immediate exit; the policy loads so many ticks.</summary>
    private static Rig Armed(uint ticks, int shift, Func<Cpu, GuestTask>? l2 = null)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.VmResume();
            await cpu.Eoi();
            await cpu.Report("entering again");
            await cpu.VmResume();
        }

        static async GuestTask Work(Cpu cpu) => await cpu.Work(100_000_000, at: Start);

        var config = Kvm(Guest(Main), Guest(l2 ?? Work)) with { ImmediateExit = new Ticks(ticks), PreemptionTimerShift = shift };
        return new Rig(config.Fire(50_000)).UntilLine("kvm_exit: reason PREEMPTION_TIMER");
    }

    private static long Entered(Rig rig) => rig.With("kvm_entry")[1].Cycle + Rig.Cost(TimingCost.LoopPoint) + Rig.Cost(TimingCost.VmEntry);

    private static long Expiry(Rig rig) =>
        rig.With("kvm_exit: reason PREEMPTION_TIMER")[0].Cycle - Rig.Cost(TimingCost.VmExit) - Rig.Cost(TimingCost.ExitHandler);

    private sealed class Ticks(uint value) : IImmediateExitPolicy
    {
        public string Text => "ticks";

        public long CountLimit => 0;

        public ImmediateExitDecision Decide(ulong rip, ref ImmediateExitMemory memory) =>
            new(ImmediateExitMechanism.PreemptionTimer, value);
    }
}
