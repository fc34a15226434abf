using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Virtualization.Vmx;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>
/// PIR, ON, the mode and the notification as steps of their own (SDM3 29.6; KVM vmx.c): each test lets sender and target act in one order
/// that the policy in question makes matter.
/// </summary>
[TestFixture]
internal sealed class PostedInterruptTests
{
    private static readonly Plan<PostStep> ModeFirst =
        new("mode-first", PostStep.ReadMode, PostStep.SetPir, PostStep.SetOn, PostStep.Notify);

    private static readonly Plan<PostStep> OnFirst =
        new("on-first", PostStep.SetOn, PostStep.SetPir, PostStep.ReadMode, PostStep.Notify);

    private static readonly Plan<PostStep> FlagSuppresses =
        new("flag-suppresses", PostStep.SetPir, PostStep.SetOn, PostStep.SetFlag, PostStep.ReadMode, PostStep.Notify);

    private static readonly PostedSyncOrder OnClearedLast = new(
        SyncGate.Always, new("on-cleared-last", SyncStep.TestOn, SyncStep.Harvest, SyncStep.ClearOn, SyncStep.WriteRvi));

    [Test]
    public void PIR_bit_ON_mode_and_notification_are_four_steps()
    {
        var rig = Machine(new KvmPolicies()).Walk(At.ExitArmed).WalkIntoGuest();
        Assert.That(Send(rig, At.PirSet), Is.EqualTo((Bit(EdgeVector), 0, HostInterrupts.None)));
        Assert.That(Send(rig, At.OnSet), Is.EqualTo((Bit(EdgeVector), 1, HostInterrupts.None)));
        Assert.That(Send(rig, At.ModeRead), Is.EqualTo((Bit(EdgeVector), 1, HostInterrupts.None)));
        rig.Stimulate();
        Assert.That(rig.Vcpu().HostInterrupts, Is.EqualTo(HostInterrupts.PostedNotification));
        rig.UntilHandlers();
        Assert.That((Pid(rig).On, Pid(rig).Word(1), rig.Count("kvm_exit")), Is.EqualTo(((byte)0, 0UL, 0)), "no exit (SDM3 29.6)");
    }

    [Test]
    public void A_vector_whose_PIR_bit_is_set_is_merged_and_not_notified_again()
    {
        var rig = new Rig(Kvm(Guest(Spin)).Fire(0).Fire(0)).Walk(At.RequestCheck).Stimulate().Stimulate();
        Assert.That((Pid(rig).Word(1), Pid(rig).On, rig.Count("kvm_apic_accept_irq")), Is.EqualTo((Bit(EdgeVector), (byte)1, 2)));
        rig.Run(1_000_000);
        Assert.That(rig.Vectors, Is.EqualTo(new[] { (int)EdgeVector }));
    }

    // The target looks at PIR and enters between the sender's look at its mode and its PIR bit.
    [TestCase(false, 1)]
    [TestCase(true, 0)]
    public void A_sender_that_reads_the_mode_before_it_sets_the_PIR_bit_leaves_a_running_target_without_notification(bool first, int taken)
    {
        var rig = Machine(new KvmPolicies { Post = first ? ModeFirst : KvmPolicies.PirOnMode });
        rig.Walk(At.RequestCheck);
        Send(rig, first ? At.ModeRead : At.PirSet);
        rig.WalkIntoGuest().Stimulate();
        Assert.That(rig.Run(1_000_000).Handlers, Has.Count.EqualTo(taken));
        Assert.That(Pid(rig).On, Is.EqualTo(1 - taken));
    }

    // The target, on its way to sleep, clears ON and finds PIR empty between the two: when it is woken, ON is clear, and PIR is not
    // looked at.
    [TestCase(false, 1)]
    [TestCase(true, 0)]
    public void A_sender_that_sets_ON_before_the_PIR_bit_wakes_a_target_that_sees_nothing(bool first, int taken)
    {
        var policies = new KvmPolicies { Post = first ? OnFirst : KvmPolicies.PirOnMode };
        var rig = new Rig((Kvm(Guest(Idle)) with { Kvm = policies }).Fire(0)).Walk(At.ExitSeen);
        Send(rig, first ? At.OnSet : At.PirSet);
        rig.Walk(At.Sleeping).Stimulate();
        Assert.That(rig.Run(1_000_000).Handlers, Has.Count.EqualTo(taken));
        Assert.That((Pid(rig).Word(1) != 0, rig.Label()), Is.EqualTo((first, At.Sleeping)));
    }

