using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// AMD: INTR exits, GIF, the window by a virtual interrupt, and the immediate exit by a self-IPI (APM2 15.17, 15.20, 15.21; svm.c).
/// </summary>
[TestFixture]
internal sealed class NestedSvmTests
{
    [TestCase(HypervisorKind.Kvm)]
    [TestCase(HypervisorKind.BareMetal)]
    public void An_INTR_exit_carries_no_vector_and_acknowledges_nothing(HypervisorKind hypervisor)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            var exit = await cpu.VmRun();
            await cpu.Report(exit.Is(ExitKind.ExternalInterrupt) && !exit.Is(ExitKind.ExternalInterrupt, out _) ? "INTR" : "other");
            await cpu.Work(10_000);
            await cpu.Report("held");
            await cpu.Stgi();
            await cpu.Work(10_000);
            await cpu.Report("released");
        }

        static async GuestTask Taken(Cpu cpu, byte vector) => await cpu.Report("taken");

        var rig = new Rig((Amd(Guest(Main, Taken), Guest(SpinClosed)) with { Hypervisor = hypervisor }).Fire(50_000)).UntilReport("INTR");
        Assert.That((rig.Apic().Irr.Contains(EdgeVector), rig.Apic().Isr.Contains(EdgeVector)), Is.EqualTo((true, false)));
        rig.UntilReport("released");
        Assert.That(rig.Reports, Is.EqualTo(new[] { "INTR", "held", "taken", "released" }), "GIF = 0 holds it until STGI");
    }

    [Test]
    public void The_trace_of_an_INTR_exit_has_interruption_information_0()
    {
        var rig = new Rig(Amd(Guest(RunL2), Guest(SpinClosed)).Fire(50_000)).UntilLine("kvm_nested_vmexit_inject");
        Assert.That(rig.Lines[^1], Is.EqualTo("kvm_nested_vmexit_inject: reason EXIT_INTR info1 0 info2 0 int_info 0 int_info_err 0"));
    }

    [Test]
    public void With_an_interrupt_pending_at_VMRUN_the_self_IPI_is_there_at_the_entry_and_L2_retires_nothing()
    {
        static async GuestTask Main(Cpu cpu)
        {
            while (true)
            {
                await cpu.VmRun();
                await cpu.Report("back");
            }
        }

        var rig = new Rig(Amd(Guest(Main), Guest(SpinClosed)).Fire(50_000)).UntilReport("back");
        var retired = rig.Statistics.L2Retired;
        rig.UntilReport("back", 20);
        Assert.That((rig.Statistics.L2Retired, rig.Statistics.L2WastedEntries), Is.EqualTo((retired, 19L)));
    }

    [Test]
    public void A_late_self_IPI_lets_that_many_operations_of_L2_retire()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.VmRun();
            await cpu.Report("back");
        }

        static async GuestTask Operations(Cpu cpu)
        {
            while (true)
                await cpu.Cli();
        }

        var rig = new Rig((Amd(Guest(Main), Guest(Operations)) with { ImmediateExit = new SelfIpi(3) }).Fire(50_000)).UntilReport("back");
        Assert.That(rig.Statistics.L2Retired, Is.EqualTo(3));
    }

    [Test]
    public void What_L1_injects_is_delivered_before_the_self_IPI_is_taken()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(100_000);
            cpu.InjectIntoL2(0x33);
            await cpu.VmRun();
            await cpu.Report("back");
        }

        static async GuestTask Handler(Cpu cpu, byte vector) => await cpu.Work(100, at: 0x3300);

        var rig = new Rig(Amd(Guest(Main), Guest(SpinClosed, Handler)).Fire(50_000)).UntilReport("back");
        Assert.That((rig.Handlers[0], rig.Of(TraceEventKind.KvmNestedVmexit).Last().B), Is.EqualTo(((0x33, 2), 0x3300UL)),
            "EVENTINJ ignores IF (APM2 15.20)");
    }

    [TestCase(HypervisorKind.Kvm)]
    [TestCase(HypervisorKind.BareMetal)]
    public void CLGI_holds_an_interrupt_until_STGI(HypervisorKind hypervisor)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.Clgi();
            await cpu.Work(100_000);
            await cpu.Report("held");
            await cpu.Stgi();
            await cpu.Work(10_000);
        }

        var rig = new Rig((Amd(Guest(Main)) with { Hypervisor = hypervisor }).Fire(50_000)).UntilReport("held");
        Assert.That(rig.Handlers, Is.Empty);
        rig.UntilHandlers();
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)EdgeVector }));
    }

    [Test]
    public void The_interrupt_window_is_a_virtual_interrupt_whose_exit_comes_behind_the_shadow_of_STI()
    {
        static async GuestTask Late(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.Sti();
            await cpu.Work(1_000_000, at: 0x5000);
        }

        var rig = new Rig(Amd(Guest(Late)).Fire(50_000)).UntilHandlers();
        Assert.That(rig.Lines.TakeLast(3),
            Is.EqualTo(new[] { "kvm_exit: reason EXIT_VINTR rip 0x5001 info 0 0", "kvm_inj_virq: irq 96", "kvm_entry: vcpu 0" }));
        Assert.That(rig.Machine.Ref(rig.Board.Vmcb01, 0).VIrq, Is.Zero);
    }

    [Test]
    public void There_is_no_acknowledge_on_exit()
    {
        static async GuestTask Main(Cpu cpu)
        {
            cpu.AcknowledgeInterruptOnExit(true);
            await cpu.VmRun();
        }

        Assert.That(() => new Rig(Amd(Guest(Main), Guest(SpinClosed))),
            Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("SVM never acknowledges"));
    }

    [Test]
    public void There_is_no_preemption_timer()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.VmRun();
        }

        var rig = new Rig((Amd(Guest(Main), Guest(SpinClosed)) with { ImmediateExit = new ZeroTimer() }).Fire(50_000));
        Assert.That(
            () => rig.Run(1_000_000),
            Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("no VMX-preemption timer"));
    }

    private static MachineConfig Amd(GuestProgram l1, GuestProgram? l2 = null) =>
        Kvm(l1, l2) with { Vendor = CpuVendor.Amd, Apicv = false, ImmediateExit = new SelfIpi(0) };
}
