using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// Inhibiting APICv and AVIC: who follows when, under which locks, and what the SynIC has to do with it (thread of 26 May 2021).
/// </summary>
[TestFixture]
internal sealed class KvmInhibitTests
{
    private const uint Sint2 = 0x40000092;
    private const ulong AutoEoi = 1 << 17;

    [Test]
    public void A_vCPU_in_the_guest_is_kicked_out_and_delivers_by_software_until_the_reason_goes()
    {
        var config = Avic(Guest(Spin)) with { Timeline = [Inhibit(50_000), Fires(150_000), Lift(250_000), Fires(350_000)] };
        var rig = new Rig(config).UntilHandlers(2);
        Assert.That(rig.Lines, Does.Contain("kvm_apicv_update_request: deactivate bit=6"));
        Assert.That(rig.Lines, Does.Contain("kvm_apicv_update_request: activate bit=6"));
        Assert.That(rig.Count("kvm_inj_virq"), Is.EqualTo(1), "the second one is the hardware's again");
    }

    [Test]
    public void A_reason_that_the_processor_does_not_look_at_changes_nothing()
    {
        var reason = new StimulusConfig(50_000, StimulusAction.Inhibit, 0) { Value = (ulong)ApicvInhibits.IrqWindow };
        var rig = new Rig(Kvm(Guest(Spin)) with { Timeline = [reason] }).Run(200_000);
        Assert.That(rig.Machine.Ref(rig.Board.KvmVm).Inhibits, Is.EqualTo(ApicvInhibits.None));
        Assert.That(rig.Count("kvm_apicv_update_request"), Is.Zero);
    }

    [Test]
    public void A_request_that_waits_when_APICv_goes_is_not_forgotten()
    {
        // bca66dbcd28a: IF = 0 holds the vector in IRR; nothing but the switch makes KVM look at it.
        static async GuestTask Late(Cpu cpu)
        {
            await cpu.Work(300_000);
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        var rig = new Rig(Avic(Guest(Late)) with { Timeline = [Fires(50_000), Inhibit(150_000)] }).UntilHandlers();
        Assert.That(rig.Vectors.Single(), Is.EqualTo((int)EdgeVector));
        Assert.That(rig.Count("kvm_exit: reason EXIT_VINTR"), Is.EqualTo(1), "the window is V_IRQ, which counts again");
    }

    [Test]
    public void The_write_of_an_AutoEOI_SINT_under_SRCU_waits_for_itself()
    {
        var rig = new Rig(WithSint(InhibitCall.Directly)).Run(1_000_000);
        var violation = rig.Machine.Ref(rig.Board.Check).Violation;
        Assert.That((violation.Property, (KernelLock)violation.Detail), Is.EqualTo((SafetyProperty.Lock, KernelLock.Srcu)));
        Assert.That(
            KernelLockWords.Describe(rig.Board, rig.Machine, violation),
            Is.EqualTo("vcpu0 waits in synchronize_srcu for the SRCU read lock that vcpu0 holds since its MSR exit: it can never go on"));
    }

    [TestCase(InhibitCall.SrcuDropped)]
    [TestCase(InhibitCall.ByRequest)]
    [TestCase(InhibitCall.ByWork)]
    public void Without_SRCU_it_goes_through(InhibitCall call)
    {
        var rig = new Rig(WithSint(call)).Run(1_000_000);
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Exists, Is.False);
        Assert.That(rig.Machine.Ref(rig.Board.KvmVm).Inhibits, Is.EqualTo(ApicvInhibits.HyperV));
        Assert.That((rig.Kvm().ApicvActive, rig.Reports.Single()), Is.EqualTo(((byte)0, "written")));
        Assert.That(rig.Machine.Ref(rig.Board.KvmVm).ApicPageMapped, Is.EqualTo(call == InhibitCall.ByWork ? 1 : 0),
            "a work item has another address space and leaves the memory map alone");
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_lock_of_its_own_needs_nobody_to_leave_SRCU(bool second)
    {
        // The second vCPU is a reader of SRCU, or in the guest, all the time.
        static async GuestTask Main(Cpu cpu)
        {
            if (cpu.Id == 0)
                await cpu.WriteMsr(Sint2, 0x60 | AutoEoi);
            while (true)
                await cpu.Work(1000);
        }

        var config = Avic(Guest(Main)) with
        {
            Hyperv = new HypervConfig(true, false, false),
            Vcpus = second ? 2 : 1,
            Kvm = new KvmPolicies(),
        };
        var rig = new Rig(config).Run(1_000_000);
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Exists, Is.False);
        Assert.That(Enumerable.Range(0, config.Vcpus).Select(vcpu => rig.Kvm(vcpu).ApicvActive), Is.All.Zero);
    }

