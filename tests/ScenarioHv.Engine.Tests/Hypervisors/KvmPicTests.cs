using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>The 8259A through LINT0 as ExtINT: its vector comes at injection and passes IRR and ISR by.</summary>
[TestFixture]
internal sealed class KvmPicTests
{
    private const int Irq4Vector = 0x34;

    [TestCase(CpuVendor.Amd, true)]
    [TestCase(CpuVendor.Amd, false)]
    [TestCase(CpuVendor.Intel, true)]
    [TestCase(CpuVendor.Intel, false)]
    public void An_ISA_interrupt_is_injected_and_leaves_no_trace_in_the_local_APIC(CpuVendor vendor, bool apicv)
    {
        static async GuestTask Taken(Cpu cpu, byte vector) => await cpu.Report("taken");

        var rig = new Rig(WithPic(Guest(Spin, Taken)) with { Vendor = vendor, Apicv = apicv }).UntilReport("taken");
        Assert.That(rig.Vectors.Single(), Is.EqualTo(Irq4Vector));
        Assert.That((rig.Apic().Irr.Highest, rig.Apic().Isr.Highest), Is.EqualTo((-1, -1)));
        Assert.That(rig.Lines, Does.Contain("kvm_pic_set_irq: chip 0 pin 4 (edge)"));
    }

    [Test]
    public void With_IF_0_it_waits_for_the_window_and_AVIC_is_off_until_then()
    {
        var rig = new Rig(WithPic(Guest(Late)) with { Vendor = CpuVendor.Amd }).Run(150_000);
        Assert.That((rig.Kvm().ApicvActive, rig.Vectors.Count), Is.EqualTo(((byte)0, 0)));
        rig.UntilHandlers();
        Assert.That(rig.Vectors.Single(), Is.EqualTo(Irq4Vector));
        rig.Run(rig.Machine.Now + 50_000);
        Assert.That(rig.Kvm().ApicvActive, Is.EqualTo(1));
    }

    [Test]
    public void A_window_that_AVIC_ignores_never_opens()
    {
        var config = WithPic(Guest(Late)) with { Vendor = CpuVendor.Amd, Kvm = new KvmPolicies { AvicWindow = AvicWindow.Ignore } };
        Assert.That(new Rig(config).Run(5_000_000).Vectors, Is.Empty);
    }

    [TestCase(AvicWindow.Inhibit, 1)]
    [TestCase(AvicWindow.InhibitCounted, 0)]
    public void The_first_window_that_opens_ends_the_wait_of_the_others_unless_they_are_counted(AvicWindow policy, int active)
    {
        static async GuestTask Main(Cpu cpu)
        {
            if (cpu.Id == 1)
                await cpu.MmioWrite(Apic + 0x350, 0x700);
            await cpu.Work(cpu.Id == 1 ? 200_000 : 2_000_000);
            await cpu.Sti();
            await cpu.Work(100_000);
        }

        var config = WithPic(Guest(Main, Taken)) with { Vendor = CpuVendor.Amd, Vcpus = 2, Kvm = new KvmPolicies { AvicWindow = policy } };
        var rig = new Rig(config).UntilHandlers();
        rig.Run(rig.Machine.Now + 50_000);
        Assert.That(rig.Of(TraceEventKind.GuestInterrupt).Single().Vcpu, Is.EqualTo(1));
        Assert.That((rig.Kvm(0).ApicvActive, rig.Kvm(0).AvicIrqWindow), Is.EqualTo(((byte)active, (byte)1)), "vCPU 0 still waits");
    }

    [Test]
    public void A_counted_window_is_lifted_only_if_nobody_waits_when_the_reason_changes()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x350, cpu.Id == 1 ? 0x700u : 0x1_0700u);
            await cpu.Work(200_000);
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        var policies = new KvmPolicies { AvicWindow = AvicWindow.InhibitCounted, Inhibit = KvmPolicies.InhibitByMemslot };
        var rig = new Rig(WithPic(Guest(Main, Taken)) with { Vendor = CpuVendor.Amd, Vcpus = 2, Kvm = policies });
        rig.Until(() => rig.Kvm(1).AvicIrqWindow == 1).Until(() => rig.Kvm(1).AvicIrqWindow == 0);

        // vCPU 1 has stopped waiting and has not lifted the reason yet: another begins to wait.
        rig.Kvm(0).AvicIrqWindow = 1;
        rig.Run(rig.Machine.Now + 20_000);
        Assert.That(rig.Machine.Ref(rig.Board.KvmVm).Inhibits & ApicvInhibits.IrqWindow, Is.EqualTo(ApicvInhibits.IrqWindow));
    }

    [Test]
    public void A_window_that_nothing_waits_for_any_more_stays_asked_for_until_it_opens()
    {
        static async GuestTask Main(Cpu cpu)
        {
            if (cpu.Id == 1)
            {
                await cpu.MmioWrite(Apic + 0x350, 0x700);
                await cpu.Work(400_000);
                await cpu.MmioWrite(Apic + 0x350, 0x700);               // KVM looks for events, and finds none
            }

            await cpu.Work(cpu.Id == 1 ? 1_000_000 : 200_000);
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        var policies = new KvmPolicies { AvicWindow = AvicWindow.InhibitCounted };
        var rig = new Rig(WithPic(Guest(Main, Taken)) with { Vendor = CpuVendor.Amd, Vcpus = 2, Kvm = policies }).Run(700_000);
        Assert.That(rig.Of(TraceEventKind.GuestInterrupt).Single().Vcpu, Is.Zero, "vCPU 0 has had its window and its interrupt");
        Assert.That((rig.Kvm(1).ApicvActive, rig.Kvm(1).AvicIrqWindow), Is.EqualTo(((byte)0, (byte)1)));
        rig.Run(2_000_000);
        Assert.That((rig.Kvm(1).ApicvActive, rig.Kvm(1).AvicIrqWindow), Is.EqualTo(((byte)1, (byte)0)));
    }

    [Test]
    public void A_masked_LVT0_holds_it_back()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x350, 0x1_0700);
            await cpu.Sti();
            await cpu.Work(1_000_000);
        }

        Assert.That(new Rig(WithPic(Guest(Main))).Run(500_000).Vectors, Is.Empty);
    }

    [Test]
    public void The_EOI_command_at_port_20h_is_the_kernels()
    {
        static async GuestTask End(Cpu cpu, byte vector)
        {
            await cpu.Out8(0x20, 0x20);
            await cpu.Report("ended");
        }

        var rig = new Rig(WithPic(Guest(Spin, End))).UntilReport("ended");
        Assert.That(rig.Count("kvm_userspace_exit"), Is.Zero);
        Assert.That(rig.Lines, Does.Contain("kvm_ack_irq: irqchip PIC master pin 4"));
    }

    private static async GuestTask Late(Cpu cpu)
    {
        await cpu.Work(300_000);
        await cpu.Sti();
        while (true)
            await cpu.Work(100_000);
    }

    private static async GuestTask Taken(Cpu cpu, byte vector) => await cpu.Work(100);

    private static MachineConfig WithPic(GuestProgram l1) => Kvm(l1) with
    {
        Irqchip = IrqchipKind.Kernel,
        VirtualWire = true,
        ImmediateExit = new SelfIpi(0),
        Devices = [new DeviceConfig("serial", DeviceKind.Isa) { Gsi = 4 }],
        Timeline = [new StimulusConfig(50_000, StimulusAction.Fire, 0)],
    };
}
