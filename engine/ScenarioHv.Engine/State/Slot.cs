namespace ScenarioHv.Engine.State;

/// <summary>The place of one state struct, or of an array of them, in the machine block. Made by <see cref="MachineLayout"/>.</summary>
/// <typeparam name="T">The state struct: plain data, no references.</typeparam>
public readonly struct Slot<T> where T : unmanaged
{
    internal Slot(int offset, int count)
    {
        Offset = offset;
        Count = count;
    }

    /// <summary>Byte offset in the block.</summary>
    public int Offset { get; }

    /// <summary>How many elements; 0 if this machine has none.</summary>
    public int Count { get; }
}

/// <summary>The place of one fiber (a suspended guest or hypervisor activity) in the machine block: its head and its arena.</summary>
public readonly struct FiberSlot
{
    internal FiberSlot(int offset, int arena, int number)
    {
        Offset = offset;
        Arena = arena;
        Bit = number < 0 ? 0 : 1UL << Math.Min(number, 63);
    }

    /// <summary>Byte offset of the head in the block; -1 if this machine has no such fiber.</summary>
    public int Offset { get; }

    /// <summary>Bytes available to frames.</summary>
    public int Arena { get; }

    /// <summary>True if the machine has this fiber.</summary>
    public bool Exists => Offset >= 0;

    /// <summary>Its bit in <see cref="Machine.Reached"/>; so many fibers that it is not theirs alone share the last one.</summary>
    internal ulong Bit { get; }

    /// <summary>No fiber.</summary>
    public static FiberSlot None => new(-1, 0, -1);
}
