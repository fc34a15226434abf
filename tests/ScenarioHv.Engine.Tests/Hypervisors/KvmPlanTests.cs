using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Virtualization.Vmx;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Hypervisors;

/// <summary>The orders that KVM's code takes by a plan: the way into the guest, the EOI, the interrupt that ends L2.</summary>
[TestFixture]
internal sealed class KvmPlanTests
{
    private const int Spurious = 0xf0;

    [TestCase("inject-then-publish")]
    [TestCase("recheck-then-publish")]
    public void A_kick_between_the_last_look_and_the_mode_interrupts_nobody_and_the_guest_is_entered(string plan)
    {
        var rig = new Rig(Entering(plan).Fire(0)).Walk(At.InterruptsOff).Stimulate();
        Assert.That((rig.Kvm().Mode, rig.Kvm().Requests), Is.EqualTo((VcpuMode.Outside, KvmRequests.Event)));
        rig.WalkIntoGuest();
        Assert.That((rig.Vcpu().HostInterrupts, rig.Count("kvm_entry")), Is.EqualTo((HostInterrupts.None, 1)));
        rig.Run(10_000_000);
        Assert.That((rig.Vectors.Count, rig.Apic().Irr.Contains(EdgeVector)), Is.EqualTo((0, true)));
    }

    /// <summary>
    /// The store to vcpu->mode stays in the store buffer while the second look, a load, is done (SDM3 8.2.3.4). Its own thread sees it.
    /// </summary>
    [Test]
    public void Without_a_barrier_a_kick_behind_the_second_look_still_finds_the_old_mode()
    {
        var rig = new Rig(Entering("publish-without-barrier").Fire(0) with { Time = new ClassTime(2_400), Timing = TimingProfile.Untimed });
        rig.Walk(At.ExitArmed);
        Assert.That(rig.Kvm().Mode, Is.EqualTo(VcpuMode.Outside));
        rig.StepActor("outside").Stimulate().WalkIntoGuest();
        Assert.That((rig.Vcpu().HostInterrupts, rig.Count("kvm_entry")), Is.EqualTo((HostInterrupts.None, 1)));
        rig.StepActor("store-buffer0");
        Assert.That(rig.Kvm().Mode, Is.EqualTo(VcpuMode.InGuest));
    }

    [Test]
    public void A_store_that_has_left_the_store_buffer_is_found_by_the_kick()
    {
        var rig = new Rig(Entering("publish-without-barrier").Fire(0) with { Time = new ClassTime(2_400), Timing = TimingProfile.Untimed });
        rig.Walk(At.ExitArmed).StepActor("store-buffer0").StepActor("outside").Stimulate();
        Assert.That((rig.Kvm().Mode, rig.Vcpu().HostInterrupts), Is.EqualTo((VcpuMode.Exiting, HostInterrupts.Kick)));
    }

    [Test]
    public void A_kick_that_comes_after_the_only_look_finds_the_mode_and_is_pending_at_the_entry()
    {
        var rig = new Rig(Entering("publish-then-inject").Fire(0)).Walk(At.ExitArmed).Stimulate();
        Assert.That((rig.Kvm().Mode, rig.Vcpu().HostInterrupts), Is.EqualTo((VcpuMode.Exiting, HostInterrupts.Kick)));
        rig.UntilHandlers();
        Assert.That(rig.Vectors, Is.EqualTo(new[] { EdgeVector }));
    }

    [Test]
    public void With_one_look_after_the_mode_what_came_before_it_needs_no_second_pass()
    {
        var rig = new Rig(Entering("publish-then-inject").Fire(0)).Walk(At.ModePublished).Stimulate().WalkIntoGuest();
        Assert.That(rig.Count("kvm_entry"), Is.EqualTo(1));
        Assert.That(rig.Machine.Ref(rig.Board.Vmcs01, 0).Primary & PrimaryControls.InterruptWindowExiting,
            Is.Not.Zero, "IF is 0, and so the event chooses a window");
    }

