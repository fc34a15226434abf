namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>The APIC timer: it counts nanoseconds, divided (SDM3 10.5.4).</summary>
internal sealed class NaiveTimer
{
    private readonly int[] dividers = [2, 4, 8, 16, 32, 64, 128, 1];
    private long left;

    public uint Initial { get; private set; }

    /// <summary>Bits 3, 1 and 0 of the divide configuration register.</summary>
    public uint Divide { get; private set; }

    /// <summary>The current count: 0 when it does not run.</summary>
    public uint Current => (uint)((left + Divider - 1) / Divider);

    private int Divider => dividers[NaiveBits.Field(Divide, 1, 0) + (NaiveBits.Bit(Divide, 3) ? 4 : 0)];

    /// <summary>A write of the initial count starts the timer, 0 stops it (SDM3 10.5.4).</summary>
    public void WriteInitial(uint value)
    {
        Initial = value;
        left = (long)value * Divider;
    }

    /// <summary>The count goes on at the new rate.</summary>
    public void WriteDivide(uint value)
    {
        int old = Divider;
        Divide = NaiveBits.Only(value, 3, 3) + NaiveBits.Only(value, 1, 0);
        left = left / old * Divider;
    }

    public void Stop() => left = 0;

    public void Reset()
    {
        Divide = 0;
        WriteInitial(0);
    }

    /// <summary>Lets time pass. True if the count reached 0 at least once.</summary>
    public bool Pass(long nanoseconds, bool periodic)
    {
        if (left == 0)
            return false;
        if (nanoseconds < left)
        {
            left -= nanoseconds;
            return false;
        }

        long period = (long)Initial * Divider;
        left = periodic ? period - ((nanoseconds - left) % period) : 0;
        return true;
    }
}
