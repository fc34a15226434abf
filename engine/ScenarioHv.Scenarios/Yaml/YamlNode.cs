namespace ScenarioHv.Scenarios.Yaml;

/// <summary>A value in a document: <see cref="YamlScalar"/>, <see cref="YamlMap"/> or <see cref="YamlList"/>. Immutable.</summary>
public abstract class YamlNode
{
    private protected YamlNode(SourceMark mark) => Mark = mark;

    /// <summary>The node's first character.</summary>
    public SourceMark Mark { get; }

    /// <summary>What this is, as an error message says it.</summary>
    public abstract string Description { get; }
}

/// <summary>A text, as written between separators or quotes. What it means is the reader's business.</summary>
public sealed class YamlScalar : YamlNode
{
    private readonly int _textOffset;

    /// <summary>Creates a scalar.</summary>
    /// <param name="mark">Its first character: the opening quote, if there is one.</param>
    /// <param name="text">The text without quotes, escapes resolved.</param>
    /// <param name="isQuoted">True if it stood in quotes or was a block scalar.</param>
    /// <param name="textOffset">Columns from the mark to the text if both run in step, or -1 if escapes or line breaks intervene.</param>
    public YamlScalar(SourceMark mark, string text, bool isQuoted = false, int textOffset = -1)
        : base(mark)
    {
        Text = text;
        IsQuoted = isQuoted;
        _textOffset = textOffset;
    }

    /// <summary>The text without quotes, escapes resolved.</summary>
    public string Text { get; }

    /// <summary>True if it stood in quotes or was a block scalar: a text, never a number or a truth value.</summary>
    public bool IsQuoted { get; }

    /// <summary>Where a relative path in it begins; null for the folder of the scenario file.</summary>
    public string? Folder { get; init; }

    /// <inheritdoc/>
    public override string Description => Text.Length == 0 && !IsQuoted ? "nothing" : Wording.Quote(Text);

    /// <summary>The place of one character of the text; the scalar's own mark where that cannot be known.</summary>
    /// <param name="index">Index into <see cref="Text"/>.</param>
    public SourceMark MarkAt(int index) => _textOffset < 0 ? Mark : Mark with { Column = Mark.Column + _textOffset + index };
}

/// <summary>An ordered list of nodes.</summary>
public sealed class YamlList : YamlNode
{
    /// <summary>Creates a list.</summary>
    /// <param name="mark">Its first character.</param>
    /// <param name="items">The items in the order written.</param>
    public YamlList(SourceMark mark, IReadOnlyList<YamlNode> items)
        : base(mark) => Items = items;

    /// <summary>The items in the order written.</summary>
    public IReadOnlyList<YamlNode> Items { get; }

    /// <inheritdoc/>
    public override string Description => "a list";
}
