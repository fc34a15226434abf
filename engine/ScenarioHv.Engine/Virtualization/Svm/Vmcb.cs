using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Virtualization.Svm;

/// <summary>Intercepts of VMCB offset 0x00C (APM2 appendix B).</summary>
[Flags]
public enum Intercept3 : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Physical interrupts: #VMEXIT 0x60.</summary>
    Intr = 1u << 0,

    /// <summary>Physical NMIs: #VMEXIT 0x61.</summary>
    Nmi = 1u << 1,

    /// <summary>SMI: #VMEXIT 0x62.</summary>
    Smi = 1u << 2,

    /// <summary>INIT: #VMEXIT 0x63.</summary>
    Init = 1u << 3,

    /// <summary>Virtual interrupts, before they are vectored: #VMEXIT 0x64.</summary>
    Vintr = 1u << 4,

    /// <summary>PUSHF.</summary>
    Pushf = 1u << 16,

    /// <summary>POPF.</summary>
    Popf = 1u << 17,

    /// <summary>IRET, before it is executed.</summary>
    Iret = 1u << 20,

    /// <summary>HLT.</summary>
    Hlt = 1u << 24,

    /// <summary>RDMSR and WRMSR, by the permission map.</summary>
    Msr = 1u << 28,

    /// <summary>Shutdown.</summary>
    Shutdown = 1u << 31,
}

/// <summary>Intercepts of VMCB offset 0x010 (APM2 appendix B).</summary>
[Flags]
public enum Intercept4 : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>VMRUN; a VMCB without it is invalid.</summary>
    Vmrun = 1u << 0,

    /// <summary>VMMCALL.</summary>
    Vmmcall = 1u << 1,

    /// <summary>VMLOAD.</summary>
    Vmload = 1u << 2,

    /// <summary>VMSAVE.</summary>
    Vmsave = 1u << 3,

    /// <summary>STGI.</summary>
    Stgi = 1u << 4,

    /// <summary>CLGI.</summary>
    Clgi = 1u << 5,

    /// <summary>SKINIT.</summary>
    Skinit = 1u << 6,
}

/// <summary>Event type, bits 10:8 of EVENTINJ and EXITINTINFO (APM2 15.20).</summary>
public enum SvmEventType : byte
{
    /// <summary>External or virtual interrupt.</summary>
    Intr = 0,

    /// <summary>NMI; the vector field is not looked at.</summary>
    Nmi = 2,

    /// <summary>Exception.</summary>
    Exception = 3,

    /// <summary>Software interrupt (INT n).</summary>
    SoftwareInterrupt = 4,
}

/// <summary>EVENTINJ and EXITINTINFO words: vector 7:0, type 10:8, error code valid 11, valid 31, error code 63:32 (APM2 15.20).</summary>
public static class EventInjection
{
    /// <summary>The word is valid.</summary>
    public const ulong Valid = 1ul << 31;

    /// <summary>Bits 63:32 are pushed as error code.</summary>
    public const ulong ErrorCodeValid = 1ul << 11;

    /// <summary>A valid word without error code.</summary>
    /// <param name="type">The type.</param>
    /// <param name="vector">The vector.</param>
    public static ulong Make(SvmEventType type, byte vector) => Valid | ((ulong)type << 8) | vector;

    /// <summary>A valid exception with error code.</summary>
    /// <param name="vector">The vector.</param>
    /// <param name="errorCode">The error code.</param>
    public static ulong Exception(byte vector, uint errorCode) =>
        Make(SvmEventType.Exception, vector) | ErrorCodeValid | ((ulong)errorCode << 32);

    /// <summary>True if bit 31 is set.</summary>
    public static bool IsValid(ulong word) => (word & Valid) != 0;

    /// <summary>Bits 10:8; only 0, 2, 3 and 4 are defined.</summary>
    public static SvmEventType Type(ulong word) => (SvmEventType)((word >> 8) & 7);

    /// <summary>Bits 7:0.</summary>
    public static byte Vector(ulong word) => (byte)word;

    /// <summary>Bit 11.</summary>
    public static bool HasErrorCode(ulong word) => (word & ErrorCodeValid) != 0;

    /// <summary>Bits 63:32.</summary>
    public static uint ErrorCode(ulong word) => (uint)(word >> 32);
}

