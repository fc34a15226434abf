namespace ScenarioHv.Scenarios;

/// <summary>A unit of a quantity: its name and the power of ten that it stands for.</summary>
internal readonly record struct Unit(string Name, int Power)
{
    /// <summary>The power of a unit that is counted: it takes no decimals.</summary>
    public const int Whole = int.MinValue;
}

/// <summary>Reads a number with a unit exactly: digits, how many of them are decimals, and the unit.</summary>
internal sealed class Quantity(string what, Unit[] units)
{
    // Eighteen digits are fewer than a long has.
    private const int MostDigits = 18;
    private const int MostDecimals = 9;

    /// <summary>Ten to the power of <paramref name="power"/>, 0..18.</summary>
    public static long PowerOfTen(int power)
    {
        var value = 1L;
        for (; power > 0; power--)
            value *= 10;
        return value;
    }

    /// <summary>What can be read, as a regular expression without its anchors.</summary>
    public string Pattern
    {
        get
        {
            var counted = string.Join('|', units.Where(unit => unit.Power == Unit.Whole).Select(unit => unit.Name));
            var measured = string.Join('|', units.Where(unit => unit.Power != Unit.Whole).Select(unit => unit.Name));
            var decimals = $@"[0-9]+(\.[0-9]+)? *({measured})";
            return counted.Length == 0 ? decimals : $"({decimals}|[0-9]+ *({counted}))";
        }
    }

    public bool TryRead(string text, out long digits, out int decimals, out Unit unit, out string error)
    {
        (digits, decimals, unit) = (0, 0, default);
        error = Problem(text, out var number, out var unitName) ?? "";
        if (error.Length != 0)
            return false;
        foreach (var candidate in units)
        {
            if (candidate.Name == unitName)
                unit = candidate;
        }
        if (unit.Name is null)
        {
            error = $"unknown unit {Wording.Quote(unitName)} in {Wording.Quote(text)}; {Wording.Expected(unitName, UnitNames())}";
            return false;
        }

        var point = number.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0 && unit.Power == Unit.Whole)
        {
            error = $"found {Wording.Quote(text)}, expected a whole number of {unit.Name}";
            return false;
        }
        var significant = number.Replace(".", "", StringComparison.Ordinal).TrimStart('0');
        decimals = point < 0 ? 0 : number.Length - point - 1;
        if (significant.Length > MostDigits || decimals > MostDecimals)
        {
            error = $"{Wording.Quote(text)} is out of range: a {what} has at most {MostDigits} digits and {MostDecimals} decimals";
            return false;
        }
        digits = significant.Length == 0 ? 0 : (long)ulong.Parse(significant, System.Globalization.CultureInfo.InvariantCulture);
        return true;
    }

    private string? Problem(string text, out string number, out string unitName)
    {
        var end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
            end++;
        number = text[..end];
        unitName = text[end..].TrimStart(' ');
        if (text.StartsWith('-'))
            return $"found {Wording.Quote(text)}; a {what} cannot be negative";
        var point = number.IndexOf('.', StringComparison.Ordinal);
        if (number.Length == 0 || point == 0 || point == number.Length - 1 || point != number.LastIndexOf('.'))
            return $"found {Wording.Quote(text)}, expected a {what}: a number with one of the units {string.Join(", ", UnitNames())}";
        if (unitName.Length == 0)
            return $"{Wording.Quote(text)} has no unit; a {what} has one of {string.Join(", ", UnitNames())}";
        return null;
    }

    private string[] UnitNames() => Array.ConvertAll(units, unit => unit.Name);
}
