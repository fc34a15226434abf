using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Time;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests;

/// <summary>
/// Guests so small that their orders can be counted: the search against counts made by hand, and against a search of the test's own that
/// keeps every state whole, with chains and without.
/// </summary>
public sealed class SmallGuestsTests
{
    private static IEnumerable<TestCaseData> Systems =>
    [
        Case("two locks, each takes its own first", Locks(ordered: false), GraphOutcome.Livelock),
        Case("two locks, in one order", Locks(ordered: true), GraphOutcome.Holds),
        Case("two locks, with work inside", Locks(ordered: false, work: true), GraphOutcome.Livelock),
        Case("looks and sleeps, and is lost", Sleepers(careful: false), GraphOutcome.Stuck),
        Case("says so, looks and sleeps", Sleepers(careful: true), GraphOutcome.Holds),
        Case("two IPIs, one after the other", Ipis(waits: true), GraphOutcome.Holds),
        Case("two IPIs that may collapse", Ipis(waits: false), GraphOutcome.Stuck),
        Case("mode handshake with its barrier", Handshake(EnterPlans.PublishThenRecheck), GraphOutcome.Holds),
        Case("mode handshake without", Handshake(EnterPlans.PublishWithoutBarrier), GraphOutcome.Livelock),
        Case("mode after the last look", Handshake(EnterPlans.RecheckThenPublish), GraphOutcome.Livelock),
    ];

    [TestCaseSource(nameof(Systems))]
    public void Search_counts_what_a_search_that_keeps_every_state_counts(MachineConfig config, GraphOutcome outcome)
    {
        foreach (var chains in new[] { false, true })
        {
            var found = new Explorer(new Board(config)) { Chains = chains }.Explore();

            Assert.That(found.Outcome, Is.EqualTo(outcome), $"chains {chains}: {found.Reason}");
            var counted = NaiveSearch.Count(new Board(config), chains);
            Assert.That((found.Size.States, found.Size.Transitions), Is.EqualTo(counted), $"chains {chains}");
        }
    }

    /// <summary>
    /// A CPU is at one of six points: before its first lock, before its second, with both, with the first alone again, with none, at rest.
    /// The first lock of CPU 0 is the second of CPU 1. It holds it at points 1, 2 and 3, CPU 1 at point 2 alone, and the other way round.
    /// Of 36 pairs that leaves out (1, 2), (2, 2), (3, 2), (2, 1) and (2, 3); and (3, 3), since each would have had to have both before the
    /// other: 30 states. Each CPU that is not at rest has one step, if only to find the lock taken: 60 less 12.
    /// </summary>
    [Test]
    public void Two_locks_have_30_states_and_48_transitions()
    {
        var found = new Explorer(new Board(Locks(ordered: false))).Explore();
        Assert.That((found.Size.States, found.Size.Transitions), Is.EqualTo((30, 48L)));
    }

    /// <summary>Work with IF = 0 belongs to the step before it: with chains the same 30 states, whatever is computed inside.</summary>
    [Test]
    public void Work_that_nobody_can_interrupt_adds_no_state_to_a_chain()
    {
        var chained = new Explorer(new Board(Locks(ordered: false, work: true))).Explore();
        var alone = new Explorer(new Board(Locks(ordered: false, work: true))) { Chains = false }.Explore();
        Assert.That((chained.Size.States, chained.Size.Transitions), Is.EqualTo((30, 48L)));
        Assert.That(alone.Size.States, Is.GreaterThan(30));
    }

    [Test]
    public void A_spinning_CPU_beside_one_that_can_go_on_is_no_livelock()
    {
        var found = new Explorer(new Board(Locks(ordered: true))).Explore();
        Assert.That(found.Outcome, Is.EqualTo(GraphOutcome.Holds), "cycles in which a CPU spins are not fair to the lock's holder");
        Assert.That(found.Counts.UnfairCycles, Is.Positive);
    }

    [Test]
    public void A_vector_whose_kick_was_missed_is_named_as_the_cause()
    {
        var found = new Explorer(new Board(Handshake(EnterPlans.PublishWithoutBarrier))).Explore();
        Assert.That(found.Property, Is.EqualTo(PropertyTable.NameOf(LivenessProperty.Live)));
    }

    private static MachineConfig Locks(bool ordered, bool work = false) =>
        Untimed(TwoCpus(SmallGuests.Locks, ("ordered", ordered ? 1 : 0), ("work", work ? 1 : 0)) with { Goal = null });

