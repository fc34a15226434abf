using System.Globalization;

namespace ScenarioHv.Scenarios;

/// <summary>A whole number of hertz: <c>2.4 GHz</c>, <c>250 Hz</c>; 0, written <c>off</c>, for a clock that does not tick.</summary>
/// <param name="Hertz">Hertz, 0 or more.</param>
public readonly record struct FrequencyHz(long Hertz)
{
    private static readonly Quantity Notation = new("frequency", [new("Hz", 0), new("kHz", 3), new("MHz", 6), new("GHz", 9)]);

    /// <summary>What can be read, as a regular expression without its anchors.</summary>
    internal static string Pattern => Notation.Pattern;

    /// <summary>True if the clock does not tick.</summary>
    public bool IsOff => Hertz == 0;

    /// <summary>Reads <c>number unit</c> with the units Hz, kHz, MHz and GHz. <c>off</c> is not read here: few clocks may be off.</summary>
    /// <param name="text">The text.</param>
    /// <param name="value">The frequency, if it can be read.</param>
    /// <param name="error">What is wrong otherwise: found and expected.</param>
    public static bool TryParse(string text, out FrequencyHz value, out string error)
    {
        value = default;
        if (!Notation.TryRead(text, out var digits, out var decimals, out var unit, out error))
            return false;
        var factor = Quantity.PowerOfTen(Math.Max(unit.Power - decimals, 0));
        var divisor = Quantity.PowerOfTen(Math.Max(decimals - unit.Power, 0));
        if (digits % divisor != 0)
            error = $"found {Wording.Quote(text)}, expected a whole number of hertz";
        else if (digits > long.MaxValue / factor)
            error = $"{Wording.Quote(text)} is more hertz than any clock has";
        else
            value = new FrequencyHz(digits / divisor * factor);
        return error.Length == 0;
    }

    /// <summary>In the largest unit that needs no decimals; <c>off</c> for 0.</summary>
    public override string ToString()
    {
        var hertz = Hertz;
        var unit = 0;
        for (; hertz != 0 && hertz % 1000 == 0 && unit < 3; unit++)
            hertz /= 1000;
        var name = unit switch { 0 => " Hz", 1 => " kHz", 2 => " MHz", _ => " GHz" };
        return IsOff ? "off" : hertz.ToString(CultureInfo.InvariantCulture) + name;
    }
}
