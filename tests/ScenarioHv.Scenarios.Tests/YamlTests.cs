using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Tests;

public class YamlTests
{
    [Test]
    public void Every_node_and_key_knows_its_line_and_column()
    {
        var root = Map("a: 1\nlist:\n  - { key: value }\n");
        var list = (YamlList)Value(root, "list");
        var inner = (YamlMap)list.Items[0];
        Assert.That(Value(root, "a").Mark, Is.EqualTo(new SourceMark("f", 1, 4)));
        Assert.That(list.Mark, Is.EqualTo(new SourceMark("f", 3, 3)));
        Assert.That(inner.Entries[0].KeyMark, Is.EqualTo(new SourceMark("f", 3, 7)));
        Assert.That(inner.Entries[0].Value.Mark, Is.EqualTo(new SourceMark("f", 3, 12)));
    }

    [TestCase("a: word", 2, 6)]
    [TestCase("a: \"word\"", 2, 7)]
    [TestCase("a: 'word'", 2, 7)]
    [TestCase("a: \"w\\x6frd\"", 2, 4)]
    public void Place_inside_a_scalar_is_exact_unless_escapes_intervene(string text, int index, int column) =>
        Assert.That(((YamlScalar)Value(Map(text), "a")).MarkAt(index).Column, Is.EqualTo(column));

    [Test]
    public void Quotes_are_remembered() =>
        Assert.That(
            new[] { "a: 1", "a: '1'" }.Select(text => ((YamlScalar)Value(Map(text), "a")).IsQuoted),
            Is.EqualTo(new[] { false, true }));

    [TestCase("a: &x 1", 4, "anchor '&x' is refused", "repeat the value")]
    [TestCase("a: *x", 4, "alias '*x' is refused", "repeat the value")]
    [TestCase("*x : 1", 1, "alias '*x' is refused", "repeat the value")]
    [TestCase("&x a: 1", 1, "anchor '&x' is refused", "repeat the value")]
    [TestCase("a: !thing 1", 4, "tag '!thing' is refused", "follows from its key")]
    [TestCase("a: \"\\0\"", 4, "control character U+0000", "")]
    [TestCase("a: \"\\e[31m\"", 4, "control character U+001B", "")]
    [TestCase("? [a]\n: b", 3, "a key must be a word", "")]
    [TestCase("a: \"\\Uffffffff\"", 15, "names no character", "")]
    public void What_a_scenario_never_needs_is_refused_in_its_place(string text, int column, string found, string why)
    {
        var error = ErrorOf(text);
        Assert.That((error.Line, error.Column), Is.EqualTo((1, column)));
        Assert.That(error.Message, Does.Contain(found).And.Contain(why));
    }

    [Test]
    public void Second_document_is_refused_where_it_begins() =>
        Assert.That(ErrorOf("a: 1\n---\nb: 2\n").ToString(), Does.StartWith("f:2:1: a second document"));

    [Test]
    public void Duplicate_key_names_the_first_one_s_line() =>
        Assert.That(ErrorOf("a: 1\nb: 2\na: 3\n").ToString(), Is.EqualTo("f:3:1: duplicate key 'a'; first given on line 1"));

    [Test]
    public void Sixty_four_levels_are_deep_enough_and_one_more_is_refused()
    {
        Assert.That(() => Read(new string('[', 64) + "x" + new string(']', 64)), Throws.Nothing);
        Assert.That(ErrorOf(new string('[', 65) + "x" + new string(']', 65)).ToString(), Does.StartWith("f:1:66: nested more than 64"));
    }

    [TestCase(49_999, false)]
    [TestCase(50_000, true)]
    public void List_and_its_items_are_at_most_fifty_thousand_values(int items, bool refused)
    {
        var text = "[" + string.Join(',', Enumerable.Repeat('1', items)) + "]";
        Assert.That(() => Read(text), refused ? Throws.TypeOf<ScenarioException>() : Throws.Nothing);
    }

    [TestCase("a: b: c", 5)]
    [TestCase("a: {b: x\ny}", 1)]
    [TestCase("a: @x", 4)]
    public void What_is_no_YAML_has_a_column(string text, int column)
    {
        var error = ErrorOf(text);
        Assert.That(error.Message, Does.StartWith("not valid YAML"));
        Assert.That(error.Column, Is.EqualTo(column));
    }

    [Test]
    public void Overlay_merges_maps_and_replaces_everything_else()
    {
        var below = Map("m: { a: 1, b: { c: 2, d: [1, 2] } }\nkeep: x\nswap: { a: 1 }\n");
        var above = Map("m: { b: { d: [3], e: 4 } }\nswap: word\nnew: y\n");
        Assert.That(Show(below.Overlay(above)), Is.EqualTo("{m:{a:1,b:{c:2,d:[3],e:4}},keep:x,swap:word,new:y}"));
    }

    [Test]
    public void Overlay_leaves_both_maps_as_they_were()
    {
        var below = Map("m: { a: 1 }");
        var above = Map("m: { a: 2 }");
        below.Overlay(above);
        Assert.That(Show(below) + Show(above), Is.EqualTo("{m:{a:1}}{m:{a:2}}"));
    }

    [Test]
    public void Overlaid_values_keep_the_place_where_they_were_written()
    {
        var merged = (YamlMap)Value(Map("m: { a: 1, b: 2 }").Overlay(Map("\n\nm: { b: 3 }")), "m");
        Assert.That(merged.Entries.Select(entry => entry.KeyMark.Line), Is.EqualTo(new[] { 1, 3 }));
        Assert.That(merged.Entries.Select(entry => entry.Value.Mark.Line), Is.EqualTo(new[] { 1, 3 }));
    }

    private static YamlNode Read(string text) => YamlReader.Read("f", text);

    private static YamlMap Map(string text) => (YamlMap)Read(text);

    private static YamlNode Value(YamlMap map, string key) =>
        map.TryGet(key, out var entry) ? entry.Value : throw new KeyNotFoundException(key);

    private static Diagnostic ErrorOf(string text) => Assert.Throws<ScenarioException>(() => Read(text))!.Diagnostic;

    private static string Show(YamlNode node) => node switch
    {
        YamlMap map => "{" + string.Join(',', map.Entries.Select(entry => entry.Key + ":" + Show(entry.Value))) + "}",
        YamlList list => "[" + string.Join(',', list.Items.Select(Show)) + "]",
        _ => ((YamlScalar)node).Text,
    };
}
