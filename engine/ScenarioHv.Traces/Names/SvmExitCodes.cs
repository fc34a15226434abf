using static System.FormattableString;

namespace ScenarioHv.Traces.Names;

/// <summary>SVM exit codes as text (APM2 appendix C). Not listed: the GHCB's own codes, from 0x80000001 on.</summary>
public static class SvmExitCodes
{
    /// <summary>VMEXIT_INVALID, the low 32 bits of -1.</summary>
    public const uint Invalid = 0xffffffff;

    /// <summary>
    /// Exit code to name, kernel 6.16 (uapi asm/svm.h: SVM_EXIT_REASONS). The kernel's table also has -1, invalid_guest_state;
    /// it is compared as a 64-bit number with a 32-bit field and is never found, so that -1 prints as 0xffffffff.
    /// </summary>
    public static SymbolTable Kernel { get; } = SymbolTable.Of(
        (0x0, "read_cr0"), (0x2, "read_cr2"), (0x3, "read_cr3"), (0x4, "read_cr4"), (0x8, "read_cr8"), (0x10, "write_cr0"),
        (0x12, "write_cr2"), (0x13, "write_cr3"), (0x14, "write_cr4"), (0x18, "write_cr8"), (0x20, "read_dr0"), (0x21, "read_dr1"),
        (0x22, "read_dr2"), (0x23, "read_dr3"), (0x24, "read_dr4"), (0x25, "read_dr5"), (0x26, "read_dr6"), (0x27, "read_dr7"),
        (0x30, "write_dr0"), (0x31, "write_dr1"), (0x32, "write_dr2"), (0x33, "write_dr3"), (0x34, "write_dr4"), (0x35, "write_dr5"),
        (0x36, "write_dr6"), (0x37, "write_dr7"), (0x40, "DE excp"), (0x41, "DB excp"), (0x43, "BP excp"), (0x44, "OF excp"),
        (0x45, "BR excp"), (0x46, "UD excp"), (0x47, "NM excp"), (0x48, "DF excp"), (0x4a, "TS excp"), (0x4b, "NP excp"),
        (0x4c, "SS excp"), (0x4d, "GP excp"), (0x4e, "PF excp"), (0x50, "MF excp"), (0x51, "AC excp"), (0x52, "MC excp"),
        (0x53, "XF excp"), (0x60, "interrupt"), (0x61, "nmi"), (0x62, "smi"), (0x63, "init"), (0x64, "vintr"), (0x65, "cr0_sel_write"),
        (0x66, "read_idtr"), (0x67, "read_gdtr"), (0x68, "read_ldtr"), (0x69, "read_rt"), (0x6a, "write_idtr"), (0x6b, "write_gdtr"),
        (0x6c, "write_ldtr"), (0x6d, "write_rt"), (0x6e, "rdtsc"), (0x6f, "rdpmc"), (0x70, "pushf"), (0x71, "popf"), (0x72, "cpuid"),
        (0x73, "rsm"), (0x74, "iret"), (0x75, "swint"), (0x76, "invd"), (0x77, "pause"), (0x78, "hlt"), (0x79, "invlpg"),
        (0x7a, "invlpga"), (0x7b, "io"), (0x7c, "msr"), (0x7d, "task_switch"), (0x7e, "ferr_freeze"), (0x7f, "shutdown"),
        (0x80, "vmrun"), (0x81, "hypercall"), (0x82, "vmload"), (0x83, "vmsave"), (0x84, "stgi"), (0x85, "clgi"), (0x86, "skinit"),
        (0x87, "rdtscp"), (0x88, "icebp"), (0x89, "wbinvd"), (0x8a, "monitor"), (0x8b, "mwait"), (0x8d, "xsetbv"),
        (0x8f, "write_efer_trap"), (0x90, "write_cr0_trap"), (0x94, "write_cr4_trap"), (0x98, "write_cr8_trap"), (0xa2, "invpcid"),
        (0xa5, "buslock"), (0xa6, "idle-halt"), (0x400, "npf"), (0x401, "avic_incomplete_ipi"), (0x402, "avic_unaccelerated_access"),
        (0x403, "vmgexit"));

