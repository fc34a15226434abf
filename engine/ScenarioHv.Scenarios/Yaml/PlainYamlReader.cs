using YamlDotNet.Core;
using YamlDotNet.Core.Tokens;

namespace ScenarioHv.Scenarios.Yaml;

/// <summary>
/// Reads the maps, lists and words of which nearly every scenario consists, from the tokens of the YAML scanner. The parser that
/// <see cref="YamlReader"/> asks knows all of YAML, but compiles a regular expression for tags before it begins, and that takes longer than
/// a scenario. What is unusual or wrong is left to it.
/// </summary>
internal sealed class PlainYamlReader
{
    private readonly string _file;
    private readonly Scanner _scanner;
    private int _nodes;

    private PlainYamlReader(string file, string text)
    {
        _file = file;
        _scanner = new Scanner(new StringReader(text), skipComments: true);
    }

    /// <summary>Reads the one document of a text; null if it is not plain enough, or not right.</summary>
    /// <param name="file">The path that errors name.</param>
    /// <param name="text">The file's text.</param>
    public static YamlNode? Read(string file, string text)
    {
        var reader = new PlainYamlReader(file, text);
        try
        {
            return reader.ReadDocument();
        }
        catch (Exception error) when (error is YamlException or ScenarioException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private YamlNode? ReadDocument()
    {
        Next(); // StreamStart
        Next();
        if (_scanner.Current is DocumentStart)
            Next();
        if (_scanner.Current is not BlockMappingStart)
            return null;
        var root = ReadNode(depth: 0);
        return _scanner.Current is StreamEnd ? root : null;
    }

    private YamlNode ReadNode(int depth)
    {
        if (depth > YamlLimits.Depth || ++_nodes > YamlLimits.Nodes)
            throw Unusual();
        var token = Take<Token>();
        var mark = YamlReader.MarkOf(_file, token.Start);
        return token switch
        {
            Scalar scalar => ReadScalar(scalar, mark),
            BlockMappingStart => ReadMap(mark, depth),
            BlockSequenceStart => ReadList(mark, depth),
            FlowMappingStart => ReadFlowMap(mark, depth),
            FlowSequenceStart => ReadFlowList(mark, depth),
            _ => throw Unusual(),
        };
    }

    private static YamlScalar ReadScalar(Scalar scalar, SourceMark mark) =>
        YamlReader.ScalarOf(scalar.Value, scalar.Style, scalar.Start, scalar.End, mark);

    private YamlMap ReadMap(SourceMark mark, int depth)
    {
        var entries = new List<YamlEntry>();
        while (_scanner.Current is not BlockEnd)
        {
            var (key, keyMark) = ReadKey();
            var value = _scanner.Current is BlockEntry ? ReadListWithoutIndent(depth + 1) : ReadNode(depth + 1);
            entries.Add(new YamlEntry(key, keyMark, value));
        }
        Next();
        return new YamlMap(mark, entries);
    }

    private YamlList ReadList(SourceMark mark, int depth)
    {
        var items = new List<YamlNode>();
        while (_scanner.Current is not BlockEnd)
        {
            Take<BlockEntry>();
            items.Add(ReadNode(depth + 1));
        }
        Next();
        return new YamlList(mark, items);
    }

    /// <summary>A list whose items begin in the column of the key that it belongs to: it has no tokens for its begin and end.</summary>
    private YamlList ReadListWithoutIndent(int depth)
    {
        if (depth > YamlLimits.Depth || ++_nodes > YamlLimits.Nodes)
            throw Unusual();
        var mark = YamlReader.MarkOf(_file, _scanner.Current!.Start);
        var items = new List<YamlNode>();
        while (_scanner.Current is BlockEntry)
        {
            Next();
            items.Add(ReadNode(depth + 1));
        }
        return new YamlList(mark, items);
    }

    private YamlMap ReadFlowMap(SourceMark mark, int depth)
    {
        var entries = new List<YamlEntry>();
        while (_scanner.Current is not FlowMappingEnd)
        {
            var (key, keyMark) = ReadKey();
            entries.Add(new YamlEntry(key, keyMark, ReadNode(depth + 1)));
            if (_scanner.Current is not FlowMappingEnd)
                Take<FlowEntry>();
        }
        Next();
        return new YamlMap(mark, entries);
    }

    private YamlList ReadFlowList(SourceMark mark, int depth)
    {
        var items = new List<YamlNode>();
        while (_scanner.Current is not FlowSequenceEnd)
        {
            items.Add(ReadNode(depth + 1));
            if (_scanner.Current is not FlowSequenceEnd)
                Take<FlowEntry>();
        }
        Next();
        return new YamlList(mark, items);
    }

    private (string Key, SourceMark Mark) ReadKey()
    {
        Take<Key>();
        var scalar = Take<Scalar>();
        Take<Value>();
        var mark = YamlReader.MarkOf(_file, scalar.Start);
        return scalar.Value.Length > 0 ? (ReadScalar(scalar, mark).Text, mark) : throw Unusual();
    }

    private TToken Take<TToken>()
        where TToken : Token
    {
        var token = _scanner.Current as TToken ?? throw Unusual();
        Next();
        return token;
    }

    private void Next() => _scanner.MoveNext();

    private static InvalidOperationException Unusual() => new("This is left to the parser.");
}
