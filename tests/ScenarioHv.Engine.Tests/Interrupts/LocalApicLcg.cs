namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>A small linear congruential generator, so that a seed names the same list of operations everywhere.</summary>
internal struct LocalApicLcg(ulong seed)
{
    private ulong state = seed * 0x9E37_79B9_7F4A_7C15 + 1;

    /// <summary>A number in 0..<paramref name="limit"/> − 1.</summary>
    public int Next(int limit) => (int)(NextBits() % (uint)limit);

    public uint NextBits()
    {
        state = state * 6364136223846793005 + 1442695040888963407;
        return (uint)(state >> 32);
    }
}
