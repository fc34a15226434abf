namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>A list of operations on both machines, up to the first difference.</summary>
internal static class NaiveComparison
{
    /// <summary>Where they differ, or where neither goes on.</summary>
    /// <param name="Index">The operation.</param>
    /// <param name="Naive">The naive machine's log.</param>
    /// <param name="Model">The model's.</param>
    public sealed record Difference(int Index, string Naive, string Model);

    private const string Refused = "(not supported)";

    /// <summary>The first difference, or null. The list ends where both machines refuse an operation.</summary>
    public static Difference? Find(IReadOnlyList<RecordedOp> ops, int cpus, bool hasX2Apic, out int executed)
    {
        using var naive = new NaiveMachine(cpus, hasX2Apic);
        using var model = new ConformanceMachine(ConformancePreset.Architectural, cpus, hasX2Apic);
        for (executed = 0; executed < ops.Count; executed++)
        {
            string expected = Execute(naive, ops[executed]);
            string found = Execute(model, ops[executed]);
            if (expected != found)
                return new Difference(executed, expected, found);
            if (expected == Refused)
                return null;
        }

        return null;
    }

    /// <summary>The list without what the difference does not need: single operations are left out as long as some difference stays.</summary>
    public static List<RecordedOp> Shrink(IReadOnlyList<RecordedOp> ops, int cpus, bool hasX2Apic)
    {
        var list = new List<RecordedOp>(ops);
        bool shrank = true;
        while (shrank)
        {
            shrank = false;
            for (int i = list.Count - 1; i >= 0; i--)
            {
                var shorter = new List<RecordedOp>(list);
                shorter.RemoveAt(i);
                Difference? difference = Find(shorter, cpus, hasX2Apic, out _);
                if (difference == null)
                    continue;
                list = shorter.GetRange(0, difference.Index + 1);
                i = Math.Min(i, list.Count);
                shrank = true;
            }
        }

        return list;
    }

    /// <summary>What a failing test prints.</summary>
    public static string Report(int seed, IReadOnlyList<RecordedOp> ops, int cpus, bool hasX2Apic)
    {
        List<RecordedOp> list = Shrink(ops, cpus, hasX2Apic);
        Difference difference = Find(list, cpus, hasX2Apic, out _)!;
        return $"seed {seed}, {cpus} CPUs, x2APIC {(hasX2Apic ? "offered" : "not offered")}: {string.Join("; ", list.Select(op => op.Text))}\n"
            + $"  manual: {difference.Naive}\n  model:  {difference.Model}";
    }

    private static string Execute(IWitness machine, RecordedOp op)
    {
        try
        {
            string log = machine.Execute(op);
            return op.Kind == RecordedOpKind.DumpIoApic ? WithoutLatch(log) : log;
        }
        catch (NotSupportedException)
        {
            return Refused;
        }
    }

    // The latch of an I/O APIC's pins is KVM's own: the datasheet shows it to nobody.
    private static string WithoutLatch(string log)
    {
        int start = log.IndexOf(" irr=", StringComparison.Ordinal);
        return start < 0 ? log : log.Remove(start, " irr=000000".Length);
    }
}
