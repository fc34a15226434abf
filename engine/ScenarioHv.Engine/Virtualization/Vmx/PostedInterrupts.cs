using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Virtualization.Vmx;

/// <summary>
/// The posted-interrupt descriptor of a vCPU, as far as software and the processor share it (SDM3 29.6): PIR, one bit per vector, in four
/// words that are exchanged one by one, ON, outstanding notification, and SN, suppress notification, which an IOMMU looks at and software
/// does not (VT-d 5.2.3). Notification vector and destination are the hypervisor's constants here.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PostedInterrupts
{
    /// <summary>The words of PIR.</summary>
    public const int WordCount = 4;

    private ulong _pir0;
    private ulong _pir1;
    private ulong _pir2;
    private ulong _pir3;

    /// <summary>ON, 0 or 1: a notification is outstanding.</summary>
    public byte On;

    /// <summary>SN, 0 or 1: an IOMMU that posts sets neither ON nor sends a notification.</summary>
    public byte Sn;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved1;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved2;

    /// <summary>A word of PIR: vectors 64 × <paramref name="index"/> and up.</summary>
    /// <param name="index">0..3.</param>
    public readonly ulong Word(int index) => Unsafe.Add(ref Unsafe.AsRef(in _pir0), Checked(index));

    /// <summary>True if some bit of PIR is set.</summary>
    public readonly bool HasPosted => (_pir0 | _pir1 | _pir2 | _pir3) != 0;

    /// <summary>True if a vector is posted and ON announces it.</summary>
    public readonly bool IsAnnounced => On != 0 && HasPosted;

    /// <summary>Sets the bit of a vector (pi_test_and_set_pir).</summary>
    /// <param name="vector">0..255.</param>
    /// <returns>True if it was set already.</returns>
    public bool TestAndSet(int vector)
    {
        ref var word = ref Unsafe.Add(ref _pir0, Checked(vector >> 6));
        var bit = 1UL << (vector & 63);
        var was = (word & bit) != 0;
        word |= bit;
        return was;
    }

    /// <summary>Sets ON (pi_test_and_set_on).</summary>
    /// <returns>True if it was set already.</returns>
    public bool TestAndSetOn()
    {
        var was = On != 0;
        On = 1;
        return was;
    }

    /// <summary>Sets ON if some bit of PIR is set, as it would have been but for SN (vmx_vcpu_pi_load).</summary>
    public void SetOnIfPosted()
    {
        if (HasPosted)
        {
            On = 1;
        }
    }

    /// <summary>PIR := 0, ON := 0 (vmx_apicv_pre_state_restore).</summary>
    public void Purge() => this = new PostedInterrupts { Sn = Sn };

    /// <summary>Moves one word of PIR to IRR, in one exchange (kvm_apic_update_irr; the processor does it with all four at once).</summary>
    /// <param name="index">0..3.</param>
    /// <param name="apic">Whose IRR.</param>
    /// <returns>The highest vector that was found; -1 if the word was empty.</returns>
    public int Harvest(int index, ref LocalApic apic)
    {
        ref var word = ref Unsafe.Add(ref _pir0, Checked(index));
        var highest = word == 0 ? -1 : (64 * index) + BitOperations.Log2(word);
        for (; word != 0; word &= word - 1)
        {
            apic.Request((64 * index) + BitOperations.TrailingZeroCount(word));
        }

        return highest;
    }

    /// <summary>Adds every vector in PIR to a set.</summary>
    public readonly void AddTo(ref Register256 set)
    {
        for (var index = 0; index < WordCount; index++)
        {
            for (var word = Word(index); word != 0; word &= word - 1)
            {
                set.Set((64 * index) + BitOperations.TrailingZeroCount(word));
            }
        }
    }

    private static int Checked(int index) =>
        (uint)index < WordCount ? index : throw new ArgumentOutOfRangeException(nameof(index), index, "PIR has words 0 to 3.");
}
