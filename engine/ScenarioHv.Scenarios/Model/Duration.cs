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

    private const long NanosPerSecond = 1_000_000_000;

    private static readonly Unit[] Units = [new("ns", -9), new("us", -6), new("ms", -3), new("s", 0), new("cycles", Unit.Whole)];

    private static readonly Quantity Notation = new("duration", Units);

    /// <summary>What can be read, as a regular expression without its anchors.</summary>
    internal static string Pattern => Notation.Pattern;

    // Whole seconds, or cycles; and what is left of a second, at most eighteen digits.
    private readonly long _whole;
    private readonly long _attoseconds;

    private Duration(long whole, long attoseconds, bool isCycles) => (_whole, _attoseconds, IsCycles) = (whole, attoseconds, isCycles);

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
        if (unit.Power == Unit.Whole)
        {
            value = new Duration(digits, 0, isCycles: true);
            return true;
        }
        var (seconds, rest) = Math.DivRem(digits, Quantity.PowerOfTen(decimals - unit.Power));
        value = new Duration(seconds, rest * Quantity.PowerOfTen(18 + unit.Power - decimals), isCycles: false);
        return true;
    }

    /// <summary>The time in TSC cycles, rounded up: what is due has not happened before its time.</summary>
    /// <param name="tscHz">TSC frequency in hertz, above 0.</param>
    /// <exception cref="OverflowException">It is more than <see cref="MaximumCycles"/>.</exception>
    public long ToCycles(long tscHz)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tscHz);
        var (each, rest) = IsCycles ? (1, 0) : (tscHz, CyclesOfRest(tscHz));
        return rest <= MaximumCycles && _whole <= (MaximumCycles - rest) / each
            ? (_whole * each) + rest
            : throw new OverflowException($"{this} is longer than the {MaximumCycles} cycles a scenario can last");
    }

    /// <summary>The part of a second in cycles, rounded up: a product of two numbers, each in two parts of nine digits.</summary>
    private long CyclesOfRest(long tscHz)
    {
        var (high, low) = Math.DivRem(_attoseconds, NanosPerSecond);
        var (highHz, lowHz) = Math.DivRem(tscHz, NanosPerSecond);
        var lowest = low * lowHz;
        var middle = (ulong)(high * lowHz) + (ulong)(low * highHz) + (ulong)(lowest / NanosPerSecond);
        var isExact = lowest % NanosPerSecond == 0 && middle % NanosPerSecond == 0;
        return (high * highHz) + (long)(middle / NanosPerSecond) + (isExact ? 0 : 1);
    }

    /// <summary>In the largest unit that needs no decimals: <c>10 ms</c>, <c>1500 us</c>, <c>120 cycles</c>.</summary>
    public override string ToString()
    {
        var whole = _whole.ToString(CultureInfo.InvariantCulture);
        if (IsCycles)
            return whole + " cycles";
        var digits = whole + _attoseconds.ToString("d18", CultureInfo.InvariantCulture);
        var unit = 3;
        while (unit > 0 && _attoseconds % Quantity.PowerOfTen(18 + Units[unit].Power) != 0)
            unit--;
        var point = digits.Length - 18 - Units[unit].Power;
        var number = $"{digits[..point].TrimStart('0')}.{digits[point..].TrimEnd('0')}".TrimEnd('.');
        return $"{(number.Length == 0 || number[0] == '.' ? "0" : "")}{number} {Units[unit].Name}";
    }

    /// <summary>True if both are the same length of time, written in the same kind of unit (time or cycles).</summary>
    public bool Equals(Duration other) => _whole == other._whole && _attoseconds == other._attoseconds && IsCycles == other.IsCycles;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Duration other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => (_whole ^ _attoseconds).GetHashCode();

    /// <summary>True if both are equal.</summary>
    public static bool operator ==(Duration left, Duration right) => left.Equals(right);

    /// <summary>True if they differ.</summary>
    public static bool operator !=(Duration left, Duration right) => !left.Equals(right);
}
