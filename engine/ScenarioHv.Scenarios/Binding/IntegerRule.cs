using System.Globalization;

namespace ScenarioHv.Scenarios.Binding;

/// <summary>What a whole number may be: its name, its range, and the range in the field's words.</summary>
internal sealed record IntegerRule(string Name, long Minimum, ulong Maximum, string Meaning)
{
    public static readonly IntegerRule Vector = new(
        "vector", 0x10, 0xff, "a vector is 0x10..0xff (SDM3 10.5.2: 0..15 are reserved)");

    public static readonly IntegerRule Gsi = new("gsi", 0, 23, "a GSI is 0..23 (one IOAPIC with 24 pins)");

    public static readonly IntegerRule Destination = new("destination", 0, 0xff, "an APIC destination is 0..0xff (SDM3 10.6.2)");

    public static readonly IntegerRule PreemptionTimerShift = new(
        "preemption-timer shift", 0, 31, "a shift is 0..31 (IA32_VMX_MISC[4:0], SDM3 A.6)");

    public static readonly IntegerRule Vcpus = new("vcpus", 1, 8, "a machine has 1..8 vCPUs");

    public static readonly IntegerRule Word64 = new(
        "parameter", long.MinValue, ulong.MaxValue, "a parameter has 64 bits: -2^63..2^64-1");

    public static readonly IntegerRule Repetitions = new("count", 1, int.MaxValue, "an event happens 1..2147483647 times");

    public static IntegerRule Between(string name, long minimum, long maximum) =>
        new(name, minimum, checked((ulong)maximum), $"it is {minimum}..{maximum}");

    /// <summary>
    /// Reads decimal or 0x hexadecimal digits; null and an error if they are none, or out of range. A number of 2^63 or more is given as
    /// its 64 bits.
    /// </summary>
    public long? Read(string text, out string error)
    {
        error = "";
        var digits = text.AsSpan(text.StartsWith('-') ? 1 : 0);
        var hexadecimal = digits.StartsWith("0x");
        if (hexadecimal)
            digits = digits[2..];
        if (digits.IsEmpty || !AreDigits(digits, hexadecimal))
        {
            error = $"found {Wording.Quote(text)}, expected a whole number for {Name}, decimal or 0x hexadecimal";
            return null;
        }
        if (!hexadecimal && digits.Length > 1 && digits[0] == '0')
        {
            error = $"found {Wording.Quote(text)} for {Name}: a leading 0 is octal to some readers; write decimal or 0x hexadecimal";
            return null;
        }

        var style = hexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        var fits = ulong.TryParse(digits, style, CultureInfo.InvariantCulture, out var magnitude);
        if (fits && (text.StartsWith('-') ? HasNegative(magnitude) : HasPositive(magnitude)))
            return text.StartsWith('-') ? -(long)magnitude : (long)magnitude;
        error = $"{Name} {Wording.Quote(text).Trim('\'')} is out of range: {Meaning}";
        return null;
    }

    private static bool AreDigits(ReadOnlySpan<char> text, bool hexadecimal)
    {
        foreach (var character in text)
        {
            if (!(hexadecimal ? char.IsAsciiHexDigit(character) : char.IsAsciiDigit(character)))
                return false;
        }
        return true;
    }

    private bool HasPositive(ulong magnitude) => magnitude <= Maximum && (Minimum <= 0 || magnitude >= (ulong)Minimum);

    private bool HasNegative(ulong magnitude) => magnitude == 0 ? Minimum <= 0 : Minimum < 0 && magnitude <= (ulong)-Minimum;
}
