using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ScenarioHv.Scenarios.Binding;

namespace ScenarioHv.Scenarios.Schema;

/// <summary>Pieces of JSON Schema for what scenarios write as one value.</summary>
internal static class SchemaParts
{
    private const string Number = "(0x[0-9a-fA-F]+|0|[1-9][0-9]*)";

    /// <summary>A name that other parts of a scenario refer to, as <see cref="Fields.CheckIdentifier"/> has it.</summary>
    public const string Identifier = "^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$";

    /// <summary>A report that something waits for, as <see cref="ReportBinder"/> reads it.</summary>
    public const string Report = "^ *l[12] +reports *\"[^\"]+\" *$";

    /// <summary>Any scalar is a text.</summary>
    public static JsonObject AnyText() => new() { ["type"] = new JsonArray("string", "number", "boolean") };

    public static JsonObject Boolean() => new() { ["type"] = "boolean" };

    public static JsonObject Pattern(string pattern) => new() { ["type"] = "string", ["pattern"] = pattern };

    public static JsonObject Enum(params IEnumerable<string> words) => new() { ["enum"] = Words(words) };

    public static JsonObject Reference(string name) => new() { ["$ref"] = $"#/definitions/{name}" };

    public static JsonObject AnyOf(params IEnumerable<JsonNode> choices) => new() { ["anyOf"] = new JsonArray([.. choices]) };

    /// <summary>A list, with at least one item unless it may be empty.</summary>
    public static JsonObject List(JsonNode item, int atLeast = 1, int? atMost = null)
    {
        var list = new JsonObject { ["type"] = "array", ["items"] = item };
        if (atLeast > 0)
            list["minItems"] = atLeast;
        if (atMost is { } most)
            list["maxItems"] = most;
        return list;
    }

    /// <summary>A whole number; of ranges beyond 53 bits editors know nothing, and so they are left out.</summary>
    public static JsonObject Integer(long minimum, ulong maximum)
    {
        const long Exact = 1L << 53;
        var number = new JsonObject { ["type"] = "integer" };
        if (minimum >= -Exact)
            number["minimum"] = (long)minimum;
        if (maximum <= (ulong)Exact)
            number["maximum"] = (long)maximum;
        return number;
    }

    public static JsonObject Integer(IntegerRule rule) => With(rule.Meaning, Integer(rule.Minimum, rule.Maximum));

    /// <summary>The same with a description; that of a key stands before that of its value.</summary>
    public static JsonObject With(string description, JsonObject schema)
    {
        var inner = (string?)schema["description"];
        schema["description"] = inner is null || inner == description ? description : $"{description} {Sentence(inner)}";
        return schema;
    }

    /// <summary>Where the definition of a policy's script is.</summary>
    public const string PolicyScriptName = "policy-script";

    /// <summary>A script in place of a policy's value.</summary>
    public static JsonObject PolicyScript() => With(
        "A script that decides in place of a built-in value: its path, from the folder of this file.",
        Pattern($"{Regex.Escape(ScriptPath.Extension)}$"));

    /// <summary>A value of a policy point: a word, or a word with arguments, each with its meaning; or a script.</summary>
    public static JsonObject Policy(PolicyPointInfo point)
    {
        var values = point.Values.Select(value => With(
            $"{value.Summary}{(value.Source.Length == 0 ? "" : $" ({value.Source})")}",
            value.Parameters.Count == 0 ? Enum(value.Name) : Pattern($"^ *{Expression(value)} *$")));
        var policy = AnyOf([.. values, Reference(PolicyScriptName)]);
        policy["description"] =
            $"{point.Summary} One of: {string.Join(", ", point.Values.Select(value => value.Signature))}; or a script.";
        return policy;
    }

    /// <summary>One key of a device.</summary>
    public static JsonObject DeviceKey(DeviceKeyInfo key)
    {
        var schema = key.Kind switch
        {
            DeviceKeyKind.Slot => With("device and function on PCI bus 0, in quotes: \"1d.0\"", Slot()),
            DeviceKeyKind.Vector => Integer(IntegerRule.Vector),
            DeviceKeyKind.Gsi => Integer(IntegerRule.Gsi),
            DeviceKeyKind.Destination => Integer(IntegerRule.Destination),
            DeviceKeyKind.Integer => Integer(IntegerRule.Between(key.Name, key.Minimum, key.Maximum)),
            DeviceKeyKind.Boolean => Boolean(),
            DeviceKeyKind.Duration => Reference("duration"),
            DeviceKeyKind.Frequency => Reference("frequency"),
            DeviceKeyKind.Word => Enum(key.Words),
            _ => throw new InvalidOperationException($"The schema has no words for the kind {key.Kind}."),
        };
        return schema;
    }

    /// <summary>A report that something waits for.</summary>
    public static JsonObject Waits() => Pattern(Report);

    /// <summary>An outcome with or without a property, or a list of them.</summary>
    /// <param name="vocabulary">The properties there are.</param>
    /// <param name="never">The outcome that does not belong here.</param>
    public static JsonObject Outcomes(Vocabulary vocabulary, Outcome never)
    {
        var words = Expectation.OutcomeNames.Where((_, index) => index != (int)never).ToArray();
        var narrow = vocabulary.Properties.SelectMany(property => property.Outcomes, (property, outcome) => (property, outcome))
            .Where(pair => pair.outcome != never)
            .Select(pair => new Expectation(pair.outcome, pair.property.Name).ToString())
            .Order(StringComparer.Ordinal);
        var one = Enum([.. words, .. narrow]);
        return AnyOf(one, List(one.DeepClone()));
    }

    private static JsonObject Slot() => new()
    {
        ["type"] = new JsonArray("string", "number"),
        ["pattern"] = "^[01]?[0-9a-fA-F]\\.[0-7]$",
    };

    private static JsonArray Words(IEnumerable<string> words) => [.. words.Select(word => (JsonNode)word)];

    private static string Expression(PolicyValueInfo value)
    {
        if (value.Parameters.Count == 0)
            return Regex.Escape(value.Name);
        return $@"{Regex.Escape(value.Name)} *\( *{string.Join(" *, *", value.Parameters.Select(Argument))} *\)";
    }

    private static string Argument(ParameterInfo parameter) => parameter.Kind switch
    {
        ParameterKind.Count => Number,
        ParameterKind.Duration => Duration.Pattern,
        _ => $"({string.Join('|', parameter.Choices.Select(Expression))})",
    };

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..] + (text.EndsWith('.') ? "" : ".");
}
