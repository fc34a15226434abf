using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>AVIC in the processor and in KVM (APM2 15.29): what is accelerated, what exits, and how.</summary>
[TestFixture]
internal sealed class AvicTests
{
    private const uint IcrLow = Apic + 0x300, IcrHigh = Apic + 0x310;

    [Test]
    public void A_running_guest_takes_an_edge_interrupt_and_ends_it_without_an_exit()
    {
        static async GuestTask Once(Cpu cpu, byte vector)
        {
            await cpu.Eoi();
            await cpu.Report("ended");
        }

        var rig = new Rig(Avic(Guest(Spin, Once)).Fire(50_000)).UntilReport("ended");
        Assert.That((rig.Vectors.Single(), rig.Count("kvm_exit"), rig.Count("kvm_eoi")), Is.EqualTo(((int)EdgeVector, 0, 0)));
        Assert.That(rig.Lines, Does.Contain("kvm_avic_doorbell: vcpuid=0, apicid=0"));
    }

    [Test]
    public void The_EOI_of_a_level_interrupt_traps_with_its_vector_and_software_ends_it()
    {
        var rig = new Rig(Avic(Guest(Spin, Serve)).Raise(50_000)).UntilLine("kvm_eoi");
        Assert.That(rig.Lines, Does.Contain("kvm_avic_unaccelerated_access: vcpu=0, offset=0xb0(APIC_EOI), trap, write, vec=0x50"));
        Assert.That(rig.Lines, Does.Contain("kvm_eoi: apicid 0 vector 80"));
        var exit = rig.Of(TraceEventKind.KvmExit).Last();
        Assert.That((exit.A & 0xffff, exit.C, exit.D), Is.EqualTo((0x402UL, 0x1_0000_00b0UL, 0x50UL)));
        Assert.That(rig.Apic().Isr.Highest, Is.LessThan(0));
    }

    [Test]
    public void V_IRQ_is_ignored_so_that_a_window_never_opens()
    {
        // The window of L1 is armed behind KVM's back; only the intercept of a V_IRQ that counts would exit.
        var rig = new Rig(Avic(Guest(Spin))).WalkIntoGuest();
        rig.Board.Processor.SetInterruptWindow(rig.Machine, 0, true);
        rig.Run(rig.Machine.Now + 5_000_000);
        Assert.That(rig.Count("kvm_exit"), Is.Zero);
        rig.Board.Processor.SetVirtualInterruptDelivery(rig.Machine, 0, false);
        rig.Run(rig.Machine.Now + 5_000_000);
        Assert.That(rig.With("kvm_exit").Select(e => e.A & 0xffff), Is.EqualTo(new[] { 0x64UL }));
    }

    [Test]
    public void A_vector_that_arrives_with_IF_0_waits_in_the_backing_page_for_STI()
    {
        static async GuestTask Late(Cpu cpu)
        {
            await cpu.Work(200_000);
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        var rig = new Rig(Avic(Guest(Late)).Fire(50_000)).Run(150_000);
        Assert.That((rig.Apic().Irr.Highest, rig.Vectors.Count), Is.EqualTo(((int)EdgeVector, 0)));
        rig.UntilHandlers();
        Assert.That((rig.Vectors.Single(), rig.Count("kvm_exit")), Is.EqualTo(((int)EdgeVector, 0)));
    }

    [Test]
    public void A_lowered_TPR_delivers_without_an_exit()
    {
        static async GuestTask Raised(Cpu cpu)
        {
            await cpu.WriteCr8(6);
            await cpu.Sti();
            await cpu.Work(200_000);
            await cpu.Report("held");
            await cpu.WriteCr8(5);
            await cpu.Work(100_000);
        }

        var rig = new Rig(Avic(Guest(Raised)).Fire(50_000)).UntilReport("held");
        Assert.That(rig.Vectors, Is.Empty);
        rig.UntilHandlers();
        Assert.That((rig.Vectors.Single(), rig.Count("kvm_exit")), Is.EqualTo(((int)EdgeVector, 0)));
    }

    [TestCase(0x41u, false)]
    [TestCase(0x41u | (3u << 18), false)]
    [TestCase(0x41u | (2u << 18), true)]
    public void A_fixed_edge_IPI_to_running_targets_needs_no_exit_anywhere(uint icr, bool self)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            if (cpu.Id == 0)
            {
                await cpu.Work(50_000);
                await cpu.MmioWrite(IcrHigh, 1u << 24);
                await cpu.MmioWrite(IcrLow, (uint)cpu.Parameter("icr"));
            }

            await cpu.Work(10_000_000);
        }

