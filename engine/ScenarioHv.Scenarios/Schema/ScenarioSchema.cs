using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ScenarioHv.Scenarios.Binding;
using static ScenarioHv.Scenarios.Schema.SchemaParts;

namespace ScenarioHv.Scenarios.Schema;

/// <summary>
/// The JSON Schema (draft-07) of scenario files, made from the tables that the reader uses. What no schema can say, such as that two keys
/// do not go together or that a device is there, only the reader says.
/// </summary>
public sealed class ScenarioSchema
{
    private static readonly JsonSerializerOptions Layout = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Vocabulary _vocabulary;

    private ScenarioSchema(Vocabulary vocabulary) => _vocabulary = vocabulary;

    /// <summary>The schema as text, with one newline at its end.</summary>
    /// <param name="vocabulary">The names that scenarios may use.</param>
    public static string Text(Vocabulary vocabulary) => new ScenarioSchema(vocabulary).Root().ToJsonString(Layout) + "\n";

    private JsonObject Root()
    {
        var root = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "A scenario of ScenarioHv",
        };
        foreach (var (name, part) in Map(ScenarioKeys.Root, OfRoot).ToArray())
            root[name] = part!.DeepClone();
        root["definitions"] = Definitions();
        return root;
    }

    private JsonObject Definitions()
    {
        var definitions = new JsonObject
        {
            ["duration"] = With("A time with its unit.", Pattern($"^{Duration.Pattern}$")),
            ["frequency"] = With("A frequency with its unit.", Pattern($"^{FrequencyHz.Pattern}$")),
            ["run-outcome"] = Outcomes(_vocabulary, Outcome.Holds),
            ["explore-outcome"] = Outcomes(_vocabulary, Outcome.Reached),
            ["machine"] = Map(ScenarioKeys.Machine, key => OfMachine(key, isPart: false)),
            ["machine-part"] = Map(ScenarioKeys.Machine, key => OfMachine(key, isPart: true), isPart: true),
            ["costs"] = Properties(_vocabulary.Timing.Costs.Select(cost => (cost.Name, (JsonNode)With(cost.Summary, Cost())))),
            ["cpu"] = Map(ScenarioKeys.Cpu, OfCpu),
            ["cpu-part"] = Map(ScenarioKeys.Cpu, OfCpu, isPart: true),
            ["timeline"] = List(Entry(), atLeast: 0),
            ["guest"] = AnyOf(AnyText(), Map(ScenarioKeys.Guest, OfGuest)),
            ["guest-part"] = AnyOf(AnyText(), Map(ScenarioKeys.Guest, OfGuest, isPart: true)),
            ["policies"] = Properties(_vocabulary.PolicyPoints.Select(point => (point.Name, (JsonNode)Reference(Policy(point.Name))))),
            [PolicyScriptName] = PolicyScript(),
        };
        foreach (var point in _vocabulary.PolicyPoints)
            definitions[Policy(point.Name)] = SchemaParts.Policy(point);
        return definitions;
    }

    private JsonObject OfRoot(string key) => key switch
    {
        "scenario" => new JsonObject { ["type"] = new JsonArray("string", "number"), ["pattern"] = Identifier },
        "title" or "source" => AnyText(),
        "machine" => Reference("machine"),
        "guests" => Map(ScenarioKeys.Guests, _ => Reference("guest")),
        "timeline" => Reference("timeline"),
        "goal" => Waits(),
        "expect" => Reference("run-outcome"),
        "explore" => Map(ScenarioKeys.Explore, OfExplore),
        "matrix" => Matrix(),
        "cells" => List(Map(ScenarioKeys.Cell, OfCell), atLeast: 0, CellBinder.MostCells),
        _ => throw Unknown(key),
    };

    private JsonObject OfMachine(string key, bool isPart) => key switch
    {
        "tsc" => Reference("frequency"),
        "timing" => Timing(isPart),
        "cpu" => Reference(isPart ? "cpu-part" : "cpu"),
        "hypervisor" => Presets(_vocabulary.Hypervisors),
        "userspace" => Presets(_vocabulary.Userspaces),
        "irqchip" => Enum(MachineBinder.Irqchips),
        "host-tick" => AnyOf(Enum("off"), Reference("frequency")),
        "vcpus" => Integer(IntegerRule.Vcpus),
        "hyperv" => Map(ScenarioKeys.Hyperv, _ => Boolean()),
        "virtual-wire" => Boolean(),
        "policies" => Reference("policies"),
        "devices" => Named(isPart ? DevicePart() : AnyOf(_vocabulary.DeviceTypes.Select(Device))),
        _ => throw Unknown(key),
    };

    private static JsonObject OfCpu(string key) => key switch
    {
        "vendor" => Enum(MachineBinder.Vendors),
        "preemption-timer" => AnyOf(
            Enum("off"), Map(ScenarioKeys.PreemptionTimer, _ => Integer(IntegerRule.PreemptionTimerShift))),
        "apicv" or "x2apic" or "virtual-nmis" or "vnmi" => Boolean(),
        _ => throw Unknown(key),
    };

    private static JsonObject OfGuest(string key) => key switch
    {
        "script" => AnyText(),
        "with" => Named(new JsonObject { ["type"] = new JsonArray("integer", "boolean") }),
        _ => throw Unknown(key),
    };

    private static JsonObject OfExplore(string key) => key switch
    {
        "later" => Reference("duration"),
        "repeat" or "outside" => Integer(1, ExploreBinder.MostOften),
        "expect" => Reference("explore-outcome"),
        _ => throw Unknown(key),
    };

    private JsonObject OfCell(string key) => key switch
    {
        "name" or "note" => AnyText(),
        "set" => Map(ScenarioKeys.CellSet, OfCellSet, isPart: true),
        "expect" => Reference("run-outcome"),
        "explore" => Reference("explore-outcome"),
        _ => throw Unknown(key),
    };

    private JsonObject OfCellSet(string key) => key switch
    {
        "machine" => Reference("machine-part"),
        "guests" => Map(ScenarioKeys.Guests, _ => Reference("guest-part"), isPart: true),
        "explore" => Map(
            new KeyTable([.. ScenarioKeys.Explore.Keys.Where(limit => limit.Name != "expect")]), OfExplore),
        _ => OfRoot(key),
    };

    private JsonObject OfMatrixRow(string key) => key switch
    {
        "when" => Reference("policies"),
        "outcome" => Reference("run-outcome"),
        "explore" => Reference("explore-outcome"),
        "note" => AnyText(),
        _ => throw Unknown(key),
    };

    private JsonObject OfEntry(string key) => key switch
    {
        "at" or "every" => Reference("duration"),
        "count" => Integer(IntegerRule.Repetitions),
        "timer-count" => Integer(0, uint.MaxValue),
        "after" => Waits(),
        "optional" => Boolean(),
        "raise" or "lower" or "fire" => AnyText(),
        "inhibit" or "lift" => Enum(_vocabulary.InhibitReasons),
        "set-msr" => Map(ScenarioKeys.SetMsr, OfSetMsr),
        _ => Integer(0, IntegerRule.Vcpus.Maximum - 1),
    };

    private static JsonObject OfSetMsr(string key) => key switch
    {
        "vcpu" => Integer(0, IntegerRule.Vcpus.Maximum - 1),
        "msr" => Integer(0, uint.MaxValue),
        "value" => Integer(0, long.MaxValue),
        _ => throw Unknown(key),
    };

    private JsonObject Matrix()
    {
        var matrix = Properties(_vocabulary.PolicyPoints.Select(point => (point.Name, (JsonNode)List(Reference(Policy(point.Name))))));
        var rows = List(Map(ScenarioKeys.MatrixRow, OfMatrixRow), atLeast: 1, MatrixBinder.MostRows);
        var properties = (JsonObject)matrix["properties"]!;
        properties["expect"] = With("The first row whose 'when' fits a cell says how it should end.", rows);
        matrix["required"] = new JsonArray("expect");
        return matrix;
    }

    private JsonObject Timing(bool isPart)
    {
        var profiles = Enum(_vocabulary.Timing.Profiles.Select(profile => profile.Name));
        var own = Map(ScenarioKeys.Timing, key => key == "profile" ? (JsonObject)profiles.DeepClone() : Reference("costs"), isPart);
        return AnyOf(profiles, own);
    }

    private static JsonObject Cost() =>
        AnyOf(Reference("duration"), List(Reference("duration"), atLeast: 1, MachineBinder.MostValuesOfCost));

    private JsonObject Entry()
    {
        var actions = TimelineActions.All.Select(action => new ScenarioKey(action.Name, action.Meaning));
        var entry = Map(new KeyTable([.. ScenarioKeys.TimelineEntry.Keys, .. actions]), OfEntry);
        entry["oneOf"] = new JsonArray(
            [.. TimelineActions.Names.Select(name => new JsonObject { ["required"] = new JsonArray(name) })]);
        return entry;
    }

    private static JsonObject Device(DeviceTypeInfo type)
    {
        var device = Properties(
        [
            ("type", With(type.Summary, Enum(type.Name))),
            .. type.Keys.Select(key => (key.Name, (JsonNode)DeviceKey(key))),
            Optional(),
        ]);
        device["required"] = new JsonArray(["type", .. type.Keys.Where(key => key.IsRequired).Select(key => (JsonNode)key.Name)]);
        return device;
    }

    /// <summary>What a cell lays over a device: any keys of any type.</summary>
    private JsonObject DevicePart()
    {
        var keys = _vocabulary.DeviceTypes.SelectMany(type => type.Keys).GroupBy(key => key.Name, StringComparer.Ordinal);
        return Properties(
        [
            ("type", Enum(_vocabulary.DeviceTypes.Select(type => type.Name))),
            .. keys.Select(same => (same.Key, (JsonNode)AnyOf(same.Distinct().Select(DeviceKey)))),
            Optional(),
        ]);
    }

    private static (string, JsonNode) Optional() => ("optional", With("A failure may be told without it.", Boolean()));

    private static JsonObject Presets(IEnumerable<PresetInfo> presets) =>
        AnyOf(presets.Select(preset => With(preset.Summary, Enum(preset.Name))));

    /// <summary>A map whose keys are names that the scenario gives.</summary>
    private static JsonObject Named(JsonNode value) => new()
    {
        ["type"] = "object",
        ["propertyNames"] = new JsonObject { ["pattern"] = Identifier },
        ["additionalProperties"] = value,
    };

    private static JsonObject Map(KeyTable table, Func<string, JsonObject> schemaOf, bool isPart = false)
    {
        var map = Properties(table.Keys.Select(key => (key.Name, (JsonNode)With(key.Meaning, schemaOf(key.Name)))));
        var required = table.Keys.Where(key => key.IsRequired && !isPart).Select(key => (JsonNode)key.Name).ToArray();
        if (required.Length > 0)
            map["required"] = new JsonArray(required);
        return map;
    }

    private static JsonObject Properties(IEnumerable<(string Name, JsonNode Schema)> properties)
    {
        var map = new JsonObject();
        foreach (var (name, schema) in properties)
            map[name] = schema;
        return new JsonObject { ["type"] = "object", ["properties"] = map, ["additionalProperties"] = false };
    }

    private static string Policy(string point) => $"policy-{point}";

    private static InvalidOperationException Unknown(string key) => new($"The schema says nothing about the key '{key}'.");
}
