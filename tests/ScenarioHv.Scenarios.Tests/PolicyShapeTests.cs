using System.Reflection;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>How scripts fill the points of hypervisors and patches.</summary>
[TestFixture]
internal sealed class PolicyShapeTests
{
    private const int Steps = 700;
    private const uint Apic = 0xfee00000;
    private const ulong Block = 1UL << 5;

    private static readonly SourceMark Here = new("test.yaml", 3, 7);

    private static readonly MachineConfig[] Machines =
    [
        Busy,
        Busy with { Apicv = false, Irqchip = IrqchipKind.Kernel },
        Busy with { Apicv = false, VirtualNmis = false, Kvm = new KvmPolicies { NmiTracking = NmiTracking.IrqWindowTimeout } },
        Busy with
        {
            Vendor = Engine.Configuration.CpuVendor.Amd,
            ImmediateExit = new SelfIpi(0),
            Kvm = new KvmPolicies { NmiTracking = NmiTracking.IretIntercept },
            Irqchip = IrqchipKind.Kernel,
            VirtualWire = true,
            Hyperv = new HypervConfig(SynIc: true, AutoEoiDeprecated: false, Vapic: false),
        },
        Busy with
        {
            Hypervisor = HypervisorKind.Bhyve,
            Vendor = Engine.Configuration.CpuVendor.Amd,
            Apicv = false,
            Timeline = [.. Busy.Timeline.Where(line => line.Action is StimulusAction.Raise or StimulusAction.Fire)],
        },
    ];

    public static IEnumerable<TestCaseData> Words => PolicyTable.Rules
        .Where(rule => rule.Script.Info is { IsPlan: false, Answer.IsEnum: true })
        .Select(rule => new TestCaseData(rule.Name).SetArgDisplayNames(rule.Name));

    public static IEnumerable<TestCaseData> Points =>
        PolicyTable.Points.Select(point => new TestCaseData(point.Name).SetArgDisplayNames(point.Name));

    /// <summary>A script that always gives one answer makes the history of that answer's word, or says as the word why it cannot.</summary>
    [TestCaseSource(nameof(Words))]
    public void A_script_that_always_gives_one_answer_acts_as_a_word(string point)
    {
        var rule = PolicyTable.Rules.Single(rule => rule.Name == point);
        var machines = Machines.Where(config => rule.Absence(config) is null).ToList();
        Assert.That(machines, Is.Not.Empty);
        foreach (var config in machines)
        {
            var words = rule.Values.Select(entry => entry.Problem(config) is { } problem ? problem
                : HistoryOf(entry.Apply(new PolicyValue(entry.Info.Name, [], Here), config)));
            var answers = Enum.GetValues(rule.Script.Info.Answer).Cast<object>().Select(answer =>
                WithAnswer(rule, Always(rule.Script.Info.Answer, answer), config));

            // An answer that is refused, but is never needed in this machine, shows nothing.
            var usual = HistoryOf(config);
            Assert.That(answers, Is.SubsetOf(words.Append(usual)), $"{config.Hypervisor} {config.Vendor} {config.Apicv}");
        }
    }

    [TestCaseSource(nameof(Points))]
    public void Every_point_takes_a_script_and_says_which_and_when(string point)
    {
        var info = PolicyTable.Points.Single(info => info.Name == point).Script!;
        Assert.That((info.Kind, info.Asked, info.ScopeWords), Is.Not.EqualTo(("", "", "")));
        var program = new PolicyProgram("test.csx", info.Answer) { Steps = info.IsPlan ? () => 0 : null };
        Assert.That(PolicyTable.PointsFor(program), Does.Contain(point));
    }

    [TestCase("enter", typeof(PostStep), true, "test.csx is a plan of PostStep, made for post; enter takes a plan of EnterStep")]
    [TestCase("timer-fire", typeof(ImmediateExitDecision), false,
        "test.csx is a decision that gives ImmediateExitDecision, made for immediate-exit; "
            + "timer-fire takes a decision that gives TimerFire")]
    [TestCase("post", typeof(PostStep), false,
        "test.csx is a decision that gives PostStep, which no point takes; post takes a plan of PostStep")]
    [TestCase("ioapic-eoi-match", typeof(TimerFire), false,
        "test.csx is a decision that gives TimerFire, made for timer-fire; ioapic-eoi-match takes a decision that gives IoApicEoiMatch")]
    public void A_script_for_another_point_is_refused_where_it_is_named(string point, Type answer, bool isPlan, string message)
    {
        var program = new PolicyProgram("test.csx", answer) { Steps = isPlan ? () => 0 : null };
        Assert.That(() => PolicyTable.Apply(point, program, Here, Busy),
            Throws.InstanceOf<ScenarioException>().With.Message.EqualTo($"test.yaml:3:7: {message}"));
    }

    [Test]
    public void A_controllers_script_that_could_have_no_effect_is_refused_as_a_word_is()
    {
        var program = Always(typeof(Engine.Interrupts.IoApicRtc), Engine.Interrupts.IoApicRtc.Plain);
        Assert.That(() => PolicyTable.Apply("ioapic-rtc", program, Here, Busy),
            Throws.InstanceOf<ScenarioException>().With.Message.Contains("no machine of a scenario has an RTC yet"));
    }

