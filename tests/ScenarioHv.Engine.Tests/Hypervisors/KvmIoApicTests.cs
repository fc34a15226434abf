using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// The I/O APIC in the kernel and in userspace: trace order, EOI, delay and what a guest's writes to its window do (ioapic.c; QEMU
/// hw/intc/ioapic.c).
/// </summary>
[TestFixture]
internal sealed class KvmIoApicTests
{
    private const int RteLow = 0x10 + (2 * Gsi);
    private const uint LevelEntry = 0x8000 | LevelVector, Masked = 1u << 16;
    private const long TenMilliseconds = 24_000_000;

    [Test]
    public void In_the_kernel_the_accept_line_comes_between_the_GSIs_and_the_pins_line() => Assert.That(
        Arrival(IrqchipKind.Kernel),
        Is.EqualTo(new[]
        {
            "kvm_set_irq: gsi 10 level 1 source 0", "kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|level)",
            "kvm_ioapic_set_irq: pin 10 dst 0 vec 80 (Fixed|physical|level)",
        }));

    [Test]
    public void With_a_split_irqchip_the_GSI_is_routed_to_a_message_whose_accept_line_has_lost_the_trigger_mode() => Assert.That(
        Arrival(IrqchipKind.Split),
        Is.EqualTo(new[]
        {
            "kvm_set_irq: gsi 10 level 1 source 0", "kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)",
            "kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)",
        }));

    [Test]
    public void In_the_kernel_a_falling_line_is_traced_and_accepted_by_nobody()
    {
        var rig = new Rig((Kvm(Guest(SpinClosed)) with { Irqchip = IrqchipKind.Kernel }).Raise(50_000).Lower(60_000)).Run(70_000);
        Assert.That(rig.Lines.TakeLast(2), Is.EqualTo(new[]
        {
            "kvm_set_irq: gsi 10 level 0 source 0", "kvm_ioapic_set_irq: pin 10 dst 0 vec 80 (Fixed|physical|level)",
        }));
    }

    [Test]
    public void With_a_split_irqchip_a_falling_level_line_is_no_business_of_the_kernel()
    {
        var rig = new Rig(Kvm(Guest(SpinClosed)).Raise(50_000).Lower(60_000)).Run(70_000);
        Assert.That(rig.Count("kvm_set_irq"), Is.EqualTo(1));
    }

    [TestCase(IrqchipKind.Kernel)]
    [TestCase(IrqchipKind.Split)]
    public void Remote_IRR_protects_against_a_second_send(IrqchipKind irqchip)
    {
        var rig = new Rig((Kvm(Guest(SpinClosed)) with { Irqchip = irqchip }).Raise(50_000).Lower(60_000).Raise(70_000)).Run(80_000);
        Assert.That((rig.Count("kvm_apic_accept_irq"), rig.Entry(Gsi).RemoteIrr), Is.EqualTo((1, true)));
    }

    [TestCase(IrqchipKind.Kernel, true)]
    [TestCase(IrqchipKind.Kernel, false)]
    [TestCase(IrqchipKind.Split, true)]
    [TestCase(IrqchipKind.Split, false)]
    public void A_line_still_high_at_EOI_is_sent_again_inside_the_EOI_before_the_guests_next_instruction(IrqchipKind irqchip, bool apicv)
    {
        static async GuestTask EndOnly(Cpu cpu, byte vector)
        {
            await cpu.Eoi(at: 0x900);
            await cpu.Report("behind the EOI");
        }

        var rig = new Rig((Kvm(Guest(Spin, EndOnly)) with { Irqchip = irqchip, Apicv = apicv }).Raise(50_000))
            .UntilReport("behind the EOI");
        Assert.That((rig.Count("kvm_apic_accept_irq"), rig.Statistics.Resent), Is.EqualTo((2, 1L)));
        Assert.That(rig.Lines.SkipWhile(l => !l.StartsWith("kvm_eoi", StringComparison.Ordinal)), Is.EqualTo(irqchip == IrqchipKind.Kernel
            ? ["kvm_eoi: apicid 0 vector 80", "kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|level)", "kvm_entry: vcpu 0"]
            : (string[])
            [
                "kvm_eoi: apicid 0 vector 80", "kvm_userspace_exit: reason KVM_EXIT_IOAPIC_EOI (26)",
                "kvm_set_irq: gsi 10 level 1 source 0",
                "kvm_msi_set_irq: dst 0 vec 80 (Fixed|physical|level)", "kvm_apic_accept_irq: apicid 0 vec 80 (Fixed|edge)",
                "kvm_entry: vcpu 0",
            ]));
    }

