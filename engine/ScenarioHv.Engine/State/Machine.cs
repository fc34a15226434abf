using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.State;

/// <summary>
/// A machine: every mutable bit of it in one block of bytes. Copying the block forks the machine, hashing its normal form names its state.
/// The block never moves, so that frames can run in place.
/// </summary>
public sealed unsafe class Machine
{
    /// <summary>Bytes behind the block that copies in whole vectors can touch.</summary>
    private const int Slack = 512;

    private readonly byte[] _block;
    private readonly byte* _base;

    /// <summary>Creates a machine of zero bytes.</summary>
    /// <param name="layout">A sealed layout.</param>
    public Machine(MachineLayout layout)
    {
        if (!layout.IsSealed)
        {
            throw new InvalidOperationException("The layout must be sealed before a machine is made.");
        }

        Layout = layout;
        _block = GC.AllocateArray<byte>(layout.Size + 63 + Slack, pinned: true);
        var address = (nuint)Unsafe.AsPointer(ref _block[0]);
        _base = (byte*)((address + 63) & ~(nuint)63);
    }

    /// <summary>The layout.</summary>
    public MachineLayout Layout { get; }

    /// <summary>The block's bytes.</summary>
    public Span<byte> Bytes => new(_base, Layout.Size);

    /// <summary>The clock's value in cycles.</summary>
    public long Now => Ref(Layout.Clock).Now;

    internal byte* Base => _base;

    /// <summary>
    /// The fibers that somebody has reached since this was set to 0: all others are as they were. It is no part of the state.
    /// </summary>
    internal ulong Reached { get; set; }

    /// <summary>The state struct in <paramref name="slot"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref T Ref<T>(Slot<T> slot) where T : unmanaged => ref *(T*)(_base + slot.Offset);

    /// <summary>Element <paramref name="index"/> of the array in <paramref name="slot"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref T Ref<T>(Slot<T> slot, int index) where T : unmanaged
    {
        if ((uint)index >= (uint)slot.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(index));
        }

        return ref ((T*)(_base + slot.Offset))[index];
    }

    /// <summary>All elements in <paramref name="slot"/>.</summary>
    public Span<T> Span<T>(Slot<T> slot) where T : unmanaged => new(_base + slot.Offset, slot.Count);

    /// <summary>The head of a fiber.</summary>
    public ref FiberHead Fiber(FiberSlot slot)
    {
        Reached |= slot.Bit;
        return ref *(FiberHead*)(_base + slot.Offset);
    }

    /// <summary>A new machine in the same state.</summary>
    public Machine Fork()
    {
        var fork = new Machine(Layout);
        fork.CopyFrom(this);
        return fork;
    }

    /// <summary>Takes over the state of <paramref name="other"/>, which must have the same layout.</summary>
    public void CopyFrom(Machine other)
    {
        if (!ReferenceEquals(other.Layout, Layout))
        {
            throw new InvalidOperationException("A machine can be copied only to a machine with the same layout.");
        }

        other.Bytes.CopyTo(Bytes);
    }
}