    [Test]
    public void An_AMD_processor_has_no_preemption_timer_for_a_script_either()
    {
        var program = Always(typeof(ImmediateExitDecision), ImmediateExitDecision.PreemptionTimer(0));
        var config = PolicyTable.Apply("immediate-exit", program, Here, Nested(Machines[3]));
        Assert.That(() => HistoryOf(config),
            Throws.InstanceOf<PolicyException>().With.Message.Contains("which an AMD processor does not have"));
    }

    [Test]
    public void Only_KVM_and_its_monitors_look_at_a_pin_later()
    {
        var program = new PolicyProgram("test.csx", typeof(IoApicEoiDecision))
        {
            Decide = (Situation now) => IoApicEoiDecision.Delay(microseconds: 10),
        };
        var bare = Busy with { Hypervisor = HypervisorKind.BareMetal, Timeline = Machines[4].Timeline };
        foreach (var config in new[] { Machines[4], bare })
        {
            Assert.That(() => HistoryOf(PolicyTable.Apply("ioapic-eoi", program, Here, config)),
                Throws.InstanceOf<PolicyException>().With.Message.Contains("nothing looks at the pins of this I/O APIC later"));
        }
    }

    /// <summary>Interrupts, NMIs, a timer, a SINT, a save, a restore and an inhibit, as far as the machine has them.</summary>
    private static MachineConfig Busy
    {
        get
        {
            static async GuestTask Main(Cpu cpu)
            {
                await cpu.MmioWrite(Apic + 0x3e0, 0xb);
                await cpu.MmioWrite(Apic + 0x320, 0x40);
                await cpu.MmioWrite(Apic + 0x380, 100_000);
                await cpu.Work(20_000);
                await cpu.Sti();
                while (true)
                {
                    await cpu.Work(4_000);
                    await cpu.WriteCr8(0);
                }
            }

            static async GuestTask End(Cpu cpu, byte vector)
            {
                await cpu.Work(2_000);
                await cpu.Out32(0x104, 1);
                await cpu.Eoi();
            }

            return new MachineConfig
            {
                L1 = new GuestProgram("guest", Main) { OnInterrupt = End, OnNmi = async cpu => await cpu.Work(3_000) },
                Devices =
                [
                    new DeviceConfig("line", DeviceKind.Line) { Gsi = 10, Vector = 0x50, IoBase = 0x100 },
                    new DeviceConfig("msi", DeviceKind.Msi) { Vector = 0x60 },
                ],
                Timeline =
                [
                    new(5_000, StimulusAction.Fire, 1), new(8_000, StimulusAction.Raise, 0), new(60_000, StimulusAction.Nmi, 0),
                    new(61_000, StimulusAction.Nmi, 0), new(62_000, StimulusAction.Fire, 1),
                    new(80_000, StimulusAction.Inhibit, 0) { Value = Block }, new(81_000, StimulusAction.Fire, 1),
                    new(90_000, StimulusAction.Lift, 0) { Value = Block }, new(100_000, StimulusAction.Pause, 0),
                    new(105_000, StimulusAction.Save, 0), new(120_000, StimulusAction.Restore, 0),
                ],
            };
        }
    }

    /// <summary>With a guest of the guest, whose entries a pending interrupt makes exit at once.</summary>
    private static MachineConfig Nested(MachineConfig config)
    {
        static async GuestTask Run(Cpu cpu)
        {
            while (true)
            {
                await cpu.VmResume();
                await cpu.Eoi();
            }
        }

        static async GuestTask Spin(Cpu cpu)
        {
            while (true)
            {
                await cpu.Work(10_000);
            }
        }

        return config with
        {
            L1 = new GuestProgram("l1", Run),
            L2 = new GuestProgram("l2", Spin),
            Timeline = [new(50_000, StimulusAction.Raise, 0), new(50_000, StimulusAction.Fire, 1)],
        };
    }

    private static string WithAnswer(PolicyRule rule, PolicyProgram program, MachineConfig config)
    {
        try
        {
            return HistoryOf(rule.Apply(program, Here, config));
        }
        catch (PolicyException problem)
        {
            return problem.InnerException!.Message.Split(" does not exist here: ")[1];
        }
    }

    private static string HistoryOf(MachineConfig config)
    {
        var history = new History();
        var engine = new StepEngine(new Board(config), history);
        var machine = engine.Create();
        for (var i = 0; i < Steps && engine.Next(machine) is { } next; i++)
        {
            engine.Step(machine, next);
        }

        return string.Join('\n', history.Events);
    }

    private static PolicyProgram Always(Type type, object answer) =>
        (PolicyProgram)typeof(PolicyShapeTests).GetMethod(nameof(AlwaysOf), BindingFlags.Static | BindingFlags.NonPublic)!
            .MakeGenericMethod(type).Invoke(null, [answer])!;

    private static PolicyProgram AlwaysOf<T>(T answer) => new("test.csx", typeof(T)) { Decide = (Situation _) => answer };

    private sealed class History : ITraceSink
    {
        public List<TraceEvent> Events { get; } = [];

        public void Emit(in TraceEvent traceEvent) => Events.Add(traceEvent);
    }
}
