using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>
/// The <c>matrix</c>: the product of policy values, the first axis slowest. Of the rows in its <c>expect</c> the first that fits a
/// cell counts; a cell that none fits is an error, and so is a row that never counts.
/// </summary>
internal sealed class MatrixBinder
{
    private const int MostCells = 4096;
    /// <summary>Most rows of <c>expect</c>.</summary>
    public const int MostRows = 256;

    private readonly Vocabulary _vocabulary;
    private readonly PolicyBinder _policies;
    private readonly YamlMap _map;
    private readonly List<Axis> _axes = [];
    private readonly List<Row> _rows = [];

    private MatrixBinder(YamlNode node, Vocabulary vocabulary, Scenario scenario)
    {
        _vocabulary = vocabulary;
        _policies = new PolicyBinder(vocabulary, scenario.Machine.TscHz, scenario.File);
        _map = Fields.MapOf(node, "matrix");
    }

    private sealed record Axis(string Point, IReadOnlyList<PolicyValue> Values);

    private sealed record Row(
        IReadOnlyDictionary<string, PolicyValue> When, IReadOnlyList<Expectation> Expect, IReadOnlyList<Expectation> Explore, string Note,
        SourceMark Mark)
    {
        public bool Counts { get; set; }
    }

    /// <summary>Every cell of the product that agrees with <paramref name="chosen"/>, the policies of the command line.</summary>
    public static IEnumerable<ScenarioCell> Bind(
        YamlNode node, Scenario scenario, Vocabulary vocabulary, IEnumerable<SettingOverride> chosen)
    {
        var matrix = new MatrixBinder(node, vocabulary, scenario);
        matrix.ReadAxes();
        matrix.ReadRows();
        var cells = matrix.Product(scenario);
        foreach (var option in chosen)
        {
            if (matrix._axes.Exists(axis => axis.Point == option.Point))
                cells.RemoveAll(cell => cell.Scenario.Machine.Policies[option.Point] != scenario.Machine.Policies[option.Point]);
        }
        return cells;
    }

    private void ReadAxes()
    {
        long product = 1;
        foreach (var entry in _map.Entries)
        {
            if (entry.Key == "expect")
                continue;
            var point = _policies.Point(entry.Key, entry.KeyMark);
            var values = new List<PolicyValue>();
            var items = Fields.ListOf(entry.Value, $"the values of {point.Name}");
            product *= items.Count;
            if (product > MostCells)
                throw entry.KeyMark.Error($"the matrix has more than {MostCells} cells");
            foreach (var item in items)
            {
                var value = _policies.Value(point, item);
                if (values.Contains(value))
                    throw item.Mark.Error($"{value} is twice among the values of {point.Name}");
                values.Add(value);
            }
            if (values.Count == 0)
                throw entry.Value.Mark.Error($"the list of values of {point.Name} is empty");
            _axes.Add(new Axis(point.Name, values));
        }
        if (_axes.Count == 0)
            throw _map.Mark.Error("the matrix has no axis: a policy point with a list of values");
    }

    private void ReadRows()
    {
        if (!_map.TryGet("expect", out var expect))
            throw _map.Mark.Error("matrix has no 'expect'; it is required");
        var items = Fields.ListOf(expect.Value, "expect of the matrix");
        if (items.Count > MostRows)
            throw items[MostRows].Mark.Error($"more than {MostRows} rows");
        foreach (var item in items)
        {
            var fields = Fields.Open(item, "a row of expect", ScenarioKeys.MatrixRow.Names);
            var when = new Dictionary<string, PolicyValue>(StringComparer.Ordinal);
            if (fields.Optional("when") is { } conditions)
                ReadConditions(conditions, when);
            var note = fields.Optional("note") is { } text ? Fields.Text(text, "note").Text : "";
            var outcomes = ExpectationBinder.Bind(fields.Required("outcome"), "outcome", _vocabulary);
            var found = fields.Optional("explore") is { } explore
                ? ExpectationBinder.BindExploring(explore, "explore", _vocabulary)
                : [];
            _rows.Add(new Row(when, outcomes, found, note, item.Mark));
        }
    }

    private void ReadConditions(YamlNode node, Dictionary<string, PolicyValue> when)
    {
        var points = Fields.NamesOf(_axes, axis => axis.Point);
        foreach (var entry in Fields.MapOf(node, "when").Entries)
        {
            var axis = _axes.Find(axis => axis.Point == entry.Key)
                ?? throw entry.KeyMark.Error($"no axis {Wording.Quote(entry.Key)} in this matrix; {Wording.Expected(entry.Key, points)}");
            var value = _policies.Value(_policies.Point(entry.Key, entry.KeyMark), entry.Value);
            if (!axis.Values.Contains(value))
                throw entry.Value.Mark.Error($"{value} is not among the values of axis {axis.Point}: {List(axis)}");
            when.Add(entry.Key, value);
        }
    }

    private static string List(Axis axis) => string.Join(", ", axis.Values);

    private List<ScenarioCell> Product(Scenario scenario)
    {
        var cells = new List<ScenarioCell>();
        AddCells(scenario, [], cells);
        foreach (var row in _rows)
        {
            if (!row.Counts)
                throw row.Mark.Error("this row decides no cell: the rows before it take all that it fits");
        }
        return cells;
    }

    private void AddCells(Scenario scenario, List<PolicyValue> picked, List<ScenarioCell> cells)
    {
        if (picked.Count == _axes.Count)
        {
            cells.Add(Cell(scenario, picked));
            return;
        }
        foreach (var value in _axes[picked.Count].Values)
        {
            picked.Add(value);
            AddCells(scenario, picked, cells);
            picked.RemoveAt(picked.Count - 1);
        }
    }

    private ScenarioCell Cell(Scenario scenario, List<PolicyValue> picked)
    {
        var policies = new OrderedDictionary<string, PolicyValue>(scenario.Machine.Policies, StringComparer.Ordinal);
        var names = new string[picked.Count];
        for (var i = 0; i < picked.Count; i++)
        {
            policies[_axes[i].Point] = picked[i];
            names[i] = $"{_axes[i].Point}={picked[i]}";
        }
        var name = string.Join(", ", names);
        var row = _rows.Find(row => Fits(row, policies))
            ?? throw ExpectMark().Error($"no row of expect fits the cell {name}; a last row without 'when' fits every cell");
        row.Counts = true;
        return new ScenarioCell(name, row.Note, scenario with
        {
            Machine = scenario.Machine with { Policies = policies },
            Expect = row.Expect,
            Explore = scenario.Explore with { Expect = row.Explore },
        });
    }

    private static bool Fits(Row row, OrderedDictionary<string, PolicyValue> policies)
    {
        foreach (var (point, value) in row.When)
        {
            if (policies[point] != value)
                return false;
        }
        return true;
    }

    private SourceMark ExpectMark() => _map.TryGet("expect", out var expect) ? expect.KeyMark : _map.Mark;
}
