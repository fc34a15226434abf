using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;
using static ScenarioHv.Engine.Tests.Policies.PolicyPrograms;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>Plans that a script lists, guards and merges.</summary>
[TestFixture]
internal sealed class ScriptedPlanTests
{
    private const int Steps = 1_200;
    private const long Pause = 100_000, Save = 200_000, Restore = 300_000;

    /// <summary>What a script makes of a built-in plan.</summary>
    public enum Form
    {
        Same,
        Guarded,
        Any,
    }

    /// <summary>A machine with a script in the place of one of its plans.</summary>
    public delegate MachineConfig Change(MachineConfig config, Form form);

    public static IEnumerable<TestCaseData> BuiltIn =>
    [
        Case("enter", Interrupted.WithoutApicv(), (c, form) => c with { Kvm = c.Kvm with { Enter = Script(c.Kvm.Enter, form) } }),
        Case("enter with APICv", Interrupted, (c, form) => c with { Kvm = c.Kvm with { Enter = Script(c.Kvm.Enter, form) } }),
        Case("nested-reflect", Nested, (c, form) => c with { Kvm = c.Kvm with { NestedReflect = Script(c.Kvm.NestedReflect, form) } }),
        Case("injected-event", Cut, (c, form) => c with { Kvm = c.Kvm with { ExitFold = Script(c.Kvm.ExitFold, form) } }),
        Case("eoi", Interrupted with { Irqchip = IrqchipKind.Kernel },
            (c, form) => c with { Kvm = c.Kvm with { Eoi = Script(c.Kvm.Eoi, form) } }),
        Case("post", Interrupted, (c, form) => c with { Kvm = c.Kvm with { Post = Script(c.Kvm.Post, form) } }),
        Case("sync-posted", Interrupted, (c, form) => c with
        {
            Kvm = c.Kvm with { SyncPosted = new PostedSyncOrder(SyncGate.Always, Script(c.Kvm.SyncPosted.Steps, form)) },
        }),
        Case("posted-load", Preempted, (c, form) => c with { Kvm = c.Kvm with { PostedLoad = Script(c.Kvm.PostedLoad, form) } }),
        Case("lapic-restore", Transferred,
            (c, form) => c with { Kvm = c.Kvm with { LapicRestore = Script(c.Kvm.LapicRestore, form) } }),
        Case("save", Transferred, (c, form) => c with { Kvm = c.Kvm with { Save = Script(c.Kvm.Save, form) } }),
        Case("inhibit-update", Inhibited, (c, form) => c with { Kvm = c.Kvm with { Inhibit = Script(c.Kvm.Inhibit, form) } }),
        Case("inhibit-update by a memory slot", Inhibited with { Kvm = new KvmPolicies { Inhibit = KvmPolicies.InhibitByMemslot } },
            (c, form) => c with { Kvm = c.Kvm with { Inhibit = Script(c.Kvm.Inhibit, form) } }),
        Case("exit-fold", Bhyve, (c, form) => c with { Bhyve = c.Bhyve with { ExitFold = Script(c.Bhyve.ExitFold, form) } }),
    ];

    // With the lock of its own in its list inhibit-update is another rule, whether it takes it or not.
    public static IEnumerable<TestCaseData> Guarded => BuiltIn.Where(test => test.ArgDisplayNames?[0] != "inhibit-update by a memory slot");

    [TestCaseSource(nameof(BuiltIn))]
    public void A_script_with_the_steps_of_a_built_in_plan_makes_the_same_history(MachineConfig config, Delegate change) =>
        AssertSameHistory(config, ((Change)change)(config, Form.Same));

