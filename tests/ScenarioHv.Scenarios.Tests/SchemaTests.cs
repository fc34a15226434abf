using System.Text.Json;
using System.Text.RegularExpressions;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Scenarios.Schema;
using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>The JSON Schema of scenarios says what the reader says, as far as a schema can.</summary>
public sealed class SchemaTests
{
    private const string FileName = "scenario.schema.json";

    /// <summary>A scenario with every key that is required somewhere, one to a line.</summary>
    private const string Sample = """
        scenario: sample
        machine:
          tsc: 1 GHz
          timing:
            profile: skylake
            costs: { vm-exit: 700 cycles }
          cpu:
            vendor: intel
            apicv: true
            preemption-timer:
              shift: 5
          hypervisor: kvm@5.1
          vcpus: 2
          hyperv: { synic: true }
          policies: { immediate-exit: "throttle(100, 1000)" }
          devices:
            disk:
              type: line
              gsi: 20
              vector: 0x41
              io: 0xd000
            usb:
              type: piix4-uhci
              slot: "04.0"
              vector: 0x50
        guests:
          l1:
            script: guest.csx
            with: { port: 0xd000, last: true, least: -3 }
        timeline:
          - at: 10 us
            raise: disk
            every: 1.5 ms
            count: 3
            after: l1 reports "ready"
            optional: true
          - at: 20 us
            set-msr:
              vcpu: 0
              msr: 0x40000092
              value: 0x20052
        goal: l1 reports "done"
        expect: [reached, violated(custody)]
        explore: { later: 1 us, repeat: 3, expect: holds }
        matrix:
          save: [sync-always, registers-only]
          expect:
            - when: { save: sync-always }
              outcome: reached
            - note: the rest
              outcome: livelock
        cells:
          - name: other
            set: { machine: { cpu: { apicv: false } } }
            expect: reached

        """;

    private static readonly string Text = ScenarioSchema.Text(EngineVocabulary.Instance);

    private static readonly SchemaValidator Validator = new(JsonDocument.Parse(Text).RootElement);

    private static readonly string[] Shipped =
        [.. Directory.EnumerateFiles(Folder(), "*.yaml", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> ShippedNames => Shipped.Select(path => Path.GetRelativePath(Folder(), path).Replace('\\', '/'));

    private static IEnumerable<int> SampleLines => Enumerable.Range(0, Sample.Split('\n').Length - 1);

    [TestCaseSource(nameof(ShippedNames))]
    public void Shipped_scenario_fits(string name) => Assert.That(Problems(File.ReadAllText(Path.Combine(Folder(), name))), Is.Empty);

    [TestCaseSource(nameof(ShippedNames))]
    public void Shipped_scenario_names_the_schema_in_its_first_line(string name)
    {
        var up = string.Concat(Enumerable.Repeat("../", name.Count(letter => letter == '/')));
        Assert.That(File.ReadLines(Path.Combine(Folder(), name)).First(), Is.EqualTo($"# yaml-language-server: $schema={up}{FileName}"));
    }

    [Test]
    public void Shipped_schema_is_the_one_that_the_command_prints() =>
        Assert.That(
            File.ReadAllText(Path.Combine(Folder(), FileName)), Is.EqualTo(Text), "scenariohv schema > scenarios/scenario.schema.json");

    /// <summary>Without a line the reader misses a key exactly if the schema does, and a misspelt key neither of them lets pass.</summary>
    [TestCaseSource(nameof(SampleLines))]
    public void Reader_and_schema_require_and_know_the_same_keys(int line)
    {
        var lines = Sample.Split('\n')[..^1];
        var key = Regex.Match(lines[line], "^( *(- )?)([a-z0-9-]+):");
        var misspelt = string.Join('\n', [.. lines[..line], lines[line].Insert(key.Groups[3].Index, "x-"), .. lines[(line + 1)..]]);
        var isName = lines[line].Trim() is "disk:" or "usb:";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Problems(misspelt), isName ? Is.Empty : Is.Not.Empty);
            Assert.That(isName || Refusal(misspelt) is not null, Is.True);
            var without = Without(lines, line, key.Groups[1]);
            var refusal = Refusal(without) ?? "";
            var isMissed = refusal.Contains("it is required", StringComparison.Ordinal)
                || refusal.Contains("one is required", StringComparison.Ordinal)
                || refusal.Contains("found nothing", StringComparison.Ordinal);
            Assert.That(Problems(without).Count > 0, Is.EqualTo(isMissed), refusal);
        }
    }

    [Test]
    public void Sample_is_right()
    {
        Assert.That(Problems(Sample), Is.Empty);
        Assert.That(Refusal(Sample), Is.Null);
    }