    [TestCase("publish-then-recheck", SafetyProperty.None)]
    [TestCase("recheck-without-cancel", SafetyProperty.Custody)]
    public void An_event_taken_for_an_entry_that_is_given_up_is_lost_if_the_next_one_is_written_over_it(string plan, SafetyProperty broken)
    {
        // 0x60 has been written when 0xE0 arrives; without cancel, the second pass finds 0xE0 above it and writes that.
        var config = Entering(plan) with { Devices = [Msi, Msi with { Vector = 0xe0 }] };
        var rig = new Rig(config.Fire(0, 0).Fire(0, 1)).Walk(At.ExitArmed).WalkIntoGuest().StepActor("vcpu0").StepActor("vcpu0")
            .Stimulate();
        rig.Walk(At.Acknowledged).Walk(At.ModePublished).Stimulate();
        rig.Walk(At.RequestCheck).Walk(At.ModePublished);
        Assert.That(rig.Machine.Ref(rig.Board.Check).Violation.Property, Is.EqualTo(broken));
    }

    [TestCase("switch-then-acknowledge", EdgeVector)]
    [TestCase("acknowledge-then-switch", 0)]
    [TestCase("read-vector-only", 0)]
    public void SVI_of_L1_is_written_only_if_L1s_control_structure_is_current_at_the_acknowledge(string plan, int servicing)
    {
        var rig = new Rig(Reflecting(plan).Fire(50_000)).UntilLine("kvm_nested_vmexit_inject");
        Assert.That((int)rig.Machine.Ref(rig.Board.Vmcs01, 0).Svi, Is.EqualTo(servicing));
        Assert.That(rig.Apic().Isr.Contains(EdgeVector), Is.EqualTo(plan != "read-vector-only"));
        Assert.That(rig.Lines[^1], Does.Contain("int_info 80000060"));
    }

    [Test]
    public void The_processor_s_EOI_ends_SVI_even_if_another_vector_is_in_service()
    {
        // SDM3 29.1.4: VISR[SVI] is cleared, and SVI becomes the highest bit that is left, which here was never SVI.
        var rig = new Rig(Reflecting("acknowledge-then-switch").Fire(50_000)).UntilLine("kvm_nested_vmexit_inject")
            .UntilLine("kvm_exit: reason VMRESUME", 2);
        Assert.That((rig.Apic().Isr.Contains(EdgeVector), rig.Machine.Ref(rig.Board.Vmcs01, 0).Svi), Is.EqualTo((true, EdgeVector)));
    }

    [TestCase("tell-and-request", false)]
    [TestCase("tell-if-emulated", true)]
    public void Remote_IRR_stays_set_if_the_exit_of_a_virtualized_EOI_is_not_passed_on(string plan, bool remains)
    {
        var config = Kvm(Guest(Spin, Serve)) with { Irqchip = IrqchipKind.Kernel, Kvm = new KvmPolicies { Eoi = Eoi(plan) } };
        var rig = new Rig(config.Raise(50_000)).UntilLine("kvm_eoi").Run(10_000_000);
        Assert.That((rig.Entry(Gsi).RemoteIrr, rig.Apic().Isr.IsEmpty), Is.EqualTo((remains, true)));
    }

    [TestCase("tell-and-request", 2)]
    [TestCase("without-request", 1)]
    public void A_vector_that_an_EOI_uncovers_is_injected_only_if_the_EOI_asks_for_events(string plan, int handlers)
    {
        static async GuestTask Long(Cpu cpu, byte vector)
        {
            await cpu.Work(20_000);
            await cpu.Eoi();
        }

        var config = Kvm(Guest(Spin, Long)).WithoutApicv() with
        {
            Devices = [Msi with { Vector = 0xe0 }, Msi],
            Kvm = new KvmPolicies { Eoi = Eoi(plan) },
        };
        var rig = new Rig(config.Fire(50_000, 0).Fire(60_000, 1)).Run(10_000_000);
        Assert.That((rig.Handlers.Count, rig.Apic().Irr.Contains(EdgeVector)), Is.EqualTo((handlers, handlers == 1)));
    }

