using System.Numerics;
using System.Runtime.InteropServices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Witnesses;

/// <summary><c>struct kvm_lapic_state</c>: a local APIC's registers, each at the offset that it has in MMIO (SDM3 10.4.1).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LapicPage
{
    public const int Size = 0x400;

    private const int VectorWords = 8;

    private fixed uint words[Size / 4];

    public uint this[int register, int word = 0]
    {
        readonly get => words[Index(register, word)];
        set => words[Index(register, word)] = value;
    }

    public readonly bool Has(int register, int vector) => (this[register, vector / 32] >> (vector % 32) & 1) != 0;

    public void Clear(int register)
    {
        for (int word = 0; word < VectorWords; word++)
            this[register, word] = 0;
    }

    /// <summary>What the processor does as it takes a vector: from the IRR to the ISR (SDM3 10.8.4).</summary>
    public void Acknowledge(int vector)
    {
        this[LocalApicRegister.Irr, vector / 32] &= ~(1u << (vector % 32));
        this[LocalApicRegister.Isr, vector / 32] |= 1u << (vector % 32);
    }

    public readonly IEnumerable<int> Vectors(int register)
    {
        var vectors = new List<int>();
        for (int word = 0; word < VectorWords; word++)
        {
            for (uint bits = this[register, word]; bits != 0; bits &= bits - 1)
                vectors.Add((word * 32) + BitOperations.TrailingZeroCount(bits));
        }

        return vectors;
    }

    private static int Index(int register, int word) => (register / 4) + (word * 4);
}
