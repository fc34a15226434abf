using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;
using static ScenarioHv.Engine.Tests.Policies.PolicyPrograms;

namespace ScenarioHv.Engine.Tests.Policies;

/// <summary>Decisions that a script makes, and what it remembers.</summary>
[TestFixture]
internal sealed class ScriptedDecisionTests
{
    private const int Served = 20_000;

    private static readonly MachineConfig Throttled = HypervMachine.Livelock with { ImmediateExit = ImmediateExit(Throttle(100, 1000)) };

    [Test]
    public void The_throttle_of_2019_as_a_script_makes_the_same_history_as_the_built_in_one()
    {
        Bench built = new Bench(HypervMachine.Throttled).Run(Served), script = new Bench(Throttled).Run(Served);
        Assert.That(script.Events, Is.EqualTo(built.Events));
        Assert.That(script.Reports, Does.Contain("usb served"));
        Assert.That(script.Machine.Now, Is.EqualTo(built.Machine.Now));
    }

    [Test]
    public void What_a_script_decides_about_an_immediate_exit_or_an_EOI_is_traced()
    {
        var bench = new Bench(Throttled with { IoApicEoi = IoApicEoi(Decision(Again)) }).Run(500);
        var decided = bench.Events.Where(e => e.Kind == TraceEventKind.PolicyDecided).ToList();
        Assert.That(decided.Select(e => (PolicyPoint)e.A).Distinct(),
            Is.EquivalentTo(new[] { PolicyPoint.ImmediateExit, PolicyPoint.IoApicEoi }));
        Assert.That(decided.Where(e => (PolicyPoint)e.A == PolicyPoint.IoApicEoi).Select(e => (e.B, e.C)).Distinct(),
            Is.EqualTo(new[] { ((ulong)IoApicEoiAction.Resend, 23UL) }));
    }

    [TestCase(IrqchipKind.Split)]
    [TestCase(IrqchipKind.Kernel)]
    public void QEMUs_delay_as_a_script_makes_the_same_history_as_the_built_in_one(IrqchipKind irqchip)
    {
        // 10 ms at 2.4 GHz.
        var config = HypervMachine.Livelock with { Irqchip = irqchip };
        var built = new Bench(config with { IoApicEoi = new QemuDelayAfter(50, 24_000_000) }).Run(Served);
        var script = new Bench(config with { IoApicEoi = IoApicEoi(Decision(DelaysAt50)) }).Run(Served);
        Assert.That(script.Events, Is.EqualTo(built.Events));
        Assert.That(script.Reports, Does.Contain("usb served"));
    }

