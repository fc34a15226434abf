using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Bhyve;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization.Svm;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>bhyve on an AMD processor: when IRR moves to ISR, what becomes of TPR, and who is notified.</summary>
[TestFixture]
internal sealed class BhyveTests
{
    private const byte Vector = EdgeVector;
    private const uint IcrLow = Apic + LocalApicRegister.IcrLow;

    /// <summary>From a request in IRR to the handler of a vCPU that computes.</summary>
    private static readonly TimingCost[] WayIntoARunningGuest =
    [
        TimingCost.LoopPoint, TimingCost.HostIpi, TimingCost.VmExit, TimingCost.HostInterrupt, TimingCost.ExitHandler,
        TimingCost.LoopPoint, TimingCost.LoopPoint, TimingCost.LoopPoint, TimingCost.VmEntry,
    ];

    [TestCase(SvmInjection.VIrq, true, false)]
    [TestCase(SvmInjection.VIrqPendingState, false, false)]
    [TestCase(SvmInjection.EventInjection, false, true)]
    [TestCase(SvmInjection.Avic, false, true)]
    public void What_IRR_and_ISR_hold_when_the_handler_starts(SvmInjection injection, bool irr, bool isr)
    {
        var rig = new Rig(Bhyve(Guest(Spin), injection).Fire(50_000)).UntilHandlers();
        Assert.That((rig.Apic().Irr.Contains(Vector), rig.Apic().Isr.Contains(Vector)), Is.EqualTo((irr, isr)));
    }

    [TestCase(SvmInjection.VIrq, 1)]
    [TestCase(SvmInjection.VIrqPendingState, 2)]
    [TestCase(SvmInjection.EventInjection, 2)]
    [TestCase(SvmInjection.Avic, 2)]
    public void A_request_that_comes_while_its_handler_runs_is_a_request_of_its_own_unless_V_IRQ_left_the_first_in_IRR(
        SvmInjection injection, int handlers)
    {
        static async GuestTask Works(Cpu cpu, byte vector)
        {
            await cpu.Work(30_000);
            await cpu.Eoi();
        }

        var rig = new Rig(Bhyve(Guest(Spin, Works), injection).Fire(50_000).Fire(60_000)).Run(200_000);
        Assert.That(rig.Vectors, Has.Count.EqualTo(handlers));
        Assert.That(
            rig.Machine.Ref(rig.Board.Check).Violation.Property, Is.EqualTo(handlers == 1 ? SafetyProperty.Custody : SafetyProperty.None));
    }

