namespace ScenarioHv.Engine.Naming;

/// <summary>Digests in the form in which reports and files name them.</summary>
public static class HexText
{
    /// <summary>Two lower-case digits for each byte.</summary>
    /// <remarks>
    /// The framework's own conversion is made of vectors and is compiled at its first call, which takes longer than a run spends on digests.
    /// </remarks>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var digits = new char[2 * bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            digits[2 * i] = Digit(bytes[i] >> 4);
            digits[(2 * i) + 1] = Digit(bytes[i] & 0xf);
        }
        return new string(digits);
    }

    private static char Digit(int value) => (char)(value < 10 ? '0' + value : 'a' + value - 10);
}
