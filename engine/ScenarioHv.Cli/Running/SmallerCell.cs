using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Running;

/// <summary>A cell without some of its scenario's optional parts, which a failure does not need.</summary>
internal static class SmallerCell
{
    /// <summary>The cell without the parts of these words.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="without">Words of <see cref="OptionalPart"/>s, blanks not counting.</param>
    /// <exception cref="InputException">There is no such part.</exception>
    public static ScenarioCell Of(ScenarioCell cell, IReadOnlyList<string> without)
    {
        if (without.Count == 0)
        {
            return cell;
        }

        var parts = OptionalParts.Of(cell.Scenario);
        OptionalPart[] chosen = [.. without.Select(words => Find(cell.Scenario, parts, words))];
        return cell with { Scenario = OptionalParts.Without(cell.Scenario, chosen) };
    }

    private static OptionalPart Find(Scenario scenario, IReadOnlyList<OptionalPart> parts, string words)
    {
        if (parts.FirstOrDefault(part => Dense(part.Words) == Dense(words)) is { } found)
        {
            return found;
        }

        throw new InputException($"--without '{words}': {scenario.Name} has "
            + (parts.Count == 0 ? "no optional parts" : $"the optional parts {string.Join("; ", parts.Select(part => part.Words))}"));
    }

    private static string Dense(string text) => string.Concat(text.Where(character => !char.IsWhiteSpace(character)));
}
