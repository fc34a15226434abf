namespace ScenarioHv.Engine.State;

/// <summary>
/// The one virtual clock. Its absolute value names no state; what a step reads of it is recorded and does from there
/// (a guest that read the TSC as a number, a preemption timer that was aligned to TSC bit X).
/// </summary>
public struct MachineClock
{
    /// <summary>Cycles since the scenario began.</summary>
    [Observable]
    public long Now;

    /// <summary>Bits of <see cref="Now"/> that some step has read: they are part of the state.</summary>
    public ulong ReadBits;

    /// <summary>Records that the low <paramref name="bits"/> bits of the clock decided something.</summary>
    public void ReadPhase(int bits) => ReadBits |= bits >= 63 ? ulong.MaxValue : (1UL << bits) - 1;

    /// <summary>Records that the clock was read as a number: no state can recur after that.</summary>
    public void ReadAbsolute() => ReadBits = ulong.MaxValue;
}
