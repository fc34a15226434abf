using ScenarioHv.Scenarios.Binding;
using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios;

/// <summary>Reads scenario files: text, then a tree of nodes with their places, then values that the vocabulary allows.</summary>
public static class ScenarioReader
{
    /// <summary>Reads one file. Scripts that it names must exist, and are not opened.</summary>
    /// <param name="path">The file's path; errors name it as given.</param>
    /// <param name="vocabulary">The names of the engine.</param>
    /// <param name="overrides">
    /// Policies of the command line, and limits of <c>explore</c>. They replace those of the file, lie below the <c>set</c> of a cell, and
    /// of the matrix keep the cells that have the same value on that axis.
    /// </param>
    /// <exception cref="ScenarioException">The first error found, with its place.</exception>
    public static ScenarioDocument Read(string path, Vocabulary vocabulary, IEnumerable<SettingOverride>? overrides = null)
    {
        var chosen = new List<SettingOverride>(overrides ?? []);
        var root = Fields.MapOf(YamlReader.Read(path, SourceFile.ReadText(path)), "the scenario");
        // The file's own errors come before those of options, which only make sense on a file that is right.
        var scenario = ScenarioBinder.Bind(root, path, vocabulary);
        if (chosen.Count > 0)
        {
            root = Override(root, chosen);
            scenario = ScenarioBinder.Bind(root, path, vocabulary);
        }

        var cells = new List<ScenarioCell> { new(ScenarioCell.BaseName, "", scenario) };
        if (root.TryGet("matrix", out var matrix))
            cells.AddRange(MatrixBinder.Bind(matrix.Value, scenario, vocabulary, chosen));
        if (root.TryGet("cells", out var others))
            AddCells(cells, others.Value, CellBinder.Bind(others.Value, root, path, vocabulary));
        return new ScenarioDocument(scenario, cells);
    }

    private static YamlMap Override(YamlMap root, List<SettingOverride> chosen)
    {
        List<YamlEntry> policies = [], limits = [];
        foreach (var option in chosen)
        {
            var mark = new SourceMark(option.OptionText, 0, 0);
            var entries = option.ExploreKey is null ? policies : limits;
            var key = option.ExploreKey ?? option.Point;
            if (entries.Exists(entry => entry.Key == key))
                throw mark.Error($"{Wording.Quote(option.Point)} is set twice");
            if (key == "expect" && option.ExploreKey is not null)
                throw mark.Error("what a scenario is expected to do stands in its file; expected one of later, repeat, outside");
            var value = new YamlScalar(mark, option.Value, isQuoted: option.ExploreKey is null) { Folder = option.ScriptFolder };
            entries.Add(new YamlEntry(key, mark, value));
        }
        var nowhere = new SourceMark(chosen[0].OptionText, 0, 0);
        var over = new List<YamlEntry>();
        if (policies.Count > 0)
        {
            var map = new YamlMap(nowhere, [new YamlEntry("policies", nowhere, new YamlMap(nowhere, policies))]);
            over.Add(new YamlEntry("machine", nowhere, map));
        }
        if (limits.Count > 0)
            over.Add(new YamlEntry("explore", nowhere, new YamlMap(nowhere, limits)));
        return root.Overlay(new YamlMap(nowhere, over));
    }

    private static void AddCells(List<ScenarioCell> cells, YamlNode node, IEnumerable<ScenarioCell> added)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var cell in cells)
            names.Add(cell.Name);
        var index = 0;
        foreach (var cell in added)
        {
            if (!names.Add(cell.Name))
                throw CellBinder.NameMark(node, index).Error($"a cell is named {Wording.Quote(cell.Name)} already");
            cells.Add(cell);
            index++;
        }
    }
}
