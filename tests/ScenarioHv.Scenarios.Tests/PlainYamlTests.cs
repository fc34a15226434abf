using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Tests;

/// <summary>What is read without YAML's own parser is what the parser reads.</summary>
public class PlainYamlTests
{
    private static IEnumerable<string> Files =>
        Directory.EnumerateFiles(SchemaTests.Folder(), "*.yaml").Order(StringComparer.Ordinal).Select(path => Path.GetFileName(path));

    [TestCaseSource(nameof(Files))]
    public void Shipped_scenarios_are_plain(string file)
    {
        var text = File.ReadAllText(Path.Combine(SchemaTests.Folder(), file));
        Assert.That(InWords(PlainYamlReader.Read("f", text)), Is.EqualTo(InWords(YamlReader.Parse("f", text))));
    }

    /// <summary>A character that means something to YAML, put in turn into places all over a scenario.</summary>
    [Test]
    public void What_is_read_of_a_damaged_file_is_what_the_parser_reads()
    {
        var text = File.ReadAllText(Path.Combine(SchemaTests.Folder(), "hyperv-hang.yaml"));
        string[] inserts = ["", " ", "\n", ":", "- ", "-", "{", "}", "[", "]", ",", "\"", "'", "#", "&", "*", "!", "|", "---\n", "x"];
        var plain = 0;
        for (var i = 0; i < text.Length; i += 7)
        {
            var damaged = text.Remove(i, i % 3).Insert(i, inserts[i / 7 % inserts.Length]);
            if (PlainYamlReader.Read("f", damaged) is { } node)
            {
                plain++;
                Assert.That(InWords(node), Is.EqualTo(InWords(YamlReader.Parse("f", damaged))), damaged);
            }
        }
        Assert.That(plain, Is.GreaterThan(100));
    }

    [TestCase("a: &x 1")]
    [TestCase("a: !t 1")]
    [TestCase("a:")]
    [TestCase("a: [b: 1]")]
    [TestCase("a: {b}")]
    [TestCase("a: 1\n...\n")]
    [TestCase("a: 1\n---\nb: 1")]
    [TestCase("a: 1\na: 2")]
    [TestCase("- 1")]
    public void The_rest_is_left_to_the_parser(string text) => Assert.That(PlainYamlReader.Read("f", text), Is.Null);

    private static string InWords(YamlNode? node) => node switch
    {
        YamlScalar scalar => $"{scalar.Mark} {scalar.MarkAt(1)} {scalar.IsQuoted} \"{scalar.Text}\"",
        YamlList list => $"{list.Mark} [{string.Join(", ", list.Items.Select(InWords))}]",
        YamlMap map => $"{map.Mark} {{{string.Join(", ", map.Entries.Select(InWords))}}}",
        _ => "nothing",
    };

    private static string InWords(YamlEntry entry) => $"{entry.KeyMark} {entry.Key}: {InWords(entry.Value)}";
}
