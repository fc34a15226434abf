using System.Globalization;

namespace ScenarioHv.Scenarios;

/// <summary>
/// A length of time as an author writes it: <c>50 us</c>, <c>1.5 ms</c>, <c>120 cycles</c>. Held exactly; it becomes TSC cycles only
/// when the frequency is known. The default value is no time at all.
/// </summary>
public readonly struct Duration : IEquatable<Duration>
{
    /// <summary>The longest time in cycles, about 61 years at 2.4 GHz: two of them can still be added.</summary>
    public const long MaximumCycles = 1L << 62;

    private const long AttosecondsPerSecond = 1_000_000_000_000_000_000;

    private static readonly Quantity Notation = new(
        "duration", [new("ns", -9), new("us", -6), new("ms", -3), new("s", 0), new("cycles", Unit.Whole)]);

    /// <summary>What can be read, as a regular expression without its anchors.</summary>
    internal static string Pattern => Notation.Pattern;

    private readonly Int128 _amount;

    private Duration(Int128 amount, bool isCycles) => (_amount, IsCycles) = (amount, isCycles);

    /// <summary>True if it was written in cycles, and so is the same number at every frequency.</summary>
    public bool IsCycles { get; }

    /// <summary>Reads <c>number unit</c> with the units ns, us, ms, s and cycles; only whole cycles.</summary>
    /// <param name="text">The text.</param>
    /// <param name="value">The duration, if it can be read.</param>
    /// <param name="error">What is wrong otherwise: found and expected.</param>
    public static bool TryParse(string text, out Duration value, out string error)
    {
        value = default;
        if (!Notation.TryRead(text, out var digits, out var decimals, out var unit, out error))
            return false;
        value = unit.Power == Unit.Whole
            ? new Duration(digits, isCycles: true)
            : new Duration(digits * Quantity.PowerOfTen(18 + unit.Power - decimals), isCycles: false);
        return true;
    }

    /// <summary>The time in TSC cycles, rounded up: what is due has not happened before its time.</summary>
    /// <param name="tscHz">TSC frequency in hertz, above 0.</param>
    /// <exception cref="OverflowException">It is more than <see cref="MaximumCycles"/>.</exception>
    public long ToCycles(long tscHz)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tscHz);
        var cycles = _amount;
        if (!IsCycles)
        {
            var (seconds, rest) = Int128.DivRem(_amount, AttosecondsPerSecond);
            cycles = (seconds * tscHz) + (((rest * tscHz) + (AttosecondsPerSecond - 1)) / AttosecondsPerSecond);
        }
        return cycles <= MaximumCycles
            ? (long)cycles
            : throw new OverflowException($"{this} is longer than the {MaximumCycles} cycles a scenario can last");
    }

    /// <summary>In the largest unit that needs no decimals: <c>10 ms</c>, <c>1500 us</c>, <c>120 cycles</c>.</summary>
    public override string ToString()
    {
        if (IsCycles)
            return _amount.ToString(CultureInfo.InvariantCulture) + " cycles";
        foreach (var (name, power) in (ReadOnlySpan<(string, int)>)[("s", 18), ("ms", 15), ("us", 12), ("ns", 9)])
        {
            var (whole, rest) = Int128.DivRem(_amount, Quantity.PowerOfTen(power));
            if (rest == 0)
                return whole.ToString(CultureInfo.InvariantCulture) + " " + name;
            if (name == "ns")
                return $"{whole.ToString(CultureInfo.InvariantCulture)}.{(long)rest:d9}".TrimEnd('0') + " ns";
        }
        throw new InvalidOperationException("A duration has a unit.");
    }

    /// <summary>True if both are the same length of time, written in the same kind of unit (time or cycles).</summary>
    public bool Equals(Duration other) => _amount == other._amount && IsCycles == other.IsCycles;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Duration other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _amount.GetHashCode();

    /// <summary>True if both are equal.</summary>
    public static bool operator ==(Duration left, Duration right) => left.Equals(right);

    /// <summary>True if they differ.</summary>
    public static bool operator !=(Duration left, Duration right) => !left.Equals(right);
}
