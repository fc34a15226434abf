namespace ScenarioHv.Conformance;

/// <summary>What became of a list of operations on a witness and on the model.</summary>
/// <param name="Recording">The list, with the witness's log as far as it was executed.</param>
/// <param name="Difference">The first difference; expected is what the witness showed. Null if there is none.</param>
/// <param name="Limit">
/// Why the list could be followed only so far: something that the witness or the model cannot show. Null if it was followed to its end.
/// </param>
public sealed record LiveResult(Recording Recording, Difference? Difference, string? Limit);

/// <summary>Executes lists of operations on a witness and on the model, side by side.</summary>
/// <param name="source">Makes the witness.</param>
/// <param name="preset">Whose controllers the model has.</param>
/// <param name="comparison">What of the logs has to be the same.</param>
public sealed class LiveRun(IWitnessSource source, ConformancePreset preset, Comparison comparison)
{
    /// <summary>Executes a list as far as its first difference.</summary>
    /// <param name="list">The list; its log is not looked at.</param>
    /// <exception cref="WitnessException">The witness failed.</exception>
    public LiveResult Execute(Recording list)
    {
        using IWitness witness = source.PowerOn(list.Cpus, list.HasX2Apic);
        using var model = new ConformanceMachine(preset, list.Cpus, list.HasX2Apic);
        var log = new List<string>();
        foreach (RecordedOp op in list.Ops)
        {
            string expected;
            string found;
            try
            {
                found = model.Execute(op);
                expected = witness.Execute(op);
            }
            catch (NotSupportedException limit)
            {
                return new LiveResult(Seen(list, log), null, $"op {log.Count}, {op.Text}: {limit.Message}");
            }

            log.Add(expected);
            if (!comparison.Agree(op, expected, found))
                return new LiveResult(Seen(list, log), new Difference(log.Count - 1, op.Text, expected, found), null);
        }

        return new LiveResult(Seen(list, log), null, null);
    }

    /// <summary>The fewest operations that still show a difference, be it the same one or not.</summary>
    /// <param name="result">A list that shows one.</param>
    /// <exception cref="WitnessException">The witness failed.</exception>
    public LiveResult Shrink(LiveResult result)
    {
        LiveResult smallest = result;
        Shrinker.Shrink(result.Recording.Ops, ops =>
        {
            LiveResult tried = Execute(result.Recording with { Ops = ops, Log = [] });
            if (tried.Difference is null)
                return false;
            smallest = tried;
            return true;
        });
        return smallest;
    }

    private static Recording Seen(Recording list, List<string> log) => list with { Ops = [.. list.Ops.Take(log.Count)], Log = log };
}
