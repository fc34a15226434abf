using static System.FormattableString;

namespace ScenarioHv.Traces;

/// <summary>How many decimals of a second a timestamp has.</summary>
public enum TraceResolution : byte
{
    /// <summary>Six decimals, as trace-cmd report prints by default.</summary>
    Microseconds = 6,

    /// <summary>Nine decimals, as with its nanosecond option.</summary>
    Nanoseconds = 9,
}

/// <summary>Cycles to seconds, with integers only: what does not fill a unit is cut off, not rounded.</summary>
public static class TraceTimestamp
{
    /// <summary>Seconds and fraction of a cycle stamp, as "    0.000050": six columns of seconds, a dot, and the decimals.</summary>
    /// <param name="cycle">TSC cycles since the start, 0 or more.</param>
    /// <param name="tscHz">The TSC's frequency in Hz, 1 or more.</param>
    /// <param name="resolution">The number of decimals.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative cycle or a frequency below 1 Hz.</exception>
    public static string Format(long cycle, long tscHz, TraceResolution resolution = TraceResolution.Microseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cycle);
        ArgumentOutOfRangeException.ThrowIfLessThan(tscHz, 1);
        var (seconds, cycles) = Math.DivRem(cycle, tscHz);
        return resolution == TraceResolution.Nanoseconds
            ? Invariant($"{seconds,6}.{Units(cycles, tscHz, 1_000_000_000):d9}")
            : Invariant($"{seconds,6}.{Units(cycles, tscHz, 1_000_000):d6}");
    }

    private static long Units(long cycles, long tscHz, long unitsPerSecond) => (long)((Int128)cycles * unitsPerSecond / tscHz);
}
