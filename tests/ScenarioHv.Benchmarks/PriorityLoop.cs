using System.Numerics;
using BenchmarkDotNet.Attributes;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Benchmarks;

/// <summary>
/// The hot interrupt-priority loop: accept, highest request against PPR, dispense, EOI, four vectors pending. The baseline is the scan of
/// the kernels' shape (KVM lapic.c:find_highest_vector): eight 32-bit words from the top, rescanned for PPR after every change. Judge the
/// ratio, not the nanoseconds.
/// </summary>
[MemoryDiagnoser]
public class PriorityLoop
{
    private const int Rounds = 1000;
    private readonly byte[] _vectors = [0x31, 0x85, 0x52, 0xe0, 0x47, 0x9c, 0x63, 0xb1];
    private readonly uint[] _irr = new uint[8];
    private readonly uint[] _isr = new uint[8];
    private readonly uint[] _tmr = new uint[8];
    private int _ppr;
    private LocalApic _apic;

    /// <summary>An enabled local APIC.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _apic.Reset(0, true, LocalApicOptions.Architectural);
        _apic.Svr = 0x1ff;
    }

    /// <summary>The kernels' scan.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Rounds)]
    public int KernelScan()
    {
        var sum = 0;
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < 4; i++)
            {
                var vector = _vectors[(round + i) & 7];
                _tmr[vector >> 5] &= ~(1u << vector);
                _irr[vector >> 5] |= 1u << vector;
            }

            while (Highest(_irr) is var vector && vector >= 0 && vector >> 4 > Ppr() >> 4)
            {
                _irr[vector >> 5] &= ~(1u << vector);
                _isr[vector >> 5] |= 1u << vector;
                _ppr = Ppr();
                var ended = Highest(_isr);
                _isr[ended >> 5] &= ~(1u << ended);
                _ppr = Ppr();
                sum += ended;
            }
        }

        return sum + _ppr;
    }

    /// <summary>Ours: 64-bit words and a summary word.</summary>
    [Benchmark(OperationsPerInvoke = Rounds)]
    public int LocalApicLoop()
    {
        var sum = 0;
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < 4; i++)
            {
                _apic.Accept(new ApicMessage { Vector = _vectors[(round + i) & 7] });
            }

            while (_apic.HighestDeliverable() is var vector && vector >= 0)
            {
                _apic.Dispense(vector);
                sum += _apic.Eoi().Vector;
            }
        }

        return sum;
    }

    private int Ppr() => Highest(_isr) is var serviced && serviced >= 0 ? serviced & 0xf0 : 0;

    private static int Highest(uint[] words)
    {
        for (var word = 7; word >= 0; word--)
        {
            if (words[word] != 0)
            {
                return (word * 32) + 31 - BitOperations.LeadingZeroCount(words[word]);
            }
        }

        return -1;
    }
}
