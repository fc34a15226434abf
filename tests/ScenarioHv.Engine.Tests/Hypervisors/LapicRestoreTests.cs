using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Tests.Machines;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>KVM_GET_LAPIC and KVM_SET_LAPIC by a monitor that pauses the vCPU (the thread of 12 September 2023).</summary>
[TestFixture]
internal sealed class LapicRestoreTests
{
    private const byte Tick = 0xec;
    private const long Pause = 50_000, Save = 100_000, Late = 150_000, Restore = 200_000;

    private static readonly Plan<LapicRestoreStep> IfActive = new(
        "purge-first-if-apicv-active",
        LapicRestoreStep.PurgeIfApicvActive, LapicRestoreStep.Load, LapicRestoreStep.StartTimer, LapicRestoreStep.SyncHardware);

    private static readonly Plan<LapicRestoreStep> TimerThenPurge = new(
        "timer-then-purge",
        LapicRestoreStep.Load, LapicRestoreStep.StartTimer, LapicRestoreStep.PurgeIfApicvActive, LapicRestoreStep.SyncHardware);

    [Test]
    public void A_paused_vCPU_is_out_of_KVM_RUN_and_no_interrupt_wakes_it_there()
    {
        var rig = new Rig((Kvm(Guest(Idle)) with { Timeline = [On(Pause, StimulusAction.Pause)] }).Fire(Late)).Run(1_000_000);
        Assert.That(rig.Count("kvm_userspace_exit: reason restart (4)"), Is.EqualTo(1));
        Assert.That((rig.Label(), rig.Handlers.Count, Posted(rig)), Is.EqualTo((At.Paused, 0, true)));
    }

    [Test]
    public void It_goes_on_when_it_is_resumed_and_takes_what_came_meanwhile()
    {
        var config = Kvm(Guest(Idle)) with { Timeline = [On(Pause, StimulusAction.Pause), On(Restore, StimulusAction.Resume)] };
        Assert.That(new Rig(config.Fire(Late)).UntilHandlers().Vectors, Is.EqualTo(new[] { (int)EdgeVector }));
    }

    [Test]
    public void A_timer_that_expires_while_its_vCPU_is_paused_is_pending_and_saved_with_a_count_of_0()
    {
        var rig = new Rig(Transfer(new KvmPolicies(), count: 40_000));
        rig.Until(() => rig.Machine.Ref(rig.Board.SavedLapics, 0).Page.TimerInitialCount != 0);
        var page = rig.Machine.Ref(rig.Board.SavedLapics, 0).Page;
        Assert.That((page.TimerCurrentCount, page.Irr.IsEmpty, rig.Kvm().TimerPending), Is.EqualTo((0u, true, (byte)1)));
    }

    [Test]
    public void Timer_then_purge_empties_the_last_place_of_the_tick_at_the_purge()
    {
        var rig = new Rig(Transfer(new KvmPolicies { LapicRestore = TimerThenPurge }, count: 40_000));
        rig.UntilLine($"kvm_apic_accept_irq: apicid 0 vec {Tick}");
        while (Posted(rig) || rig.Label() != At.LapicStepDone)
        {
            Assert.That(Broken(rig), Is.EqualTo(SafetyProperty.None), "in PIR it is somewhere");
            rig.StepActor("vcpu0");
        }

        Assert.That(Broken(rig), Is.EqualTo(SafetyProperty.Custody));
    }

    [TestCase(TimerFire.Pend)]
    [TestCase(TimerFire.DeliverIfApicv)]
    public void With_the_purge_first_the_tick_comes_whoever_delivers_it(TimerFire fire)
    {
        var rig = new Rig(Transfer(new KvmPolicies { TimerFire = fire }, count: 40_000)).UntilHandlers();
        Assert.That((rig.Vectors[0], Broken(rig), rig.Machine.Now > Restore), Is.EqualTo(((int)Tick, SafetyProperty.None, true)));
    }

