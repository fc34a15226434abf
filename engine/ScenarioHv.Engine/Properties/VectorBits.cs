using System.Numerics;
using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Properties;

/// <summary>A set of vectors, one bit each: what the properties count with. The default value is empty.</summary>
[InlineArray(Words)]
internal struct VectorBits
{
    private const int Words = 4;

    private ulong _word;

    /// <summary>True if no vector is in it.</summary>
    public readonly bool IsEmpty => (this[0] | this[1] | this[2] | this[3]) == 0;

    /// <summary>The highest vector; -1 if there is none.</summary>
    public readonly int Highest
    {
        get
        {
            for (var word = Words - 1; word >= 0; word--)
            {
                if (this[word] != 0)
                {
                    return (word * 64) + BitOperations.Log2(this[word]);
                }
            }

            return -1;
        }
    }

    /// <summary>The vectors of a register.</summary>
    public static VectorBits Of(in Register256 register)
    {
        VectorBits bits = default;
        for (var word = 0; word < Words; word++)
        {
            bits[word] = register.Word64(word);
        }

        return bits;
    }

    /// <summary>All vectors.</summary>
    public static VectorBits All
    {
        get
        {
            VectorBits bits = default;
            for (var word = 0; word < Words; word++)
            {
                bits[word] = ulong.MaxValue;
            }

            return bits;
        }
    }

    public readonly bool Test(int vector) => (this[vector >> 6] >> (vector & 63) & 1) != 0;

    public void Set(int vector) => this[vector >> 6] |= 1UL << (vector & 63);

    public void Clear(int vector) => this[vector >> 6] &= ~(1UL << (vector & 63));

    /// <summary>True if every vector is set in a register.</summary>
    public readonly bool IsWithin(in Register256 register) =>
        ((this[0] & ~register.Word64(0)) | (this[1] & ~register.Word64(1))
            | (this[2] & ~register.Word64(2)) | (this[3] & ~register.Word64(3))) == 0;

    /// <summary>Leaves what is in <paramref name="other"/> as well.</summary>
    public readonly VectorBits And(in VectorBits other)
    {
        VectorBits both = default;
        for (var word = 0; word < Words; word++)
        {
            both[word] = this[word] & other[word];
        }

        return both;
    }

    /// <summary>Leaves what is not in <paramref name="other"/>.</summary>
    public readonly VectorBits Except(in VectorBits other)
    {
        VectorBits rest = default;
        for (var word = 0; word < Words; word++)
        {
            rest[word] = this[word] & ~other[word];
        }

        return rest;
    }

    /// <summary>What is in either.</summary>
    public readonly VectorBits Or(in VectorBits other)
    {
        VectorBits either = default;
        for (var word = 0; word < Words; word++)
        {
            either[word] = this[word] | other[word];
        }

        return either;
    }

    /// <summary>The 32 vectors from 32 * <paramref name="index"/> up, as a register of the local APIC shows them.</summary>
    public readonly uint Word32(int index) => (uint)(this[index >> 1] >> ((index & 1) * 32));
}