    [Test]
    public void The_second_AutoEOI_SINT_changes_nothing_and_the_last_one_that_goes_lifts_it()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteMsr(Sint2, 0x60 | AutoEoi);
            await cpu.WriteMsr(Sint2 + 1, 0x61 | AutoEoi);
            await cpu.WriteMsr(Sint2, 0x60);
            await cpu.Report("one left");
            await cpu.WriteMsr(Sint2 + 1, 0x61);
            await cpu.Report("none left");
        }

        var config = Avic(Guest(Main)) with { Hyperv = new HypervConfig(true, false, false), Kvm = new KvmPolicies() };
        var rig = new Rig(config).UntilReport("one left");
        Assert.That(rig.Machine.Ref(rig.Board.KvmVm).Inhibits, Is.EqualTo(ApicvInhibits.HyperV));
        rig.UntilReport("none left");
        Assert.That(rig.Machine.Ref(rig.Board.KvmVm).Inhibits, Is.EqualTo(ApicvInhibits.None));
        Assert.That(rig.Of(TraceEventKind.KvmApicvInhibitChanged).Select(e => e.B), Is.EqualTo(new ulong[] { 1, 0 }));
    }

    [TestCase(false, -1)]
    [TestCase(true, 0x60)]
    public void An_AutoEOI_vector_is_in_service_only_if_the_hardware_delivers_it(bool avic, int inService)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteMsr(Sint2, 0x60 | AutoEoi);
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        static async GuestTask Taken(Cpu cpu, byte vector) => await cpu.Report("taken");

        var config = Avic(Guest(Main, Taken)) with
        {
            Apicv = avic,
            Hyperv = new HypervConfig(true, false, false),
            Devices = [Line, new DeviceConfig("vmbus", DeviceKind.SynIc) { Sint = 2 }],
            Kvm = new KvmPolicies { SynIcInhibit = SynIcInhibit.Never },
            Timeline = [Fires(50_000)],
        };
        var rig = new Rig(config).UntilReport("taken");
        Assert.That(rig.Apic().Isr.Highest, Is.EqualTo(inService));
        Assert.That(rig.Lines, Does.Contain("kvm_hv_synic_set_irq: vcpu_id 0 sint 2 vector 96 ret 1"));
    }

    [Test]
    public void An_EOI_that_the_assist_page_spares_is_performed_at_the_next_exit()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteMsr(0x40000073, 0x1001);
            await cpu.Sti();
            await cpu.Work(200_000);
            await cpu.Report("omitted");
            await cpu.In8(0x80);
            await cpu.Report("exited");
        }

        static async GuestTask End(Cpu cpu, byte vector)
        {
            if (!await cpu.AssistEoi())
                await cpu.WriteMsr(0x40000070, 0);
        }

        var config = Avic(Guest(Main, End)) with
        {
            Apicv = false,
            Hyperv = new HypervConfig(false, false, true),
            Timeline = [Fires(50_000)],
        };
        var rig = new Rig(config).UntilReport("omitted");
        Assert.That((rig.Apic().Isr.Highest, rig.Count("kvm_eoi")), Is.EqualTo(((int)EdgeVector, 0)));
        rig.UntilReport("exited");
        Assert.That((rig.Apic().Isr.Highest, rig.Count("kvm_pv_eoi: apicid 0 vector 96")), Is.EqualTo((-1, 1)));
    }

    private static StimulusConfig Inhibit(long at) => new(at, StimulusAction.Inhibit, 0) { Value = (ulong)ApicvInhibits.BlockIrq };

    private static StimulusConfig Lift(long at) => new(at, StimulusAction.Lift, 0) { Value = (ulong)ApicvInhibits.BlockIrq };

    private static StimulusConfig Fires(long at) => new(at, StimulusAction.Fire, 1);

    private static MachineConfig WithSint(InhibitCall call)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteMsr(Sint2, 0x60 | AutoEoi);
            await cpu.Report("written");
        }

        return Avic(Guest(Main)) with
        {
            Hyperv = new HypervConfig(true, false, false),
            Kvm = new KvmPolicies { Inhibit = KvmPolicies.InhibitByMemslot, InhibitCall = call },
        };
    }

    private static MachineConfig Avic(GuestProgram l1) =>
        Kvm(l1) with { Vendor = CpuVendor.Amd, Apicv = true, ImmediateExit = new SelfIpi(0) };
}
