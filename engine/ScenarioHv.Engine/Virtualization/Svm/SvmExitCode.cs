namespace ScenarioHv.Engine.Virtualization.Svm;

/// <summary>
/// #VMEXIT codes (APM2 appendix C). The VMCB field is 64 bits wide: see <see cref="Vmcb.ExitCode"/> for the extension of Invalid.
/// </summary>
public enum SvmExitCode : uint
{
    /// <summary>MOV from CR8.</summary>
    ReadCr8 = 0x008,

    /// <summary>MOV to CR8.</summary>
    WriteCr8 = 0x018,

    /// <summary>Exception with vector 0; exception v is 0x40 + v.</summary>
    Exception = 0x040,

    /// <summary>#DB.</summary>
    DebugException = 0x041,

    /// <summary>Physical interrupt; it was not acknowledged.</summary>
    Intr = 0x060,

    /// <summary>Physical NMI.</summary>
    Nmi = 0x061,

    /// <summary>SMI.</summary>
    Smi = 0x062,

    /// <summary>INIT.</summary>
    Init = 0x063,

    /// <summary>A virtual interrupt could be taken; V_IRQ is still 1.</summary>
    Vintr = 0x064,

    /// <summary>Selective write of CR0.</summary>
    Cr0SelWrite = 0x065,

    /// <summary>RDTSC.</summary>
    Rdtsc = 0x06E,

    /// <summary>RDPMC.</summary>
    Rdpmc = 0x06F,

    /// <summary>PUSHF.</summary>
    Pushf = 0x070,

    /// <summary>POPF.</summary>
    Popf = 0x071,

    /// <summary>CPUID.</summary>
    Cpuid = 0x072,

    /// <summary>RSM.</summary>
    Rsm = 0x073,

    /// <summary>IRET, before it is executed.</summary>
    Iret = 0x074,

    /// <summary>INT n.</summary>
    SoftwareInterrupt = 0x075,

    /// <summary>INVD.</summary>
    Invd = 0x076,

    /// <summary>PAUSE.</summary>
    Pause = 0x077,

    /// <summary>HLT.</summary>
    Hlt = 0x078,

    /// <summary>INVLPG.</summary>
    Invlpg = 0x079,

    /// <summary>INVLPGA.</summary>
    Invlpga = 0x07A,

    /// <summary>IN, OUT and their string forms.</summary>
    Ioio = 0x07B,

    /// <summary>RDMSR or WRMSR; EXITINFO1 is 1 for a write.</summary>
    Msr = 0x07C,

    /// <summary>Task switch.</summary>
    TaskSwitch = 0x07D,

    /// <summary>FERR freeze.</summary>
    FerrFreeze = 0x07E,

    /// <summary>Shutdown.</summary>
    Shutdown = 0x07F,

    /// <summary>VMRUN.</summary>
    Vmrun = 0x080,

    /// <summary>VMMCALL.</summary>
    Vmmcall = 0x081,

    /// <summary>VMLOAD.</summary>
    Vmload = 0x082,

    /// <summary>VMSAVE.</summary>
    Vmsave = 0x083,

    /// <summary>STGI.</summary>
    Stgi = 0x084,

    /// <summary>CLGI.</summary>
    Clgi = 0x085,

    /// <summary>SKINIT.</summary>
    Skinit = 0x086,

    /// <summary>RDTSCP.</summary>
    Rdtscp = 0x087,

    /// <summary>INT1.</summary>
    Icebp = 0x088,

    /// <summary>WBINVD.</summary>
    Wbinvd = 0x089,

    /// <summary>MONITOR.</summary>
    Monitor = 0x08A,

    /// <summary>MWAIT.</summary>
    Mwait = 0x08B,

    /// <summary>MWAIT with an armed monitor.</summary>
    MwaitConditional = 0x08C,

    /// <summary>XSETBV.</summary>
    Xsetbv = 0x08D,

    /// <summary>HLT with no virtual interrupt or NMI pending.</summary>
    IdleHlt = 0x0A6,

    /// <summary>Nested page fault.</summary>
    Npf = 0x400,

    /// <summary>AVIC: IPI that could not be delivered.</summary>
    AvicIncompleteIpi = 0x401,

    /// <summary>AVIC: access without acceleration.</summary>
    AvicUnacceleratedAccess = 0x402,

    /// <summary>Invalid guest state in the VMCB (-1).</summary>
    Invalid = 0xFFFFFFFF,
}
