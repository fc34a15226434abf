using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// No hypervisor below the first guest: messages take time on the bus, and the processor's own virtualization carries the nested guest.
/// </summary>
[TestFixture]
internal sealed class BareMetalTests
{
    [TestCase(100)]
    [TestCase(12_345)]
    public void A_message_arrives_after_its_latency(long latency)
    {
        var rig = new Rig(Costing(Bare(Guest(Spin)).Fire(50_000), TimingCost.Message, latency)).UntilHandlers();
        Assert.That(rig.With("kvm_apic_accept_irq").Single().Cycle, Is.EqualTo(50_000 + latency));
        Assert.That(rig.Of(TraceEventKind.GuestInterrupt).Single().Cycle, Is.EqualTo(50_000 + latency));
    }

    [Test]
    public void Remote_IRR_is_set_when_the_message_is_accepted_and_cleared_by_the_EOI()
    {
        static async GuestTask Handler(Cpu cpu, byte vector)
        {
            await cpu.Out32(Acknowledge, 1);
            await cpu.Report("served");
            await cpu.Eoi();
            await cpu.Report("ended");
        }

        var rig = new Rig(Bare(Guest(Spin, Handler)).Raise(50_000)).Run(50_000);
        Assert.That(rig.Entry(Gsi).RemoteIrr, Is.False);
        rig.UntilReport("served");
        Assert.That(rig.Entry(Gsi).RemoteIrr);
        rig.UntilReport("ended");
        Assert.That(rig.Entry(Gsi).RemoteIrr, Is.False);
    }

    [Test]
    public void A_line_still_high_at_EOI_is_sent_again_after_the_re_send_latency()
    {
        var rig = new Rig(Costing(Bare(Guest(Spin)).Raise(50_000), TimingCost.Resend, 777)).UntilLine("kvm_apic_accept_irq", 2);
        var eoi = rig.Of(TraceEventKind.PolicyDecided).First().Cycle;
        Assert.That(rig.With("kvm_apic_accept_irq")[1].Cycle, Is.EqualTo(eoi + 777));
    }

    [TestCase(0, false)]
    [TestCase(300, false)]
    [TestCase(549, false)]
    [TestCase(551, true)]
    [TestCase(5_000, true)]
    public void A_re_send_before_VM_entry_and_first_operation_starves_L2_and_a_later_one_lets_it_serve(long latency, bool served)
    {
        // From the EOI to L2's first boundary: the EOI itself, 50, and the entry, 500.
        Assert.That(Rig.Cost(TimingCost.ApicAccess) + Rig.Cost(TimingCost.VmEntry), Is.EqualTo(550));

        static async GuestTask L2(Cpu cpu)
        {
            await cpu.Out32(Acknowledge, 1);
            await cpu.Report("served");
            await cpu.Work(1_000_000);
        }

        var rig = new Rig(Costing(Bare(Guest(RunL2), Guest(L2)).Raise(0), TimingCost.Resend, latency)).Run(1_000_000);
        Assert.That((rig.Reports.Contains("served"), rig.Statistics.L2Retired > 0), Is.EqualTo((served, served)));
        Assert.That(rig.Statistics.Resent, served ? Is.EqualTo(1) : Is.GreaterThan(500));
    }

    [TestCase(true, 0x80000060UL)]
    [TestCase(false, 0UL)]
    public void Acknowledge_on_exit_takes_the_vector_from_the_local_APIC(bool acknowledge, ulong information)
    {
        static async GuestTask Main(Cpu cpu)
        {
            cpu.AcknowledgeInterruptOnExit(cpu.Parameter("ack") != 0);
            var exit = await cpu.VmResume();
            await cpu.Report(exit.Is(ExitKind.ExternalInterrupt) ? "external interrupt" : "other");
        }

        var l1 = With(Main, End, ("ack", acknowledge ? 1 : 0));
        var rig = new Rig(Bare(l1, Guest(SpinClosed)).Fire(50_000)).UntilReport("external interrupt");
        Assert.That(rig.Of(TraceEventKind.VmExit).Single().E, Is.EqualTo(information));
        Assert.That((rig.Apic().Isr.Contains(EdgeVector), rig.Apic().Irr.Contains(EdgeVector)), Is.EqualTo((acknowledge, !acknowledge)));
    }

    [Test]
    public void An_interrupt_that_was_not_acknowledged_is_taken_by_L1_as_soon_as_its_IF_allows()
    {
        static async GuestTask Main(Cpu cpu)
        {
            cpu.AcknowledgeInterruptOnExit(false);
            await cpu.VmResume();
            await cpu.Report("IF 0");
            await cpu.Sti();
            await cpu.Cli();
            await cpu.Report("shadow");
            await cpu.Sti();
            await cpu.Work(10);
            await cpu.Report("taken");
        }

        var rig = new Rig(Bare(Guest(Main), Guest(SpinClosed)).Fire(50_000)).UntilReport("shadow");
        Assert.That(rig.Handlers, Is.Empty, "CLI was in the shadow of STI");
        rig.UntilReport("taken");
        Assert.That(rig.Handlers, Is.EqualTo(new[] { ((int)EdgeVector, 1) }));
    }

