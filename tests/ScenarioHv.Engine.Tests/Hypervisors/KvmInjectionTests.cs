using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// Delivery of L1's interrupts: by VM-entry injection without APICv, by the hardware with it (vmx.c, lapic.c; SDM3 26.6, 29.1, 29.2).
/// </summary>
[TestFixture]
internal sealed class KvmInjectionTests
{
    [Test]
    public void The_injection_is_traced_before_the_entry_that_carries_it()
    {
        var rig = new Rig(Kvm(Guest(Spin)).WithoutApicv().Fire(50_000)).UntilHandlers();
        Assert.That(rig.Lines.Skip(1), Is.EqualTo(new[]
        {
            "kvm_msi_set_irq: dst 0 vec 96 (Fixed|physical|edge)", "kvm_apic_accept_irq: apicid 0 vec 96 (Fixed|edge)",
            rig.Lines[3], "kvm_inj_virq: irq 96", "kvm_entry: vcpu 0",
        }));
        Assert.That(rig.Of(TraceEventKind.KvmEntry).Last().B, Is.EqualTo(0x80000060));
    }

    [Test]
    public void IRR_becomes_ISR_when_the_injection_is_written_not_when_it_is_delivered()
    {
        var rig = new Rig(Kvm(Guest(Spin)).WithoutApicv().Fire(50_000)).UntilLine("kvm_inj_virq");
        Assert.That((rig.Apic().Irr.Contains(EdgeVector), rig.Apic().Isr.Contains(EdgeVector), rig.Handlers.Count),
            Is.EqualTo((false, true, 0)));
    }

    [Test]
    public void IF_0_asks_for_the_interrupt_window_and_STI_opens_it_behind_its_shadow()
    {
        // STI at 100h, one instruction in its shadow at 101h; the window opens at 200h.
        static async GuestTask Late(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.Sti(at: 0x100);
            await cpu.Cli(at: 0x101);
            await cpu.Sti(at: 0x102);
            await cpu.MovSs(at: 0x103);
            await cpu.Work(10, at: 0x200);
            await cpu.Work(1_000_000, at: 0x300);
        }

        var rig = new Rig(Kvm(Guest(Late)).WithoutApicv().Fire(50_000)).UntilHandlers();
        Assert.That(rig.With("kvm_exit: reason PENDING_INTERRUPT").Select(e => e.B), Is.EqualTo(new[] { 0x201UL }),
            "the shadow of MOV SS covers one more");
        Assert.That(rig.Lines.TakeLast(3).Select(l => l.Split(" rip")[0]), Is.EqualTo(new[]
        {
            "kvm_exit: reason PENDING_INTERRUPT", "kvm_inj_virq: irq 96", "kvm_entry: vcpu 0",
        }));
    }

    [Test]
    public void The_window_opens_after_one_instruction_of_work_behind_STI()
    {
        static async GuestTask Late(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.Sti();
            await cpu.Work(1_000_000, at: 0x5000);
        }

        var rig = new Rig(Kvm(Guest(Late)).WithoutApicv().Fire(50_000)).UntilHandlers();
        Assert.That(rig.With("kvm_exit: reason PENDING_INTERRUPT").Single().B, Is.EqualTo(0x5001));
    }