/// <summary>
/// The control-area fields of a VMCB that event delivery reads or writes (APM2 appendix B), int_ctl by its parts.
/// int_state bit 0 (INTERRUPT_SHADOW) is the shadow of the guest level's <see cref="CpuCore"/>.
/// </summary>
/// <remarks>AVIC's tables are <see cref="AvicVcpu"/>. Not modelled: clean bits, next RIP, ASID, permission maps.</remarks>
[StructLayout(LayoutKind.Sequential)]
public struct Vmcb
{
    /// <summary>Bit of <see cref="InterceptCr"/>: reads of CR8.</summary>
    public const uint Cr8Read = 1u << 8;

    /// <summary>Bit of <see cref="InterceptCr"/>: writes of CR8.</summary>
    public const uint Cr8Write = 1u << 24;

    /// <summary>EXITCODE (0x070), sign-extended to 64 bits: an invalid VMCB is -1.</summary>
    public ulong ExitCode;

    /// <summary>EXITINFO1 (0x078).</summary>
    public ulong ExitInfo1;

    /// <summary>EXITINFO2 (0x080).</summary>
    public ulong ExitInfo2;

    /// <summary>EXITINTINFO (0x088); see <see cref="EventInjection"/>.</summary>
    public ulong ExitIntInfo;

    /// <summary>EVENTINJ (0x0A8); see <see cref="EventInjection"/>.</summary>
    public ulong EventInj;

    /// <summary>CR intercepts (0x000); see <see cref="Cr8Read"/> and <see cref="Cr8Write"/>.</summary>
    public uint InterceptCr;

    /// <summary>Exception intercepts (0x008): bit per vector.</summary>
    public uint InterceptExceptions;

    /// <summary>Intercepts of 0x00C.</summary>
    public Intercept3 Intercept3;

    /// <summary>Intercepts of 0x010.</summary>
    public Intercept4 Intercept4;

    /// <summary>V_TPR, int_ctl 3:0. Written by the guest's CR8 under V_INTR_MASKING, seen at #VMEXIT.</summary>
    public byte VTpr;

    /// <summary>V_IRQ, int_ctl 8: a virtual interrupt is pending. Cleared by its delivery and not by EVENTINJ.</summary>
    public byte VIrq;

    /// <summary>V_INTR_PRIO, int_ctl 19:16: compared with V_TPR.</summary>
    public byte VIntrPrio;

    /// <summary>V_IGN_TPR, int_ctl 20: 1 if V_TPR is not compared.</summary>
    public byte VIgnTpr;

    /// <summary>V_INTR_MASKING, int_ctl 24: 1 if the host's IF masks physical interrupts and CR8 is V_TPR.</summary>
    public byte VIntrMasking;

    /// <summary>V_INTR_VECTOR (0x064), 7:0.</summary>
    public byte VIntrVector;

    /// <summary>V_GIF, int_ctl 9: the guest's GIF if <see cref="VGifEnable"/> is 1.</summary>
    public byte VGif;

    /// <summary>V_GIF enable, int_ctl 25.</summary>
    public byte VGifEnable;

    /// <summary>V_NMI, int_ctl 11: a virtual NMI is pending.</summary>
    public byte VNmi;

    /// <summary>V_NMI_MASK, int_ctl 12: virtual NMIs are blocked.</summary>
    public byte VNmiMask;

    /// <summary>V_NMI enable, int_ctl 26.</summary>
    public byte VNmiEnable;

    /// <summary>AVIC enable, int_ctl 31: V_IRQ is ignored.</summary>
    public byte AvicEnable;

    /// <summary>RFLAGS.TF of the save area (0x570 bit 8), which a hypervisor sets to step a guest over one instruction.</summary>
    public byte TrapFlag;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved1;

    /// <summary>int_ctl (0x060) as the one word that traces print; x2AVIC (bit 30) reads 0.</summary>
    public readonly uint IntCtl =>
        (VTpr & 0xFu) | ((uint)VIrq << 8) | ((uint)VGif << 9) | ((uint)VNmi << 11) | ((uint)VNmiMask << 12)
        | ((VIntrPrio & 0xFu) << 16) | ((uint)VIgnTpr << 20) | ((uint)VIntrMasking << 24)
        | ((uint)VGifEnable << 25) | ((uint)VNmiEnable << 26) | ((uint)AvicEnable << 31);

    /// <summary>True if any bit of <paramref name="intercept"/> is set.</summary>
    public readonly bool Has(Intercept3 intercept) => (Intercept3 & intercept) != 0;

    /// <summary>True if any bit of <paramref name="intercept"/> is set.</summary>
    public readonly bool Has(Intercept4 intercept) => (Intercept4 & intercept) != 0;
}
