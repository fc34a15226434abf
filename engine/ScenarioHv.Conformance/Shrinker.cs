namespace ScenarioHv.Conformance;

/// <summary>Finds a short list among the parts of a long one (delta debugging: Zeller and Hildebrandt, 2002).</summary>
public static class Shrinker
{
    private const int MaxPairs = 24;

    /// <summary>
    /// Leaves out operations as long as what is left still fails: first long runs of them, then single ones, then any two, which finds
    /// those that need each other.
    /// </summary>
    /// <param name="ops">Operations that fail.</param>
    /// <param name="fails">True if operations fail.</param>
    /// <returns>Operations that fail, none of which can be left out alone.</returns>
    public static IReadOnlyList<RecordedOp> Shrink(IReadOnlyList<RecordedOp> ops, Func<IReadOnlyList<RecordedOp>, bool> fails)
    {
        IReadOnlyList<RecordedOp> kept = ops;
        int before;
        do
        {
            before = kept.Count;
            for (int length = kept.Count / 2; length >= 1; length /= 2)
                kept = WithoutRuns(kept, length, fails);
            if (kept.Count == before && kept.Count <= MaxPairs)
                kept = WithoutPair(kept, fails);
        }
        while (kept.Count < before);
        return kept;
    }

    private static IReadOnlyList<RecordedOp> WithoutRuns(
        IReadOnlyList<RecordedOp> ops, int length, Func<IReadOnlyList<RecordedOp>, bool> fails)
    {
        for (int end = ops.Count; end > 0; end -= length)
        {
            int start = Math.Max(0, end - length);
            RecordedOp[] rest = [.. ops.Take(start), .. ops.Skip(end)];
            if (rest.Length > 0 && fails(rest))
                ops = rest;
        }

        return ops;
    }

    private static IReadOnlyList<RecordedOp> WithoutPair(IReadOnlyList<RecordedOp> ops, Func<IReadOnlyList<RecordedOp>, bool> fails)
    {
        for (int first = 0; first < ops.Count; first++)
        {
            for (int second = first + 1; second < ops.Count; second++)
            {
                RecordedOp[] rest = [.. ops.Where((_, i) => i != first && i != second)];
                if (rest.Length > 0 && fails(rest))
                    return rest;
            }
        }

        return ops;
    }
}