    [TestCase(IrqchipKind.Kernel)]
    [TestCase(IrqchipKind.Split)]
    public void A_line_that_was_lowered_before_the_EOI_is_not_sent_again(IrqchipKind irqchip)
    {
        var rig = new Rig((Kvm(Guest(Spin, Serve)) with { Irqchip = irqchip }).Raise(50_000)).Run(1_000_000);
        Assert.That((rig.Handlers.Count, rig.Count("kvm_eoi"), rig.Entry(Gsi).RemoteIrr, rig.Statistics.Resent),
            Is.EqualTo((1, 1, false, 0L)));
    }

    [TestCase(IrqchipKind.Kernel)]
    [TestCase(IrqchipKind.Split)]
    public void A_line_that_is_lowered_after_the_EOI_fires_once_more(IrqchipKind irqchip)
    {
        static async GuestTask EndThenServe(Cpu cpu, byte vector)
        {
            await cpu.Eoi();
            await cpu.Out32(Acknowledge, 1);
        }

        var rig = new Rig((Kvm(Guest(Spin, EndThenServe)) with { Irqchip = irqchip }).Raise(50_000)).Run(1_000_000);
        Assert.That((rig.Handlers.Count, rig.Count("kvm_eoi")), Is.EqualTo((2, 2)));
    }

    [TestCase(IrqchipKind.Kernel)]
    [TestCase(IrqchipKind.Split)]
    public void A_delayed_EOI_sends_10_ms_later_and_not_before(IrqchipKind irqchip)
    {
        IIoApicEoiPolicy policy = irqchip == IrqchipKind.Kernel
            ? new KvmDelayAfter(3, TenMilliseconds)
            : new QemuDelayAfter(3, TenMilliseconds);
        var rig = new Rig((Kvm(Guest(Spin)) with { Irqchip = irqchip, IoApicEoi = policy }).Raise(50_000));
        rig.Until(() => rig.Statistics.Delayed == 1);
        var decided = rig.Events.Last(e => e.Kind == TraceEventKind.PolicyDecided);
        rig.Events.Clear();
        rig.Run(decided.Cycle + Rig.Cost(Time.TimingCost.LoopPoint) + TenMilliseconds - 1);
        Assert.That((rig.Count("kvm_apic_accept_irq"), rig.Entry(Gsi).RemoteIrr), Is.EqualTo((0, false)));
        rig.UntilLine("kvm_apic_accept_irq");
        Assert.That(rig.Machine.Now,
            Is.EqualTo(decided.Cycle + Rig.Cost(Time.TimingCost.LoopPoint) + TenMilliseconds + Rig.Cost(Time.TimingCost.Message)));
    }

    [Test]
    public void In_the_kernel_the_delay_is_traced_with_the_entry_in_place_of_the_accept()
    {
        var config = Kvm(Guest(Spin)) with { Irqchip = IrqchipKind.Kernel, IoApicEoi = new KvmDelayAfter(2, TenMilliseconds) };
        var rig = new Rig(config.Raise(50_000)).UntilLine("kvm_ioapic_delayed_eoi_inj");
        Assert.That(rig.Lines.TakeLast(2),
            Is.EqualTo(new[] { "kvm_eoi: apicid 0 vector 80", "kvm_ioapic_delayed_eoi_inj: dst 0 vec 80 (Fixed|physical|level)" }));
    }

    [Test]
    public void A_delay_that_finds_the_line_low_sends_nothing()
    {
        var config = Kvm(Guest(Spin)) with { IoApicEoi = new QemuDelayAfter(1, TenMilliseconds) };
        var rig = new Rig(config.Raise(50_000).Lower(1_000_000)).Run(2 * TenMilliseconds);
        Assert.That((rig.Handlers.Count, rig.Statistics.Delayed), Is.EqualTo((1, 1L)));
    }