    // The last paragraph of the reply: what was posted before an inhibit is in PIR, the restore happens during it, and then it ends.
    [TestCase(false, SafetyProperty.None)]
    [TestCase(true, SafetyProperty.Just)]
    public void Stale_PIR_bits_survive_an_inhibited_restore_that_purges_only_while_APICv_is_active(bool ifActive, SafetyProperty broken)
    {
        var policies = new KvmPolicies
        {
            LapicRestore = ifActive ? IfActive : KvmPolicies.PurgeFirst,
            SyncPosted = KvmPolicies.SyncAlways with { Gate = SyncGate.WhenApicvActive },
        };
        var config = Kvm(Guest(Spin)) with
        {
            Kvm = policies,
            Timeline =
            [
                On(10_000, StimulusAction.Save), On(Pause, StimulusAction.Pause), On(Late, StimulusAction.Resume),
                On(Restore, StimulusAction.Restore),
            ],
        };
        var rig = new Rig(config.Fire(Save)).Run(Late - 1);
        SetInhibit(rig, ApicvInhibits.BlockIrq);
        rig.Run(Restore - 1);
        Assert.That((Posted(rig), rig.Kvm().ApicvActive, rig.Handlers.Count), Is.EqualTo((true, (byte)0, 0)), "before 5.16 nobody looks");
        rig.Run(Restore + 100_000);
        Assert.That((Posted(rig), rig.Handlers.Count), Is.EqualTo((ifActive, 0)));
        SetInhibit(rig, ApicvInhibits.None);
        rig.Run(Restore + 300_000);
        Assert.That((rig.Kvm().ApicvActive, Broken(rig), rig.Handlers.Count), Is.EqualTo(((byte)1, broken, ifActive ? 1 : 0)));
    }

    [TestCase(false, 1, SafetyProperty.None)]
    [TestCase(true, 0, SafetyProperty.Snapshot)]
    public void A_save_of_the_registers_alone_forgets_what_is_in_PIR(bool registersOnly, int taken, SafetyProperty broken)
    {
        var policies = registersOnly ? new KvmPolicies { Save = new("registers-only", LapicSaveStep.Copy) } : new KvmPolicies();
        var config = Kvm(Guest(Idle)) with
        {
            Kvm = policies,
            Timeline = [On(Pause, StimulusAction.Pause), On(Late, StimulusAction.Save), On(Restore, StimulusAction.Restore)],
        };
        var rig = new Rig(config.Fire(Save)).Run(1_000_000);
        Assert.That((rig.Handlers.Count, Broken(rig)), Is.EqualTo((taken, broken)));
    }

    /// <summary>The guest arms a one-shot timer and halts; it is paused, saved and restored.</summary>
    private static MachineConfig Transfer(KvmPolicies policies, uint count)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x3e0, 0xb);
            await cpu.MmioWrite(Apic + 0x320, Tick);
            await cpu.MmioWrite(Apic + 0x380, (uint)cpu.Parameter("count"));
            await Idle(cpu);
        }

        return Kvm(With(Main, End, ("count", count))) with
        {
            Kvm = policies,
            Timeline = [On(Pause, StimulusAction.Pause), On(Late, StimulusAction.Save), On(Restore, StimulusAction.Restore)],
        };
    }

    private static StimulusConfig On(long at, StimulusAction action) => new(at, action, 0);

    private static bool Posted(Rig rig) =>
        Enumerable.Range(0, 4).Any(word => rig.Machine.Ref(rig.Board.PostedInterrupts, 0).Word(word) != 0);

    private static SafetyProperty Broken(Rig rig) => rig.Machine.Ref(rig.Board.Check).Violation.Property;

    /// <summary>A debugger blocks interrupts, or does so no longer; the vCPU is asked to follow.</summary>
    private static void SetInhibit(Rig rig, ApicvInhibits reasons)
    {
        rig.Machine.Ref(rig.Board.KvmVm).Inhibits = reasons;
        rig.Kvm().Requests |= KvmRequests.ApicvUpdate;
        ((KvmHypervisor)rig.Board.Hypervisor).Kick(new StepContext(rig.Board) { Machine = rig.Machine }, 0);
    }
}
