using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Running;

/// <summary>
/// Tells which optional devices and stimuli a failure does not need: each is left out in turn, in the order written, and stays out if the
/// search then finds a failure of the same kind and property. Each is a search of its own, within the same limits.
/// </summary>
internal sealed class Smaller(IGuestLoader guests, SearchSettings settings)
{
    /// <summary>Called with the words of each part that is tried.</summary>
    public Action<string>? Tries { get; init; }

    /// <summary>The same finding with the failure of the smallest machine.</summary>
    /// <param name="finding">A failure.</param>
    public CellFinding Of(CellFinding finding)
    {
        var cell = finding.Source.Cell;
        CellFinding? smallest = null;
        List<OptionalPart> without = [];
        foreach (var part in OptionalParts.Of(cell.Scenario))
        {
            if (settings.Cancelled.IsCancellationRequested)
            {
                break;
            }

            Tries?.Invoke(part.Words);
            if (Search(cell, [.. without, part]) is { } found && IsSame(found, finding))
            {
                without.Add(part);
                smallest = found;
            }
        }

        return finding with { Smallest = smallest is null ? null : new SmallerFailure(smallest, without) };
    }

    private CellFinding? Search(ScenarioCell cell, IReadOnlyCollection<OptionalPart> without)
    {
        try
        {
            var smaller = cell with { Scenario = OptionalParts.Without(cell.Scenario, without) };
            return new CellExploration(smaller, guests, settings.IsTimed).Explore(settings);
        }
        catch (Exception problem) when (problem is ScenarioException or ExplorationException)
        {
            // Without it there is no machine, or its guest cannot go on: the part is needed.
            return null;
        }
    }

    private static bool IsSame(CellFinding one, CellFinding other) =>
        one.Outcome == other.Outcome && one.Found.Property == other.Found.Property;
}

/// <summary>The same failure with less.</summary>
/// <param name="Finding">What was found without the parts.</param>
/// <param name="Without">What was left out, in the order written.</param>
internal sealed record SmallerFailure(CellFinding Finding, IReadOnlyList<OptionalPart> Without);
