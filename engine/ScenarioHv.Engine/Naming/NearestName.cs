namespace ScenarioHv.Engine.Naming;

/// <summary>
/// The name an author probably meant: the one at the smallest Damerau-Levenshtein distance (optimal string alignment: insert,
/// delete, replace, swap two neighbours), if that is close and no other name is as close.
/// </summary>
public static class NearestName
{
    /// <summary>The nearest of <paramref name="names"/>, or null when none is close or two are equally close.</summary>
    /// <param name="found">What the author wrote.</param>
    /// <param name="names">What is allowed.</param>
    /// <remarks>Close is one edit per three characters of the shorter word, but at least one; letter case costs nothing.</remarks>
    public static string? Of(string found, IEnumerable<string> names)
    {
        string? nearest = null;
        var best = int.MaxValue;
        var tied = false;
        foreach (var name in names)
        {
            var allowed = Math.Max(1, Math.Min(found.Length, name.Length) / 3);
            if (found.Length == 0 || Math.Abs(found.Length - name.Length) > allowed)
                continue;
            var distance = Distance(found, name);
            if (distance > allowed || distance > best)
                continue;
            tied = distance == best;
            best = distance;
            nearest = name;
        }
        return tied ? null : nearest;
    }

    /// <summary>The end of a message about a wrong name, <c>; did you mean 'b'?</c>, or nothing.</summary>
    /// <param name="found">What the author wrote.</param>
    /// <param name="names">What is allowed.</param>
    public static string Hint(string found, IEnumerable<string> names) =>
        Of(found, names) is { } nearest ? $"; did you mean '{nearest}'?" : "";

    /// <summary>The number of edits between two words, ignoring case.</summary>
    /// <param name="left">One word.</param>
    /// <param name="right">The other word.</param>
    public static int Distance(string left, string right)
    {
        var beforePrevious = new int[right.Length + 1];
        var previous = new int[right.Length + 1];
        var current = new int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++)
            previous[j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replace = previous[j - 1] + (Same(left[i - 1], right[j - 1]) ? 0 : 1);
                current[j] = Math.Min(replace, Math.Min(previous[j], current[j - 1]) + 1);
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                    current[j] = Math.Min(current[j], beforePrevious[j - 2] + 1);
            }
            (beforePrevious, previous, current) = (previous, current, beforePrevious);
        }
        return previous[right.Length];
    }

    private static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
}
