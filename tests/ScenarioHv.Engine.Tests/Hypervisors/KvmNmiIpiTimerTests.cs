using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>NMIs, inter-processor interrupts and the local APIC's timer under KVM.</summary>
[TestFixture]
internal sealed class KvmNmiIpiTimerTests
{
    private const uint IcrLow = Apic + 0x300, IcrHigh = Apic + 0x310;
    private const uint Self = 1u << 18, NmiMode = 4u << 8;

    [Test]
    public void An_NMI_by_message_is_injected_with_IF_0()
    {
        // The message of an edge entry with delivery mode NMI: the guest programs pin 10 and writes the device's line high.
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IoRegSel, 0x10 + (2 * Gsi));
            await cpu.MmioWrite(IoWin, NmiMode);
            await cpu.Work(1_000_000);
        }

        var rig = new Rig(Kvm(WithNmi(Main)).Raise(100_000)).UntilHandlers();
        Assert.That(rig.Lines, Does.Contain("kvm_msi_set_irq: dst 0 vec 0 (NMI|physical|edge)")
            .And.Contain("kvm_apic_accept_irq: apicid 0 vec 0 (NMI|edge)"));
        Assert.That((rig.Vectors[0], rig.Of(TraceEventKind.KvmEntry).Last().B), Is.EqualTo((2, 0x80000202UL)));
        Assert.That(rig.Count("kvm_inj_virq"), Is.Zero, "kvm_inj_virq is of interrupts");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void An_NMI_waits_for_the_end_of_the_NMI_handler_and_comes_right_behind_its_IRET(bool apicv)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Report("main");
        }

        static async GuestTask Nmi(Cpu cpu)
        {
            await cpu.Report("nmi");
            if (await new Shared<ulong>(0).Exchange(cpu, 1) == 0)
                await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Report("end");
        }

        var rig = new Rig(Kvm(WithNmi(Main, Nmi)) with { Apicv = apicv }).UntilReport("main");
        Assert.That(rig.Reports, Is.EqualTo(new[] { "nmi", "end", "nmi", "end", "main" }));
        Assert.That(rig.Count("kvm_exit: reason NMI_WINDOW"), Is.EqualTo(1));
    }

    // Three vCPUs send at once, so that all three NMIs arrive during the exit that the first one brings about.
    [TestCase(PendingNmisPolicy.Two, 2)]
    [TestCase(PendingNmisPolicy.One, 1)]
    public void Of_three_NMIs_outside_an_NMI_handler_KVM_keeps_two_and_a_processor_one(PendingNmisPolicy policy, int taken)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(50_000);
            if (cpu.Id != 0)
                await cpu.MmioWrite(IcrLow, NmiMode);
            await cpu.Work(10_000_000);
            await cpu.Report("main");
        }

        static async GuestTask Nmi(Cpu cpu) => await cpu.Report("nmi");

        var usual = ControllerPolicies.Usual(HypervisorKind.Kvm, IrqchipKind.Kernel);
        var machine = Kvm(WithNmi(Main, Nmi)) with
        {
            Vcpus = 4,
            Controllers = usual with { Platform = usual.Platform with { PendingNmis = policy } },
        };
        var rig = new Rig(machine).UntilReport("main");
        Assert.That(rig.Count("kvm_apic_accept_irq: apicid 0 vec 0 (NMI|edge)"), Is.EqualTo(3));
        Assert.That(rig.Reports.Count(report => report == "nmi"), Is.EqualTo(taken));
    }

    [Test]
    public void Of_three_NMIs_during_an_NMI_handler_one_is_kept()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Report("main");
        }

        static async GuestTask Nmi(Cpu cpu)
        {
            await cpu.Report("nmi");
            if (await new Shared<ulong>(0).Exchange(cpu, 1) != 0)
                return;
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
        }

        Assert.That(new Rig(Kvm(WithNmi(Main, Nmi))).UntilReport("main").Reports, Is.EqualTo(new[] { "nmi", "nmi", "main" }));
    }

    [Test]
    public void The_IRET_of_an_interrupt_handler_inside_an_NMI_handler_unblocks_NMIs()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Report("main");
        }

        static async GuestTask Nmi(Cpu cpu)
        {
            if (await new Shared<ulong>(0).Exchange(cpu, 1) != 0)
            {
                await cpu.Report("second");
                return;
            }

            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.MmioWrite(IcrLow, Self | EdgeVector);
            await cpu.Sti();
            await cpu.Work(1_000);
            await cpu.Report("first ends");
        }

        Assert.That(new Rig(Kvm(WithNmi(Main, Nmi))).UntilReport("main").Reports, Is.EqualTo(new[] { "second", "first ends", "main" }));
    }

    [Test]
    public void A_masked_NMI_that_is_pending_does_not_keep_a_halted_vCPU_awake()
    {
        static async GuestTask Main(Cpu cpu) => await cpu.MmioWrite(IcrLow, Self | NmiMode);

        static async GuestTask Nmi(Cpu cpu)
        {
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Work(100);
            await cpu.Hlt();
            await cpu.Report("woken");
        }

        var rig = new Rig(Kvm(WithNmi(Main, Nmi))).Run(10_000_000);
        Assert.That((rig.Kvm().NmiPending, rig.Kvm().Halted, rig.Reports.Count), Is.EqualTo(((byte)1, (byte)1, 0)));
    }

    [TestCase(true, 0)]
    [TestCase(false, 1)]
    public void A_self_IPI_by_shorthand_is_delivered_behind_the_store(bool apicv, int accesses)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.Work(10);
            await cpu.MmioWrite(IcrLow, Self | EdgeVector, at: 0x40);
            await cpu.Report("behind");
        }

        static async GuestTask Taken(Cpu cpu, byte vector) => await cpu.Report("taken");

        var rig = new Rig(Kvm(Guest(Main, Taken)) with { Apicv = apicv }).UntilReport("behind");
        Assert.That(rig.Reports, Is.EqualTo(new[] { "taken", "behind" }));
        Assert.That((rig.Count("kvm_exit"), rig.Count("kvm_apic_ipi")), Is.EqualTo((accesses, accesses)),
            "the processor virtualizes it (SDM3 29.1.5)");
    }

    [Test]
    public void A_self_IPI_by_physical_destination_exits_behind_the_store_with_APICv()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IcrLow, EdgeVector, at: 0x40);
            await cpu.Report("behind");
        }

        var rig = new Rig(Kvm(Guest(Main))).UntilReport("behind");
        Assert.That(rig.Lines, Is.EqualTo(new[]
        {
            "kvm_entry: vcpu 0", "kvm_exit: reason APIC_WRITE rip 0x47 info 300 0", "kvm_apic: apic_write APIC_ICR = 0x60",
            "kvm_apic_ipi: dst 0 vec 96 (Fixed|physical|de-assert|edge|dst)", "kvm_apic_accept_irq: apicid 0 vec 96 (Fixed|edge)",
            "kvm_entry: vcpu 0",
        }));
        Assert.That(rig.Apic().Irr.Contains(EdgeVector));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void An_IPI_from_one_vCPU_reaches_the_handler_of_the_other(bool apicv)
    {
        static async GuestTask Main(Cpu cpu)
        {
            if (cpu.Id == 0)
            {
                await cpu.Work(50_000);
                await cpu.MmioWrite(IcrHigh, 1u << 24);
                await cpu.MmioWrite(IcrLow, 0x41);
                return;
            }

            await cpu.Sti();
            await cpu.Work(10_000_000);
        }

        var rig = new Rig(Kvm(Guest(Main)) with { Apicv = apicv, Vcpus = 2 }).UntilHandlers();
        var handler = rig.Of(TraceEventKind.GuestInterrupt).Single();
        Assert.That((handler.Vcpu, handler.A), Is.EqualTo(((byte)1, 0x41UL)));
        Assert.That(rig.Lines, Does.Contain("kvm_apic_accept_irq: apicid 1 vec 65 (Fixed|edge)"));
        Assert.That(rig.With("kvm_exit").Count(e => e.Vcpu == 1), Is.EqualTo(apicv ? 0 : 1));
    }

    [TestCase(0x41u | (2u << 18), new[] { 0, 1, 2 })]
    [TestCase(0x41u | (3u << 18), new[] { 1, 2 })]
    [TestCase(0x41u | (1u << 18), new[] { 0 })]
    public void A_shorthand_says_who_hears_an_IPI(uint icr, int[] heard)
    {
        static async GuestTask Main(Cpu cpu)
        {
            if (cpu.Id == 0)
                await cpu.MmioWrite(IcrLow, (uint)cpu.Parameter("icr"));
            await cpu.Hlt();
        }

        var guest = With(Main, End, ("icr", icr));
        var rig = new Rig(Kvm(guest) with { Vcpus = 3, Apicv = false }).Run(1_000_000);
        Assert.That(Enumerable.Range(0, 3).Where(vcpu => rig.Apic(vcpu).Irr.Contains(0x41)), Is.EqualTo(heard));
    }

    [TestCase(0xbu, 1_000u, 2_400L)]
    [TestCase(0x0u, 1_000u, 4_800L)]
    [TestCase(0x3u, 1_000_000u, 38_400_000L)]
    public void A_one_shot_timer_fires_at_the_computed_cycle(uint divide, uint count, long cycles)
    {
        // 1 GHz of the timer's input are 2.4 cycles of the TSC a tick; divide 1, 2 and 16.
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x3e0, (uint)cpu.Parameter("divide"));
            await cpu.MmioWrite(Apic + 0x320, 0xef);
            await cpu.MmioWrite(Apic + 0x380, (uint)cpu.Parameter("count"));
            await Spin(cpu);
        }

        var guest = With(Main, End, ("divide", divide), ("count", count));
        var rig = new Rig(WithPostedTimer(guest)).UntilHandlers();
        var armed = rig.With("kvm_apic: apic_write APIC_TMICT")[0].Cycle;
        Assert.That(rig.With("kvm_apic_accept_irq: apicid 0 vec 239")[0].Cycle - armed, Is.EqualTo(cycles));
        Assert.That(rig.Apic().TimerDeadline.IsNever);
    }

    [Test]
    public void A_periodic_timer_fires_every_period_without_drift()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x3e0, 0xb);
            await cpu.MmioWrite(Apic + 0x320, 0x2_00ef);
            await cpu.MmioWrite(Apic + 0x380, 10_001);
            await Spin(cpu);
        }

        // 10 001 ticks are 24 002.4 cycles: rounded up for each, exact in the sum.
        var rig = new Rig(WithPostedTimer(Guest(Main))).UntilHandlers(10);
        var armed = rig.With("kvm_apic: apic_write APIC_TMICT")[0].Cycle;
        Assert.That(
            rig.With("kvm_apic_accept_irq: apicid 0 vec 239").Take(10).Select(e => e.Cycle - armed),
            Is.EqualTo(Enumerable.Range(1, 10).Select(n => ((n * 240_024L) + 9) / 10)));
    }

    [TestCase(100_000L)]
    [TestCase(-1L)]
    public void A_TSC_deadline_fires_when_it_has_come_or_at_once_when_it_has_passed(long ahead)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x320, 0x4_00ef);
            await cpu.WriteMsr(0x6e0, (ulong)(await cpu.ReadTsc() + cpu.Parameter("ahead")));
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        var guest = With(Main, End, ("ahead", ahead));
        var rig = new Rig(WithPostedTimer(guest)).UntilHandlers();
        var write = rig.With("kvm_msr: msr_write 6e0").Single();
        Assert.That(rig.With("kvm_apic_accept_irq: apicid 0 vec 239").Single().Cycle, Is.EqualTo(Math.Max((long)write.C, write.Cycle)));
        Assert.That(rig.Machine.Now - rig.With("kvm_apic_accept_irq")[0].Cycle, Is.LessThan(10_000));
    }

    [Test]
    public void A_masked_timer_is_lost()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x320, 0x1_00ef);
            await cpu.MmioWrite(Apic + 0x380, 1_000);
            await cpu.Sti();
            await cpu.Work(1_000_000);
            await cpu.MmioWrite(Apic + 0x320, 0xef);
            await cpu.Work(1_000_000);
            await cpu.Report("over");
        }

        var rig = new Rig(Kvm(Guest(Main))).UntilReport("over");
        Assert.That((rig.Handlers.Count, rig.Count("kvm_apic_accept_irq")), Is.EqualTo((0, 0)));
    }

    /// <summary>The timer's callback posts to the running vCPU, so that the trace shows the moment at which the timer expires.</summary>
    private static MachineConfig WithPostedTimer(GuestProgram guest) =>
        Kvm(guest) with { Kvm = new KvmPolicies { TimerFire = TimerFire.DeliverInCallback } };

    private static GuestProgram WithNmi(Func<Cpu, GuestTask> main, Func<Cpu, GuestTask>? nmi = null) =>
        new("guest", main) { OnInterrupt = End, OnNmi = nmi ?? Nothing, SharedWords = 1 };

    private static async GuestTask Nothing(Cpu cpu) => await cpu.Work(1);
}