        var rig = new Rig(Avic(With(Main, End, ("icr", icr))) with { Vcpus = 2 }).Run(1_000_000);
        Assert.That(rig.Of(TraceEventKind.GuestInterrupt).Select(e => (int)e.Vcpu).Order(), Is.EqualTo(self ? [0, 1] : new[] { 1 }));
        Assert.That((rig.Count("kvm_exit"), rig.Count("kvm_apic")), Is.EqualTo((0, 0)));
    }

    [Test]
    public void An_IPI_to_a_sleeping_target_exits_on_the_sender_with_the_request_in_the_page_already()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Sti();
            if (cpu.Id == 1)
                await cpu.Hlt();
            await cpu.Work(100_000);
            if (cpu.Id == 0)
            {
                await cpu.MmioWrite(IcrHigh, 1u << 24);
                await cpu.MmioWrite(IcrLow, 0x41);
            }

            await cpu.Work(10_000_000);
        }

        var rig = new Rig(Avic(Guest(Main)) with { Vcpus = 2 }).UntilLine("kvm_exit: reason EXIT_ERR");
        Assert.That((rig.Apic(1).Irr.Contains(0x41), rig.Vectors.Count), Is.EqualTo((true, 0)));
        rig.UntilHandlers();
        Assert.That(rig.Lines, Does.Contain("kvm_avic_incomplete_ipi: vcpu=0, icrh:icrl=0x01000000:00000041, id=1, index=1"));
        Assert.That(rig.Of(TraceEventKind.GuestInterrupt).Single().Vcpu, Is.EqualTo(1));
        Assert.That(rig.Count("kvm_apic_ipi"), Is.Zero);
    }

    [TestCase(0x4400u, 0, 0, TestName = "An IPI that is an NMI exits with ID 0 and software sends it")]
    [TestCase(0xfu, 4, 0, TestName = "An IPI with a vector below 16 exits with ID 4 and goes nowhere")]
    [TestCase(0x41u, 2, 9, TestName = "An IPI to an APIC ID without an entry exits with ID 2")]
    public void Incomplete(uint icr, int id, int destination)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(IcrHigh, (uint)cpu.Parameter("destination") << 24);
            await cpu.MmioWrite(IcrLow, (uint)cpu.Parameter("icr"));
            await cpu.Report("sent");
        }

        static async GuestTask Nmi(Cpu cpu) => await cpu.Report("nmi");

        var parameters = With(Main, End, ("icr", icr), ("destination", destination)).Parameters;
        var guest = new GuestProgram("guest", Main) { OnInterrupt = End, OnNmi = Nmi, Parameters = parameters };
        var rig = new Rig(Avic(guest)).UntilReport("sent");
        var ipi = rig.Of(TraceEventKind.KvmAvicIncompleteIpi).Single();
        Assert.That((ipi.B, (uint)ipi.A), Is.EqualTo(((ulong)id, icr)));
        Assert.That(rig.Reports.Contains("nmi"), Is.EqualTo(id == 0));
    }

    [TestCase(0x390, "fault, read", TestName = "A read of the current count faults and is emulated")]
    [TestCase(0x20, null, TestName = "A read of the ID is the backing page's")]
    [TestCase(0xa0, null, TestName = "A read of PPR is the backing page's")]
    public void Reads(int offset, string? exit)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioRead(Apic + (uint)cpu.Parameter("offset"));
            await cpu.Report("read");
        }

        var rig = new Rig(Avic(With(Main, End, ("offset", offset)))).UntilReport("read");
        var lines = rig.Lines.Where(line => line.StartsWith("kvm_avic_una", StringComparison.Ordinal));
        Assert.That(lines, exit is null ? Is.Empty : Has.Exactly(1).Contains(exit));
    }

    [TestCase(0x350, 0x10000u, "trap, write", TestName = "A write to an LVT traps after the store")]
    [TestCase(0xf0, 0x1ffu, "trap, write", TestName = "A write to SVR traps after the store")]
    [TestCase(0xa0, 0u, "fault, write", TestName = "A write to PPR faults")]
    [TestCase(0x310, 0u, null, TestName = "A write to ICR high does not exit")]
    public void Writes(int offset, uint value, string? exit)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + (uint)cpu.Parameter("offset"), (uint)cpu.Parameter("value"));
            await cpu.Report("written");
        }

        var rig = new Rig(Avic(With(Main, End, ("offset", offset), ("value", value)))).UntilReport("written");
        var lines = rig.Lines.Where(line => line.StartsWith("kvm_avic_una", StringComparison.Ordinal));
        Assert.That(lines, exit is null ? Is.Empty : Has.Exactly(1).Contains(exit));
    }

    [Test]
    public void A_machine_with_a_nested_guest_has_no_AVIC()
    {
        // svm.c of 5.6 to 5.17: a guest that can run guests inhibits it for good.
        var rig = new Rig(Avic(Guest(RunL2), Guest(Spin)));
        Assert.That(rig.Board.Processor.HasVirtualInterruptDelivery(rig.Machine, 0), Is.False);
    }

    private static MachineConfig Avic(GuestProgram l1, GuestProgram? l2 = null) =>
        Kvm(l1, l2) with { Vendor = CpuVendor.Amd, Apicv = true, ImmediateExit = new SelfIpi(0) };
}