    [TestCase("1 GHz", "1 Ghz")]
    [TestCase("profile: skylake", "profile: skylark")]
    [TestCase("700 cycles", "700.5 cycles")]
    [TestCase("vendor: intel", "vendor: arm")]
    [TestCase("apicv: true", "apicv: \"true\"")]
    [TestCase("shift: 5", "shift: 32")]
    [TestCase("kvm@5.1", "kvm@5.2")]
    [TestCase("vcpus: 2", "vcpus: 9")]
    [TestCase("throttle(100, 1000)", "throttle(100)")]
    [TestCase("throttle(100, 1000)", "throttle(100, 1 ms)")]
    [TestCase("throttle(100, 1000)", "zero-tmier")]
    [TestCase("immediate-exit:", "immediate-exits:")]
    [TestCase("gsi: 20", "gsi: 24")]
    [TestCase("vector: 0x41", "vector: 0x0f")]
    [TestCase("\"04.0\"", "\"24.0\"")]
    [TestCase("last: true", "last: word")]
    [TestCase("every: 1.5 ms", "every: 1.5")]
    [TestCase("count: 3", "count: 0")]
    [TestCase("goal: l1 reports \"done\"", "goal: l3 reports \"done\"")]
    [TestCase("goal: l1 reports \"done\"", "goal: l1 reports done")]
    [TestCase("violated(custody)", "reached(custody)")]
    [TestCase("violated(custody)", "holds")]
    [TestCase("expect: holds", "expect: reached")]
    [TestCase("[sync-always, registers-only]", "[sync-always, never]")]
    [TestCase("set: { machine: { cpu: { apicv: false } } }", "set: { title: no }")]
    public void Reader_and_schema_refuse_the_same_values(string right, string wrong)
    {
        var text = Sample.Replace(right, wrong, StringComparison.Ordinal);
        Assert.That(Problems(text), Is.Not.Empty);
        Assert.That(Refusal(text), Is.Not.Null);
    }

    [TestCase("throttle.csx")]
    [TestCase("../policies/throttle.csx")]
    public void Script_fits_in_place_of_a_value(string path)
    {
        Assert.That(Problems(Sample.Replace("throttle(100, 1000)", path, StringComparison.Ordinal)), Is.Empty);
        Assert.That(Problems(Sample.Replace("save: [sync-always,", $"save: [{path},", StringComparison.Ordinal)), Is.Empty);
    }

    /// <summary>The words of a policy value are the same whether the table or a preset writes them.</summary>
    [Test]
    public void What_a_preset_chooses_fits()
    {
        foreach (var (preset, policies) in EngineVocabulary.PresetPolicies)
        {
            foreach (var (point, value) in policies)
            {
                var text = Sample.Replace("immediate-exit: \"throttle(100, 1000)\"", $"{point}: \"{value}\"", StringComparison.Ordinal);
                Assert.That(Problems(text), Is.Empty, preset.Name);
            }
        }
    }

    [Test]
    public void Every_map_of_the_schema_that_lists_its_keys_allows_no_other()
    {
        var open = Objects(JsonDocument.Parse(Text).RootElement).Where(schema =>
            schema.TryGetProperty("properties", out var keys) && keys.ValueKind == JsonValueKind.Object
            && schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
            && schema.GetProperty("additionalProperties").ValueKind != JsonValueKind.False);
        Assert.That(open, Is.Empty);
    }

    private static IReadOnlyList<string> Problems(string text) => Validator.Problems(YamlReader.Read("sample.yaml", text));

    /// <summary>What the reader says; null if the scenario can be read.</summary>
    private static string? Refusal(string text)
    {
        var folder = Directory.CreateTempSubdirectory("scenariohv-");
        try
        {
            var path = Path.Combine(folder.FullName, "sample.yaml");
            File.WriteAllText(path, text);
            File.WriteAllText(Path.Combine(folder.FullName, "guest.csx"), "");
            ScenarioReader.Read(path, EngineVocabulary.Instance);
            return null;
        }
        catch (ScenarioException error)
        {
            return error.Message;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The sample without a line and what is indented under it.</summary>
    private static string Without(string[] lines, int line, Group indentation)
    {
        var next = line + 1;
        while (next < lines.Length && lines[next].TakeWhile(letter => letter == ' ').Count() > indentation.Length)
            next++;
        var rest = lines[next..];
        if (indentation.Value.EndsWith("- ", StringComparison.Ordinal) && rest.Length > 0)
            rest[0] = indentation.Value + rest[0][indentation.Length..];
        return string.Join('\n', [.. lines[..line], .. rest]);
    }

    private static IEnumerable<JsonElement> Objects(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => [element, .. element.EnumerateObject().SelectMany(property => Objects(property.Value))],
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Objects),
        _ => [],
    };

    private static string Folder()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ScenarioHv.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("These tests run inside a checkout.");
        return Path.Combine(folder, "scenarios");
    }
}
