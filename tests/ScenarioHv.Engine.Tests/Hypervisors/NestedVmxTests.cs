using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// L2 under KVM on VMX: interrupts of L1, the entry that is owed, windows, and exits that go to L1 or stay below (nested.c, 4.19 to 5.1).
/// </summary>
[TestFixture]
internal sealed class NestedVmxTests
{
    private const ulong L2Start = 0x2000;

    [TestCase(true, "int_info 80000060", false, true)]
    [TestCase(false, "int_info 0", true, false)]
    public void An_interrupt_of_L1_ends_L2_and_is_acknowledged_only_if_L1_asked_for_it(bool acknowledge, string information, bool requested,
        bool inService)
    {
        static async GuestTask Main(Cpu cpu)
        {
            cpu.AcknowledgeInterruptOnExit(cpu.Parameter("ack") != 0);
            var exit = await cpu.VmResume();
            await cpu.Report(exit.Is(ExitKind.ExternalInterrupt, out var vector) && vector == EdgeVector ? "with vector" : "without");
        }

        var rig = new Rig(Kvm(With(Main, End, ("ack", acknowledge ? 1 : 0)), Guest(Work)).Fire(50_000))
            .UntilLine("kvm_nested_vmexit_inject");
        Assert.That(rig.Lines[^1],
            Is.EqualTo($"kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 {information} int_info_err 0"));
        Assert.That((rig.Apic().Irr.Contains(EdgeVector), rig.Apic().Isr.Contains(EdgeVector)), Is.EqualTo((requested, inService)));
        rig.UntilReport(acknowledge ? "with vector" : "without");
    }

    [TestCase(true, "800000f2")]
    [TestCase(false, "800000fd")]
    public void The_host_interrupt_that_brings_L2_out_is_the_notification_with_APICv_and_the_kick_without(bool apicv, string vector)
    {
        var rig = new Rig((Kvm(Guest(RunL2), Guest(Work)) with { Apicv = apicv }).Fire(50_000)).UntilLine("kvm_nested_vmexit_inject");
        Assert.That(rig.Lines.TakeLast(3).Select(WithoutRip), Is.EqualTo(new[]
        {
            $"kvm_exit: reason EXTERNAL_INTERRUPT info 0 {vector}",
            $"kvm_nested_vmexit: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info {vector} int_info_err 0",
            "kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000060 int_info_err 0",
        }));
    }

    [Test]
    public void L2s_IF_does_not_hold_an_exit_back()
    {
        var rig = new Rig(Kvm(Guest(RunL2), Guest(SpinClosed)).Fire(50_000)).UntilLine("kvm_nested_vmexit_inject");
        Assert.That(rig.Core(2).InterruptFlag, Is.Zero);
    }

