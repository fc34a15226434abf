using System.Text;

namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// Assertions that did not hold, in words, by number. The number is a hash of the words (FNV-1a, 32 bits), the same in every run; the table
/// only turns it back. Of two assertions with one number the words of the first are told.
/// </summary>
public sealed class AssertionTable
{
    private readonly SortedDictionary<uint, string> _texts = [];
    private readonly Lock _gate = new();

    /// <summary>The number of <paramref name="text"/>.</summary>
    public uint Number(string text)
    {
        var hash = 0x811c9dc5U;
        foreach (var unit in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ unit) * 0x01000193U;
        }

        lock (_gate)
        {
            _texts.TryAdd(hash, text);
        }

        return hash;
    }

    /// <summary>The words with number <paramref name="number"/>; null if no assertion of this process has failed with them.</summary>
    public string? Text(uint number)
    {
        lock (_gate)
        {
            return _texts.GetValueOrDefault(number);
        }
    }
}
