using System.Numerics;
using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Properties;

/// <summary>
/// The bare-metal twin of a local APIC, as far as requests go: per vector whether one dispatch is owed (must) and how many more are allowed
/// (may, up to 3). It is driven by what the machine does and never decides. A request that comes while one is owed may be merged with it,
/// as hardware could have done; a request that comes after the handler has started is owed one more. Not modelled yet: what the guest
/// reads, TPR and priority, NMI, AutoEOI.
/// </summary>
public struct Twin
{
    private VectorBits _must;
    private VectorBits _mayLow;
    private VectorBits _mayHigh;

    /// <summary>A local APIC has accepted a fixed request for <paramref name="vector"/>.</summary>
    public void Accepted(int vector)
    {
        if (!_must.Test(vector))
        {
            _must.Set(vector);
        }
        else if (!_mayLow.Test(vector))
        {
            _mayLow.Set(vector);
        }
        else if (!_mayHigh.Test(vector))
        {
            _mayLow.Clear(vector);
            _mayHigh.Set(vector);
        }
    }

    /// <summary>The handler of <paramref name="vector"/> starts, or the vector was acknowledged for it.</summary>
    /// <returns>False if no request justifies that.</returns>
    public bool Dispatched(int vector)
    {
        if (_must.Test(vector))
        {
            _must.Clear(vector);
            return true;
        }

        if (_mayLow.Test(vector))
        {
            _mayLow.Clear(vector);
            return true;
        }

        if (_mayHigh.Test(vector))
        {
            _mayHigh.Clear(vector);
            _mayLow.Set(vector);
            return true;
        }

        return false;
    }

    /// <summary>The vector whose owed request is nowhere any more.</summary>
    /// <param name="irr">Where requests wait.</param>
    /// <param name="injected">The vector that is written for injection; 0 for none.</param>
    /// <returns>The highest such vector; -1 if every owed request is somewhere.</returns>
    public readonly int Lost(in Register256 irr, int injected)
    {
        for (var word = 3; word >= 0; word--)
        {
            var held = irr.Word32(2 * word) | ((ulong)irr.Word32((2 * word) + 1) << 32);
            if (injected >> 6 == word && injected != 0)
            {
                held |= 1UL << (injected & 63);
            }

            var lost = _must[word] & ~held;
            if (lost != 0)
            {
                return (word * 64) + BitOperations.Log2(lost);
            }
        }

        return -1;
    }

    /// <summary>One bit per vector.</summary>
    [InlineArray(4)]
    internal struct VectorBits
    {
        private ulong _word;

        public readonly bool Test(int vector) => (this[vector >> 6] >> (vector & 63) & 1) != 0;

        public void Set(int vector) => this[vector >> 6] |= 1UL << (vector & 63);

        public void Clear(int vector) => this[vector >> 6] &= ~(1UL << (vector & 63));
    }
}