    [Test]
    public void With_APICv_the_interrupt_behind_STI_comes_after_one_instruction_of_work()
    {
        static async GuestTask Late(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        var rig = new Rig(Kvm(Guest(Late)).Fire(50_000)).UntilHandlers();
        Assert.That((rig.Statistics.L1Retired, rig.Count("kvm_exit")), Is.EqualTo((100_000L + 1 + 1, 0)));
    }

    [Test]
    public void STI_right_before_the_IRET_of_a_handler_covers_the_IRET_only()
    {
        // 0x60 arrives in the handler of 0x50, whose last instruction before IRET is STI: it is taken at the interrupted instruction, not
        // behind it.
        static async GuestTask EndWithSti(Cpu cpu, byte vector)
        {
            await cpu.Work(10_000);
            await cpu.Eoi();
            await cpu.Sti();
        }

        static async GuestTask Wait(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.Work(1_000_000, at: 0x7000);
        }

        var config = Kvm(Guest(Wait, EndWithSti)) with { Devices = [Msi with { Vector = 0x50 }, Msi with { Vector = 0x58 }] };
        var rig = new Rig(config.Fire(50_000, 0).Fire(51_000, 1)).UntilHandlers(1);
        var interrupted = rig.Statistics.L1Retired;
        rig.UntilHandlers(2);
        Assert.That(rig.Statistics.L1Retired - interrupted, Is.EqualTo(10_000 + 3), "the handler's work, EOI, STI and IRET");
    }

    [TestCase(true, 0)]
    [TestCase(false, 2)]
    public void An_edge_interrupt_costs_no_exit_with_APICv_and_without_it_the_kick_and_the_EOI(bool apicv, int exits)
    {
        static async GuestTask Once(Cpu cpu, byte vector)
        {
            await cpu.Eoi();
            await cpu.Report("ended");
        }

        var rig = new Rig((Kvm(Guest(Spin, Once)) with { Apicv = apicv }).Fire(50_000)).UntilReport("ended");
        Assert.That(rig.Of(TraceEventKind.KvmExit).Count(), Is.EqualTo(exits));
        Assert.That(rig.Apic().Isr.Contains(EdgeVector), Is.False);
    }

    [Test]
    public void The_edge_EOI_without_APICv_is_an_APIC_access_that_is_not_decoded()
    {
        static async GuestTask EndAt(Cpu cpu, byte vector)
        {
            await cpu.Eoi(at: 0x900);
            await cpu.Report("ended");
        }

        var rig = new Rig(Kvm(Guest(Spin, EndAt)).WithoutApicv().Fire(50_000)).UntilReport("ended");
        Assert.That(rig.Lines.SkipWhile(l => !l.Contains("APIC_ACCESS", StringComparison.Ordinal)), Is.EqualTo(new[]
        {
            "kvm_exit: reason APIC_ACCESS rip 0x900 info 10b0 0", "kvm_apic: apic_write APIC_EOI = 0x0", "kvm_eoi: apicid 0 vector 96",
            "kvm_entry: vcpu 0",
        }));
    }

    [Test]
    public void With_APICv_a_level_EOI_exits_behind_the_store_with_the_vector()
    {
        static async GuestTask ServeAt(Cpu cpu, byte vector)
        {
            await cpu.Out32(Acknowledge, 1);
            await cpu.Eoi(at: 0x900);
            await cpu.Report("ended");
        }

        var rig = new Rig(Kvm(Guest(Spin, ServeAt)).Raise(50_000)).UntilReport("ended");
        Assert.That(rig.Lines.SkipWhile(l => !l.Contains("EOI_INDUCED", StringComparison.Ordinal)), Is.EqualTo(new[]
        {
            "kvm_exit: reason EOI_INDUCED rip 0x907 info 50 0", "kvm_eoi: apicid 0 vector 80",
            "kvm_userspace_exit: reason KVM_EXIT_IOAPIC_EOI (26)",
            "kvm_entry: vcpu 0",
        }));
    }

    [TestCase((byte)0x50, true)]
    [TestCase((byte)0x51, false)]
    [TestCase((byte)0x60, false)]
    public void Only_vectors_of_level_entries_that_address_the_vCPU_have_their_EOI_forwarded(byte vector, bool handled)
    {
        var rig = new Rig(Kvm(Guest(Spin)) with { Devices = [Line, Line with { Gsi = 11, Vector = 0x51, Destination = 3 }, Msi] });
        Assert.That(rig.Machine.Ref(rig.Board.Vmcs01, 0).EoiExitBitmap.Contains(vector), Is.EqualTo(handled));
        Assert.That(Requests.IsHandled(ref rig.Kvm(), vector), Is.EqualTo(handled));
    }

    [Test]
    public void A_posted_notification_makes_a_running_L1_take_the_interrupt_without_an_exit()
    {
        var rig = new Rig(Kvm(Guest(Spin)).Fire(50_000)).UntilHandlers();
        Assert.That(rig.Machine.Now - rig.With("kvm_apic_accept_irq")[0].Cycle, Is.EqualTo(Rig.Cost(Time.TimingCost.HostIpi)));
        Assert.That((rig.Count("kvm_exit"), rig.Apic().Isr.Contains(EdgeVector)), Is.EqualTo((0, true)));
    }

    [Test]
    public void With_APICv_the_higher_vector_nests_into_a_handler_that_has_opened_IF_and_the_lower_waits_for_EOI()
    {
        static async GuestTask Open(Cpu cpu, byte vector)
        {
            await cpu.Sti();
            await cpu.Work(20_000);
            await cpu.Eoi();
        }

        var config = Kvm(Guest(Spin, Open)) with
        {
            Devices = [Msi with { Vector = 0x61 }, Msi with { Vector = 0x55 },
            Msi with { Vector = 0x62 }, Msi with { Vector = 0x71 }]
        };
        var rig = new Rig(config.Fire(50_000, 0).Fire(52_000, 1).Fire(52_000, 2).Fire(54_000, 3)).UntilHandlers(4);
        Assert.That(rig.Vectors, Is.EqualTo(new[] { 0x61, 0x71, 0x62, 0x55 }), "0x62 is of the class that is in service");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void CR8_holds_an_interrupt_of_its_class_and_its_lowering_releases_it(bool apicv)
    {
        static async GuestTask Raise(Cpu cpu)
        {
            await cpu.WriteCr8(6);
            await cpu.Sti();
            await cpu.Work(100_000);
            await cpu.Report("held");
            await cpu.WriteCr8(5);
            await cpu.Work(100_000);
        }

        var rig = new Rig((Kvm(Guest(Raise)) with { Apicv = apicv }).Fire(50_000)).UntilReport("held");
        Assert.That((rig.Handlers.Count, rig.Apic().Irr.Contains(EdgeVector)), Is.EqualTo((0, true)));
        rig.UntilHandlers();
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)EdgeVector }));
        Assert.That((rig.Count("kvm_exit: reason CR_ACCESS"), rig.Count("kvm_apic:")), Is.EqualTo((apicv ? 0 : 2, 0)),
            "MOV CR8 is no access to the page");
    }

    [TestCase(5, 0x50)]
    [TestCase(7, 0x70)]
    public void CR8_reads_back_and_shows_in_TPR(byte value, int tpr)
    {
        static async GuestTask Show(Cpu cpu)
        {
            await cpu.WriteCr8((byte)cpu.Parameter("value"));
            await cpu.Report(await cpu.ReadCr8() == cpu.Parameter("value") ? "same" : "other");
        }

        var guest = With(Show, End, ("value", value));
        Assert.That(new Rig(Kvm(guest).WithoutApicv()).UntilReport("same").Apic().Tpr, Is.EqualTo(tpr));
    }

    [Test]
    public void A_notification_and_the_hosts_tick_at_one_boundary_are_taken_in_the_order_of_their_vectors()
    {
        // f2 is acknowledged before ec: the notification is processed, and the exit is the tick's.
        var config = Kvm(Guest(Spin)) with { HostTickHz = 1000 };
        var tick = config.TscHz / 1000;
        var rig = new Rig(config.Fire(tick - Rig.Cost(Time.TimingCost.HostIpi) - Rig.Cost(Time.TimingCost.Message))).UntilLine("kvm_exit");
        Assert.That(rig.With("kvm_exit").Select(Rig.Text), Has.All.EndsWith("800000ec"));
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)EdgeVector }));
    }

    [TestCase(0x380, "kvm_apic: apic_write APIC_TMICT = 0x10")]
    [TestCase(0x320, "kvm_apic: apic_write APIC_LVTT = 0x10")]
    public void With_APICv_a_store_that_has_an_effect_exits_behind_itself(int offset, string line)
    {
        static async GuestTask Store(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + (uint)cpu.Parameter("offset"), 0x10, at: 0x40);
            await cpu.Report("stored");
        }

        var guest = With(Store, End, ("offset", offset));
        var rig = new Rig(Kvm(guest)).UntilReport("stored");
        Assert.That(rig.Lines.Take(4),
            Is.EqualTo(new[] { "kvm_entry: vcpu 0", $"kvm_exit: reason APIC_WRITE rip 0x47 info {offset:x} 0", line,
                "kvm_entry: vcpu 0" }));
    }

    [Test]
    public void Without_APICv_a_store_is_decoded_so_that_kvm_mmio_comes_before_kvm_apic_and_for_a_load_behind_it()
    {
        static async GuestTask Access(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x80, 0x20, at: 0x40);
            await cpu.MmioRead(Apic + 0x80, at: 0x50);
            await cpu.Report("done");
        }

        var rig = new Rig(Kvm(Guest(Access)).WithoutApicv()).UntilReport("done");
        Assert.That(rig.Lines.Where(l => !l.StartsWith("kvm_entry", StringComparison.Ordinal)), Is.EqualTo(new[]
        {
            "kvm_exit: reason APIC_ACCESS rip 0x40 info 1080 0", "kvm_mmio: mmio write len 4 gpa 0xfee00080 val 0x20",
            "kvm_apic: apic_write APIC_TASKPRI = 0x20",
            "kvm_exit: reason APIC_ACCESS rip 0x50 info 80 0", "kvm_apic: apic_read APIC_TASKPRI = 0x20",
            "kvm_mmio: mmio read len 4 gpa 0xfee00080 val 0x20",
        }));
    }
}
