using System.Text;

namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// The texts that guests report, by number. The number is a hash of the text (FNV-1a), the same in every run; the table only turns it back
/// into words.
/// </summary>
public sealed class ReportTable
{
    private readonly SortedDictionary<ulong, string> _texts = [];
    private readonly Lock _gate = new();

    /// <summary>The number of <paramref name="text"/>.</summary>
    public ulong Number(string text)
    {
        var hash = 0xcbf29ce484222325UL;
        foreach (var unit in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ unit) * 0x100000001b3UL;
        }

        lock (_gate)
        {
            _texts.TryAdd(hash, text);
        }

        return hash;
    }

    /// <summary>The text with number <paramref name="number"/>; null if nothing has reported it.</summary>
    public string? Text(ulong number)
    {
        lock (_gate)
        {
            return _texts.GetValueOrDefault(number);
        }
    }
}
