namespace ScenarioHv.Witnesses;

/// <summary>The requests of KVM's interface, as <c>linux/kvm.h</c> numbers them for x86-64.</summary>
internal static class KvmIoctl
{
    /// <summary>The only version there has been since Linux 2.6.22.</summary>
    public const int ApiVersion = 12;

    public static readonly ulong GetApiVersion = None(0x00);
    public static readonly ulong CreateVm = None(0x01);
    public static readonly ulong CheckExtension = None(0x03);
    public static readonly ulong GetVcpuMapSize = None(0x04);
    public static readonly ulong GetSupportedCpuid = Both(0x05, 8);
    public static readonly ulong CreateVcpu = None(0x41);
    public static readonly ulong SetUserMemoryRegion = Write(0x46, 32);
    public static readonly ulong CreateIrqchip = None(0x60);
    public static readonly ulong IrqLine = Write(0x61, 8);
    public static readonly ulong GetIrqchip = Both(0x62, KvmIrqchip.Size);
    public static readonly ulong SetGsiRouting = Write(0x6A, 8);
    public static readonly ulong Run = None(0x80);
    public static readonly ulong SetSregs = Write(0x84, KvmSregs.Size);
    public static readonly ulong GetSregs = Read(0x83, KvmSregs.Size);
    public static readonly ulong SetSignalMask = Write(0x8B, 4);
    public static readonly ulong GetLapic = Read(0x8E, LapicPage.Size);
    public static readonly ulong SetLapic = Write(0x8F, LapicPage.Size);
    public static readonly ulong SetCpuid2 = Write(0x90, 8);
    public static readonly ulong GetMpState = Read(0x98, 4);
    public static readonly ulong SetMpState = Write(0x99, 4);
    public static readonly ulong Nmi = None(0x9A);
    public static readonly ulong GetVcpuEvents = Read(0x9F, KvmVcpuEvents.Size);
    public static readonly ulong EnableCap = Write(0xA3, KvmEnableCap.Size);
    public static readonly ulong SignalMsi = Write(0xA5, KvmMsi.Size);

    private const ulong Type = 0xAE;

    private static ulong None(uint number) => (Type << 8) | number;

    private static ulong Write(uint number, int size) => Encode(1, number, size);

    private static ulong Read(uint number, int size) => Encode(2, number, size);

    private static ulong Both(uint number, int size) => Encode(3, number, size);

    private static ulong Encode(ulong direction, uint number, int size) =>
        (direction << 30) | ((ulong)size << 16) | (Type << 8) | number;
}

/// <summary>The capabilities that the witness needs, by their numbers in <c>linux/kvm.h</c>.</summary>
internal enum KvmCapability
{
    Irqchip = 0,
    UserMemory = 3,
    ExtCpuid = 7,
    MpState = 14,
    UserNmi = 22,
    IrqRouting = 25,
    VcpuEvents = 41,
    SyncRegs = 74,
    SignalMsi = 77,
    X2ApicApi = 129,
    DisableQuirks2 = 213,
}