    [TestCase(HypervisorKind.Kvm)]
    [TestCase(HypervisorKind.Bhyve)]
    [TestCase(HypervisorKind.BareMetal)]
    public void A_script_hears_of_each_write_of_a_redirection_entry_and_of_its_pin(HypervisorKind hypervisor)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(0xfec00000, 0x10 + (2 * 5));
            await cpu.MmioWrite(0xfec00010, 0x10060);
            await cpu.MmioWrite(0xfec00000, 0x11 + (2 * 5));
            await cpu.MmioWrite(0xfec00010, 0);
            await cpu.MmioWrite(0xfec00000, 0);
            await cpu.MmioWrite(0xfec00010, 0);
        }

        var heard = new List<(int Pin, int Vector, uint Before)>();
        var program = Decision(Again);
        var hears = new PolicyProgram(program.Name, program.Answer)
        {
            Decide = program.Decide,
            Variables = program.Variables,
            EntryWritten = now => heard.Add((now.Pin, now.Vector, Vars.Count++)),
        };
        var config = Kvm(Guest(Main)) with { Hypervisor = hypervisor, Vendor = CpuVendor.Amd, IoApicEoi = IoApicEoi(hears) };
        new Bench(config).Run(200);
        Assert.That(heard, Is.EqualTo(new[] { (5, 0x60, 0U), (5, 0x60, 1U) }), "not the ID register; each pin has its memory");
    }

    [Test]
    public void A_decision_is_asked_once_in_a_step_and_its_answer_holds_until_the_next()
    {
        static TimerFire Rule() => StepContext.Current.Board.Config.Kvm.TimerFire;

        static async GuestTask Main(Cpu cpu)
        {
            for (var step = 0; step < 3; step++)
            {
                await cpu.Work(10);
                await cpu.Report($"{Rule()} {Rule()}");
            }
        }

        var config = TimerFires(_ => ++Vars.Count % 2 == 0 ? TimerFire.Pend : TimerFire.DeliverInCallback);
        Assert.That(new Bench(config with { L1 = Guest(Main) }).Run(100).Reports, Is.EqualTo(new[]
        {
            "DeliverInCallback DeliverInCallback", "Pend Pend", "DeliverInCallback DeliverInCallback",
        }));
    }

    [TestCase(0)]
    [TestCase(1_000_000_001)]
    public void A_delay_of_nothing_or_of_more_than_1000_s_is_an_error(long microseconds)
    {
        var config = Kvm(Guest(Spin)).Raise(50_000) with { IoApicEoi = IoApicEoi(Decision(_ => IoApicEoiDecision.Delay(microseconds))) };
        Assert.That(() => new Rig(config).Run(1_000_000),
            Throws.InstanceOf<PolicyException>().With.Message.Contains($"ioapic-eoi (test.csx): Delay({microseconds})"));
    }

    [Test]
    public void A_pins_decision_sees_pin_vector_and_line()
    {
        var seen = new List<(int Pin, int Vector, bool IsHigh, int Vcpu)>();
        var config = Kvm(Guest(Spin, Serve)).Raise(50_000) with
        {
            IoApicEoi = IoApicEoi(Decision(now =>
            {
                seen.Add((now.Pin, now.Vector, now.LineIsHigh, now.Vcpu));
                return IoApicEoiDecision.Nothing;
            })),
        };
        new Rig(config).Run(1_000_000);
        Assert.That(seen, Is.EqualTo(new[] { (Gsi, (int)LevelVector, false, 0) }));
    }

    [Test]
    public void The_memory_is_the_loaded_control_structures_own()
    {
        var bench = new Bench(Throttled).Run(1_000);
        var memory = MemoryOf(bench, 2);
        Assert.That((memory[0].Count, memory[1].Count > 2), Is.EqualTo((0u, true)), "L1's, L2's");
    }

    [Test]
    public void What_a_script_remembers_is_forked_and_names_the_state()
    {
        var bench = new Bench(Throttled).Run(1_000);
        var fork = bench.Machine.Fork();
        var before = Bench.StateOf(bench.Machine);
        Assert.That(Bench.StateOf(fork), Is.EqualTo(before));
        bench.Board.PolicyMemoryOf(fork, place: 1)[8]++;
        Assert.That(Bench.StateOf(fork), Is.Not.EqualTo(before));
        Assert.That(Bench.StateOf(bench.Machine), Is.EqualTo(before));
    }

    [Test]
    public void A_fork_goes_on_as_its_original_does()
    {
        var bench = new Bench(Throttled).Run(2_000);
        var events = new List<TraceEvent>();
        var (fork, engine) = (bench.Machine.Fork(), new StepEngine(bench.Board, new Sink(events)));
        var known = bench.Events.Count;
        for (var i = 0; i < 3_000; i++)
        {
            engine.Step(fork, engine.Next(fork)!);
        }

        bench.Run(3_000);
        Assert.That(events, Is.EqualTo(bench.Events.Skip(known)));
        Assert.That(Bench.StateOf(fork), Is.EqualTo(Bench.StateOf(bench.Machine)));
    }

    [Test]
    public void What_a_script_remembers_is_saved_and_restored_with_the_machine()
    {
        var bench = new Bench(Throttled).Run(1_000);
        var bytes = Snapshot.Write(bench.Board, bench.Machine, 1_000, ["here"]);
        var board = new Board(Throttled);
        Assert.That(Bench.StateOf(Snapshot.Read(bytes).Restore(board)), Is.EqualTo(Bench.StateOf(bench.Machine)));
    }

    [Test]
    public void Asking_who_can_act_and_what_a_value_is_changes_no_memory()
    {
        var asked = 0;
        var config = TimerFires(now =>
        {
            asked++;
            return TimerFire.Pend;
        });
        var rig = new Rig(config).Run(10_000);
        var (state, before) = (rig.Machine.Bytes.ToArray(), asked);
        rig.Engine.Enabled(rig.Machine);
        rig.Engine.Next(rig.Machine);
        rig.Engine.IsPrivate(rig.Machine, rig.Actor("vcpu0"), out _);
        Assert.That(rig.Board.Config.Kvm.TimerFire, Is.EqualTo(TimerFire.DeliverIfApicv), "outside a step: its own value");
        Assert.That(asked, Is.EqualTo(before));
        Assert.That(rig.Machine.Bytes.ToArray(), Is.EqualTo(state));
    }

    [TestCase(TimerFire.Pend)]
    [TestCase(TimerFire.DeliverIfApicv)]
    [TestCase(TimerFire.DeliverInCallback)]
    public void A_word_that_a_script_answers_acts_as_the_word(TimerFire value)
    {
        var built = new Bench(TimerFires(null) with { Kvm = new KvmPolicies { TimerFire = value } }).Run(600);
        var script = new Bench(TimerFires(_ => value)).Run(600);
        Assert.That(script.Events, Is.EqualTo(built.Events));
        Assert.That(built.Events.Count(e => e.Kind == TraceEventKind.GuestInterrupt), Is.GreaterThan(0));
    }

    [Test]
    public void A_decision_is_asked_once_in_a_step_that_needs_it_and_not_in_others()
    {
        var asked = 0;
        var bench = new Bench(TimerFires(now =>
        {
            Vars.Count++;
            asked++;
            return TimerFire.DeliverInCallback;
        }));
        for (var i = 0; i < 600; i++)
        {
            var before = asked;
            bench.Run(1);
            Assert.That(asked - before, Is.LessThanOrEqualTo(1));
        }

        Assert.That(asked, Is.GreaterThan(0).And.LessThan(300));
        Assert.That(MemoryOf(bench, 2).Sum(memory => memory.Count), Is.EqualTo(asked));
    }

    [Test]
    public void An_exception_of_a_script_ends_the_step_and_names_point_and_script()
    {
        var rig = new Rig(TimerFires(_ => throw new ArithmeticException("no answer")));
        Assert.That(() => rig.Run(10_000_000), Throws.InstanceOf<PolicyException>()
            .With.Message.EqualTo("timer-fire (test.csx): no answer").And.InnerException.InstanceOf<ArithmeticException>());
    }

    [Test]
    public void An_answer_that_the_machine_cannot_have_is_an_error_that_says_why()
    {
        var script = new DecisionScript<TimerFire>(
            "timer-fire", PolicyScope.Vcpu, Decision(_ => TimerFire.Pend), answer => answer == TimerFire.Pend ? "it is too old" : null);
        var rig = new Rig(TimerFires(null) with
        {
            Kvm = new KvmPolicies { Scripts = DecisionScripts.None.With(nameof(KvmPolicies.TimerFire), script) },
        });
        Assert.That(() => rig.Run(10_000_000), Throws.InstanceOf<PolicyException>().With.Message.Contains("it is too old"));
    }

    [Test]
    public void Code_that_does_not_end_uses_up_the_steps_budget()
    {
        var rig = new Rig(TimerFires(_ =>
        {
            while (true)
            {
                StepBudget.Loop(1, 12, 5);
            }
        }));
        Assert.That(() => rig.Run(10_000_000), Throws.InstanceOf<PolicyException>()
            .With.Message.Contains("The policy's code used up what one step may cost").And.Message.Contains("line 12, column 5"));
    }

    [Test]
    public void What_a_machine_is_made_of_is_asked_at_its_reset_of_its_boot_processor()
    {
        (int, int, bool, int, uint)? seen = null;
        var script = new DecisionScript<NmiTracking>("nmi-tracking", PolicyScope.Vm, Decision(now =>
        {
            seen = (now.Vcpu, now.Level, now.InterruptFlag, now.HighestIrr, ++Vars.Count);
            return NmiTracking.Untracked;
        }));
        Assert.That(script.AskAtMaking(Kvm(Guest(Spin)).Fire(0)), Is.EqualTo(NmiTracking.Untracked));
        Assert.That(seen, Is.EqualTo((0, 1, false, -1, 1u)));
    }

    [Test]
    public void A_controllers_rule_is_asked_at_the_beginning_of_each_step_and_the_machine_names_no_choice_between_them()
    {
        var asked = 0;
        var point = ControllerPolicyTable.Find("lapic-illegal-vectors")!;
        var program = Decision(now =>
        {
            asked++;
            return IllegalVectorsPolicy.Delivered;
        });
        var config = point.WithScript(program, _ => null, Interrupted.WithoutApicv());
        Bench plain = new(Interrupted.WithoutApicv()), script = new(config);
        for (var i = 1; i <= 400; i++)
        {
            plain.Run(1);
            script.Run(1);
            Assert.That(asked, Is.EqualTo(i));
            Assert.That(script.Machine.Ref(script.Board.Apics, 0).Policies, Is.EqualTo(plain.Machine.Ref(plain.Board.Apics, 0).Policies));
        }

        Assert.That(script.Events, Is.EqualTo(plain.Events));
    }

    [TestCase(IoApicEoiMatch.LevelEntries)]
    [TestCase(IoApicEoiMatch.EveryEntry)]
    public void A_controllers_rule_that_a_script_answers_acts_as_the_word(IoApicEoiMatch value)
    {
        // The I/O APIC of a machine whose line is edge-triggered: only KVM's looks at it at an EOI.
        var config = Interrupted with { Irqchip = IrqchipKind.Kernel };
        var usual = ControllerPolicies.Usual(HypervisorKind.Kvm, IrqchipKind.Kernel);
        var built = config with { Controllers = usual with { IoApic = usual.IoApic with { EoiMatch = value } } };
        var script = ControllerPolicyTable.Find("ioapic-eoi-match")!.WithScript(Decision(_ => value), _ => null, config);
        Assert.That(new Bench(script).Run(600).Events, Is.EqualTo(new Bench(built).Run(600).Events));
    }

    [Test]
    public void Of_a_wire_or_a_register_a_controllers_script_is_asked_once()
    {
        var asked = 0;
        var point = ControllerPolicyTable.Find("ioapic-eoi-register")!;
        var config = point.WithScript(
            Decision(_ =>
            {
                asked++;
                return IoApicEoiRegister.Present;
            }),
            _ => null,
            Interrupted);
        Assert.That((config.Controllers!.Value.IoApic.EoiRegister, config.ControllerScripts.Count, asked),
            Is.EqualTo((IoApicEoiRegister.Present, 0, 1)));
    }

    [Test]
    public void No_step_is_private_where_a_policy_is_a_script()
    {
        static bool Any(MachineConfig config)
        {
            var bench = new Bench(config);
            var found = false;
            for (var i = 0; i < 300; i++)
            {
                found |= bench.Engine.IsPrivate(bench.Machine, bench.Board.Actors[0], out _);
                bench.Run(1);
            }

            return found;
        }

        static MachineConfig Untimed(MachineConfig config) =>
            config with { Time = new ClassTime(2_400), Timing = TimingProfile.Untimed };

        Assert.That((Any(Untimed(HypervMachine.Throttled)), Any(Untimed(Throttled))), Is.EqualTo((true, false)));
    }

    private static MachineConfig Interrupted => Kvm(Guest(Spin, Serve)).Raise(50_000).Fire(60_000);

    private static IoApicEoiDecision Again(Situation now) => now.LineIsHigh ? IoApicEoiDecision.Resend : IoApicEoiDecision.Nothing;

    private static IoApicEoiDecision DelaysAt50(Situation now)
    {
        if (!now.LineIsHigh)
        {
            Vars.Count = 0;
            return IoApicEoiDecision.Nothing;
        }

        if (++Vars.Count < 50)
        {
            return IoApicEoiDecision.Resend;
        }

        Vars.Count = 0;
        return IoApicEoiDecision.Delay(microseconds: 10_000);
    }

    /// <summary>A guest with a periodic local APIC timer, whose interrupts a script delivers; the usual value for none.</summary>
    private static MachineConfig TimerFires(Func<Situation, TimerFire>? decide)
    {
        static async GuestTask Main(Cpu cpu)
        {
            await cpu.MmioWrite(Apic + 0x3e0, 0xb);
            await cpu.MmioWrite(Apic + 0x320, 0x20040);
            await cpu.MmioWrite(Apic + 0x380, 20_000);
            await Spin(cpu);
        }

        var config = Kvm(Guest(Main));
        return decide is null ? config : config with
        {
            Kvm = new KvmPolicies
            {
                Scripts = DecisionScripts.None.With(
                    nameof(KvmPolicies.TimerFire), new DecisionScript<TimerFire>("timer-fire", PolicyScope.Vcpu, Decision(decide))),
            },
        };
    }

    private static Memory[] MemoryOf(Bench bench, int places) =>
    [
        .. Enumerable.Range(0, places).Select(place =>
            System.Runtime.InteropServices.MemoryMarshal.Read<Memory>(bench.Board.PolicyMemoryOf(bench.Machine, place))),
    ];

    private sealed class Sink(List<TraceEvent> events) : ITraceSink
    {
        public void Emit(in TraceEvent traceEvent) => events.Add(traceEvent);
    }
}

/// <summary>What a machine's only policy script remembers.</summary>
internal static class PolicyMemory
{
    public static Span<byte> PolicyMemoryOf(this Board board, Machine machine, int place) => machine.Bytes.Slice(
        board.PolicyMemory(PolicyScripts.Of(board.Config).Single(), place),
        System.Runtime.CompilerServices.Unsafe.SizeOf<PolicyPrograms.Memory>());
}