    [Test]
    public void HLT_waits_and_the_interrupt_wakes()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.Hlt();
            await cpu.Report("behind HLT");
        }

        var rig = new Rig(Bare(Guest(Main)).Fire(50_000)).UntilReport("behind HLT");
        Assert.That((rig.Handlers.Count, rig.Of(TraceEventKind.GuestInterrupt).Single().Cycle),
            Is.EqualTo((1, 50_000 + Rig.Cost(TimingCost.Message))));
    }

    [Test]
    public void HLT_with_IF_0_is_not_ended_by_an_interrupt()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Hlt();
            await cpu.Report("never");
        }

        Assert.That(new Rig(Bare(Guest(Main)).Fire(50_000)).Run(10_000_000).Reports, Is.Empty);
    }

    [Test]
    public void The_guest_programs_the_IO_APIC()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IoRegSel, 0x10 + (2 * Gsi));
            await cpu.MmioWrite(IoWin, 0x8000 | 0x77 | (1u << 16));
            await cpu.Report(await cpu.MmioRead(IoWin) == (0x8000 | 0x77 | (1u << 16)) ? "written" : "other");
            await cpu.Sti();
            await cpu.Work(100_000);
            await cpu.Report("masked");
            await cpu.MmioWrite(IoWin, 0x8000 | 0x77);
            await cpu.Work(100_000);
        }

        var rig = new Rig(Bare(Guest(Main)).Raise(50_000)).UntilReport("masked");
        Assert.That((rig.Reports, rig.Handlers.Count), Is.EqualTo((new[] { "written", "masked" }, 0)));
        Assert.That(rig.UntilHandlers().Vectors, Is.EqualTo(new[] { 0x77 }));
    }

    [TestCase(0x60u | (1u << 18))]
    [TestCase(0x60u)]
    public void A_self_IPI_is_delivered_at_the_next_boundary(uint icr)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.Work(10);
            await cpu.MmioWrite(Apic + 0x300, (uint)cpu.Parameter("icr"));
            await cpu.Report("behind");
        }

        static async GuestTask Taken(Cpu cpu, byte vector) => await cpu.Report("taken");

        var guest = With(Main, Taken, ("icr", icr));
        Assert.That(new Rig(Bare(guest)).UntilReport("behind").Reports, Is.EqualTo(new[] { "taken", "behind" }));
    }

    [Test]
    public void The_local_APICs_timer_fires_at_the_computed_cycle()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x3e0, 0xb);
            await cpu.MmioWrite(Apic + 0x320, 0xef);
            await cpu.Sti();
            await cpu.MmioWrite(Apic + 0x380, 10_000);
            await cpu.Work(1_000_000);
        }

        // Three instructions of 50 cycles come before the store to the initial count; 10 000 ticks of 1 GHz are 24 000 cycles of 2.4 GHz.
        var rig = new Rig(Bare(Guest(Main))).UntilHandlers();
        Assert.That(rig.Machine.Now, Is.EqualTo((2 * Rig.Cost(TimingCost.ApicAccess)) + Rig.Cost(TimingCost.Instruction) + 24_000));
    }

    [Test]
    public void An_entry_that_fails_its_checks_does_not_run_L2()
    {
        static async GuestTask Main(Cpu cpu)
        {
            cpu.InjectIntoL2(0x33);
            await cpu.Report((await cpu.VmResume()).Is(ExitKind.EntryFailed) ? "failed" : "entered");
        }

        var rig = new Rig(Bare(Guest(Main), Guest(SpinClosed))).UntilReport("failed");
        Assert.That((rig.Of(TraceEventKind.VmEntry).Count(), rig.Statistics.L2Retired), Is.EqualTo((0, 0L)));
    }

    [Test]
    public void Ports_of_L2_are_not_intercepted()
    {
        static async GuestTask L2(Cpu cpu)
        {
            await cpu.Out32(Acknowledge, 1);
            await cpu.Report("done");
        }

        Assert.That(new Rig(Bare(Guest(RunL2), Guest(L2))).UntilReport("done").Of(TraceEventKind.VmExit), Is.Empty);
    }

    private static MachineConfig Bare(GuestProgram l1, GuestProgram? l2 = null) =>
        Kvm(l1, l2) with { Hypervisor = HypervisorKind.BareMetal };

    private static MachineConfig Costing(MachineConfig config, TimingCost cost, long cycles) =>
        config with { Timing = config.Timing.With(cost, cycles) };
}
