using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Virtualization.Vmx;

/// <summary>EOI-exit bitmap, VMCS fields 0x201C..0x2022: bit (v mod 64) of word v/64 is vector v (SDM3 24.6.8).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EoiExitBitmap
{
    /// <summary>Vectors 0..63.</summary>
    public ulong Bitmap0;

    /// <summary>Vectors 64..127.</summary>
    public ulong Bitmap1;

    /// <summary>Vectors 128..191.</summary>
    public ulong Bitmap2;

    /// <summary>Vectors 192..255.</summary>
    public ulong Bitmap3;

    /// <summary>True if the EOI of <paramref name="vector"/> causes an exit.</summary>
    public readonly bool Contains(byte vector) => ((Word(vector) >> (vector & 63)) & 1) != 0;

    /// <summary>Sets the bit of <paramref name="vector"/> to <paramref name="exits"/>.</summary>
    public void Set(byte vector, bool exits = true)
    {
        var bit = 1ul << (vector & 63);
        var word = exits ? Word(vector) | bit : Word(vector) & ~bit;
        switch (vector >> 6)
        {
            case 0: Bitmap0 = word; break;
            case 1: Bitmap1 = word; break;
            case 2: Bitmap2 = word; break;
            default: Bitmap3 = word; break;
        }
    }

    /// <summary>Vectors 64 × <paramref name="index"/> and up.</summary>
    /// <param name="index">0..3.</param>
    internal readonly ulong Word64(int index) => Word((byte)(index << 6));

    private readonly ulong Word(byte vector) => (vector >> 6) switch { 0 => Bitmap0, 1 => Bitmap1, 2 => Bitmap2, _ => Bitmap3 };
}

/// <summary>
/// The control fields, VM-entry fields and VM-exit fields of a VMCS that event delivery reads or writes. The guest-state area's
/// interruptibility state, activity state and pending debug exceptions are those of the guest level's <see cref="CpuCore"/>.
/// </summary>
/// <remarks>
/// Not modelled: tertiary controls (IPI virtualization), VM-entry controls, host state, addresses of pages and descriptors.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct Vmcs
{
    /// <summary>Exit qualification (0x6400).</summary>
    public ulong ExitQualification;

    /// <summary>EOI-exit bitmap (0x201C..0x2022).</summary>
    public EoiExitBitmap EoiExitBitmap;

    /// <summary>Pin-based controls (0x4000).</summary>
    public PinBasedControls PinBased;

    /// <summary>Primary processor-based controls (0x4002).</summary>
    public PrimaryControls Primary;

    /// <summary>Secondary processor-based controls (0x401E) as written; <see cref="EffectiveSecondary"/> is what counts.</summary>
    public SecondaryControls Secondary;

    /// <summary>VM-exit controls (0x400C).</summary>
    public ExitControls ExitControls;

    /// <summary>Exception bitmap (0x4004): bit v set, exception v causes exit 0.</summary>
    public uint ExceptionBitmap;

    /// <summary>VM-entry interruption information (0x4016); see <see cref="InterruptionInfo"/>.</summary>
    public uint EntryInterruptionInformation;

    /// <summary>VM-entry exception error code (0x4018).</summary>
    public uint EntryErrorCode;

    /// <summary>VM-entry instruction length (0x401A), bytes.</summary>
    public uint EntryInstructionLength;

    /// <summary>TPR threshold (0x401C), bits 3:0.</summary>
    public uint TprThreshold;

    /// <summary>Exit reason (0x4402): basic reason 15:0, VM-entry failure 31.</summary>
    public uint ExitReason;

    /// <summary>VM-exit interruption information (0x4404).</summary>
    public uint ExitInterruptionInformation;

    /// <summary>VM-exit interruption error code (0x4406).</summary>
    public uint ExitInterruptionErrorCode;

    /// <summary>IDT-vectoring information (0x4408).</summary>
    public uint IdtVectoringInformation;

    /// <summary>IDT-vectoring error code (0x440A).</summary>
    public uint IdtVectoringErrorCode;

    /// <summary>VM-exit instruction length (0x440C), bytes.</summary>
    public uint ExitInstructionLength;

    /// <summary>VMX-preemption timer value (0x482E), in ticks of 2^X TSC cycles.</summary>
    public uint PreemptionTimerValue;

    /// <summary>Guest interrupt status (0x0810), bits 7:0: requesting virtual interrupt.</summary>
    public byte Rvi;

    /// <summary>Guest interrupt status (0x0810), bits 15:8: servicing virtual interrupt.</summary>
    public byte Svi;

    /// <summary>Posted-interrupt notification vector (0x0002), bits 7:0 of 15:0.</summary>
    public ushort PostedInterruptNotificationVector;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved;

    /// <summary>Guest interrupt status (0x0810): RVI 7:0, SVI 15:8.</summary>
    public ushort GuestInterruptStatus
    {
        readonly get => (ushort)(Rvi | (Svi << 8));
        set
        {
            Rvi = (byte)value;
            Svi = (byte)(value >> 8);
        }
    }

    /// <summary>The secondary controls, 0 unless they are activated (SDM3 24.6.2).</summary>
    public readonly SecondaryControls EffectiveSecondary =>
        Has(PrimaryControls.ActivateSecondaryControls) ? Secondary : SecondaryControls.None;

    /// <summary>True if any bit of <paramref name="control"/> is 1.</summary>
    public readonly bool Has(PinBasedControls control) => (PinBased & control) != 0;

    /// <summary>True if any bit of <paramref name="control"/> is 1.</summary>
    public readonly bool Has(PrimaryControls control) => (Primary & control) != 0;

    /// <summary>True if any bit of <paramref name="control"/> is 1 and the secondary controls are activated.</summary>
    public readonly bool Has(SecondaryControls control) => (EffectiveSecondary & control) != 0;

    /// <summary>True if any bit of <paramref name="control"/> is 1.</summary>
    public readonly bool Has(ExitControls control) => (ExitControls & control) != 0;
}