    private static MachineConfig Sleepers(bool careful) =>
        Untimed(TwoCpus(SmallGuests.Sleepers, ("careful", careful ? 1 : 0)).WithHandler(Guests.Acknowledges));

    private static MachineConfig Ipis(bool waits) =>
        Untimed(TwoCpus(SmallGuests.Ipis, ("waits", waits ? 1 : 0)).WithHandler(SmallGuests.Counts));

    private static MachineConfig Handshake(Plan<EnterStep> enter) =>
        Untimed(SmallMachines.Kvm(Guests.WorksOpen, ("a", 100)).WithHandler(Guests.ReportsDone).WithMessage(10_000) with
        {
            Apicv = false,
            Irqchip = IrqchipKind.Kernel,
            Kvm = new KvmPolicies { Enter = enter },
        });

    private static MachineConfig TwoCpus(Func<Cpu, GuestTask> main, params (string Name, long Value)[] parameters)
    {
        var config = SmallMachines.BareMetal(main, parameters);
        return config with
        {
            Vcpus = 2,
            L1 = new GuestProgram(config.L1.Name, main)
            {
                Variables = config.L1.Variables,
                SharedWords = 4,
                Parameters = config.L1.Parameters,
            },
        };
    }

    private static MachineConfig Untimed(MachineConfig config) => config with
    {
        Time = new ClassTime(2_400),
        Timing = TimingProfile.Untimed,
        L1 = new GuestProgram(config.L1.Name, config.L1.Main)
        {
            OnInterrupt = config.L1.OnInterrupt,
            Variables = config.L1.Variables,
            SharedWords = 4,
            Parameters = config.L1.Parameters,
        },
    };

    private static TestCaseData Case(string name, MachineConfig config, GraphOutcome outcome) =>
        new TestCaseData(config, outcome).SetArgDisplayNames(name);
}

/// <summary>The guests of <see cref="SmallGuestsTests"/>.</summary>
internal static class SmallGuests
{
    private const uint IcrLow = 0xfee00300, IcrHigh = 0xfee00310;
    private const uint Ipi = 0x4050;

    private static Shared<int> First => new(0);

    private static Shared<int> Second => new(1);

    private static Shared<int> Served => new(2);

    public static async GuestTask Locks(Cpu cpu)
    {
        var swapped = cpu.Id == 1 && cpu.Parameter("ordered") == 0;
        while (await Lock(swapped, outer: true).Exchange(cpu, 1) != 0)
        {
        }

        while (await Lock(swapped, outer: false).Exchange(cpu, 1) != 0)
        {
        }

        if (cpu.Parameter("work") != 0)
            await cpu.Work(1_000);
        await Lock(swapped, outer: false).Write(cpu, 0);
        await Lock(swapped, outer: true).Write(cpu, 0);
    }

    /// <summary>CPU 1 sleeps unless there is something; CPU 0 makes something and wakes it if it has said that it sleeps.</summary>
    public static async GuestTask Sleepers(Cpu cpu)
    {
        if (cpu.Id == 0)
        {
            await First.Write(cpu, 1);
            if (await Second.Read(cpu) != 0)
                await Send(cpu);
            return;
        }

        var careful = cpu.Parameter("careful") != 0;
        if (careful)
            await Second.Write(cpu, 1);
        if (await First.Read(cpu) == 0)
        {
            if (!careful)
                await Second.Write(cpu, 1);
            await cpu.Sti();
            await cpu.Hlt();
        }

        await cpu.Report("done");
    }

    /// <summary>CPU 0 sends the same vector twice; CPU 1 reports when its handler has run twice.</summary>
    public static async GuestTask Ipis(Cpu cpu)
    {
        if (cpu.Id == 1)
        {
            await cpu.Sti();
            await cpu.Hlt();
            await cpu.Hlt();
            return;
        }

        await Send(cpu);
        while (cpu.Parameter("waits") != 0 && await Served.Read(cpu) == 0)
        {
        }

        await cpu.MmioWrite(IcrLow, Ipi);
    }

    public static async GuestTask Counts(Cpu cpu, byte vector)
    {
        var served = await Served.Read(cpu) + 1;
        await Served.Write(cpu, served);
        if (served == 2)
            await cpu.Report("done");
        await cpu.Eoi();
    }

    private static Shared<int> Lock(bool swapped, bool outer) => swapped == outer ? Second : First;

    private static async GuestTask Send(Cpu cpu)
    {
        await cpu.MmioWrite(IcrHigh, 1u << 24);
        await cpu.MmioWrite(IcrLow, Ipi);
    }
}
