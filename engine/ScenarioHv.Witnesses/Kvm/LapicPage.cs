using System.Numerics;
using System.Runtime.InteropServices;

namespace ScenarioHv.Witnesses;

/// <summary><c>struct kvm_lapic_state</c>: a local APIC's registers, each at the offset that it has in MMIO (SDM3 table 12-1).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LapicPage
{
    public const int Size = 0x400;

    public const int Id = 0x20;
    public const int Tpr = 0x80;
    public const int Ppr = 0xA0;
    public const int Ldr = 0xD0;
    public const int Dfr = 0xE0;
    public const int Svr = 0xF0;
    public const int Isr = 0x100;
    public const int Tmr = 0x180;
    public const int Irr = 0x200;
    public const int Esr = 0x280;
    public const int IcrLow = 0x300;
    public const int IcrHigh = 0x310;
    public const int LvtTimer = 0x320;
    public const int LvtThermal = 0x330;
    public const int LvtPerformance = 0x340;
    public const int LvtLint0 = 0x350;
    public const int LvtLint1 = 0x360;
    public const int LvtError = 0x370;
    public const int TimerInitialCount = 0x380;
    public const int TimerDivide = 0x3E0;

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

    /// <summary>What the processor does as it takes a vector: from the IRR to the ISR (SDM3 12.8.4).</summary>
    public void Acknowledge(int vector)
    {
        this[Irr, vector / 32] &= ~(1u << (vector % 32));
        this[Isr, vector / 32] |= 1u << (vector % 32);
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
