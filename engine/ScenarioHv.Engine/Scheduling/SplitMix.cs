namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// Numbers from a seed, the same on every machine and runtime, which the runtime's own generator does not promise (SplitMix64: Steele, Lea
/// and Flood, "Fast splittable pseudorandom number generators", 2014).
/// </summary>
/// <param name="seed">The seed.</param>
public sealed class SplitMix(ulong seed)
{
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;

    private ulong state = seed;

    /// <summary>The stream of a seed that is also numbered: that of another number has nothing in common with it.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="number">The number.</param>
    public static SplitMix Of(ulong seed, ulong number) => new(new SplitMix(seed).Next() ^ new SplitMix(number + Golden).Next());

    /// <summary>64 bits.</summary>
    public ulong Next()
    {
        state += Golden;
        ulong mixed = (state ^ state >> 30) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ mixed >> 27) * 0x94D0_49BB_1331_11EB;
        return mixed ^ mixed >> 31;
    }

    /// <summary>A number from 0 up to, not including, <paramref name="limit"/>.</summary>
    /// <param name="limit">1 or more.</param>
    public int Below(int limit) => (int)(Next() % (ulong)limit);

    /// <summary>True once in <paramref name="count"/> times.</summary>
    /// <param name="count">1 or more.</param>
    public bool OneIn(int count) => Below(count) == 0;

    /// <summary>One of some things.</summary>
    /// <param name="things">At least one.</param>
    public T Of<T>(ReadOnlySpan<T> things) => things[Below(things.Length)];
}
