using System.Text;

namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// Texts of guests, by number. The number is a hash of the text (FNV-1a), the same in every run; the table only turns it back into words.
/// Of two texts with one number it has the first.
/// </summary>
/// <param name="bits">How many bits a number has, 1..64.</param>
public sealed class TextTable(int bits)
{
    private SortedDictionary<ulong, string>? _texts;
    private readonly Lock _gate = new();

    /// <summary>The number of <paramref name="text"/>.</summary>
    public ulong Number(string text)
    {
        var hash = 0xcbf29ce484222325UL;
        foreach (var unit in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ unit) * 0x100000001b3UL;
        }

        hash &= ulong.MaxValue >> (64 - bits);
        lock (_gate)
        {
            _texts ??= [];
            _texts.TryAdd(hash, text);
        }

        return hash;
    }

    /// <summary>The text with number <paramref name="number"/>; null if no guest of this machine has used it.</summary>
    public string? Text(ulong number)
    {
        lock (_gate)
        {
            return _texts?.GetValueOrDefault(number);
        }
    }
}