    // 0x41 is below TPR, so the harvest wakes nobody; 0x60 is posted behind the look at its word, while the thread does not sleep yet.
    [Test]
    public void A_target_on_its_way_to_sleep_looks_again_for_what_was_posted_behind_its_look()
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteCr8(5);
            await Idle(cpu);
        }

        var config = Kvm(Guest(Main)) with { Devices = [Msi with { Vector = 0x41 }, Msi with { Vector = 0x60 }] };
        var rig = new Rig(config.Fire(0, 0).Fire(0, 1)).Walk(At.ExitSeen).Stimulate();
        rig.Walk(At.PirHarvested).Stimulate();
        Assert.That(rig.Run(1_000_000).Vectors, Is.EqualTo(new[] { 0x60 }));
    }

    // The processor consumes the first notification without software, which alone clears the flag.
    [TestCase(false, 2)]
    [TestCase(true, 1)]
    public void A_flag_that_only_software_clears_suppresses_the_second_notification(bool flag, int taken)
    {
        var config = Kvm(Guest(Spin)) with
        {
            Devices = [Msi, Msi with { Vector = 0x61 }],
            Kvm = new KvmPolicies { Post = flag ? FlagSuppresses : KvmPolicies.PirOnMode },
        };
        var rig = new Rig(config.Fire(100_000, 0).Fire(200_000, 1)).Run(2_000_000);
        Assert.That(rig.Handlers, Has.Count.EqualTo(taken));
    }

    // Vector 0xE1 is posted behind the target's look at its word; ON is still set, so nobody is notified, and then it is cleared.
    [TestCase(false, 2)]
    [TestCase(true, 1)]
    public void ON_cleared_behind_the_harvest_loses_what_was_posted_in_between(bool last, int taken)
    {
        var config = Kvm(Guest(Spin)) with
        {
            Devices = [Msi, Msi with { Vector = 0x41 }],
            Kvm = new KvmPolicies { SyncPosted = last ? OnClearedLast : KvmPolicies.SyncAlways },
        };
        var rig = new Rig(config.Fire(0, 0).Fire(0, 1)).Walk(At.RequestCheck).Stimulate();
        rig.Walk(At.PirHarvested).Stimulate();
        rig.Run(1_000_000);
        Assert.That(rig.Handlers, Has.Count.EqualTo(taken));
        Assert.That((Pid(rig).Word(1) != 0, Pid(rig).On), Is.EqualTo((last, (byte)0)), "a bit in PIR and ON = 0 are not looked at");
    }

    [Test]
    public void A_word_of_PIR_that_is_looked_at_later_still_gives_what_came_meanwhile()
    {
        var config = Kvm(Guest(Spin)) with { Devices = [Msi, Msi with { Vector = 0xe1 }] };
        var rig = new Rig(config.Fire(0, 0).Fire(0, 1)).Walk(At.RequestCheck).Stimulate().Walk(At.PirHarvested);
        Send(rig, At.PirSet);
        rig.Walk(At.RviWritten);
        Assert.That((rig.Machine.Ref(rig.Board.Vmcs01, 0).Rvi, Pid(rig).On), Is.EqualTo(((byte)0xe1, (byte)0)));
    }

    // Xen before 56348df32b: an NMI wins the choice, and the local APIC is not asked.
    [TestCase(SyncGate.Always, 2)]
    [TestCase(SyncGate.UnlessOtherEvent, 1)]
    public void An_entry_that_injects_an_NMI_brings_PIR_along_only_if_it_looks_in_any_case(SyncGate gate, int taken)
    {
        static async GuestTask Nmi(Cpu cpu) => await cpu.Work(10);

        var guest = new GuestProgram("guest", Spin) { OnInterrupt = End, OnNmi = Nmi };
        var config = Kvm(guest) with
        {
            Kvm = new KvmPolicies { SyncPosted = KvmPolicies.SyncAlways with { Gate = gate } },
            Timeline = [new StimulusConfig(0, StimulusAction.Nmi, 0), new StimulusConfig(0, StimulusAction.Fire, 1)],
        };
        var rig = new Rig(config).Walk(At.RequestCheck).StepActor("io").Stimulate();
        Assert.That(rig.Run(1_000_000).Handlers, Has.Count.EqualTo(taken));
    }

    [Test]
    public void A_notification_that_reaches_the_host_leaves_PIR_for_the_next_entry()
    {
        // The target leaves the guest by itself while the IPI is under way: the host's handler does nothing.
        static async GuestTask Call(Cpu cpu)
        {
            await cpu.Sti();
            await cpu.VmCall(1);
            await cpu.Work(1_000_000);
        }

        var config = Kvm(Guest(Call)) with { Timing = Rig.Timing.With(TimingCost.HostIpi, 5_000) };
        var rig = new Rig(config.Fire(0)).Walk(At.ExitArmed).WalkIntoGuest().Stimulate();
        rig.Walk(At.ExitSeen);
        Assert.That((Pid(rig).On, Pid(rig).Word(1)), Is.EqualTo(((byte)1, Bit(EdgeVector))));
        rig.UntilHandlers();
        Assert.That(rig.Count("kvm_exit"), Is.EqualTo(1));
    }

    private static Rig Machine(KvmPolicies policies) => new((Kvm(Guest(Spin)) with { Kvm = policies }).Fire(0));

    private static ulong Bit(int vector) => 1UL << (vector & 63);

    private static ref PostedInterrupts Pid(Rig rig) => ref rig.Machine.Ref(rig.Board.PostedInterrupts, 0);

    /// <summary>The monitor's thread posts until it is at that point.</summary>
    private static (ulong Word, int On, HostInterrupts Sent) Send(Rig rig, At label)
    {
        do
        {
            rig.StepActor("io");
        }
        while (rig.Machine.Fiber(rig.Board.IoFiber).Op.Code != (uint)label);
        return (Pid(rig).Word(1), Pid(rig).On, rig.Vcpu().HostInterrupts);
    }
}
