using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>
/// The part of JSON Schema (draft-07) that the schema of scenarios uses, for documents of YAML 1.2. Any other keyword is an error, so that
/// nothing in the schema goes unchecked.
/// </summary>
internal sealed partial class SchemaValidator(JsonElement root)
{
    private static readonly string[] Annotations = ["$schema", "title", "description", "definitions"];

    /// <summary>What is wrong with a document, as places and reasons; empty if nothing is.</summary>
    public IReadOnlyList<string> Problems(YamlNode document) => [.. Check(document, root, "")];

    private IEnumerable<string> Check(YamlNode node, JsonElement schema, string place) =>
        schema.EnumerateObject().SelectMany(keyword => Check(node, schema, keyword, place));

    private IEnumerable<string> Check(YamlNode node, JsonElement schema, JsonProperty keyword, string place)
    {
        var value = keyword.Value;
        switch (keyword.Name)
        {
            case "$ref":
                return Check(node, root.GetProperty("definitions").GetProperty(value.GetString()!["#/definitions/".Length..]), place);
            case "anyOf":
                return FittingChoices(node, value, place) > 0 ? [] : [$"{place}: fits none of the choices"];
            case "oneOf":
                return FittingChoices(node, value, place) == 1 ? [] : [$"{place}: fits none of the choices, or several"];
            case "properties" or "additionalProperties" or "propertyNames" or "required":
                return node is YamlMap map ? CheckMap(map, schema, keyword, place) : [];
            case "items" or "minItems" or "maxItems":
                return node is YamlList list ? CheckList(list, keyword, place) : [];
            case "type" or "enum" or "pattern" or "minimum" or "maximum":
                return Fits(node, keyword.Name, value) ? [] : [$"{place}: {node.Description} has not {keyword.Name} {value}"];
            default:
                return Annotations.Contains(keyword.Name) ? [] : throw new InvalidOperationException($"keyword {keyword.Name}");
        }
    }

    private int FittingChoices(YamlNode node, JsonElement choices, string place) =>
        choices.EnumerateArray().Count(choice => !Check(node, choice, place).Any());

    private IEnumerable<string> CheckMap(YamlMap map, JsonElement schema, JsonProperty keyword, string place)
    {
        var keys = map.Entries.Select(entry => entry.Key).ToArray();
        var known = schema.TryGetProperty("properties", out var properties) ? properties : default;
        bool IsKnown(string key) => known.ValueKind == JsonValueKind.Object && known.TryGetProperty(key, out _);
        return keyword.Name switch
        {
            "required" => keyword.Value.EnumerateArray().Select(key => key.GetString()!).Except(keys)
                .Select(key => $"{place}: '{key}' is missing"),
            "propertyNames" => map.Entries.SelectMany(entry => Check(new YamlScalar(entry.KeyMark, entry.Key), keyword.Value, place)),
            "properties" => map.Entries.Where(entry => IsKnown(entry.Key))
                .SelectMany(entry => Check(entry.Value, known.GetProperty(entry.Key), $"{place}/{entry.Key}")),
            _ when keyword.Value.ValueKind == JsonValueKind.False => keys.Where(key => !IsKnown(key))
                .Select(key => $"{place}: '{key}' is unknown"),
            _ => map.Entries.Where(entry => !IsKnown(entry.Key))
                .SelectMany(entry => Check(entry.Value, keyword.Value, $"{place}/{entry.Key}")),
        };
    }

    private IEnumerable<string> CheckList(YamlList list, JsonProperty keyword, string place) => keyword.Name switch
    {
        "minItems" => list.Items.Count >= keyword.Value.GetInt32() ? [] : [$"{place}: too few items"],
        "maxItems" => list.Items.Count <= keyword.Value.GetInt32() ? [] : [$"{place}: too many items"],
        _ => list.Items.SelectMany((item, index) => Check(item, keyword.Value, $"{place}/{index}")),
    };

    private static bool Fits(YamlNode node, string keyword, JsonElement value)
    {
        var type = TypeOf(node);
        var text = (node as YamlScalar)?.Text ?? "";
        return keyword switch
        {
            "type" => (value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : (JsonElement[])[value])
                .Any(wanted => wanted.GetString() == type || (wanted.GetString() == "number" && type == "integer")),
            "enum" => type == "string" && value.EnumerateArray().Any(word => word.GetString() == text),
            "pattern" => type != "string" || Regex.IsMatch(text, value.GetString()!),
            "minimum" => type != "integer" || Integer(text) >= value.GetInt64(),
            _ => type != "integer" || Integer(text) <= value.GetInt64(),
        };
    }

    private static Int128 Integer(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? Int128.Parse("0" + text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
        : Int128.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>The type of a value by the core schema of YAML 1.2.</summary>
    private static string TypeOf(YamlNode node) => node switch
    {
        YamlMap => "object",
        YamlList => "array",
        YamlScalar { IsQuoted: true } => "string",
        YamlScalar { Text: "true" or "false" } => "boolean",
        YamlScalar { Text: "" or "null" or "~" } => "null",
        YamlScalar scalar when WholeNumber().IsMatch(scalar.Text) => "integer",
        YamlScalar scalar when RealNumber().IsMatch(scalar.Text) => "number",
        _ => "string",
    };

    [GeneratedRegex("^([-+]?[0-9]+|0x[0-9a-fA-F]+)$")]
    private static partial Regex WholeNumber();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")]
    private static partial Regex RealNumber();
}