    [TestCase(EoiSuppression.NotAdvertised, 0x1ffu, false)]
    [TestCase(EoiSuppression.Quirked, 0x11ffu, false)]
    [TestCase(EoiSuppression.Respected, 0x11ffu, true)]
    public void SVR_bit_12_exists_if_the_version_says_so_and_suppresses_only_if_it_is_respected(EoiSuppression value, uint svr,
        bool suppresses)
    {
        var rig = new Rig(Kvm(Guest(Spin)) with { Kvm = new KvmPolicies { EoiSuppression = value } });
        rig.Apic().Write(Spurious, 0x11ff, new Time.Instant(0), rig.Board.ApicClock);
        Assert.That((rig.Apic().Svr, rig.Apic().SuppressesEoiBroadcast), Is.EqualTo((svr, suppresses)));
        Assert.That((rig.Apic().Version & LocalApicOptions.EoiBroadcastSuppression) != 0, Is.EqualTo(svr == 0x11ff));
    }

    [TestCase(EoiForwardSet.EveryEntry, true, 0, true)]
    [TestCase(EoiForwardSet.UnmaskedEntries, true, 0, false)]
    [TestCase(EoiForwardSet.UnmaskedEntries, false, 0, true)]
    [TestCase(EoiForwardSet.NewestRouting, true, 0, true)]
    [TestCase(EoiForwardSet.EveryEntry, false, 1, true)]
    [TestCase(EoiForwardSet.NewestRouting, false, 1, false)]
    public void The_EOI_of_a_vector_in_service_is_forwarded_though_its_entry_was_masked_or_moved(EoiForwardSet policy, bool masked,
        int destination, bool forwarded)
    {
        static async GuestTask Call(Cpu cpu, byte vector) => await cpu.VmCall(1);

        var config = Kvm(Guest(Spin, Call)) with
        {
            Irqchip = IrqchipKind.Kernel,
            Vcpus = 2,
            Kvm = new KvmPolicies { EoiForwardSet = policy },
        };
        var rig = new Rig(config.Raise(50_000)).UntilHandlers();
        var entry = rig.Entry(Gsi).Bits | (masked ? RedirectionEntry.MaskBit : 0) | ((ulong)destination << 56);
        rig.Machine.Ref(rig.Board.IoApicPins, Gsi).Entry = new RedirectionEntry(entry);
        rig.Kvm().Requests |= KvmRequests.ScanIoApic;
        rig.UntilLine("kvm_exit: reason VMCALL");
        rig.Walk(At.ModePublished);
        Assert.That(rig.Kvm().HandledVectors.Contains(LevelVector), Is.EqualTo(forwarded));
    }

    private static MachineConfig Entering(string plan) => Kvm(Guest(Spin)).WithoutApicv() with
    {
        Kvm = new KvmPolicies
        {
            Enter = Named(
                plan, EnterPlans.PublishThenRecheck, EnterPlans.PublishThenInject, EnterPlans.InjectThenPublish,
                EnterPlans.RecheckThenPublish, EnterPlans.PublishWithoutBarrier, EnterPlans.RecheckWithoutCancel),
        },
    };

    private static MachineConfig Reflecting(string plan) => Kvm(Guest(RunL2), Guest(SpinClosed)) with
    {
        Kvm = new KvmPolicies
        {
            NestedReflect = Named(
                plan, ReflectPlans.SwitchThenAcknowledge, ReflectPlans.AcknowledgeThenSwitch, ReflectPlans.ReadVectorOnly),
        },
    };

    private static Plan<EoiStep> Eoi(string plan) => Named(plan, EoiPlans.TellAndRequest, EoiPlans.TellIfEmulated, EoiPlans.WithoutRequest);

    private static Plan<TStep> Named<TStep>(string text, params ReadOnlySpan<Plan<TStep>> plans)
        where TStep : struct, Enum
    {
        foreach (var plan in plans)
        {
            if (plan.Text == text)
            {
                return plan;
            }
        }

        throw new ArgumentException($"There is no plan {text}.", nameof(text));
    }
}
