using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>
/// The <c>cells</c>: variants that no product of policies reaches. Each lays its <c>set</c> over the scenario's own text.
/// </summary>
internal static class CellBinder
{
    /// <summary>Most cells.</summary>
    public const int MostCells = 256;
    /// <summary>Most characters of a cell's name.</summary>
    public const int LongestName = 120;

    public static IEnumerable<ScenarioCell> Bind(YamlNode node, YamlMap root, string file, Vocabulary vocabulary)
    {
        var items = Fields.ListOf(node, "cells");
        if (items.Count > MostCells)
            throw items[MostCells].Mark.Error($"more than {MostCells} cells");
        if ((long)items.Count * CountNodes(root) > YamlLimits.NodesOfAllCells)
        {
            var (values, limit) = (CountNodes(root), YamlLimits.NodesOfAllCells);
            throw node.Mark.Error($"{items.Count} cells of a file with {values} values are too many; together {limit} are allowed");
        }
        foreach (var item in items)
        {
            var fields = Fields.Open(item, "a cell", ScenarioKeys.Cell.Names);
            var name = Fields.Text(fields.Required("name"), "the name of a cell");
            if (name.Text.Length > LongestName || name.Text.Contains('\n', StringComparison.Ordinal))
                throw name.Mark.Error($"the name of a cell has one line and at most {LongestName} characters");
            var note = fields.Optional("note") is { } text ? Fields.Text(text, "note").Text : "";
            var set = fields.Required("set");
            Fields.Open(set, $"set of cell {name.Description}", ScenarioKeys.CellSet.Names);
            if (((YamlMap)set).TryGet("explore", out var limits))
                ExploreBinder.RefuseExpect(limits.Value);
            var expect = ExpectationBinder.Bind(fields.Required("expect"), "expect", vocabulary);
            var scenario = ScenarioBinder.Bind(root.Overlay((YamlMap)set), file, vocabulary);
            var found = fields.Optional("explore") is { } explore
                ? ExpectationBinder.BindExploring(explore, "explore", vocabulary)
                : [];
            yield return new ScenarioCell(
                name.Text, note, scenario with { Expect = expect, Explore = scenario.Explore with { Expect = found } });
        }
    }

    private static int CountNodes(YamlNode node)
    {
        var count = 1;
        if (node is YamlMap map)
        {
            foreach (var entry in map.Entries)
                count += CountNodes(entry.Value);
        }
        else if (node is YamlList list)
        {
            foreach (var item in list.Items)
                count += CountNodes(item);
        }
        return count;
    }

    /// <summary>Where the name of a cell was written.</summary>
    public static SourceMark NameMark(YamlNode cells, int index) =>
        ((YamlList)cells).Items[index] is YamlMap cell && cell.TryGet("name", out var name) ? name.Value.Mark : cells.Mark;
}