    [Test]
    public void The_lost_request_is_lost_at_the_exit_that_finds_V_IRQ_clear_and_not_when_it_collapses()
    {
        static async GuestTask Works(Cpu cpu, byte vector) => await cpu.Work(1_000_000);

        var rig = new Rig(Bhyve(Guest(Spin, Works), SvmInjection.VIrq).Fire(50_000).Fire(60_000));
        rig.UntilEvent(e => IsKtr(e, KtrMessage.Collapsed));
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Exists, Is.False);
        rig.UntilEvent(e => IsKtr(e, KtrMessage.VIrqOutcome));
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Property, Is.EqualTo(SafetyProperty.Custody));
    }

    [TestCase(SvmInjection.VIrq)]
    [TestCase(SvmInjection.VIrqPendingState)]
    [TestCase(SvmInjection.EventInjection)]
    [TestCase(SvmInjection.Avic)]
    public void Two_requests_before_the_guest_takes_one_are_one(SvmInjection injection)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(80_000);
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        var rig = new Rig(Bhyve(Guest(Main), injection).Fire(50_000).Fire(60_000)).Run(300_000);
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)Vector }));
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Exists, Is.False);
    }

    [Test]
    public void What_V_IRQ_offers_is_nowhere_else_with_the_pending_state_and_goes_back_if_it_is_not_taken()
    {
        var rig = new Rig(Bhyve(Guest(SpinClosed), SvmInjection.VIrqPendingState).Fire(50_000).Fire(60_000));
        rig.UntilEvent(e => IsKtr(e, KtrMessage.VIrqProgrammed));
        Assert.That((rig.Apic().Irr.Contains(Vector), Vmm(rig).OfferedVector), Is.EqualTo((false, Vector)));
        rig.UntilEvent(e => IsKtr(e, KtrMessage.VIrqOutcome));
        Assert.That((rig.Apic().Irr.Contains(Vector), Vmm(rig).OfferedVector), Is.EqualTo((true, (byte)0)));
    }

    [Test]
    public void A_vector_that_IF_holds_back_is_injected_when_the_window_opens()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(80_000);
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        var rig = new Rig(Bhyve(Guest(Main), SvmInjection.EventInjection).Fire(50_000)).UntilHandlers();
        var exits = rig.Events.Where(e => IsKtr(e, KtrMessage.VmExit)).Select(e => (SvmExitCode)(uint)e.C).ToArray();
        Assert.That(exits, Is.EqualTo(new[] { SvmExitCode.Intr, SvmExitCode.Vintr }));
        Assert.That(rig.Apic().Isr.Contains(Vector));
    }

    [Test]
    public void An_injection_asks_for_a_window_since_there_may_be_more()
    {
        static async GuestTask LeavesWithoutEoi(Cpu cpu, byte vector) => await cpu.Work(100);

        var config = Bhyve(Guest(Spin, LeavesWithoutEoi), SvmInjection.EventInjection) with
        {
            Devices = [Line, Msi, new DeviceConfig("other", DeviceKind.Msi) { Vector = 0x70 }],
        };
        var rig = new Rig(config.Fire(50_000, 2).Fire(50_000)).Run(200_000);
        Assert.That(rig.Events.Count(e => IsKtr(e, KtrMessage.VmExit) && (SvmExitCode)(uint)e.C == SvmExitCode.Vintr), Is.EqualTo(1));
        Assert.That(rig.Vectors, Is.EqualTo(new[] { 0x70 }), "0x60 is below what is in service");
    }

    [Test]
    public void CR8_does_not_exit_and_the_vLAPIC_follows_at_the_next_exit()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteCr8(7);
            await cpu.Report(await cpu.ReadCr8() == 7 ? "seven" : "other");
            await cpu.Work(1_000_000);
        }

        var rig = new Rig(Bhyve(Guest(Main), SvmInjection.EventInjection).Fire(50_000)).UntilReport("seven");
        Assert.That(rig.Events.Count(e => IsKtr(e, KtrMessage.VmExit)), Is.Zero);
        Assert.That(rig.Apic().Tpr, Is.Zero);
        rig.UntilEvent(e => IsKtr(e, KtrMessage.VmExit));
        Assert.That(rig.Apic().Tpr, Is.EqualTo(0x70));
    }

    [Test]
    public void A_sub_class_that_was_written_through_the_page_is_lost_at_the_next_exit()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + LocalApicRegister.Tpr, 0x35);
            await cpu.Report(await cpu.MmioRead(Apic + LocalApicRegister.Tpr) == 0x30 ? "lost" : "kept");
        }

        Assert.That(new Rig(Bhyve(Guest(Main), SvmInjection.VIrq)).Run(100_000).Reports, Is.EqualTo(new[] { "lost" }));
    }

    [TestCase(SvmInjection.VIrq, TprSelection.Honour, Cr8Intercept.None, false)]
    [TestCase(SvmInjection.VIrq, TprSelection.Ignore, Cr8Intercept.None, true)]
    [TestCase(SvmInjection.VIrq, TprSelection.Honour, Cr8Intercept.Writes, true)]
    [TestCase(SvmInjection.VIrqPendingState, TprSelection.Ignore, Cr8Intercept.None, true)]
    [TestCase(SvmInjection.EventInjection, TprSelection.Honour, Cr8Intercept.None, false)]
    [TestCase(SvmInjection.EventInjection, TprSelection.Honour, Cr8Intercept.Writes, true)]
    [TestCase(SvmInjection.Avic, TprSelection.Honour, Cr8Intercept.None, true)]
    public void A_vector_below_TPR_comes_when_CR8_is_lowered_if_the_processor_or_bhyve_hears_of_that(
        SvmInjection injection, TprSelection selection, Cr8Intercept intercept, bool comes)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteCr8(8);
            await cpu.Sti();
            await cpu.Work(80_000);
            await cpu.WriteCr8(0);
            await cpu.Work(1_000_000);
        }

        var config = Bhyve(Guest(Main), injection).Fire(50_000);
        config = config with { Bhyve = config.Bhyve with { TprSelection = selection, Cr8Intercept = intercept } };
        var rig = new Rig(config).Run(500_000);
        Assert.That(rig.Vectors, Has.Count.EqualTo(comes ? 1 : 0));
        Assert.That(rig.Of(TraceEventKind.GuestInterrupt).All(e => e.Cycle > 80_000));
    }

    [TestCase(SvmInjection.VIrq)]
    [TestCase(SvmInjection.VIrqPendingState)]
    [TestCase(SvmInjection.EventInjection)]
    [TestCase(SvmInjection.Avic)]
    public void A_delivery_that_a_nested_page_fault_cuts_short_is_done_again(SvmInjection injection)
    {
        var config = Bhyve(Guest(Spin), injection).Fire(50_000);
        config = config with { Timeline = [new StimulusConfig(10_000, StimulusAction.PageOut, 0), .. config.Timeline] };
        var rig = new Rig(config).Run(300_000);
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)Vector }));
        Assert.That(rig.Events.Count(e => IsKtr(e, KtrMessage.IntInfoInjected)), Is.EqualTo(1));
        Assert.That((rig.Apic().Isr.IsEmpty, rig.Machine.Ref(rig.Board.Check).Violation.Exists), Is.EqualTo((true, false)));
    }

    [Test]
    public void Without_EXITINTINFO_a_vector_whose_delivery_was_cut_short_is_in_ISR_and_nowhere_else()
    {
        var config = Bhyve(Guest(Spin), SvmInjection.EventInjection).Fire(50_000);
        config = config with
        {
            Timeline = [new StimulusConfig(10_000, StimulusAction.PageOut, 0), .. config.Timeline],
            Bhyve = config.Bhyve with { ExitFold = BhyvePolicies.FoldWithoutIntInfo },
        };
        var rig = new Rig(config).Run(300_000);
        Assert.That((rig.Vectors.Count, rig.Apic().Isr.Contains(Vector)), Is.EqualTo((0, true)));
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Property, Is.EqualTo(SafetyProperty.Custody));
    }

    [Test]
    public void Without_the_copy_of_V_TPR_the_next_VMRUN_undoes_what_the_guest_has_written_to_CR8()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteCr8(7);
            await cpu.Eoi();
            await cpu.Report(await cpu.ReadCr8() == 7 ? "kept" : "undone");
        }

        var config = Bhyve(Guest(Main), SvmInjection.VIrq);
        Assert.That(new Rig(config).Run(100_000).Reports, Is.EqualTo(new[] { "kept" }));
        config = config with { Bhyve = config.Bhyve with { ExitFold = BhyvePolicies.FoldWithoutTpr } };
        Assert.That(new Rig(config).Run(100_000).Reports, Is.EqualTo(new[] { "undone" }));
    }

    [Test]
    public void A_running_vCPU_is_interrupted_and_takes_the_vector_at_its_next_VMRUN()
    {
        var rig = new Rig(Bhyve(Guest(Spin), SvmInjection.EventInjection).Fire(50_000)).UntilHandlers();
        var accepted = rig.Events.Single(e => IsKtr(e, KtrMessage.IntrReady)).Cycle;
        var taken = rig.Of(TraceEventKind.GuestInterrupt).Single().Cycle;
        Assert.That(taken - accepted, Is.EqualTo(WayIntoARunningGuest.Sum(Rig.Cost)));
    }

    [Test]
    public void With_AVIC_a_running_vCPU_hears_its_doorbell_and_does_not_exit()
    {
        var rig = new Rig(Bhyve(Guest(Spin), SvmInjection.Avic).Fire(50_000)).UntilHandlers();
        var accepted = rig.Events.Single(e => IsKtr(e, KtrMessage.IntrReady)).Cycle;
        Assert.That(rig.Of(TraceEventKind.GuestInterrupt).Single().Cycle - accepted,
            Is.EqualTo(Rig.Cost(TimingCost.LoopPoint) + Rig.Cost(TimingCost.HostIpi)));
        Assert.That(rig.Events.Count(e => IsKtr(e, KtrMessage.VmExit)), Is.Zero);
    }

    [Test]
    public void An_interrupt_of_the_host_that_comes_while_GIF_is_clear_makes_the_guest_exit_right_after_VMRUN()
    {
        var rig = new Rig(Bhyve(Guest(Spin), SvmInjection.VIrq).Fire(0)).Walk(At.VmcbProgrammed).Stimulate();
        Assert.That(rig.Apic().Irr.Contains(Vector), "the request came behind the choice");
        rig.UntilEvent(e => IsKtr(e, KtrMessage.VmExit));
        Assert.That((rig.Statistics.L1Retired, rig.Vectors.Count), Is.EqualTo((0L, 0)));
        rig.UntilHandlers();
    }

    [Test]
    public void An_interrupt_of_the_host_that_comes_before_CLGI_is_the_hosts_and_costs_no_exit()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.MmioRead(Apic + LocalApicRegister.Id);
            await cpu.Work(1_000_000);
        }

        Assert.That(Rig.Cost(TimingCost.HostIpi), Is.LessThan(Rig.Cost(TimingCost.ExitHandler)), "it arrives in the handler of the exit");
        var rig = new Rig(Bhyve(Guest(Main), SvmInjection.EventInjection).Fire(0)).Walk(At.ExitSeen).Stimulate().Run(200_000);
        var exits = rig.Events.Where(e => IsKtr(e, KtrMessage.VmExit)).Select(e => (SvmExitCode)(uint)e.C);
        Assert.That(exits, Is.EqualTo(new[] { SvmExitCode.Npf, SvmExitCode.Npf }), "the read and the EOI");
    }

    [TestCase(true, 1)]
    [TestCase(false, 0)]
    public void A_halted_vCPU_sleeps_until_a_request_that_IF_admits(bool open, int handlers)
    {
        static async GuestTask Closed(Cpu cpu)
        {
            await cpu.Hlt();
            await cpu.Report("woken");
        }

        var rig = new Rig(Bhyve(Guest(open ? Idle : Closed), SvmInjection.VIrq).Fire(50_000)).Run(45_000);
        Assert.That(Vmm(rig).State, Is.EqualTo(BhyveRunState.Sleeping));
        rig.Run(200_000);
        Assert.That((rig.Vectors.Count, rig.Reports.Count), Is.EqualTo((handlers, 0)));
    }

    [Test]
    public void A_level_line_still_high_at_EOI_is_sent_again_and_one_that_was_lowered_is_not()
    {
        var rig = new Rig(Bhyve(Guest(Spin, Serve), SvmInjection.EventInjection).Raise(50_000)).Run(400_000);
        Assert.That((rig.Vectors.Count, rig.Statistics.Resent), Is.EqualTo((1, 0L)));
        rig = new Rig(Bhyve(Guest(Spin), SvmInjection.EventInjection).Raise(50_000)).UntilHandlers(3);
        Assert.That(rig.Statistics.Resent, Is.EqualTo(2));
    }

    [Test]
    public void The_timer_of_the_local_APIC_interrupts_a_guest_that_computes()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.MmioWrite(Apic + LocalApicRegister.LvtTimer, 0x45);
            await cpu.MmioWrite(Apic + LocalApicRegister.TimerInitialCount, 20_000);
            await cpu.Work(1_000_000);
        }

        Assert.That(new Rig(Bhyve(Guest(Main), SvmInjection.VIrq)).Run(400_000).Vectors, Is.EqualTo(new[] { 0x45 }));
    }

    [Test]
    public void The_hosts_tick_lets_bhyve_look_again()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteCr8(8);
            await cpu.Sti();
            await cpu.Work(80_000);
            await cpu.WriteCr8(0);
            await cpu.Work(10_000_000);
        }

        var config = Bhyve(Guest(Main), SvmInjection.VIrq).Fire(50_000) with { HostTickHz = 1000 };
        var rig = new Rig(config).UntilHandlers();
        Assert.That(rig.Machine.Now, Is.InRange(2_400_000L, 2_410_000L), "the first tick is 1 ms after the start");
    }

    [TestCase("msr", "no MSR of the local APIC")]
    [TestCase("vmcall", "bhyve has no hypercalls")]
    [TestCase("nmi", "Nmi is not modelled under bhyve")]
    public void What_bhyve_does_not_have_is_refused(string what, string message)
    {
        var config = Bhyve(Guest(what switch { "msr" => ReadsMsr, "vmcall" => Calls, _ => SendsNmi }), SvmInjection.VIrq);
        Assert.That(() => new Rig(config).Run(100_000), Throws.InstanceOf<GuestException>().With.Message.Contains(message));

        static async GuestTask ReadsMsr(Cpu cpu) => await cpu.ReadMsr(0x6e0);

        static async GuestTask Calls(Cpu cpu) => await cpu.VmCall(1);

        static async GuestTask SendsNmi(Cpu cpu) => await cpu.MmioWrite(IcrLow, 0x44400);
    }

    private static bool IsKtr(TraceEvent e, KtrMessage message) => e.Kind == TraceEventKind.Ktr && (KtrMessage)e.A == message;

    private static ref BhyveVcpu Vmm(Rig rig) => ref rig.Machine.Ref(rig.Board.Bhyve);

    private static MachineConfig Bhyve(GuestProgram guest, SvmInjection injection) => Kvm(guest) with
    {
        Hypervisor = HypervisorKind.Bhyve,
        Vendor = CpuVendor.Amd,
        Apicv = injection == SvmInjection.Avic,
        Bhyve = new BhyvePolicies { Injection = injection },
    };
}
