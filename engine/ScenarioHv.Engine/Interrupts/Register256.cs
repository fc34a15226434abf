using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// A 256-bit register with one bit per vector, as IRR, ISR and TMR are (SDM3 10.8.4): four 64-bit words, and a summary with bit w set
/// exactly while word w is not zero, so that the highest vector is two leading-zero counts and no scan.
/// </summary>
/// <remarks>The default value is empty. The same set of vectors is always the same 40 bytes.</remarks>
[StructLayout(LayoutKind.Sequential)]
public struct Register256
{
    private const int WordShift = 6;

    private ulong word0;
    private ulong word1;
    private ulong word2;
    private ulong word3;
    private uint summary;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved;

    /// <summary>True if no bit is set.</summary>
    public readonly bool IsEmpty => summary == 0;

    /// <summary>The highest set vector, or −1 if none is.</summary>
    public readonly int Highest
    {
        get
        {
            if (summary == 0)
                return -1;
            int index = BitOperations.Log2(summary);
            return (index << WordShift) | BitOperations.Log2(Word64(index));
        }
    }

    /// <summary>The number of set vectors, 0..256.</summary>
    public readonly int Count =>
        BitOperations.PopCount(word0) + BitOperations.PopCount(word1) + BitOperations.PopCount(word2) + BitOperations.PopCount(word3);

    /// <summary>Whether the bit of <paramref name="vector"/> is set.</summary>
    /// <param name="vector">0..255.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="vector"/> is not 0..255.</exception>
    public readonly bool this[int vector] => Contains(vector);

    /// <summary>True if the bit of <paramref name="vector"/> is set.</summary>
    /// <param name="vector">0..255.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="vector"/> is not 0..255.</exception>
    public readonly bool Contains(int vector)
    {
        CheckVector(vector);
        return (Word64(vector >> WordShift) >> vector & 1) != 0;
    }

    /// <summary>Sets the bit of <paramref name="vector"/>.</summary>
    /// <param name="vector">0..255.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="vector"/> is not 0..255.</exception>
    public void Set(int vector)
    {
        CheckVector(vector);
        int index = vector >> WordShift;
        Unsafe.Add(ref word0, index) |= 1UL << vector;
        summary |= 1u << index;
    }

    /// <summary>Clears the bit of <paramref name="vector"/>.</summary>
    /// <param name="vector">0..255.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="vector"/> is not 0..255.</exception>
    public void Clear(int vector)
    {
        CheckVector(vector);
        int index = vector >> WordShift;
        ref ulong word = ref Unsafe.Add(ref word0, index);
        word &= ~(1UL << vector);
        if (word == 0)
            summary &= ~(1u << index);
    }

    /// <summary>The 32-bit register at offset 10h × <paramref name="index"/> of the MMIO image: vectors 32 × index and up.</summary>
    /// <param name="index">0..7.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is not 0..7.</exception>
    public readonly uint Word32(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)index, 7u, nameof(index));
        return (uint)(Word64(index >> 1) >> ((index & 1) << 5));
    }

    /// <summary>Vectors 64 × <paramref name="index"/> and up.</summary>
    /// <param name="index">0..3, which is not checked.</param>
    internal readonly ulong Word64(int index) => Unsafe.Add(ref Unsafe.AsRef(in word0), index);

    private static void CheckVector(int vector)
    {
        if ((uint)vector > 255)
            ThrowVector(vector);
    }

    private static void ThrowVector(int vector) =>
        throw new ArgumentOutOfRangeException(nameof(vector), vector, "A vector is 0..255.");
}
