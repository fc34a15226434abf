namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>Lists of operations on the naive machine and on the model, up to the first difference.</summary>
/// <param name="preset">Whose controllers the model has.</param>
/// <param name="naive">Makes the naive machine from the number of CPUs and whether x2APIC mode is offered.</param>
internal sealed class NaiveComparison(ConformancePreset preset, Func<int, bool, IWitness> naive)
{
    private const string Refused = "(not supported)";
    private readonly Comparison comparison = new(isStrict: false);

    /// <summary>The first difference, expected being the naive machine's log, or null. A list ends where both machines refuse.</summary>
    /// <param name="list">The list.</param>
    /// <param name="isWhole">It was executed to its end.</param>
    public Difference? Find(Recording list, out bool isWhole)
    {
        using IWitness expecting = naive(list.Cpus, list.HasX2Apic);
        using var model = new ConformanceMachine(preset, list.Cpus, list.HasX2Apic);
        isWhole = true;
        for (int i = 0; i < list.Ops.Count; i++)
        {
            RecordedOp op = list.Ops[i];
            string expected = Execute(expecting, op);
            string found = Execute(model, op);
            isWhole = expected != Refused;
            if (!comparison.Agree(op, expected, found))
                return new Difference(i, op.Text, expected, found);
            if (!isWhole)
                return null;
        }

        return null;
    }

    /// <summary>What a failing test prints: the fewest operations that still show a difference, and both logs of the last one.</summary>
    public string Report(Recording list)
    {
        IReadOnlyList<RecordedOp> ops = Shrinker.Shrink(list.Ops, ops => Find(list with { Ops = ops }, out _) != null);
        Difference difference = Find(list with { Ops = ops }, out _)!;
        string offered = list.HasX2Apic ? ", x2APIC" : "";
        return $"{list.Name} ({list.Cpus} CPU{offered}): {string.Join("; ", ops.Select(op => op.Text))}\n"
            + $"  manual: {difference.Expected}\n  model:  {difference.Found}";
    }

    private static string Execute(IWitness machine, RecordedOp op)
    {
        try
        {
            return machine.Execute(op);
        }
        catch (NotSupportedException)
        {
            return Refused;
        }
    }
}
