using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Search;
using ScenarioHv.Exploration.Tests;
using ScenarioHv.Scenarios;

namespace ScenarioHv.ScenarioMatrix;

/// <summary>
/// Every cell of every scenario is explored, one case per cell, and has to find what the scenario says that exploring finds, or else what
/// follows from what a run does.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class EveryScenarioExplored
{
    private const int MostStates = 150_000;

    /// <summary>Cells of more states, by the name of the scenario: they are explored when somebody asks for them.</summary>
    private static readonly Dictionary<string, string[]> Large = new(StringComparer.Ordinal)
    {
        ["avic-extint"] =
        [
            "two vCPUs wait for one interrupt",
            "two vCPUs wait for two interrupts",
            "the second gives up",
            "the second gives up, counted",
        ],
        ["hyperv-hang"] =
        [
            "immediate-exit=zero-timer, ioapic-eoi=delay-after(10000, 10 ms)",
            "immediate-exit=throttle(100, 1000), ioapic-eoi=reinject",
            "immediate-exit=throttle(100, 1000), ioapic-eoi=delay-after(10000, 10 ms)",
            "immediate-exit=self-ipi(before-entry), ioapic-eoi=delay-after(10000, 10 ms)",
            "immediate-exit=self-ipi(after(1)), ioapic-eoi=delay-after(10000, 10 ms)",
            "in-kernel I/O APIC, KVM 5.1",
            "QEMU 4.1",
            "throttle with a delay of one tick",
            "with a host tick",
        ],
        ["lapic-restore-timer"] =
        [
            "posted, inhibited, restored, re-enabled; KVM 6.3",
        ],
        ["throttle-script"] =
        [
            "immediate-exit=../scripts/policies/throttle.csx",
        ],
    };

    private static IEnumerable<TestCaseData> Cells => CasesOf(large: false);

    private static IEnumerable<TestCaseData> LargeCells => CasesOf(large: true);

    private static IEnumerable<TestCaseData> Chained =>
        CasesOf(large: false).Select(test => test.SetName(test.TestName!.Replace(": explore ", ": chains of ", StringComparison.Ordinal)));

    [TestCaseSource(nameof(Cells))]
    public void Exploring_a_cell_finds_what_its_scenario_expects(ScenarioCell cell)
    {
        // How many more violations there are is nobody's question here.
        var found = Explore(cell, new SearchLimits { MaxStates = MostStates, AfterViolation = 0 });

        Assert.That(found.Outcome, Is.Not.EqualTo(GraphOutcome.Inconclusive), $"{found.Reason}: such a cell belongs to the large ones");
        RequireExpected(cell, found);
    }

    [TestCaseSource(nameof(LargeCells))]
    [Explicit("Takes minutes: dotnet test --filter Name~large")]
    public void Exploring_a_large_cell_finds_what_its_scenario_expects(ScenarioCell cell)
    {
        var found = Explore(cell, new SearchLimits());

        Assert.That(found.Size.States, Is.GreaterThan(MostStates), "it is not large");
        RequireExpected(cell, found);
    }

    /// <summary>
    /// What is left out between the steps of a chain is what nobody can tell: with and without chains the same is found, and not in fewer
    /// states.
    /// </summary>
    [TestCaseSource(nameof(Chained))]
    public void Chains_change_no_verdict(ScenarioCell cell)
    {
        var limits = new SearchLimits { MaxStates = 2 * MostStates, AfterViolation = 0 };
        var chained = Explore(cell, limits);
        var alone = Explore(cell, limits, chains: false);

        Assert.That((alone.Outcome, alone.Property), Is.EqualTo((chained.Outcome, chained.Property)), alone.Failure?.Schedule.ToString());
        if (chained.Outcome == GraphOutcome.Holds)
        {
            Assert.That(alone.Size.States, Is.GreaterThanOrEqualTo(chained.Size.States));
        }
    }

    /// <summary>Packed states, their fingerprints and steps that are undone, against a search that has none of them.</summary>
    [TestCase("first-steps", "base")]
    [TestCase("bhyve-lost-ipi", "base")]
    [TestCase("lapic-restore-timer", "base")]
    [TestCase("avic-extint", "base")]
    [TestCase("soft-vnmi", "nmi-tracking=irq-window+timeout")]
    [TestCase("hyperv-hang", "level source alone")]
    [TestCase("history/posted-suppress", "base")]
    public void Search_counts_what_a_search_over_whole_states_counts(string scenario, string cell)
    {
        var board = Shipped.ExploredBoardOf(Shipped.Cell(scenario, cell));
        foreach (var chains in new[] { false, true })
        {
            var found = new Explorer(board) { Chains = chains }.Explore();
            Assert.That((found.Size.States, found.Size.Transitions), Is.EqualTo(NaiveSearch.Count(board, chains)), $"chains {chains}");
        }
    }

    private static Exploration.Exploration Explore(ScenarioCell cell, SearchLimits limits, bool chains = true) =>
        new Explorer(Shipped.ExploredBoardOf(cell.Scenario)) { Limits = limits, Chains = chains }.Explore();

    private static void RequireExpected(ScenarioCell cell, Exploration.Exploration found)
    {
        var outcome = Enum.Parse<Outcome>(found.Outcome.ToString());
        var isMet = cell.ExpectExploring.Any(expectation => expectation.IsMetBy(outcome, found.Property));
        var message = $"{new Expectation(outcome, found.Property)}, expected {string.Join(" or ", cell.ExpectExploring)}: "
            + $"{found.Reason}; schedule {found.Failure?.Schedule}; {cell.Note}";
        Assert.That(isMet, message);
    }

    private static IEnumerable<TestCaseData> CasesOf(bool large) =>
        from file in Shipped.Files
        let document = Shipped.Read(file)
        from cell in document.Cells
        where large == Large.GetValueOrDefault(document.Base.Name, []).Contains(cell.Name)
        select new TestCaseData(cell).SetName($"{document.Base.Name}: explore {(large ? "large " : "")}{cell.Name}");
}
