namespace ScenarioHv.Engine.Policies;

/// <summary>Durations in policy values.</summary>
internal static class PolicyText
{
    private static readonly (long Nanoseconds, string Unit)[] Units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")];

    /// <summary>The duration in the largest unit that divides it.</summary>
    public static string Duration(long nanoseconds)
    {
        var (size, unit) = Units.First(unit => nanoseconds % unit.Nanoseconds == 0);
        return $"{nanoseconds / size} {unit}";
    }

    /// <summary>The duration in TSC cycles, rounded up.</summary>
    public static long Cycles(long nanoseconds, long tscHz) => (long)((((Int128)nanoseconds * tscHz) + 999_999_999) / 1_000_000_000);
}
