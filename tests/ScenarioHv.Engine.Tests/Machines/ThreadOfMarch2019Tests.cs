using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Tests.Machines;

/// <summary>
/// "throttle immediate exit through preemtion timer to assist buggy guests", KVM list, 28 March 2019: the trace lines of the letter come
/// out of the machine, in
/// order and without another of the kernel's lines between them.
/// </summary>
[TestFixture]
internal sealed class ThreadOfMarch2019Tests
{
    private const string Excerpt1 =
        """
        kvm_set_irq: gsi 23 level 1 source 0
        kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)
        kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)
        kvm_msi_set_irq: dst 0 vec 96 (Fixed|physical|edge)
        kvm_apic_accept_irq: apicid 0 vec 96 (Fixed|edge)
        kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000060 int_info_err 0
        """;

    private const string Excerpt2 =
        """
        kvm_entry: vcpu 0
        kvm_exit: reason VMRESUME rip 0xfffff80006a40115 info 0 0
        kvm_entry: vcpu 0
        kvm_exit: reason PREEMPTION_TIMER rip 0xfffff8022f3d8350 info 0 0
        kvm_nested_vmexit: rip fffff8022f3d8350 reason PREEMPTION_TIMER info1 0 info2 0 int_info 0 int_info_err 0
        kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000050 int_info_err 0
        """;

    private const string Excerpt3 =
        """
        kvm_exit: reason EOI_INDUCED rip 0xfffff80006a17e1a info 50 0
        kvm_eoi: apicid 0 vector 80
        kvm_userspace_exit: reason KVM_EXIT_IOAPIC_EOI (26)
        kvm_set_irq: gsi 23 level 1 source 0
        kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)
        kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)
        kvm_entry: vcpu 0
        """;

    private const string Excerpt4 =
        """
        kvm_exit: reason VMRESUME rip 0xfffff80006a40115 info 0 0
        kvm_entry: vcpu 0
        kvm_exit: reason PREEMPTION_TIMER rip 0xfffff8022f3d8350 info 0 0
        kvm_nested_vmexit: rip fffff8022f3d8350 reason PREEMPTION_TIMER info1 0 info2 0 int_info 0 int_info_err 0
        kvm_nested_vmexit_inject: reason EXTERNAL_INTERRUPT info1 0 info2 0 int_info 80000050 int_info_err 0
        kvm_entry: vcpu 0
        kvm_exit: reason EOI_INDUCED rip 0xfffff80006a17e1a info 50 0
        kvm_eoi: apicid 0 vector 80
        kvm_userspace_exit: reason KVM_EXIT_IOAPIC_EOI (26)
        kvm_set_irq: gsi 23 level 1 source 0
        kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)
        kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)
        kvm_entry: vcpu 0
        """;

    [Test]
    public void The_two_interrupts_arrive_and_the_edge_one_ends_L2() => Assert.That(IndexOf(Loop(3), Excerpt1), Is.GreaterThanOrEqualTo(0));

    [Test]
    public void L2_is_entered_and_left_at_once() => Assert.That(IndexOf(Loop(3), Excerpt2), Is.EqualTo(IndexOf(Loop(3), Excerpt1) + 6));

    [Test]
    public void The_EOI_brings_the_level_interrupt_back()
    {
        // The letter leaves out the kvm_entry with which L1 goes on after the exit that it is given.
        var lines = Loop(3);
        Assert.That(IndexOf(lines, Excerpt3), Is.EqualTo(IndexOf(lines, Excerpt2) + 7));
    }

    [TestCase(1)]
    [TestCase(20)]
    public void The_loop_is_the_period_of_the_trace(int rounds)
    {
        var lines = Loop(rounds + 1);
        var first = IndexOf(lines, Excerpt3) + 7;
        var period = Excerpt4.ReplaceLineEndings("\n").Split('\n');
        Assert.That(lines.Skip(first).Take(period.Length * rounds), Is.EqualTo(Enumerable.Repeat(period, rounds).SelectMany(p => p)));
    }

