using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>When a guest gets its next NMI, by how KVM knows that the handler of the last one is over.</summary>
[TestFixture]
internal sealed class KvmNmiTrackingTests
{
    private const uint IcrLow = Apic + 0x300, Self = 1u << 18, NmiMode = 4u << 8;
    private const ulong NmiWord = 0x8000_0202;

    private static IEnumerable<NmiTracking> Sound => [NmiTracking.VirtualNmi, NmiTracking.IretIntercept, NmiTracking.HardwareVnmi];

    [TestCaseSource(nameof(Sound))]
    public void The_next_NMI_comes_behind_the_IRET_and_before_the_instruction_that_was_interrupted(NmiTracking tracking)
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
            await cpu.Sti();
            await cpu.Work(1_000);
            await cpu.Report("end");
        }

        var rig = new Rig(Machine(tracking, Main, Nmi)).UntilReport("main");
        Assert.That(rig.Reports, Is.EqualTo(new[] { "nmi", "end", "nmi", "end", "main" }), "also with interrupts on in the handler");
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Exists, Is.False);
    }

    [TestCase(NmiTracking.IrqWindow)]
    [TestCase(NmiTracking.IrqWindowTimeout)]
    public void The_software_flag_takes_the_first_interrupt_window_for_the_end_of_the_handler(NmiTracking tracking)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Work(1_000);
            await cpu.Sti();
            await cpu.Report("covered by STI");
            await cpu.Report("main");
        }

        static async GuestTask Nmi(Cpu cpu)
        {
            if (await new Shared<ulong>(0).Exchange(cpu, 1) == 0)
                await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Report("end");
        }

        var rig = new Rig(Machine(tracking, Main, Nmi)).UntilReport("main");
        Assert.That(rig.Reports, Is.EqualTo(new[] { "end", "covered by STI", "end", "main" }));
        Assert.That(rig.Count("kvm_exit: reason PENDING_INTERRUPT"), Is.EqualTo(1));
    }

    [Test]
    public void The_software_flag_is_cleared_by_any_exit_of_an_open_guest_so_that_no_window_is_needed()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Work(1_000);
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Report("main");
        }

        var rig = new Rig(Machine(NmiTracking.IrqWindow, Main, Nothing)).UntilReport("main");
        Assert.That((rig.Vectors.Count, rig.Count("kvm_exit: reason PENDING_INTERRUPT")), Is.EqualTo((2, 0)));
    }

    [Test]
    public void Without_tracking_an_NMI_nests_and_the_property_says_so()
    {
        static async GuestTask Main(Cpu cpu) => await cpu.MmioWrite(IcrLow, Self | NmiMode);

        static async GuestTask Nmi(Cpu cpu)
        {
            if (await new Shared<ulong>(0).Exchange(cpu, 1) == 0)
                await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Report("end");
        }

        var rig = new Rig(Machine(NmiTracking.Untracked, Main, Nmi)).UntilReport("end");
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Property, Is.EqualTo(SafetyProperty.Nmi));
        Assert.That(rig.Vectors.Count, Is.EqualTo(2));
    }

    [Test]
    public void Without_injection_an_NMI_waits_for_ever_and_interrupts_go_on()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.MmioWrite(IcrLow, Self | EdgeVector);
            await cpu.Work(1_000);
            await cpu.Report("main");
        }

        var rig = new Rig(Machine(NmiTracking.NoInjection, Main, Nothing)).UntilReport("main");
        Assert.That((rig.Vectors.Single(), rig.Kvm().NmiPending), Is.EqualTo(((int)EdgeVector, (byte)1)));
    }

    [TestCase(NmiTracking.VirtualNmi, "kvm_exit: reason NMI_WINDOW", 1)]
    [TestCase(NmiTracking.IretIntercept, "kvm_exit: reason EXIT_ERR", 1)]
    [TestCase(NmiTracking.IrqWindow, "kvm_exit: reason PENDING_INTERRUPT", 0)]
    public void An_NMI_in_the_shadow_of_MOV_SS_comes_behind_the_next_instruction(NmiTracking tracking, string exit, int exits)
    {
        // The store to ICR is emulated, and behind it comes the first entry with the NMI: the load of SS has no shadow by then. So the
        // timeline sends it, while MOV SS takes its 50 cycles.
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.MovSs();
            await cpu.Work(1);
            await cpu.Report("behind");
            await cpu.Work(100_000);
            await cpu.Report("main");
        }

        var machine = Machine(tracking, Main, Nothing);
        var start = new Rig(machine).UntilEvent(e => e.Kind == TraceEventKind.KvmEntry).Machine.Now
            + Rig.Cost(Time.TimingCost.LoopPoint) + Rig.Cost(Time.TimingCost.VmEntry);
        var at = start + 100_020 - Rig.Cost(Time.TimingCost.HostIpi);
        var rig = new Rig(machine with { Timeline = [new StimulusConfig(at, StimulusAction.Nmi, 0)] }).UntilReport("main");

        Assert.That(rig.Vectors, Is.EqualTo(tracking == NmiTracking.IrqWindow ? Array.Empty<int>() : [2]),
            "without virtual NMIs the window is that of interrupts, which are off");
        Assert.That(rig.Count(exit), Is.EqualTo(exits));
        if (rig.Vectors.Count > 0)
        {
            var entries = rig.Of(TraceEventKind.KvmEntry).ToList();
            Assert.That(entries.Single(e => e.B == NmiWord).A - entries[1].A, Is.EqualTo(0x10), "the instruction on the next line");
        }
    }

    // The IRET of the interrupt's handler ends the blocking of NMIs (SDM3 6.7.1), so that the second NMI then comes inside the first.
    [TestCase(EventChoice.OnRequest, new[] { "nmi", "interrupt", "nmi", "end", "end" })]
    [TestCase(EventChoice.NmiHoldsInterrupts, new[] { "nmi", "end", "nmi", "end", "interrupt" })]
    public void An_NMI_that_waits_holds_back_interrupts_or_not(EventChoice choice, string[] order)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IcrLow, Self | NmiMode);
            await cpu.Sti();
            await cpu.Work(1_000);
            await cpu.Report("main");
        }

        static async GuestTask Nmi(Cpu cpu)
        {
            await cpu.Report("nmi");
            if (await new Shared<ulong>(0).Exchange(cpu, 1) == 0)
            {
                await cpu.MmioWrite(IcrLow, Self | NmiMode);
                await cpu.MmioWrite(IcrLow, Self | EdgeVector);
                await cpu.Sti();
                await cpu.Work(1_000);
                await cpu.Cli();
            }

            await cpu.Report("end");
        }

        static async GuestTask Interrupt(Cpu cpu, byte vector)
        {
            await cpu.Report("interrupt");
            await cpu.Eoi();
        }

        var machine = Machine(NmiTracking.VirtualNmi, Main, Nmi, Interrupt);
        var rig = new Rig(machine with { Kvm = machine.Kvm with { EventChoice = choice } }).UntilReport("main");
        Assert.That(rig.Reports.Where(report => report != "main"), Is.EqualTo(order));
    }

    [TestCase(EventChoice.EveryEntry)]
    [TestCase(EventChoice.EveryEntryNmiFirst)]
    public void Before_every_entry_an_NMI_goes_before_a_new_interrupt(EventChoice choice)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.Work(1_000_000);
            await cpu.Report("main");
        }

        var machine = Machine(NmiTracking.IrqWindowTimeout, Main, Nothing) with
        {
            Timeline = [new StimulusConfig(100_000, StimulusAction.Nmi, 0), new StimulusConfig(100_000, StimulusAction.Fire, 1)],
        };
        var rig = new Rig(machine with { Kvm = machine.Kvm with { EventChoice = choice } }).UntilReport("main");
        Assert.That(rig.Vectors, Is.EqualTo(new[] { 2, (int)EdgeVector }));
        Assert.That(rig.Count("kvm_exit: reason PENDING_INTERRUPT"), Is.EqualTo(1), "the interrupt has asked for its window");
    }

    [Test]
    public void Two_NMIs_at_once_are_one_injection_and_one_V_NMI()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(1_000_000);
            await cpu.Report("main");
        }

        var at = new StimulusConfig(100_000, StimulusAction.Nmi, 0);
        var rig = new Rig(Machine(NmiTracking.HardwareVnmi, Main, Nothing) with { Timeline = [at, at] }).UntilReport("main");
        Assert.That(rig.Vectors, Is.EqualTo(new[] { 2, 2 }));
        Assert.That(rig.Of(TraceEventKind.KvmEntry).Count(e => e.B == NmiWord), Is.EqualTo(1));
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Exists, Is.False);
    }

    private static MachineConfig Machine(NmiTracking tracking, Func<Cpu, GuestTask> main, Func<Cpu, GuestTask> nmi,
        Func<Cpu, byte, GuestTask>? interrupt = null)
    {
        var isAmd = tracking is NmiTracking.IretIntercept or NmiTracking.HardwareVnmi;
        var guest = new GuestProgram("guest", main) { OnInterrupt = interrupt ?? End, OnNmi = nmi, SharedWords = 1 };
        return Kvm(guest) with
        {
            Apicv = false,
            Vendor = isAmd ? CpuVendor.Amd : CpuVendor.Intel,
            VirtualNmis = tracking == NmiTracking.VirtualNmi,
            Vnmi = tracking == NmiTracking.HardwareVnmi,
            ImmediateExit = isAmd ? new SelfIpi(0) : new ZeroTimer(),
            Kvm = new KvmPolicies { NmiTracking = tracking },
        };
    }

    private static async GuestTask Nothing(Cpu cpu) => await cpu.Work(1);
}