    [TestCase(IrqchipKind.Kernel)]
    [TestCase(IrqchipKind.Split)]
    public void Unmasking_an_entry_whose_line_is_high_sends_its_interrupt(IrqchipKind irqchip)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IoRegSel, RteLow);
            await cpu.MmioWrite(IoWin, LevelEntry | Masked);
            await cpu.Sti();
            await cpu.Work(100_000);
            await cpu.Report("masked");
            await cpu.MmioWrite(IoWin, LevelEntry);
            await cpu.Report("unmasked");
            await cpu.Work(100_000);
        }

        static async GuestTask Taken(Cpu cpu, byte vector) => await cpu.Report("taken");

        var rig = new Rig((Kvm(Guest(Main, Taken)) with { Irqchip = irqchip }).Raise(60_000)).UntilReport("unmasked");
        Assert.That(rig.Reports, Is.EqualTo(new[] { "masked", "taken", "unmasked" }));
        Assert.That(rig.Count("kvm_ioapic_set_irq"), Is.EqualTo(irqchip == IrqchipKind.Kernel ? 1 : 0), "of the line, not of the write");
    }

    [Test]
    public void With_a_split_irqchip_the_window_is_userspaces()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IoRegSel, 1, at: 0x40);
            await cpu.Report(await cpu.MmioRead(IoWin, at: 0x50) == 0x170020 ? "version 20h, 24 pins" : "other");
        }

        var rig = new Rig(Kvm(Guest(Main))).UntilReport("version 20h, 24 pins");
        Assert.That(rig.Lines.Where(l => !l.StartsWith("kvm_entry", StringComparison.Ordinal)), Is.EqualTo(new[]
        {
            "kvm_exit: reason EPT_MISCONFIG rip 0x40 info 0 0", "kvm_mmio: mmio write len 4 gpa 0xfec00000 val 0x1",
            "kvm_userspace_exit: reason KVM_EXIT_MMIO (6)",
            "kvm_exit: reason EPT_MISCONFIG rip 0x50 info 0 0", "kvm_mmio: mmio unsatisfied-read len 4 gpa 0xfec00010 val 0x0",
            "kvm_userspace_exit: reason KVM_EXIT_MMIO (6)", "kvm_mmio: mmio read len 4 gpa 0xfec00010 val 0x170020",
        }));
    }

    [Test]
    public void In_the_kernel_the_window_is_accessed_without_userspace()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IoRegSel, 1);
            await cpu.Report(await cpu.MmioRead(IoWin) == 0x170011 ? "version 11h, 24 pins" : "other");
        }

        Assert.That(new Rig(Kvm(Guest(Main)) with { Irqchip = IrqchipKind.Kernel }).UntilReport("version 11h, 24 pins")
            .Count("kvm_userspace_exit"), Is.Zero);
    }

    [Test]
    public void A_new_vector_in_an_entry_is_forwarded_from_the_next_entry_on_and_the_old_one_no_longer()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IoRegSel, RteLow);
            await cpu.MmioWrite(IoWin, 0x8000 | 0x77);
            await cpu.Report("written");
        }

        var rig = new Rig(Kvm(Guest(Main))).UntilReport("written");
        var bitmap = rig.Machine.Ref(rig.Board.Vmcs01, 0).EoiExitBitmap;
        Assert.That((bitmap.Contains(0x77), bitmap.Contains(LevelVector)), Is.EqualTo((true, false)));
    }

    [Test]
    public void A_vector_in_service_stays_forwarded_when_its_entry_is_masked_so_that_remote_IRR_is_cleared()
    {
        static async GuestTask MaskAndEnd(Cpu cpu, byte vector)
        {
            await cpu.MmioWrite(IoRegSel, RteLow);
            await cpu.MmioWrite(IoWin, LevelEntry | Masked);
            await cpu.Eoi();
            await cpu.Report("ended");
        }

        var rig = new Rig(Kvm(Guest(Spin, MaskAndEnd)).Raise(50_000)).UntilReport("ended");
        Assert.That((rig.Count("kvm_exit: reason EOI_INDUCED"), rig.Entry(Gsi).RemoteIrr, rig.Entry(Gsi).IsMasked),
            Is.EqualTo((1, false, true)));
    }

    [Test]
    public void A_masked_level_entry_is_forwarded_also_while_nothing_of_it_is_pending()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IoRegSel, RteLow);
            await cpu.MmioWrite(IoWin, LevelEntry | Masked);
            await cpu.Report("masked");
        }

        var rig = new Rig(Kvm(Guest(Main))).UntilReport("masked");
        Assert.That(Requests.IsHandled(ref rig.Kvm(), LevelVector));
    }

    [TestCase(0x00u, 2)]
    [TestCase(0x10u, 0)]
    public void Only_a_write_of_the_entry_itself_starts_QEMUs_count_anew(uint offset, int count)
    {
        // Two EOIs find the line high; then IOREGSEL (offset 0) or the entry of the pin (IOWIN) is written.
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IoRegSel, RteLow);
            await cpu.Sti();
            await cpu.Work(1_000);
            await cpu.Cli();
            await cpu.MmioWrite(0xfec00000 + (uint)cpu.Parameter("offset"), cpu.Parameter("offset") == 0 ? 0 : LevelEntry);
            await cpu.Report("written");
        }

        static async GuestTask Twice(Cpu cpu, byte vector)
        {
            if (await new Shared<ulong>(0).Exchange(cpu, 1) == 1)
                await cpu.WriteCr8(15);
            await cpu.Eoi();
        }

        var guest = With(Main, Twice, ("offset", offset));
        var rig = new Rig((Kvm(guest) with { IoApicEoi = new QemuDelayAfter(100, TenMilliseconds) }).Raise(1)).UntilReport("written");
        Assert.That(rig.Machine.Ref(rig.Board.IoApicEoiMemory, Gsi).Count, Is.EqualTo(count));
    }

    [Test]
    public void The_EOI_exit_comes_before_a_new_scan_can_forget_the_vector()
    {
        // Both requests are pending: the entry has got another vector, the EOI is still of the old one.
        var rig = new Rig(Kvm(Guest(Spin)).Raise(50_000)).UntilLine("kvm_eoi");
        rig.Machine.Ref(rig.Board.IoApicPins, Gsi).Entry = new(0x8000 | 0x77);
        rig.Kvm().Requests |= KvmRequests.ScanIoApic;
        rig.Walk(At.UserspaceExit);
        Assert.That(rig.Count("kvm_userspace_exit: reason KVM_EXIT_IOAPIC_EOI"), Is.EqualTo(1));
    }

    [Test]
    public void The_EOI_register_of_version_20h_ends_what_a_local_APIC_would_have_broadcast()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(100_000);
            await cpu.MmioWrite(0xfec00040, LevelVector);
            await cpu.Report("ended");
        }

        var rig = new Rig(Kvm(Guest(Main)).Raise(50_000)).UntilReport("ended");
        Assert.That((rig.Count("kvm_apic_accept_irq"), rig.Statistics.Resent), Is.EqualTo((2, 1L)), "the line is still high");
    }

    [Test]
    public void Two_devices_on_one_GSI_hold_its_line_until_both_have_let_go()
    {
        static async GuestTask ServeFirst(Cpu cpu, byte vector)
        {
            await cpu.Out32(Acknowledge, 1);
            await cpu.Eoi();
            await cpu.Report("first");
            await cpu.Out32(Acknowledge + 0x100, 1);
        }

        var config = Kvm(Guest(Spin, ServeFirst)) with { Devices = [Line, Line with { IoBase = Port + 0x100 }] };
        var rig = new Rig(config.Raise(50_000).Raise(50_000, 1)).UntilReport("first");
        Assert.That((rig.Count("kvm_set_irq: gsi 10 level 1"), rig.Statistics.Resent), Is.EqualTo((2, 1L)), "the second time by the EOI");
    }

    private static IEnumerable<string> Arrival(IrqchipKind irqchip)
    {
        var rig = new Rig((Kvm(Guest(SpinClosed)) with { Irqchip = irqchip }).Raise(50_000)).Run(60_000);
        return rig.Lines.Where(l => l != "kvm_entry: vcpu 0");
    }
}
