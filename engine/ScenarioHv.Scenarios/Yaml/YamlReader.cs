using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace ScenarioHv.Scenarios.Yaml;

/// <summary>
/// Turns the events of a YAML parser into a tree, and refuses what a scenario never needs and a hostile file lives on: anchors and
/// aliases, tags, several documents, deep nesting, very many nodes.
/// </summary>
public sealed class YamlReader
{
    private readonly string _file;
    private readonly Scanner _scanner;
    private readonly Parser _parser;
    private int _nodes;

    private YamlReader(string file, string text)
    {
        _file = file;
        _scanner = new Scanner(new StringReader(text), skipComments: true);
        _parser = new Parser(_scanner);
    }

    /// <summary>Reads the one document of a text.</summary>
    /// <param name="file">The path that errors name.</param>
    /// <param name="text">The file's text.</param>
    /// <exception cref="ScenarioException">It is not YAML, or uses something that is refused.</exception>
    public static YamlNode Read(string file, string text)
    {
        var reader = new YamlReader(file, text);
        try
        {
            return reader.ReadDocument(text);
        }
        catch (YamlException error)
        {
            throw reader.Explain(error.Start, error.End, error.Message, text);
        }
    }

    private YamlNode ReadDocument(string text)
    {
        Next<StreamStart>();
        Next();
        if (_parser.Current is StreamEnd)
        {
            var nothing = string.IsNullOrWhiteSpace(text) ? "the file is empty" : "the file has only comments";
            throw SourceMark.StartOf(_file).Error($"{nothing}; a scenario begins with 'scenario: <name>'");
        }
        Next(); // DocumentStart to the first node
        var root = ReadNode(depth: 0);
        Next(); // DocumentEnd
        Next(); // StreamEnd
        if (_parser.Current is DocumentStart second)
            throw MarkOf(second.Start).Error("a second document begins here; a scenario file has one");
        return root;
    }

    private YamlNode ReadNode(int depth)
    {
        var current = _parser.Current ?? throw new InvalidOperationException("The YAML parser ended inside a document.");
        var mark = MarkOf(current.Start);
        RefuseSharing(current, mark);
        if (depth > YamlLimits.Depth)
            throw mark.Error($"nested more than {YamlLimits.Depth} levels deep");
        if (++_nodes > YamlLimits.Nodes)
            throw mark.Error($"the file has more than {YamlLimits.Nodes} values");
        return current switch
        {
            Scalar scalar => ReadScalar(scalar, mark),
            SequenceStart => ReadList(mark, depth),
            MappingStart => ReadMap(mark, depth),
            _ => throw new InvalidOperationException($"The YAML parser gave {current} where a value begins."),
        };
    }

    private static YamlScalar ReadScalar(Scalar scalar, SourceMark mark)
    {
        foreach (var character in scalar.Value)
        {
            if (char.IsControl(character) && character is not '\n' and not '\t')
                throw mark.Error($"the text holds the control character U+{(int)character:X4}");
        }
        var quoted = scalar.Style is not ScalarStyle.Plain;
        var quotes = scalar.Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted ? 1 : 0;
        var inStep = scalar.Start.Line == scalar.End.Line && scalar.End.Column - scalar.Start.Column == scalar.Value.Length + (2 * quotes);
        return new YamlScalar(mark, scalar.Value, quoted, inStep ? quotes : -1);
    }

    private YamlList ReadList(SourceMark mark, int depth)
    {
        var items = new List<YamlNode>();
        for (Next(); _parser.Current is not SequenceEnd; Next())
            items.Add(ReadNode(depth + 1));
        return new YamlList(mark, items);
    }

    private YamlMap ReadMap(SourceMark mark, int depth)
    {
        var entries = new List<YamlEntry>();
        for (Next(); _parser.Current is not MappingEnd; Next())
        {
            var keyMark = MarkOf(_parser.Current!.Start);
            RefuseSharing(_parser.Current, keyMark);
            if (_parser.Current is not Scalar { Value.Length: > 0 } key)
                throw keyMark.Error("a key must be a word");
            Next();
            entries.Add(new YamlEntry(ReadScalar(key, keyMark).Text, keyMark, ReadNode(depth + 1)));
        }
        return new YamlMap(mark, entries);
    }

    private static void RefuseSharing(ParsingEvent current, SourceMark mark)
    {
        const string Why = "copies of copies can make a small file huge";
        if (current is AnchorAlias alias)
            throw mark.Error($"alias {Wording.Quote("*" + alias.Value)} is refused: {Why}; repeat the value here");
        if (current is not NodeEvent node)
            return;
        if (!node.Anchor.IsEmpty)
            throw mark.Error($"anchor {Wording.Quote("&" + node.Anchor)} is refused: {Why}; repeat the value where it is used");
        if (!node.Tag.IsEmpty)
            throw mark.Error($"tag {Wording.Quote(node.Tag.ToString())} is refused: what a value means follows from its key");
    }

    private void Next<TEvent>()
        where TEvent : ParsingEvent
    {
        Next();
        if (_parser.Current is not TEvent)
            throw new InvalidOperationException($"The YAML parser gave {_parser.Current}, not {typeof(TEvent).Name}.");
    }

    private void Next()
    {
        bool more;
        try
        {
            more = _parser.MoveNext();
        }
        // What YamlDotNet 16.3 does not report as an error of the text: an escape beyond Unicode, and a line break in an unquoted
        // value inside braces whose next line is not indented.
        catch (ArgumentException)
        {
            throw MarkOf(_scanner.CurrentPosition).Error("not valid YAML: an escape sequence that names no character");
        }
        catch (InvalidOperationException)
        {
            throw MarkOf(_scanner.CurrentPosition).Error("not valid YAML: a value that spans lines must stand in quotes");
        }
        if (!more)
            throw new InvalidOperationException("The YAML parser ended inside a document.");
    }

    private SourceMark MarkOf(Mark mark) => new(_file, (int)mark.Line, (int)mark.Column);

    /// <summary>A tab in the indentation has many faces in a parser's messages; it is named as what it is.</summary>
    private ScenarioException Explain(Mark start, Mark end, string message, string text)
    {
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            var tab = line[..^line.TrimStart().Length].IndexOf('\t');
            if (tab >= 0 && number >= start.Line && (number <= end.Line + 1 || message.Contains("tab", StringComparison.Ordinal)))
                return new SourceMark(_file, number, tab + 1).Error("a tab in the indentation; YAML is indented with spaces");
        }
        return MarkOf(start).Error($"not valid YAML: {message}");
    }
}