    /// <summary>Exit code to name in plugin_kvm of trace-cmd, 2018.</summary>
    public static SymbolTable Plugin { get; } = SymbolTable.Of(
        (0x0, "EXIT_READ_CR0"), (0x3, "EXIT_READ_CR3"), (0x4, "EXIT_READ_CR4"), (0x8, "EXIT_READ_CR8"), (0x10, "EXIT_WRITE_CR0"),
        (0x13, "EXIT_WRITE_CR3"), (0x14, "EXIT_WRITE_CR4"), (0x18, "EXIT_WRITE_CR8"), (0x20, "EXIT_READ_DR0"), (0x21, "EXIT_READ_DR1"),
        (0x22, "EXIT_READ_DR2"), (0x23, "EXIT_READ_DR3"), (0x24, "EXIT_READ_DR4"), (0x25, "EXIT_READ_DR5"), (0x26, "EXIT_READ_DR6"),
        (0x27, "EXIT_READ_DR7"), (0x30, "EXIT_WRITE_DR0"), (0x31, "EXIT_WRITE_DR1"), (0x32, "EXIT_WRITE_DR2"), (0x33, "EXIT_WRITE_DR3"),
        (0x34, "EXIT_WRITE_DR4"), (0x35, "EXIT_WRITE_DR5"), (0x36, "EXIT_WRITE_DR6"), (0x37, "EXIT_WRITE_DR7"),
        (0x40, "EXIT_EXCP_BASE"), (0x60, "EXIT_INTR"), (0x61, "EXIT_NMI"), (0x62, "EXIT_SMI"), (0x63, "EXIT_INIT"),
        (0x64, "EXIT_VINTR"), (0x65, "EXIT_CR0_SEL_WRITE"), (0x66, "EXIT_IDTR_READ"), (0x67, "EXIT_GDTR_READ"),
        (0x68, "EXIT_LDTR_READ"), (0x69, "EXIT_TR_READ"), (0x6a, "EXIT_IDTR_WRITE"), (0x6b, "EXIT_GDTR_WRITE"),
        (0x6c, "EXIT_LDTR_WRITE"), (0x6d, "EXIT_TR_WRITE"), (0x6e, "EXIT_RDTSC"), (0x6f, "EXIT_RDPMC"), (0x70, "EXIT_PUSHF"),
        (0x71, "EXIT_POPF"), (0x72, "EXIT_CPUID"), (0x73, "EXIT_RSM"), (0x74, "EXIT_IRET"), (0x75, "EXIT_SWINT"), (0x76, "EXIT_INVD"),
        (0x77, "EXIT_PAUSE"), (0x78, "EXIT_HLT"), (0x79, "EXIT_INVLPG"), (0x7a, "EXIT_INVLPGA"), (0x7b, "EXIT_IOIO"),
        (0x7c, "EXIT_MSR"), (0x7d, "EXIT_TASK_SWITCH"), (0x7e, "EXIT_FERR_FREEZE"), (0x7f, "EXIT_SHUTDOWN"), (0x80, "EXIT_VMRUN"),
        (0x81, "EXIT_VMMCALL"), (0x82, "EXIT_VMLOAD"), (0x83, "EXIT_VMSAVE"), (0x84, "EXIT_STGI"), (0x85, "EXIT_CLGI"),
        (0x86, "EXIT_SKINIT"), (0x87, "EXIT_RDTSCP"), (0x88, "EXIT_ICEBP"), (0x89, "EXIT_WBINVD"), (0x8a, "EXIT_MONITOR"),
        (0x8b, "EXIT_MWAIT"), (0x8c, "EXIT_MWAIT_COND"), (0x400, "EXIT_NPF"));

    /// <summary>As the kernel prints it: unknown codes in hex.</summary>
    public static string KernelText(uint exitCode) => Kernel.TryGetValue(exitCode, out var name) ? name : Invariant($"0x{exitCode:x}");

    /// <summary>
    /// As plugin_kvm prints it: its search stops at the first negative entry, which is EXIT_ERR (-1), and so every code
    /// without a name, AVIC's 0x401 among them, is reported as EXIT_ERR.
    /// </summary>
    public static string PluginText(uint exitCode) => Plugin.TryGetValue(exitCode, out var name) ? name : "EXIT_ERR";
}