    [TestCase(true, "kept")]
    [TestCase(false, "undone")]
    public void Without_the_copy_of_V_TPR_that_a_guard_leaves_out_what_the_guest_has_written_to_CR8_is_undone(bool copies, string report)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.WriteCr8(7);
            await cpu.Eoi();
            await cpu.Report(await cpu.ReadCr8() == 7 ? "kept" : "undone");
        }

        var fold = Scripted(
            [ExitFoldStep.CopyTpr, ExitFoldStep.FoldVIrq, ExitFoldStep.SaveIntInfo], (step, _) => copies || step != ExitFoldStep.CopyTpr);
        var config = Bhyve with { L1 = Guest(Main), Timeline = [], Bhyve = new BhyvePolicies { ExitFold = fold } };
        Assert.That(new Rig(config).Run(100_000).Reports, Is.EqualTo(new[] { report }));
    }

    [TestCaseSource(nameof(Guarded))]
    public void A_step_that_a_script_leaves_out_leaves_no_boundary_either(MachineConfig config, Delegate change) =>
        AssertSameHistory(config, ((Change)change)(config, Form.Guarded));

    [Test]
    public void A_guard_is_asked_right_before_its_step_and_sees_what_others_did_at_the_point_before()
    {
        // The message is posted while the pass stands before its check of requests.
        var seen = new List<bool>();
        var config = Kvm(Guest(Spin)).WithoutApicv().Fire(0) with
        {
            Kvm = new KvmPolicies
            {
                Enter = Scripted(
                    [EnterStep.CheckRequests, EnterStep.InjectEvents, EnterStep.PublishMode, EnterStep.SyncApic, EnterStep.Recheck],
                    (step, now) =>
                    {
                        if (step == EnterStep.CheckRequests)
                        {
                            seen.Add(now.HasIrr(EdgeVector));
                        }

                        return true;
                    }),
            },
        };
        new Rig(config).Walk(At.RequestCheck).Stimulate().Walk(At.ModePublished);
        Assert.That(seen, Is.EqualTo(new[] { true }));
    }

    [TestCase(false, 0xe0)]
    [TestCase(true, 0x60)]
    public void A_step_that_is_left_out_has_no_effect(bool leavesOut, int injected)
    {
        // 0x60 has been taken for the entry when 0xE0 arrives; without the second look the entry is not given up.
        var config = Kvm(Guest(Spin)).WithoutApicv() with { Devices = [Msi, Msi with { Vector = 0xe0 }] };
        var rig = new Rig(config.Fire(0, 0).Fire(0, 1) with
        {
            Kvm = new KvmPolicies
            {
                Enter = Scripted(
                    [EnterStep.CheckRequests, EnterStep.InjectEvents, EnterStep.PublishMode, EnterStep.Recheck],
                    (step, now) => step != EnterStep.Recheck || !leavesOut),
            },
        });
        rig.Walk(At.ExitArmed).WalkIntoGuest().StepActor("vcpu0").StepActor("vcpu0").Stimulate();
        rig.Walk(At.Acknowledged).Walk(At.ModePublished).Stimulate();
        Assert.That(rig.UntilHandlers().Vectors[0], Is.EqualTo(leavesOut ? injected : 0x60));
        Assert.That(rig.Count("kvm_entry"), Is.EqualTo(2));
    }

    [Test]
    public void Nobody_acts_between_steps_that_are_merged_and_their_time_is_spent_behind_them()
    {
        var plain = PostedBoundaries(null, out var slow);
        var merged = PostedBoundaries(step => step is PostStep.SetPir, out var fast);
        Assert.That(plain, Is.EqualTo(new[] { At.PirSet, At.OnSet, At.ModeRead }));
        Assert.That(merged, Is.EqualTo(new[] { At.OnSet, At.ModeRead }));
        Assert.That(fast, Is.EqualTo(slow));
    }

    [Test]
    public void A_boundary_that_costs_time_is_passed_over_and_its_time_spent_at_the_next_point()
    {
        MachineConfig With(Func<LapicRestoreStep, bool>? merges) => Transferred with
        {
            Kvm = new KvmPolicies
            {
                LapicRestore = Scripted(
                    [LapicRestoreStep.Purge, LapicRestoreStep.Load, LapicRestoreStep.StartTimer, LapicRestoreStep.SyncHardware],
                    merges: merges),
            },
        };

        static (int Boundaries, long End) Restored(MachineConfig config)
        {
            var rig = new Rig(config).Run(Restore);
            var boundaries = 0;
            rig.Until(() => rig.Label() == At.LapicIoctl);
            rig.Until(() =>
            {
                boundaries += rig.Label() == At.LapicStepDone ? 1 : 0;
                return rig.Label() == At.ExitArmed;
            });
            return (boundaries, rig.Machine.Now);
        }

        var (plain, merged) = (Restored(With(null)), Restored(With(step => step is LapicRestoreStep.Purge or LapicRestoreStep.Load)));
        Assert.That((plain.Boundaries - merged.Boundaries > 0, merged.End), Is.EqualTo((true, plain.End)));
    }

    [Test]
    public void Behind_the_last_step_of_a_plan_others_act_whatever_it_merges()
    {
        var save = Scripted([LapicSaveStep.SyncPir, LapicSaveStep.Copy], merges: _ => true);
        var rig = new Rig(Transferred with { Kvm = new KvmPolicies { Save = save } }).Run(Save);
        var boundaries = 0;
        rig.Until(() =>
        {
            boundaries += rig.Label() == At.LapicStepDone ? 1 : 0;
            return rig.Machine.Now > Save + 50_000;
        });
        Assert.That(boundaries, Is.EqualTo(1));
    }

    [Test]
    public void A_plan_that_never_stands_at_a_point_is_an_error_and_no_hang()
    {
        var enter = Scripted([EnterStep.PublishMode, EnterStep.Recheck], (_, _) => true, _ => true);
        var rig = new Rig(Kvm(Guest(Spin)).WithoutApicv().Fire(0) with { Kvm = new KvmPolicies { Enter = enter } });
        rig.Kvm().Requests |= KvmRequests.ScanIoApic;
        Assert.That(() => rig.Run(10_000_000), Throws.InstanceOf<PolicyException>().With.Message.Contains("without an end in one step"));
    }

    [Test]
    public void Without_its_publishing_the_guest_is_entered_and_no_kick_interrupts_it()
    {
        var enter = Scripted([EnterStep.CheckRequests, EnterStep.InjectEvents, EnterStep.SyncApic, EnterStep.Recheck]);
        var config = Kvm(Guest(Spin)).WithoutApicv().Fire(50_000) with { Kvm = new KvmPolicies { Enter = enter } };
        var rig = new Rig(config).Run(10_000_000);
        Assert.That((rig.Vectors.Count, rig.Apic().Irr.Contains(EdgeVector)), Is.EqualTo((0, true)));
        Assert.That(rig.Machine.Ref(rig.Board.Locks, 0).SrcuReads, Is.Zero);
    }

    [Test]
    public void A_script_with_a_plan_of_no_step_or_of_256_is_refused()
    {
        Assert.That(() => Scripted<EnterStep>([]), Throws.InstanceOf<PolicyException>().With.Message.Contains("Steps gives 0 steps"));
        Assert.That(() => Scripted(new EnterStep[256]), Throws.InstanceOf<PolicyException>().With.Message.Contains("1..255"));
    }

    [Test]
    public void Steps_are_asked_for_before_there_are_variables()
    {
        var program = new PolicyProgram("test.csx", typeof(EnterStep))
        {
            Steps = () => Vars.Count > 0 ? new[] { EnterStep.Recheck } : [EnterStep.PublishMode],
        };
        Assert.That(
            () => new Plan<EnterStep>(new PlanScript<EnterStep>("enter", PolicyScope.Vcpu, program)),
            Throws.InstanceOf<PolicyException>().With.Message.Contains("before there is one"));
    }

    [Test]
    public void A_script_of_other_steps_is_refused() => Assert.That(
        () => new PlanScript<EnterStep>("enter", PolicyScope.Vcpu, PlanOf([PostStep.SetPir])),
        Throws.ArgumentException.With.Message.Contains("test.csx is a plan of PostStep, and enter a plan of EnterStep"));

    private static Plan<TStep> Script<TStep>(Plan<TStep> plan, Form form)
        where TStep : struct, Enum => form switch
        {
            Form.Same => Like(plan),
            Form.Guarded => GuardedLike(plan),
            _ => Any<TStep>(),
        };

    private static TestCaseData Case(string name, MachineConfig config, Change change) =>
        new TestCaseData(config, change).SetArgDisplayNames(name);

    /// <summary>A level and an edge interrupt, each served.</summary>
    private static MachineConfig Interrupted => Kvm(Guest(Spin, Serve)).Raise(50_000).Fire(60_000).Fire(60_200);

    private static MachineConfig Nested => Kvm(Guest(RunL2), Guest(SpinClosed)).Fire(50_000).Fire(90_000);

    /// <summary>The delivery of an interrupt is cut by the page that the IDT is on.</summary>
    private static MachineConfig Cut => Interrupted.WithoutApicv() with
    {
        Timeline = [new StimulusConfig(40_000, StimulusAction.PageOut, 0), .. Interrupted.Timeline],
    };

    private static MachineConfig Preempted => Kvm(Guest(Spin)) with
    {
        Devices = [Line, Msi with { IsPosted = true }],
        Timeline =
        [
            new(50_000, StimulusAction.Preempt, 0), new(60_000, StimulusAction.Fire, 1), new(90_000, StimulusAction.Schedule, 0),
        ],
    };

    private static MachineConfig Transferred => Interrupted with
    {
        Timeline =
        [
            new(Pause, StimulusAction.Pause, 0), new(Pause + 10_000, StimulusAction.Fire, 1), new(Save, StimulusAction.Save, 0),
            new(Restore, StimulusAction.Restore, 0),
        ],
    };

    private static MachineConfig Inhibited => Kvm(Guest(Spin)) with
    {
        Vendor = CpuVendor.Amd,
        ImmediateExit = new SelfIpi(0),
        Vcpus = 2,
        Timeline =
        [
            new(50_000, StimulusAction.Inhibit, 0) { Value = (ulong)ApicvInhibits.BlockIrq }, new(60_000, StimulusAction.Fire, 1),
            new(90_000, StimulusAction.Lift, 0) { Value = (ulong)ApicvInhibits.BlockIrq },
        ],
    };

    private static MachineConfig Bhyve => Kvm(Guest(Spin, Serve)).Raise(50_000).Fire(60_000) with
    {
        Hypervisor = HypervisorKind.Bhyve,
        Vendor = CpuVendor.Amd,
        Apicv = false,
    };

    private static void AssertSameHistory(MachineConfig one, MachineConfig other)
    {
        Bench left = new Bench(one).Run(Steps), right = new Bench(other).Run(Steps);
        Assert.That(left.Events, Has.Count.GreaterThan(3));
        Assert.That(right.Events, Is.EqualTo(left.Events));
        Assert.That(right.Machine.Now, Is.EqualTo(left.Machine.Now));
    }

    /// <summary>Where the monitor's thread stands while it posts a vector to a vCPU that runs.</summary>
    private static List<At> PostedBoundaries(Func<PostStep, bool>? merges, out long end)
    {
        var post = Scripted([PostStep.SetPir, PostStep.SetOn, PostStep.ReadMode, PostStep.Notify], merges: merges);
        var rig = new Rig((Kvm(Guest(Spin)) with { Kvm = new KvmPolicies { Post = post } }).Fire(50_000)).Run(49_999);
        var labels = new List<At>();
        rig.UntilLine("kvm_apic_accept_irq");
        while (rig.Of(TraceEventKind.KvmApicvAcceptIrq).Any() is false)
        {
            labels.Add((At)rig.Machine.Fiber(rig.Board.IoFiber).Op.Code);
            rig.StepActor("io");
        }

        end = rig.Machine.Now;
        return labels;
    }
}
