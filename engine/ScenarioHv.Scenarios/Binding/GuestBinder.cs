using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>The <c>guests</c> section: a script for each level.</summary>
internal static class GuestBinder
{
    public static GuestSection[] Bind(YamlNode node, string scenarioFile)
    {
        var fields = Fields.Open(node, "guests", ScenarioKeys.Guests.Names);
        if (fields.Optional("l1") is not { } l1)
        {
            var without = fields.Optional("l2") is null ? "" : ", and an L2 runs only on an L1";
            throw fields.Mark.Error($"guests has no 'l1'; it is required{without}");
        }
        var root = Guest(l1, GuestLevel.L1, "l1", scenarioFile);
        return fields.Optional("l2") is { } l2 ? [root, Guest(l2, GuestLevel.L2, "l2", scenarioFile)] : [root];
    }

    /// <summary>A path, or <c>{ script: path, with: { name: value } }</c>.</summary>
    private static GuestSection Guest(YamlNode node, GuestLevel level, string name, string scenarioFile)
    {
        var with = new OrderedDictionary<string, GuestParameter>(StringComparer.Ordinal);
        var script = node;
        if (node is YamlMap)
        {
            var fields = Fields.Open(node, $"guest {name}", ScenarioKeys.Guest.Names);
            script = fields.Required("script");
            if (fields.Optional("with") is { } parameters)
                ReadParameters(parameters, name, with);
        }
        var path = Fields.Text(script, $"the script of {name}");
        return new GuestSection(level, path.Text, ScriptPath.Resolve(path, name, ScriptPath.FolderOf(scenarioFile)), with, path.Mark);
    }

    private static void ReadParameters(YamlNode node, string guest, OrderedDictionary<string, GuestParameter> with)
    {
        foreach (var (key, keyMark, value) in Fields.MapOf(node, $"the parameters of {guest}").Entries)
        {
            Fields.CheckIdentifier(key, keyMark, "a parameter");
            with.Add(key, value switch
            {
                YamlScalar { IsQuoted: false, Text: "true" } => new GuestParameter(true, 1, IsUnsigned: false, value.Mark),
                YamlScalar { IsQuoted: false, Text: "false" } => new GuestParameter(true, 0, IsUnsigned: false, value.Mark),
                YamlScalar { IsQuoted: false, Text: [(>= '0' and <= '9') or '-', ..] } scalar => Number(scalar, key),
                _ => throw value.Mark.Error($"found {value.Description} for parameter {key}, expected a whole number, true or false"),
            });
        }
    }

    private static GuestParameter Number(YamlScalar scalar, string name)
    {
        var word = Fields.Integer(scalar, IntegerRule.Word64 with { Name = name });
        return new GuestParameter(false, word, IsUnsigned: word < 0 && scalar.Text[0] != '-', scalar.Mark);
    }
}
