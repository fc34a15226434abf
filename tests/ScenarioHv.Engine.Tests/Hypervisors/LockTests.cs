using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Time;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// Who waits for whom at the I/O APIC and in the monitor (KVM ioapic.c: ioapic->lock; bhyve vioapic.c: VIOAPIC_LOCK; QEMU: the big lock).
/// The order of the steps is each test's own.
/// </summary>
[TestFixture]
internal sealed class LockTests
{
    [Test]
    public void An_EOI_waits_for_the_IO_APICs_lock_until_remote_IRR_has_been_set()
    {
        // The I/O thread has posted the vector, and is not behind that yet: the guest can take it and end it.
        var rig = Untimed(InKernel(Guest(Spin)).Raise(50_000));
        rig.Outside().IoTo(At.ModeRead).Walk(At.LockAwaited);
        Assert.That((rig.Count("kvm_eoi"), rig.Entry(Gsi).RemoteIrr, Waits(rig, 0)), Is.EqualTo((1, false, KernelLock.IoApic)));

        rig.StepActor("io");
        Assert.That((rig.Entry(Gsi).RemoteIrr, Waits(rig, 0)), Is.EqualTo((true, KernelLock.None)));
        rig.Walk(At.RemoteIrrCleared);
        Assert.That(rig.Entry(Gsi).RemoteIrr, Is.False);
        Assert.That(Broken(rig), Is.EqualTo(SafetyProperty.None));
    }

    [Test]
    public void An_EOI_under_bhyve_waits_for_the_lock_of_its_IO_APIC()
    {
        var config = new MachineConfig
        {
            L1 = Guest(Spin),
            Hypervisor = HypervisorKind.Bhyve,
            Vendor = CpuVendor.Amd,
            Apicv = false,
            Irqchip = IrqchipKind.Kernel,
            Devices = [Line],
            Bhyve = new BhyvePolicies { Injection = SvmInjection.EventInjection },
        };
        var rig = Untimed(config.Raise(50_000));
        rig.Outside().IoTo(At.RequestSet).Walk(At.LockAwaited);
        Assert.That(Waits(rig, 0), Is.EqualTo(KernelLock.IoApic));
        rig.StepActor("io").Walk(At.RemoteIrrCleared);
        Assert.That(rig.Entry(Gsi).RemoteIrr, Is.False);
    }

    [TestCase(IrqchipKind.Kernel, true)]
    [TestCase(IrqchipKind.Split, false)]
    public void A_line_that_falls_in_the_middle_of_an_EOI_waits_in_the_kernel_and_not_in_QEMU_whose_EOI_exit_takes_no_lock(
        IrqchipKind irqchip, bool waits)
    {
        var rig = Untimed((Kvm(Guest(Spin)) with { Irqchip = irqchip }).Raise(50_000).Lower(60_000));
        rig.Outside().IoTo(At.Sleeping).Walk(At.RemoteIrrCleared).Outside().StepActor("io");
        Assert.That(Waits(rig, 1), Is.EqualTo(waits ? KernelLock.IoApic : KernelLock.None));
        rig.Walk(At.LineSampled);
        Assert.That(rig.Statistics.Resent, Is.EqualTo(waits ? 1 : 0), "whether the EOI has seen the line high");
    }

    [TestCase(IrqchipKind.Kernel)]
    [TestCase(IrqchipKind.Split)]
    public void An_access_to_a_device_waits_until_QEMUs_main_loop_has_sent_what_it_sends(IrqchipKind irqchip)
    {
        var rig = Untimed((Kvm(Guest(ReadsPort)) with { Irqchip = irqchip }).Fire(50_000));
        rig.Outside().IoTo(At.MessageSent).Walk(At.LockAwaited);
        Assert.That(Waits(rig, 0), Is.EqualTo(KernelLock.Monitor));
        rig.IoTo(At.Sleeping).Walk(At.KvmRun);
        Assert.That(Waits(rig, 0), Is.EqualTo(KernelLock.None));
    }