    [Test]
    public void Every_round_takes_the_same_number_of_cycles()
    {
        var rig = Run(30, new ZeroTimer());
        var stamps = rig.With("kvm_exit: reason EOI_INDUCED").Select(e => e.Cycle).ToArray();
        Assert.That(stamps.Skip(1).Zip(stamps, (later, earlier) => later - earlier).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public void In_the_loop_L2_retires_nothing_and_stays_where_it_is()
    {
        var rig = Run(1, new ZeroTimer());
        var before = rig.Statistics.L2Retired;
        rig.UntilLine("kvm_exit: reason EOI_INDUCED", 30);
        Assert.That(rig.Statistics.L2Retired, Is.EqualTo(before));
        Assert.That(rig.With("kvm_exit: reason PREEMPTION_TIMER").Select(e => e.B).Distinct(), Is.EqualTo(new[] { 0xfffff8022f3d8350 }));
    }

    [Test]
    public void The_patch_of_the_letter_wastes_101_entries_and_then_lets_L2_run()
    {
        // The first arming at the RIP counts 0, the 102nd counts 101, which is above 100: it has 1000 ticks of 32 cycles, enough for the 20
        // 000 cycles before STI.
        var rig = Run(1, new Throttle(100, 1000));
        rig.UntilEvent(e => e is { Kind: TraceEventKind.PolicyDecided, A: (ulong)PolicyPoint.ImmediateExit, C: > 0 });
        Assert.That((rig.Statistics.L2WastedEntries, rig.Count("kvm_exit: reason PREEMPTION_TIMER")), Is.EqualTo((101L, 101)));
        rig.UntilReport("usb served");
    }

    [Test]
    public void KVMs_own_delay_of_3_18_ends_the_loop_at_the_10000th_EOI()
    {
        var rig = new Rig(Config(new ZeroTimer()) with { Irqchip = IrqchipKind.Kernel, IoApicEoi = new KvmDelayAfter(10_000, 24_000_000) });
        rig.UntilReport("usb served");
        Assert.That((rig.Statistics.Resent, rig.Statistics.Delayed), Is.EqualTo((9_999L, 1L)));
        Assert.That(rig.Count("kvm_ioapic_delayed_eoi_inj"), Is.EqualTo(1));
    }

    [Test]
    public void QEMUs_delay_ends_the_loop_as_well_without_a_line_of_the_kernel()
    {
        var rig = new Rig(Config(new ZeroTimer()) with { IoApicEoi = new QemuDelayAfter(50, 24_000_000) });
        rig.UntilReport("usb served");
        Assert.That((rig.Statistics.Resent, rig.Statistics.Delayed), Is.EqualTo((49L, 1L)));
        Assert.That(rig.Count("kvm_ioapic_delayed_eoi_inj"), Is.Zero);
    }

    [TestCase(0u, false)]
    [TestCase(4u, true)]
    public void A_self_IPI_helps_only_if_it_comes_late(uint after, bool served)
    {
        var rig = Run(1, new SelfIpi(after));
        rig.Run(rig.Machine.Now + 20_000_000);
        Assert.That(rig.Reports.Contains("usb served"), Is.EqualTo(served));
    }

    private static IReadOnlyList<string> Loop(int rounds) => [.. Run(rounds + 1, new ZeroTimer()).Lines];

    private static Rig Run(int rounds, IImmediateExitPolicy immediateExit) =>
        new Rig(Config(immediateExit)).UntilLine("kvm_exit: reason EOI_INDUCED", rounds);

    /// <summary>Both interrupts come while L2's OUT is in userspace.</summary>
    private static MachineConfig Config(IImmediateExitPolicy immediateExit)
    {
        var quiet = new Rig(Machine([]) with { ImmediateExit = immediateExit }).UntilLine("kvm_userspace_exit: reason KVM_EXIT_IO");
        var outside = quiet.Machine.Now + 10;
        return Machine([new StimulusConfig(outside, StimulusAction.Raise, 0), new StimulusConfig(outside, StimulusAction.Fire, 1)]) with
        {
            ImmediateExit = immediateExit,
        };
    }

    private static MachineConfig Machine(IReadOnlyList<StimulusConfig> timeline) => new()
    {
        L1 = new GuestProgram("hyper-v", HyperV.Run) { Variables = typeof(HyperV.Memory) },
        L2 = new GuestProgram("windows", Windows.Run) { OnInterrupt = Windows.OnInterrupt },
        Devices =
        [
            new DeviceConfig("usb", DeviceKind.Piix4Uhci) { Gsi = 23, Vector = 0x50, IoBase = Windows.Uhci },
            new DeviceConfig("clock", DeviceKind.Msi) { Vector = 0x60 },
        ],
        Timeline = timeline,
    };

    private static int IndexOf(IReadOnlyList<string> lines, string excerpt)
    {
        var wanted = excerpt.ReplaceLineEndings("\n").Split('\n');
        return Enumerable.Range(0, lines.Count).FirstOrDefault(i => lines.Skip(i).Take(wanted.Length).SequenceEqual(wanted), -1);
    }

    /// <summary>Hyper-V as the letter shows it: it ends the second interrupt without having done anything about the device.</summary>
    private static class HyperV
    {
        private const ulong EoiStore = 0xfffff80006a17e1a - 7;

        public struct Memory
        {
            public byte InRoot;
            public byte Waiting;
        }

        private static ref Memory State => ref ScriptVariables.Of<Memory>();

        public static async GuestTask Run(Cpu cpu)
        {
            while (true)
            {
                var exit = await cpu.VmResume(at: 0xfffff80006a40115);
                if (exit.Is(ExitKind.ExternalInterrupt, out var vector))
                    await Dispatch(cpu, vector);
                else if (exit.Is(ExitKind.InterruptWindow))
                    Inject(cpu);
                else if (exit.Is(ExitKind.MsrWrite) && exit.Code == 0x40000070)
                    await RootHasEnded(cpu);
            }
        }

        private static async GuestTask Dispatch(Cpu cpu, byte vector)
        {
            if (State.InRoot != 0)
            {
                await cpu.Eoi(at: EoiStore);
                return;
            }

            State.InRoot = vector;
            State.Waiting = 1;
            if (vector != 0x50)
                await cpu.Eoi();
            if (cpu.L2CanTakeInterrupt)
                Inject(cpu);
            else
                cpu.RequestInterruptWindow(true);
        }

        private static void Inject(Cpu cpu)
        {
            if (State.Waiting == 0)
                return;
            State.Waiting = 0;
            cpu.RequestInterruptWindow(false);
            cpu.InjectIntoL2(State.InRoot);
        }

        private static async GuestTask RootHasEnded(Cpu cpu)
        {
            var vector = State.InRoot;
            State.InRoot = 0;
            cpu.SkipL2Instruction();
            if (vector == 0x50)
                await cpu.Eoi();
        }
    }

    /// <summary>Windows in the root partition: it owns the UHCI controller.</summary>
    private static class Windows
    {
        public const ushort Uhci = 0xc0a0;
        private const ulong Interrupted = 0xfffff8022f3d8350;

        public static async GuestTask Run(Cpu cpu)
        {
            while (true)
            {
                await cpu.Work(109_500);
                await cpu.Cli();
                await cpu.Out16(Uhci, 1, at: Interrupted - 2);
                await cpu.Work(20_000, at: Interrupted);
                await cpu.Sti();
                await cpu.Work(1_000);
            }
        }

        public static async GuestTask OnInterrupt(Cpu cpu, byte vector)
        {
            if (vector == 0x50)
            {
                var status = await cpu.In16(Uhci + 2);
                await cpu.Out16(Uhci + 2, status);
                await cpu.Report("usb served");
            }
            else
            {
                await cpu.Work(5_000);
            }

            await cpu.Eoi();
        }
    }
}
