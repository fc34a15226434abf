using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>
/// The keys of one map, of which every one is known: <see cref="Open"/> refuses the others. The static members read one value,
/// and say what was found and what was expected when it is not one.
/// </summary>
internal sealed class Fields
{
    private readonly YamlMap _map;
    private readonly string _what;

    private Fields(YamlMap map, string what) => (_map, _what) = (map, what);

    public SourceMark Mark => _map.Mark;

    /// <summary>The fields of a map whose keys must all be among <paramref name="allowed"/>.</summary>
    /// <param name="node">The map.</param>
    /// <param name="what">What it describes, as errors say it.</param>
    /// <param name="allowed">The keys it may have.</param>
    public static Fields Open(YamlNode node, string what, params string[] allowed)
    {
        var map = MapOf(node, what);
        foreach (var entry in map.Entries)
        {
            if (Array.IndexOf(allowed, entry.Key) < 0)
                throw entry.KeyMark.Error($"unknown key {Wording.Quote(entry.Key)} in {what}; {Wording.Expected(entry.Key, allowed)}");
        }
        return new Fields(map, what);
    }

    public YamlNode? Optional(string key) => _map.TryGet(key, out var entry) ? entry.Value : null;

    public YamlNode Required(string key) =>
        Optional(key) ?? throw _map.Mark.Error($"{_what} has no '{key}'; it is required");

    /// <summary>The one entry among <paramref name="keys"/> that must be there.</summary>
    public YamlEntry ExactlyOne(params string[] keys)
    {
        YamlEntry? only = null;
        foreach (var entry in _map.Entries)
        {
            if (Array.IndexOf(keys, entry.Key) < 0)
                continue;
            if (only is not null)
                throw entry.KeyMark.Error($"{_what} has '{only.Key}' and '{entry.Key}'; expected only one of {string.Join(", ", keys)}");
            only = entry;
        }
        return only ?? throw _map.Mark.Error($"{_what} has none of {string.Join(", ", keys)}; one is required");
    }

    public static YamlMap MapOf(YamlNode node, string what) =>
        node as YamlMap ?? throw node.Mark.Error($"found {node.Description}, expected a map for {what}");

    public static IReadOnlyList<YamlNode> ListOf(YamlNode node, string what) =>
        node is YamlList list ? list.Items : throw node.Mark.Error($"found {node.Description}, expected a list for {what}");

    /// <summary>A text that is not empty, of any kind of scalar.</summary>
    public static YamlScalar Text(YamlNode node, string what) =>
        node is YamlScalar scalar && !string.IsNullOrWhiteSpace(scalar.Text)
            ? scalar
            : throw node.Mark.Error($"found {node.Description}, expected a text for {what}");

    /// <summary>The position of a name in a list of allowed ones.</summary>
    public static int Name(YamlNode node, string what, string[] allowed)
    {
        if (node is not YamlScalar { Text.Length: > 0 } scalar)
            throw node.Mark.Error($"found {node.Description} for {what}, {Wording.Expected("", allowed)}");
        var index = Array.IndexOf(allowed, scalar.Text);
        return index >= 0
            ? index
            : throw node.Mark.Error($"found {Wording.Quote(scalar.Text)} for {what}, {Wording.Expected(scalar.Text, allowed)}");
    }

    public static long Integer(YamlNode node, IntegerRule rule)
    {
        if (node is not YamlScalar { IsQuoted: false, Text.Length: > 0 } scalar)
        {
            var quotes = node is YamlScalar { IsQuoted: true } ? " without quotes" : "";
            throw node.Mark.Error($"found {node.Description}, expected a whole number for {rule.Name}{quotes}");
        }
        return rule.Read(scalar.Text, out var error) ?? throw node.Mark.Error(error);
    }

    public static bool Boolean(YamlNode node, string what) => node switch
    {
        YamlScalar { IsQuoted: false, Text: "true" } => true,
        YamlScalar { IsQuoted: false, Text: "false" } => false,
        _ => throw node.Mark.Error($"found {node.Description} for {what}, expected true or false"),
    };

    public static Duration Duration(
        YamlNode node, string what, long tscHz, long minimum = 0, long maximum = Scenarios.Duration.MaximumCycles)
    {
        return node is YamlScalar { Text.Length: > 0 } scalar
            ? Duration(scalar.Text, node.Mark, what, tscHz, minimum, maximum)
            : throw node.Mark.Error($"found {node.Description}, expected a duration for {what}");
    }

    /// <summary>A duration whose length in cycles lies in a range.</summary>
    public static Duration Duration(string text, SourceMark mark, string what, long tscHz, long minimum, long maximum)
    {
        if (!Scenarios.Duration.TryParse(text, out var duration, out var error))
            throw mark.Error($"{what}: {error}");
        long cycles;
        try
        {
            cycles = duration.ToCycles(tscHz);
        }
        catch (OverflowException overflow)
        {
            throw mark.Error($"{what}: {overflow.Message}");
        }
        return cycles >= minimum && cycles <= maximum
            ? duration
            : throw mark.Error($"{what} {text} is {cycles} cycles, out of range: it is {minimum}..{maximum} cycles");
    }

    public static FrequencyHz Frequency(YamlNode node, string what, FrequencyHz minimum, FrequencyHz maximum)
    {
        if (node is not YamlScalar { Text.Length: > 0 } scalar)
            throw node.Mark.Error($"found {node.Description}, expected a frequency for {what}");
        if (!FrequencyHz.TryParse(scalar.Text, out var frequency, out var error))
            throw node.Mark.Error($"{what}: {error}");
        return frequency.Hertz >= minimum.Hertz && frequency.Hertz <= maximum.Hertz
            ? frequency
            : throw node.Mark.Error($"{what} {scalar.Text} is out of range: it is {minimum}..{maximum}");
    }

    /// <summary>A name that other parts of the scenario refer to: letters, digits, '-', '_' and '.', at most 80.</summary>
    public static void CheckIdentifier(string name, SourceMark mark, string what)
    {
        if (!ScenarioName.IsValid(name))
        {
            throw mark.Error(
                $"{Wording.Quote(name)} cannot name {what}: a name has letters, digits, '-', '_' and '.', at most 80, the first no sign");
        }
    }

    public static string[] NamesOf<T>(IReadOnlyList<T> items, Func<T, string> name)
    {
        var names = new string[items.Count];
        for (var i = 0; i < names.Length; i++)
            names[i] = name(items[i]);
        return names;
    }
}
