using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tests.Guests;

namespace ScenarioHv.Exploration.Tests;

/// <summary>Brent's algorithm and the two runs that measure its result, against a search that remembers every state.</summary>
public sealed class BruteForceTests
{
    public static IEnumerable<TestCaseData> Machines =>
    [
        Case("work", SmallMachines.BareMetal(Guests.Works, ("a", 10))),
        Case("prefix", SmallMachines.BareMetal(Guests.WorksAfterTwoInstructions, ("a", 10))),
        Case("counter", SmallMachines.BareMetal(Guests.CountsInALocal, ("a", 3), ("k", 37))),
        Case("rho 1", SmallMachines.BareMetal(Guests.CountsAndFallsBack, ("a", 3), ("c", 200), ("k", 210))),
        Case("rho 2", SmallMachines.BareMetal(Guests.CountsAndFallsBack, ("a", 3), ("c", 1), ("k", 127))),
        Case("two CPUs", SmallMachines.BareMetal(Guests.Works, ("a", 13), ("b", 11)) with { Vcpus = 2 }),
        Case("KVM", SmallMachines.Kvm(Guests.WorksInTurn, ("a", 1000), ("b", 7))),
        Case("KVM, two vCPUs", SmallMachines.Kvm(Guests.Works, ("a", 50), ("b", 70)) with { Vcpus = 2 }),
        Case("KVM, host tick", SmallMachines.Kvm(Guests.Works, ("a", 100_000)) with { HostTickHz = 10_000 }),
        Case("stimulus ahead", SmallMachines.BareMetal(Guests.WorksOpen, ("a", 100)).WithHandler(Guests.Acknowledges).WithMessage(5_050)),
        Case("fed", SmallMachines.BareMetal(Guests.WorksOpen, ("a", 700)).WithHandler(Guests.Acknowledges).WithMessage(5_000, 1_100)),
        Case("fed, KVM", SmallMachines.Kvm(Guests.HaltsOpen).WithHandler(Guests.Acknowledges).WithMessage(50_000, 100_000)),
        Case("the thread of March 2019", HypervMachine.Livelock),
        Case("the thread, kernel irqchip", HypervMachine.Livelock with { Irqchip = IrqchipKind.Kernel }),
    ];

    [TestCaseSource(nameof(Machines))]
    public void Prefix_and_period_are_those_of_a_search_that_remembers_every_state(MachineConfig config)
    {
        var expected = Search(config);
        var result = config.Run(new RunLimits { Steps = 200_000 });

        Assert.That(result.Recurrence, Is.Not.Null, result.Reason);
        var found = result.Recurrence!;
        Assert.That((found.PrefixSteps, found.PrefixCycles, found.Steps, found.Cycles), Is.EqualTo(expected));
    }

    /// <summary>Steps until a state comes that was there before.</summary>
    private static (long PrefixSteps, long PrefixCycles, long Steps, long Cycles) Search(MachineConfig config)
    {
        var engine = new StepEngine(new Board(config));
        var machine = engine.Create();
        var seen = new Dictionary<string, (long Step, long Cycle)>();
        var scratch = new byte[machine.Layout.Size];
        for (long step = 0; ; step++)
        {
            var state = Convert.ToBase64String(scratch.AsSpan(0, NormalForm.Of(machine.Layout).Write(machine, scratch)));
            if (!seen.TryAdd(state, (step, machine.Now)))
            {
                var (first, cycle) = seen[state];
                return (first, cycle, step - first, machine.Now - cycle);
            }

            Assert.That(step, Is.LessThan(20_000), "the machine is too large for this search");
            engine.Step(machine, engine.Next(machine)!);
        }
    }

    private static TestCaseData Case(string name, MachineConfig config) => new TestCaseData(config).SetArgDisplayNames(name);
}
