using System.Diagnostics.CodeAnalysis;

namespace ScenarioHv.Scenarios.Yaml;

/// <summary>One key of a map with its value.</summary>
/// <param name="Key">The key's text.</param>
/// <param name="KeyMark">The key's first character.</param>
/// <param name="Value">What it is set to.</param>
public sealed record YamlEntry(string Key, SourceMark KeyMark, YamlNode Value);

/// <summary>Keys with values, in the order written; no key twice. Immutable.</summary>
public sealed class YamlMap : YamlNode
{
    private readonly Dictionary<string, int> _positions = new(StringComparer.Ordinal);

    /// <summary>Creates a map.</summary>
    /// <param name="mark">Its first character.</param>
    /// <param name="entries">The entries in the order written.</param>
    /// <exception cref="ScenarioException">A key is there twice; the message names the first one's line.</exception>
    public YamlMap(SourceMark mark, IReadOnlyList<YamlEntry> entries)
        : base(mark)
    {
        Entries = entries;
        for (var i = 0; i < entries.Count; i++)
        {
            if (_positions.TryAdd(entries[i].Key, i))
                continue;
            var first = entries[_positions[entries[i].Key]].KeyMark;
            throw entries[i].KeyMark.Error($"duplicate key {Wording.Quote(entries[i].Key)}; first given on line {first.Line}");
        }
    }

    /// <summary>The entries in the order written.</summary>
    public IReadOnlyList<YamlEntry> Entries { get; }

    /// <inheritdoc/>
    public override string Description => "a map";

    /// <summary>Finds the entry of a key; keys are compared exactly.</summary>
    /// <param name="key">The key's text.</param>
    /// <param name="entry">The entry, if there is one.</param>
    public bool TryGet(string key, [NotNullWhen(true)] out YamlEntry? entry)
    {
        entry = _positions.TryGetValue(key, out var position) ? Entries[position] : null;
        return entry is not null;
    }

    /// <summary>
    /// This map with <paramref name="other"/> laid over it: where both have a map the two are merged, anywhere else the other's
    /// value replaces this one's. New keys come last. Every key and value keeps the mark of the place where it was written.
    /// </summary>
    /// <param name="other">The map that wins.</param>
    public YamlMap Overlay(YamlMap other)
    {
        var merged = new List<YamlEntry>(Entries.Count + other.Entries.Count);
        foreach (var entry in Entries)
        {
            if (!other.TryGet(entry.Key, out var over))
                merged.Add(entry);
            else if (entry.Value is YamlMap below && over.Value is YamlMap above)
                merged.Add(entry with { Value = below.Overlay(above) });
            else
                merged.Add(over);
        }
        foreach (var entry in other.Entries)
        {
            if (!TryGet(entry.Key, out _))
                merged.Add(entry);
        }
        return new YamlMap(Mark, merged);
    }
}
