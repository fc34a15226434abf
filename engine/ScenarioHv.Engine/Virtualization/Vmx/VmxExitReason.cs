namespace ScenarioHv.Engine.Virtualization.Vmx;

/// <summary>Basic exit reasons, bits 15:0 of VMCS field 0x4402 (SDM3 appendix C). The names are the kernel's (uapi/asm/vmx.h).</summary>
public enum VmxExitReason : ushort
{
    /// <summary>Exception or NMI.</summary>
    ExceptionNmi = 0,

    /// <summary>External interrupt.</summary>
    ExternalInterrupt = 1,

    /// <summary>Triple fault.</summary>
    TripleFault = 2,

    /// <summary>INIT signal.</summary>
    InitSignal = 3,

    /// <summary>Start-up IPI; the qualification is its vector.</summary>
    SipiSignal = 4,

    /// <summary>I/O system-management interrupt.</summary>
    IoSmi = 5,

    /// <summary>Other SMI.</summary>
    OtherSmi = 6,

    /// <summary>Interrupt window.</summary>
    InterruptWindow = 7,

    /// <summary>NMI window.</summary>
    NmiWindow = 8,

    /// <summary>Task switch.</summary>
    TaskSwitch = 9,

    /// <summary>CPUID.</summary>
    Cpuid = 10,

    /// <summary>GETSEC.</summary>
    Getsec = 11,

    /// <summary>HLT.</summary>
    Hlt = 12,

    /// <summary>INVD.</summary>
    Invd = 13,

    /// <summary>INVLPG.</summary>
    Invlpg = 14,

    /// <summary>RDPMC.</summary>
    Rdpmc = 15,

    /// <summary>RDTSC.</summary>
    Rdtsc = 16,

    /// <summary>RSM.</summary>
    Rsm = 17,

    /// <summary>VMCALL.</summary>
    Vmcall = 18,

    /// <summary>VMCLEAR.</summary>
    Vmclear = 19,

    /// <summary>VMLAUNCH.</summary>
    Vmlaunch = 20,

    /// <summary>VMPTRLD.</summary>
    Vmptrld = 21,

    /// <summary>VMPTRST.</summary>
    Vmptrst = 22,

    /// <summary>VMREAD.</summary>
    Vmread = 23,

    /// <summary>VMRESUME.</summary>
    Vmresume = 24,

    /// <summary>VMWRITE.</summary>
    Vmwrite = 25,

    /// <summary>VMXOFF.</summary>
    Vmxoff = 26,

    /// <summary>VMXON.</summary>
    Vmxon = 27,

    /// <summary>Control-register access.</summary>
    CrAccess = 28,

    /// <summary>MOV DR.</summary>
    DrAccess = 29,

    /// <summary>I/O instruction.</summary>
    IoInstruction = 30,

    /// <summary>RDMSR.</summary>
    MsrRead = 31,

    /// <summary>WRMSR.</summary>
    MsrWrite = 32,

    /// <summary>VM-entry failure: invalid guest state.</summary>
    InvalidState = 33,

    /// <summary>VM-entry failure: MSR loading.</summary>
    MsrLoadFail = 34,

    /// <summary>MWAIT.</summary>
    MwaitInstruction = 36,

    /// <summary>Monitor trap flag.</summary>
    MonitorTrapFlag = 37,

    /// <summary>MONITOR.</summary>
    MonitorInstruction = 39,

    /// <summary>PAUSE.</summary>
    PauseInstruction = 40,

    /// <summary>VM-entry failure: machine-check event.</summary>
    MceDuringVmentry = 41,

    /// <summary>TPR below threshold.</summary>
    TprBelowThreshold = 43,

    /// <summary>APIC access.</summary>
    ApicAccess = 44,

    /// <summary>Virtualized EOI; the qualification is the vector.</summary>
    EoiInduced = 45,

    /// <summary>Access to GDTR or IDTR.</summary>
    GdtrIdtr = 46,

    /// <summary>Access to LDTR or TR.</summary>
    LdtrTr = 47,

    /// <summary>EPT violation.</summary>
    EptViolation = 48,

    /// <summary>EPT misconfiguration.</summary>
    EptMisconfig = 49,

    /// <summary>INVEPT.</summary>
    Invept = 50,

    /// <summary>RDTSCP.</summary>
    Rdtscp = 51,

    /// <summary>VMX-preemption timer expired.</summary>
    PreemptionTimer = 52,

    /// <summary>INVVPID.</summary>
    Invvpid = 53,

    /// <summary>WBINVD or WBNOINVD.</summary>
    Wbinvd = 54,

    /// <summary>XSETBV.</summary>
    Xsetbv = 55,

    /// <summary>APIC write; the qualification is the page offset.</summary>
    ApicWrite = 56,

    /// <summary>RDRAND.</summary>
    Rdrand = 57,

    /// <summary>INVPCID.</summary>
    Invpcid = 58,

    /// <summary>VMFUNC.</summary>
    Vmfunc = 59,

    /// <summary>ENCLS.</summary>
    Encls = 60,

    /// <summary>RDSEED.</summary>
    Rdseed = 61,

    /// <summary>Page-modification log full.</summary>
    PmlFull = 62,

    /// <summary>XSAVES.</summary>
    Xsaves = 63,

    /// <summary>XRSTORS.</summary>
    Xrstors = 64,

    /// <summary>UMWAIT.</summary>
    Umwait = 67,

    /// <summary>TPAUSE.</summary>
    Tpause = 68,

    /// <summary>Bus lock.</summary>
    BusLock = 74,

    /// <summary>Notification of a guest that executes no instruction.</summary>
    Notify = 75,

    /// <summary>TDCALL.</summary>
    Tdcall = 77,
}
