using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Time;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// The host's tick: an exit of a running guest by the local timer's vector, a delay of everything else, and no progress of the guest's.
/// </summary>
[TestFixture]
internal sealed class HostTickTests
{
    private const long Period = 2_400_000;

    [TestCase(CpuVendor.Intel, "EXTERNAL_INTERRUPT", "800000ec")]
    [TestCase(CpuVendor.Amd, "EXIT_INTR", "0")]
    public void Every_tick_of_a_running_guest_is_an_exit(CpuVendor vendor, string reason, string information)
    {
        var rig = new Rig(Ticking() with { Vendor = vendor, Apicv = vendor == CpuVendor.Intel, ImmediateExit = new SelfIpi(0) })
            .Run(10 * Period + 5_000);
        var exits = rig.With("kvm_exit");
        Assert.That(exits.Select(e => Rig.Text(e).Split(" rip")[0]).Distinct(), Is.EqualTo(new[] { $"kvm_exit: reason {reason}" }));
        Assert.That(exits.Select(Rig.Text), Has.All.EndsWith($"info 0 {information}"));
        Assert.That(
            exits.Select(e => e.Cycle),
            Is.EqualTo(Enumerable.Range(1, 10).Select(n => (n * Period) + Rig.Cost(TimingCost.VmExit) + Rig.Cost(TimingCost.ExitHandler))));
    }

    [Test]
    public void It_is_from_outside_and_makes_a_guest_that_has_finished_retire_nothing()
    {
        static async GuestTask Main(Cpu cpu) => await cpu.Work(100);

        var rig = new Rig(Kvm(Guest(Main)) with { HostTickHz = 1000 }).Run(20 * Period);
        Assert.That((rig.Actor("host-tick0").IsOutside, rig.Actor("vcpu0").IsOutside, rig.Statistics.L1Retired),
            Is.EqualTo((true, false, 100L)));
        Assert.That(rig.Count("kvm_exit"), Is.GreaterThan(15));
    }

    [Test]
    public void Work_that_it_cuts_is_not_done_twice()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.Work(10_000_000);
            await cpu.Report("done");
        }

        var rig = new Rig(Kvm(Guest(Main)) with { HostTickHz = 1000 }).UntilReport("done");
        Assert.That(rig.Statistics.L1Retired, Is.EqualTo(10_000_001));
        Assert.That(rig.Count("kvm_exit"), Is.EqualTo(4));
    }

    [Test]
    public void It_delays_a_vCPU_outside_the_guest_by_the_cost_of_the_hosts_handler()
    {
        var rig = new Rig(Ticking()).Walk(At.RequestCheck);
        var ready = rig.Vcpu().ReadyAt;
        rig.StepActor("host-tick0");
        Assert.That((rig.Vcpu().ReadyAt - ready, rig.Vcpu().HostInterrupts),
            Is.EqualTo((Rig.Cost(TimingCost.HostInterrupt), HostInterrupts.None)));
    }

    [Test]
    public void It_does_not_wake_a_sleeping_vCPU()
    {
        var rig = new Rig(Kvm(Guest(Idle)) with { HostTickHz = 1000 }).Run(10 * Period);
        Assert.That((rig.Vcpu().ReadyAt.IsNever, rig.Count("kvm_exit")), Is.EqualTo((true, 1)));
    }

    [TestCase(At.ModePublished)]
    [TestCase(At.ExitArmed)]
    public void With_interrupts_off_on_the_way_into_the_guest_it_is_pending_at_the_entry(At label)
    {
        var rig = new Rig(Ticking()).Walk(label).StepActor("host-tick0").UntilLine("kvm_exit: reason EXTERNAL_INTERRUPT");
        Assert.That(rig.Statistics.L1Retired, Is.Zero);
    }

    [Test]
    public void There_is_none_unless_it_is_asked_for() =>
        Assert.That(new Rig(Kvm(Guest(Spin))).Board.Actors.Select(a => a.Name), Has.None.StartsWith("host-tick"));

    private static MachineConfig Ticking() => Kvm(Guest(Spin)) with { HostTickHz = 1000 };
}
