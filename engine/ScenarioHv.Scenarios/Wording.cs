using System.Text;

namespace ScenarioHv.Scenarios;

/// <summary>How error messages quote what was found and list what is allowed.</summary>
internal static class Wording
{
    private const int LongestQuote = 60;

    /// <summary>The author's text in quotes, on one line and never longer than a message can bear.</summary>
    public static string Quote(string text)
    {
        var shown = new StringBuilder("'");
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, LongestQuote)))
            shown.Append(char.IsControl(character) ? ' ' : character);
        return shown.Append(text.Length > LongestQuote ? "...'" : "'").ToString();
    }

    /// <summary><c>expected one of a, b, c; did you mean 'b'?</c></summary>
    /// <param name="found">What the author wrote.</param>
    /// <param name="names">The right names, compared with <paramref name="found"/>.</param>
    /// <param name="shown">How they are listed, when that is more than the name.</param>
    public static string Expected(string found, IReadOnlyCollection<string> names, IReadOnlyCollection<string>? shown = null)
    {
        if (names.Count == 0)
            return "none is allowed here";
        var list = string.Join(", ", shown ?? names);
        return (names.Count == 1 ? "expected " : "expected one of ") + list + NearestName.Hint(found, names);
    }
}
