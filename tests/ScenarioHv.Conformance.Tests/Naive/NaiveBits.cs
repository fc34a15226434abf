namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>Bit fields by division, as one reads them in a register's picture.</summary>
internal static class NaiveBits
{
    /// <summary>The number that bits <paramref name="high"/> to <paramref name="low"/> spell.</summary>
    public static uint Field(ulong value, int high, int low)
    {
        for (int i = 0; i < low; i++)
            value /= 2;
        return (uint)(high - low == 63 ? value : value % TwoTo(high - low + 1));
    }

    public static bool Bit(ulong value, int number) => Field(value, number, number) == 1;

    /// <summary>A register with one bit set or not.</summary>
    public static uint Place(bool bit, int number) => bit ? (uint)TwoTo(number) : 0;

    /// <summary>The value with every bit outside the field gone.</summary>
    public static uint Only(ulong value, int high, int low) => (uint)(Field(value, high, low) * TwoTo(low));

    /// <summary>Some bit of the field is set.</summary>
    public static bool Any(ulong value, int high, int low)
    {
        for (int number = low; number <= high; number++)
        {
            if (value / TwoTo(number) % 2 == 1)
                return true;
        }

        return false;
    }

    public static ulong TwoTo(int power)
    {
        ulong result = 1;
        for (int i = 0; i < power; i++)
            result *= 2;
        return result;
    }

    /// <summary>Two masks have a bit in common.</summary>
    public static bool Share(ulong one, ulong other, int bits)
    {
        for (int number = 0; number < bits; number++)
        {
            if (Bit(one, number) && Bit(other, number))
                return true;
        }

        return false;
    }
}