    [Test]
    public void A_vector_below_L1s_TPR_does_not_end_L2()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteCr8(6);
            await cpu.VmResume();
            await cpu.Report("back");
        }

        var rig = new Rig(Kvm(Guest(Main), Guest(Work)).Fire(50_000)).Run(5_000_000);
        Assert.That((rig.Count("kvm_nested_vmexit_inject"), rig.Reports.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public void With_an_interrupt_pending_at_VMRESUME_L2_is_entered_left_at_once_and_retires_nothing()
    {
        var rig = new Rig(Kvm(Guest(WaitThenRun), Guest(Work)).Fire(20_000)).UntilLine("kvm_nested_vmexit_inject");
        Assert.That(rig.Lines.TakeLast(5).Select(WithoutRip), Is.EqualTo(new[]
        {
            "kvm_exit: reason VMRESUME info 0 0", "kvm_entry: vcpu 0", "kvm_exit: reason PREEMPTION_TIMER info 0 0",
            "kvm_nested_vmexit: reason PREEMPTION_TIMER info1 0 info2 0 int_info 0 int_info_err 0",
            "kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000060 int_info_err 0",
        }));
        Assert.That((rig.Statistics.L2Retired, rig.Statistics.L2Entries, rig.Statistics.L2WastedEntries), Is.EqualTo((0L, 1L, 1L)));
        Assert.That(rig.Of(TraceEventKind.KvmEntry).Last().D, Is.EqualTo(1UL), "immediate exit");
    }

    [Test]
    public void What_L1_injects_at_that_entry_is_delivered_first_and_the_exit_is_at_the_handlers_first_instruction()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.VmResume();
            cpu.SkipL2Instruction();
            await cpu.Work(100_000);
            cpu.InjectIntoL2(0x33);
            await cpu.VmResume();
        }

        static async GuestTask Open(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.VmCall(1);
            await cpu.Report("never before the handler");
        }

        static async GuestTask Handler(Cpu cpu, byte vector) => await cpu.Work(1_000, at: 0x3300);

        var rig = new Rig(Kvm(Guest(Main), Guest(Open, Handler)).Fire(60_000)).UntilLine("kvm_exit: reason PREEMPTION_TIMER");
        Assert.That(rig.Handlers, Is.EqualTo(new[] { (0x33, 2) }));
        Assert.That(rig.Events.Last(e => e.Kind == TraceEventKind.KvmEntry).B, Is.EqualTo(0x80000033));
        Assert.That(rig.With("kvm_exit: reason PREEMPTION_TIMER").Single().B, Is.EqualTo(0x3300));
        rig.UntilLine("kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT");
        Assert.That(rig.Machine.Ref(rig.Board.Vmcs12, 0).EntryInterruptionInformation >> 31, Is.Zero,
            "every exit clears the valid bit (SDM3 27.2.4)");
    }

    [TestCase(At.ControlsSwitched, "PREEMPTION_TIMER")]
    [TestCase(At.RequestCheck, "PREEMPTION_TIMER")]
    [TestCase(At.ModePublished, "PREEMPTION_TIMER")]
    [TestCase(At.RviWritten, "EXTERNAL_INTERRUPT")]
    [TestCase(At.ExitArmed, "EXTERNAL_INTERRUPT")]
    public void Wherever_on_the_way_into_L2_the_vector_arrives_L2_retires_nothing(At label, string reason)
    {
        var rig = new Rig(Kvm(Guest(RunL2), Guest(Work)).Fire(0)).Walk(At.ControlsSwitched);
        while (rig.Label() != label)
        {
            rig.StepActor("vcpu0");
        }

        rig.Stimulate().UntilLine("kvm_nested_vmexit_inject");
        Assert.That(rig.Statistics.L2Retired, Is.Zero);
        Assert.That(rig.With("kvm_exit").Select(e => WithoutRip(Rig.Text(e))).Last(), Does.StartWith($"kvm_exit: reason {reason}"));
        Assert.That(rig.Statistics.L2Entries, Is.EqualTo(1));
    }

    [Test]
    public void The_interrupt_window_of_L1s_controls_is_L1s()
    {
        static async GuestTask Main(Cpu cpu)
        {
            cpu.RequestInterruptWindow(true);
            var exit = await cpu.VmResume();
            await cpu.Report(exit.Is(ExitKind.InterruptWindow) && cpu.L2CanTakeInterrupt
                && exit.GuestInterruptFlag == 1 ? "window" : "other");
        }

        static async GuestTask Open(Cpu cpu)
        {
            await cpu.Work(1_000);
            await cpu.Sti();
            await cpu.Work(1_000, at: L2Start);
        }

        var rig = new Rig(Kvm(Guest(Main), Guest(Open))).UntilReport("window");
        Assert.That(rig.Lines.SkipWhile(l => !l.StartsWith("kvm_exit: reason PENDING", StringComparison.Ordinal)), Is.EqualTo(new[]
        {
            "kvm_exit: reason PENDING_INTERRUPT rip 0x2001 info 0 0",
            "kvm_nested_vmexit: rip 2001 reason PENDING_INTERRUPT info1 0 info2 0 int_info 0 int_info_err 0",
            "kvm_nested_vmexit_inject: reason PENDING_INTERRUPT info1 0 info2 0 int_info 0 int_info_err 0", "kvm_entry: vcpu 0",
        }));
    }

    [Test]
    public void Ports_of_L2_are_handled_by_L0_and_userspace()
    {
        static async GuestTask Io(Cpu cpu)
        {
            await cpu.Out8(0x80, 7);
            await cpu.Report("done");
        }

        var rig = new Rig(Kvm(Guest(RunL2), Guest(Io))).UntilReport("done");
        Assert.That((rig.Count("kvm_userspace_exit: reason KVM_EXIT_IO"), rig.Count("kvm_nested_vmexit:"),
            rig.Count("kvm_nested_vmexit_inject")), Is.EqualTo((1, 1, 0)));
    }

    [TestCase(OperationKind.VmCall, ExitKind.VmCall, "VMCALL")]
    [TestCase(OperationKind.Hlt, ExitKind.Hlt, "HLT")]
    [TestCase(OperationKind.WriteMsr, ExitKind.MsrWrite, "MSR_WRITE")]
    [TestCase(OperationKind.ReadMsr, ExitKind.MsrRead, "MSR_READ")]
    public void Instructions_that_L1_intercepts_go_to_L1(OperationKind kind, ExitKind exit, string name)
    {
        static async GuestTask Main(Cpu cpu) =>
            await cpu.Report((await cpu.VmResume()).Is((ExitKind)cpu.Parameter("exit")) ? "reflected" : "other");

        static async GuestTask Execute(Cpu cpu)
        {
            switch ((OperationKind)cpu.Parameter("kind"))
            {
                case OperationKind.VmCall: await cpu.VmCall(1); break;
                case OperationKind.Hlt: await cpu.Hlt(); break;
                case OperationKind.WriteMsr: await cpu.WriteMsr(0x10, 1); break;
                default: await cpu.ReadMsr(0x10); break;
            }
        }

        var rig = new Rig(Kvm(With(Main, End, ("exit", (long)exit)), With(Execute, End, ("kind", (long)kind)))).UntilReport("reflected");
        Assert.That(rig.Count($"kvm_nested_vmexit_inject: reason {name} "), Is.EqualTo(1));
    }

    [Test]
    public void The_EOI_of_L2_is_a_reflected_MSR_write_that_is_executed_again_unless_L1_skips_it()
    {
        static async GuestTask Main(Cpu cpu)
        {
            for (var i = 0; i < 3; i++)
            {
                var exit = await cpu.VmResume();
                await cpu.Report(exit.Is(ExitKind.MsrWrite) && exit is { Code: 0x40000070, Rip: L2Start } ? "EOI" : "other");
            }

            cpu.SkipL2Instruction();
            await cpu.VmResume();
        }

        static async GuestTask EndL2(Cpu cpu)
        {
            await cpu.Eoi(at: L2Start);
            await cpu.Report("behind");
        }

        var rig = new Rig(Kvm(Guest(Main), Guest(EndL2))).UntilReport("behind");
        Assert.That(rig.Reports, Is.EqualTo(new[] { "EOI", "EOI", "EOI", "behind" }));
    }

    [Test]
    public void An_entry_that_fails_its_checks_is_told_to_L1_and_keeps_the_injection()
    {
        // SDM3 26.3.1.4: an external interrupt is injected only into a guest with IF = 1. 27.2.4: only an exit clears the valid bit.
        static async GuestTask Main(Cpu cpu)
        {
            cpu.InjectIntoL2(0x33);
            for (var i = 0; i < 2; i++)
            {
                await cpu.Report((await cpu.VmResume()).Is(ExitKind.EntryFailed) ? "failed" : "entered");
            }
        }

        var rig = new Rig(Kvm(Guest(Main), Guest(Work))).UntilReport("failed", 2);
        Assert.That((rig.Statistics.L2Entries, rig.Count("kvm_nested_vmexit"), rig.Vcpu().Level), Is.EqualTo((0L, 0, (byte)1)));
        Assert.That(rig.Machine.Ref(rig.Board.Vmcs12, 0).EntryInterruptionInformation, Is.EqualTo(0x80000033));
    }

    [Test]
    public void An_NMI_that_comes_with_VMRESUME_does_not_take_the_place_of_what_L1_injects()
    {
        // L1 does not exit on NMIs, so that it is L2's: behind the NMI window that opens when 0x33 has been vectored (vmx_nmi_allowed:
        // nested_run_pending).
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IoRegSel, 0x10 + (2 * Gsi));
            await cpu.MmioWrite(IoWin, 4u << 8);
            await cpu.VmResume();
            cpu.SkipL2Instruction();
            cpu.InjectIntoL2(0x33);
            await cpu.VmResume(at: 0x1234);
        }

        static async GuestTask Open(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.VmCall(1);
        }

        static async GuestTask Nothing(Cpu cpu) => await cpu.Work(1);

        static async GuestTask Handler(Cpu cpu, byte vector) => await cpu.Work(100);

        var l2 = new GuestProgram("l2", Open) { OnInterrupt = Handler, OnNmi = Nothing };
        var rig = new Rig(Kvm(Guest(Main), l2).Raise(0));
        while (rig.Count("kvm_exit: reason VMRESUME rip 0x1234") == 0)
        {
            rig.StepActor("vcpu0");
        }

        rig.Stimulate().UntilHandlers(2);
        Assert.That(rig.Handlers, Is.EqualTo(new[] { (0x33, 2), (2, 2) }));
        Assert.That(rig.Count("kvm_exit: reason NMI_WINDOW"), Is.EqualTo(1));
    }

    [Test]
    public void The_EOI_exit_bitmap_is_loaded_when_L1_is_back_not_while_L2_runs()
    {
        static async GuestTask Main(Cpu cpu)
        {
            if (cpu.Id == 0)
            {
                await cpu.VmResume();
                await cpu.Report("back");
                return;
            }

            await cpu.Work(100_000);
            await cpu.MmioWrite(IoRegSel, 0x10 + (2 * Gsi));
            await cpu.MmioWrite(IoWin, 0x8000 | 0x77);
            await cpu.Report("written");
        }

        var rig = new Rig((Kvm(Guest(Main), Guest(Work)) with { Vcpus = 2 }).Fire(1_000_000)).Run(900_000);
        Assert.That((rig.Reports, rig.Kvm().ExitmapStale), Is.EqualTo((new[] { "written" }, (byte)1)));
        Assert.That(rig.Machine.Ref(rig.Board.Vmcs01, 0).EoiExitBitmap.Contains(0x77), Is.False);
        rig.UntilReport("back");
        Assert.That(rig.Machine.Ref(rig.Board.Vmcs01, 0).EoiExitBitmap.Contains(0x77));
    }

    [Test]
    public void After_a_nested_exit_L1s_handlers_run_if_its_IF_is_set_and_the_interrupt_was_not_acknowledged()
    {
        static async GuestTask Main(Cpu cpu)
        {
            cpu.AcknowledgeInterruptOnExit(false);
            await cpu.Sti();
            await cpu.VmResume();
            await cpu.Report("behind");
        }

        static async GuestTask Taken(Cpu cpu, byte vector) => await cpu.Report("taken");

        var rig = new Rig(Kvm(Guest(Main, Taken), Guest(Work)).Fire(50_000)).UntilReport("behind");
        Assert.That((rig.Reports, rig.Handlers), Is.EqualTo((new[] { "taken", "behind" }, new[] { ((int)EdgeVector, 1) })));
    }

    private static async GuestTask Work(Cpu cpu)
    {
        while (true)
        {
            await cpu.Work(1_000_000, at: L2Start);
        }
    }

    private static async GuestTask WaitThenRun(Cpu cpu)
    {
        await cpu.Work(100_000);
        await cpu.VmResume();
    }

    private static string WithoutRip(string line) => string.Join(' ', Words(line));

    private static IEnumerable<string> Words(string line)
    {
        var words = line.Split(' ');
        return words.Where((word, i) => word != "rip" && (i == 0 || words[i - 1] != "rip"));
    }
}
