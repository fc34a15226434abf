using ScenarioHv.Scenarios;

namespace ScenarioHv.ScenarioMatrix;

/// <summary>Every scenario is a test, one case per cell of its matrix: the name says what broke.</summary>
public sealed class EveryScenario
{
    private static IEnumerable<TestCaseData> Cells =>
        from file in Shipped.Files
        let document = Shipped.Read(file)
        from cell in document.Cells
        select new TestCaseData(cell).SetName($"{document.Base.Name}: {cell.Name}");

    [TestCaseSource(nameof(Cells))]
    public void Cell_ends_as_its_scenario_expects(ScenarioCell cell)
    {
        var (result, _) = Shipped.Run(cell.Scenario);

        var outcome = Enum.Parse<Outcome>(result.Outcome.ToString());
        Assert.That(
            cell.Expect.Any(expectation => expectation.IsMetBy(outcome, result.Property)),
            $"{new Expectation(outcome, result.Property)}, expected {string.Join(" or ", cell.Expect)}: {result.Reason}; {cell.Note}");
    }
}
