using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Virtualization.Vmx;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// Messages that an IOMMU posts (VT-d 5.2.3), and a vCPU's thread that the host preempts (vmx_vcpu_pi_put, vmx_vcpu_pi_load).
/// </summary>
[TestFixture]
internal sealed class PreemptedVcpuTests
{
    private const long Preempt = 50_000, Fire = 100_000, Schedule = 200_000, End = 1_000_000;

    private static readonly Plan<PostedLoadStep> LeaveOn = new("leave-on", PostedLoadStep.ClearSn);

    private static readonly Plan<PostedLoadStep> LookFirst =
        new("look-first", PostedLoadStep.SetOnIfPosted, PostedLoadStep.ClearSn);

    [Test]
    public void The_IOMMU_posts_to_a_running_guest_without_an_exit_and_without_KVM()
    {
        var rig = new Rig(Machine(Spin, preempted: false)).UntilHandlers();
        Assert.That((rig.Vectors[0], rig.Count("kvm_exit"), rig.Count("kvm_apic_accept_irq")), Is.EqualTo(((int)EdgeVector, 0, 0)));
    }

    [Test]
    public void A_second_message_for_the_same_vector_merges_in_PIR()
    {
        var rig = new Rig(Machine(Spin).Fire(Fire + 10_000)).Run(End);
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)EdgeVector }));
    }

    [Test]
    public void The_IOMMU_wakes_a_vCPU_that_sleeps()
    {
        var rig = new Rig(Machine(Idle, preempted: false)).UntilHandlers();
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)EdgeVector }));
    }

    [Test]
    public void A_preempted_thread_leaves_the_guest_and_runs_no_further_until_it_has_a_CPU()
    {
        var rig = new Rig(Machine(Spin)).Run(Schedule - 1);
        Assert.That((rig.Label(), rig.Count("kvm_exit"), rig.Count("kvm_entry"), Pid(rig).Sn), Is.EqualTo((At.Preempted, 1, 1, (byte)1)));
        rig.Run(End);
        Assert.That((rig.Vcpu().InGuest, Pid(rig).Sn), Is.EqualTo(((byte)1, (byte)0)));
    }

    [Test]
    public void An_entry_under_way_is_abandoned_when_the_CPU_is_wanted_for_another()
    {
        var rig = new Rig(Machine(Spin)).Walk(At.RequestCheck).StepActor("io");
        rig.Walk(At.Preempted);
        Assert.That((rig.Count("kvm_entry"), rig.Kvm().Mode), Is.EqualTo((0, Engine.Hypervisors.Kvm.VcpuMode.Outside)));
    }

    [Test]
    public void Under_SN_the_IOMMU_sets_the_PIR_bit_alone()
    {
        var rig = new Rig(Machine(Spin)).Run(Schedule - 1);
        Assert.That((Pid(rig).Word(1), Pid(rig).On, rig.Vcpu().HostInterrupts), Is.EqualTo((Bit, (byte)0, HostInterrupts.None)));
    }

    [Test]
    public void Under_SN_software_sets_ON_as_always()
    {
        var config = Machine(Spin);
        var devices = new[] { config.Devices[0], config.Devices[1], Msi with { Vector = 0x61 } };
        var rig = new Rig((config with { Devices = devices, Timeline = [config.Timeline[0]] }).Fire(Fire, 2)).Run(Schedule - 1);
        Assert.That((Pid(rig).Sn, Pid(rig).On), Is.EqualTo(((byte)1, (byte)1)));
    }

    // c112b5f50232: an entry looks at PIR only where ON is set.
    [TestCase(false, 1)]
    [TestCase(true, 0)]
    public void A_load_that_leaves_ON_as_it_is_leaves_the_vector_in_PIR(bool leaves, int taken)
    {
        var rig = new Rig(Machine(Spin, leaves ? LeaveOn : null)).Run(End);
        Assert.That((rig.Handlers.Count, Pid(rig).Word(1) != 0, Pid(rig).On), Is.EqualTo((taken, leaves, (byte)0)));
    }

    // The message arrives between the two steps.
    [TestCase(false, 1)]
    [TestCase(true, 0)]
    public void A_load_that_looks_at_PIR_before_it_clears_SN_misses_what_comes_in_between(bool first, int taken)
    {
        var config = Machine(Spin, first ? LookFirst : null);
        config = config with { Timeline = [config.Timeline[0], config.Timeline[2]] };
        var rig = new Rig(config.Fire(Schedule)).Run(Schedule - 1);
        Assert.That(rig.Label(), Is.EqualTo(At.Preempted));
        rig.Stimulate();
        rig.Walk(first ? At.OnSet : At.SnCleared).Stimulate().Run(End);
        Assert.That(rig.Handlers, Has.Count.EqualTo(taken));
    }

    [Test]
    public void A_vCPU_that_sleeps_is_not_preempted_and_its_SN_stays_clear()
    {
        var rig = new Rig(Machine(Idle)).Run(Schedule - 1);
        Assert.That((rig.Label(), Pid(rig).Sn, Pid(rig).On), Is.EqualTo((At.Preempted, (byte)0, (byte)1)), "woken, and without a CPU");
        Assert.That(rig.UntilHandlers().Machine.Now, Is.GreaterThan(Schedule));
    }

    [Test]
    public void Without_an_assigned_device_SN_is_not_used()
    {
        var rig = new Rig(Machine(Spin) with { Devices = [Line, Msi] }).Run(Schedule - 1);
        Assert.That((rig.Label(), Pid(rig).Sn, Pid(rig).On), Is.EqualTo((At.Preempted, (byte)0, (byte)1)));
    }

    [Test]
    public void A_purge_clears_PIR_and_ON_and_not_SN()
    {
        var posted = new PostedInterrupts { Sn = 1, On = 1 };
        posted.TestAndSet(0xe1);
        posted.Purge();
        Assert.That((posted.Sn, posted.On, posted.Word(3)), Is.EqualTo(((byte)1, (byte)0, 0UL)));
    }

    [Test]
    public void ON_is_set_for_a_bit_in_any_word_of_PIR([Values(0x1f, 0x60, 0xa0, 0xff)] int vector)
    {
        PostedInterrupts posted = default;
        posted.SetOnIfPosted();
        Assert.That(posted.On, Is.EqualTo(0));
        posted.TestAndSet(vector);
        posted.SetOnIfPosted();
        Assert.That(posted.On, Is.EqualTo(1));
    }

    /// <summary>The MSI device's messages are posted by the IOMMU; the vCPU is preempted around one of them.</summary>
    private static MachineConfig Machine(Func<Cpu, GuestTask> main, Plan<PostedLoadStep>? load = null, bool preempted = true)
    {
        StimulusConfig fire = new(Fire, StimulusAction.Fire, 1);
        return Kvm(Guest(main)) with
        {
            Devices = [Line, Msi with { IsPosted = true }],
            Kvm = new KvmPolicies { PostedLoad = load ?? KvmPolicies.OnIfPosted },
            Timeline = preempted
                ? [new(Preempt, StimulusAction.Preempt, 0), fire, new(Schedule, StimulusAction.Schedule, 0)]
                : [fire],
        };
    }

    private static ulong Bit => 1UL << (EdgeVector & 63);

    private static ref PostedInterrupts Pid(Rig rig) => ref rig.Machine.Ref(rig.Board.PostedInterrupts, 0);
}