    [Test]
    public void A_posted_message_of_an_assigned_device_needs_no_lock_of_the_monitor()
    {
        var device = Msi with { IsPosted = true };
        var rig = Untimed((Kvm(Guest(ReadsPort)) with { Devices = [Line, device] }).Fire(50_000));
        rig.Outside().IoTo(At.MessageSent).Walk(At.DeviceAccessed).Walk(At.KvmRun);
        Assert.That(Held(rig, KernelLock.Monitor), Is.Zero);
    }

    [Test]
    public void Locks_are_handed_on_in_the_order_of_arrival()
    {
        var rig = Untimed((Kvm(Guest(ReadsPort)) with { Vcpus = 3 }).Fire(50_000));
        rig.Outside().IoTo(At.MessageSent).Walk(At.LockAwaited, 2).Walk(At.LockAwaited, 0).Walk(At.LockAwaited, 1);
        rig.IoTo(At.Sleeping);
        Assert.That(Held(rig, KernelLock.Monitor), Is.EqualTo(1 << 2));
        rig.Walk(At.KvmRun, 2);
        Assert.That(Held(rig, KernelLock.Monitor), Is.EqualTo(1 << 0));
        rig.Walk(At.KvmRun, 0);
        Assert.That(Held(rig, KernelLock.Monitor), Is.EqualTo(1 << 1));
    }

    [Test]
    public void A_local_APIC_is_saved_between_two_messages_of_the_main_loop_and_not_during_one()
    {
        var config = Kvm(Guest(Spin)) with
        {
            Timeline =
            [
                new StimulusConfig(10_000, StimulusAction.Pause, 0), new StimulusConfig(20_000, StimulusAction.Save, 0),
                new StimulusConfig(30_000, StimulusAction.Fire, 1),
            ],
        };
        var rig = Untimed(config);
        rig.Outside().StepActor("io").Outside().StepActor("io").Outside().IoTo(At.MessageSent).Walk(At.LockAwaited);
        Assert.That(Waits(rig, 0), Is.EqualTo(KernelLock.Monitor));
        rig.IoTo(At.Sleeping).Walk(At.LapicIoctl);
        Assert.That(Held(rig, KernelLock.Monitor), Is.EqualTo(1));
    }

    [Test]
    public void A_lock_that_is_free_costs_nothing()
    {
        // From the OUT that lowers the line to the next KVM_RUN: what it cost before there were locks.
        static async GuestTask Writes(Cpu cpu) => await cpu.Out32(Acknowledge, 1);

        var rig = new Rig(InKernel(Guest(Writes)));
        rig.Walk(At.DeviceAccessed);
        var from = rig.Vcpu().ReadyAt.Cycle;
        rig.Walk(At.KvmRun);
        Assert.That(rig.Vcpu().ReadyAt.Cycle - from, Is.EqualTo(Rig.Cost(TimingCost.ToKernel)));
    }

    private static async GuestTask ReadsPort(Cpu cpu)
    {
        while (true)
            await cpu.In32(Port);
    }

    private static MachineConfig InKernel(GuestProgram guest) => Kvm(guest) with { Irqchip = IrqchipKind.Kernel };

    private static Rig Untimed(MachineConfig config) =>
        new(config with { Time = new ClassTime(config.TscHz / 1_000_000), Timing = TimingProfile.Untimed });

    private static KernelLock Waits(Rig rig, int thread) => rig.Machine.Ref(rig.Board.Locks, thread).Awaited;

    private static int Held(Rig rig, KernelLock kind)
    {
        var holders = 0;
        for (var i = 0; i < rig.Board.Locks.Count; i++)
            holders |= (rig.Machine.Ref(rig.Board.Locks, i).Held >> (int)kind & 1) << i;
        return holders;
    }

    private static SafetyProperty Broken(Rig rig) => rig.Machine.Ref(rig.Board.Check).Violation.Property;
}
