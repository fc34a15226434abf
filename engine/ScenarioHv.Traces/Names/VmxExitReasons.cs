using static System.FormattableString;

namespace ScenarioHv.Traces.Names;

/// <summary>
/// VMX exit reasons as text. Basic reasons are SDM3 appendix C; the names are the kernel's, which drop the prefix EXIT_REASON_.
/// </summary>
public static class VmxExitReasons
{
    /// <summary>Bit 31 of an exit reason: the VM entry failed (SDM3 24.9.1).</summary>
    public const uint FailedVmentry = 1u << 31;

    /// <summary>Basic exit reason to name, kernel 6.16 (uapi asm/vmx.h: VMX_EXIT_REASONS).</summary>
    public static SymbolTable Kernel { get; } = SymbolTable.Of(
        (0, "EXCEPTION_NMI"), (1, "EXTERNAL_INTERRUPT"), (2, "TRIPLE_FAULT"), (3, "INIT_SIGNAL"), (4, "SIPI_SIGNAL"),
        (7, "INTERRUPT_WINDOW"), (8, "NMI_WINDOW"), (9, "TASK_SWITCH"), (10, "CPUID"), (12, "HLT"), (13, "INVD"), (14, "INVLPG"),
        (15, "RDPMC"), (16, "RDTSC"), (18, "VMCALL"), (19, "VMCLEAR"), (20, "VMLAUNCH"), (21, "VMPTRLD"), (22, "VMPTRST"),
        (23, "VMREAD"), (24, "VMRESUME"), (25, "VMWRITE"), (26, "VMOFF"), (27, "VMON"), (28, "CR_ACCESS"), (29, "DR_ACCESS"),
        (30, "IO_INSTRUCTION"), (31, "MSR_READ"), (32, "MSR_WRITE"), (33, "INVALID_STATE"), (34, "MSR_LOAD_FAIL"),
        (36, "MWAIT_INSTRUCTION"), (37, "MONITOR_TRAP_FLAG"), (39, "MONITOR_INSTRUCTION"), (40, "PAUSE_INSTRUCTION"),
        (41, "MCE_DURING_VMENTRY"), (43, "TPR_BELOW_THRESHOLD"), (44, "APIC_ACCESS"), (45, "EOI_INDUCED"), (46, "GDTR_IDTR"),
        (47, "LDTR_TR"), (48, "EPT_VIOLATION"), (49, "EPT_MISCONFIG"), (50, "INVEPT"), (51, "RDTSCP"), (52, "PREEMPTION_TIMER"),
        (53, "INVVPID"), (54, "WBINVD"), (55, "XSETBV"), (56, "APIC_WRITE"), (57, "RDRAND"), (58, "INVPCID"), (59, "VMFUNC"),
        (60, "ENCLS"), (61, "RDSEED"), (62, "PML_FULL"), (63, "XSAVES"), (64, "XRSTORS"), (67, "UMWAIT"), (68, "TPAUSE"),
        (74, "BUS_LOCK"), (75, "NOTIFY"), (77, "TDCALL"));

    /// <summary>Exit reason to name in plugin_kvm of trace-cmd, 2018: fewer than the kernel's, and 7 under its older name.</summary>
    public static SymbolTable Plugin { get; } = SymbolTable.Of(
        [
            0, 1, 2, 7, 8, 9, 10, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 36, 39, 40, 41, 43, 44,
            45, 48, 49, 50, 52, 54, 55, 56, 58, 62, 63, 64,
        ],
        reason => reason == 7 ? "PENDING_INTERRUPT" : Kernel[reason]);

    /// <summary>
    /// As the kernel prints it since 5.10 (trace.h: kvm_print_exit_reason): the name of bits 15:0, in hex if it has none,
    /// then a blank and the flags of bits 31:16.
    /// </summary>
    public static string KernelText(uint reason)
    {
        var name = Kernel.TryGetValue(reason & 0xffff, out var known) ? known : Invariant($"0x{reason & 0xffff:x}");
        var rest = reason & 0xffff0000 & ~FailedVmentry;
        return ((reason & FailedVmentry) != 0, rest != 0) switch
        {
            (false, false) => name,
            (true, false) => name + " FAILED_VMENTRY",
            (false, true) => Invariant($"{name} 0x{rest:x}"),
            (true, true) => Invariant($"{name} FAILED_VMENTRY 0x{rest:x}"),
        };
    }

    /// <summary>As plugin_kvm prints it: it looks up all 32 bits, so a failed entry is unknown to it.</summary>
    public static string PluginText(uint reason) =>
        Plugin.TryGetValue(reason, out var name) ? name : Invariant($"UNKNOWN ({reason})");
}
