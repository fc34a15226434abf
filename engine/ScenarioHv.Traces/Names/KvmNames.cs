using static System.FormattableString;

namespace ScenarioHv.Traces.Names;

/// <summary>
/// The small symbol tables of KVM's tracepoints. A value without a name prints in hex, as the kernel's __print_symbolic does.
/// </summary>
public static class KvmNames
{
    private static readonly string[] DeliveryModes = ["Fixed", "LowPrio", "SMI", "Res3", "NMI", "INIT", "SIPI", "ExtINT"];

    private static readonly string[] Shorthands = ["dst", "self", "all", "all-but-self"];

    private static readonly string[] UserspaceReasons =
    [
        "UNKNOWN", "EXCEPTION", "IO", "HYPERCALL", "DEBUG", "HLT", "MMIO", "IRQ_WINDOW_OPEN", "SHUTDOWN", "FAIL_ENTRY", "INTR", "SET_TPR",
        "TPR_ACCESS", "S390_SIEIC", "S390_RESET", "DCR", "NMI", "INTERNAL_ERROR", "OSI", "PAPR_HCALL", "S390_UCONTROL", "WATCHDOG",
        "S390_TSCH", "EPR", "SYSTEM_EVENT", "S390_STSI", "IOAPIC_EOI", "HYPERV", "ARM_NISV", "X86_RDMSR", "X86_WRMSR",
    ];

    private static readonly SymbolTable ApicRegisters = SymbolTable.Of(
        (0x20, "APIC_ID"), (0x30, "APIC_LVR"), (0x80, "APIC_TASKPRI"), (0x90, "APIC_ARBPRI"), (0xa0, "APIC_PROCPRI"),
        (0xb0, "APIC_EOI"), (0xc0, "APIC_RRR"), (0xd0, "APIC_LDR"), (0xe0, "APIC_DFR"), (0xf0, "APIC_SPIV"), (0x100, "APIC_ISR"),
        (0x180, "APIC_TMR"), (0x200, "APIC_IRR"), (0x280, "APIC_ESR"), (0x300, "APIC_ICR"), (0x310, "APIC_ICR2"), (0x320, "APIC_LVTT"),
        (0x330, "APIC_LVTTHMR"), (0x340, "APIC_LVTPC"), (0x350, "APIC_LVT0"), (0x360, "APIC_LVT1"), (0x370, "APIC_LVTERR"),
        (0x380, "APIC_TMICT"), (0x390, "APIC_TMCCT"), (0x3e0, "APIC_TDCR"), (0x3f0, "APIC_SELF_IPI"), (0x400, "APIC_EFEAT"),
        (0x410, "APIC_ECTRL"));

    /// <summary>Delivery mode, bits 10:8 of an ICR, RTE or MSI data word (trace.h: kvm_deliver_mode). Only the low 3 bits count.</summary>
    public static string DeliveryMode(ulong mode) => DeliveryModes[mode & 7];

    /// <summary>Destination shorthand, ICR bits 19:18 (trace.h: kvm_apic_dst_shorthand). Only the low 2 bits count.</summary>
    public static string Shorthand(ulong shorthand) => Shorthands[shorthand & 3];

    /// <summary>The last KVM_EXIT number that kernels up to 5.4 could name: KVM_EXIT_HYPERV.</summary>
    public const uint LastUserspaceReason54 = 27;

    /// <summary>The last KVM_EXIT number that kernels since 5.10 can name: KVM_EXIT_X86_WRMSR.</summary>
    public const uint LastUserspaceReason510 = 30;

    /// <summary>The laboratory's number for KVM_EXIT_NMI_WINDOW_OPEN, which went with 2.6.29 and whose number was given away.</summary>
    public const uint NmiWindowOpen = 250;

    /// <summary>KVM_EXIT_* by number (trace/events/kvm.h: kvm_trace_exit_reason).</summary>
    /// <param name="reason">The number.</param>
    /// <param name="last">The last number the kernel could name.</param>
    public static string UserspaceReason(uint reason, uint last = LastUserspaceReason510) =>
        reason == NmiWindowOpen ? "KVM_EXIT_NMI_WINDOW_OPEN"
        : reason <= last && reason < UserspaceReasons.Length ? "KVM_EXIT_" + UserspaceReasons[reason] : Invariant($"0x{reason:x}");

    /// <summary>
    /// A local APIC register by its xAPIC offset (trace.h: kvm_trace_symbol_apic). Of ISR, TMR and IRR only the first word has a name.
    /// </summary>
    public static string ApicRegister(uint offset) => ApicRegisters.TryGetValue(offset, out var name) ? name : Invariant($"0x{offset:x}");

    /// <summary>The interrupt controller of kvm_ack_irq: 0, 1 or 2 (trace/events/kvm.h: kvm_irqchips).</summary>
    public static string Irqchip(ulong irqchip) => irqchip switch
    {
        0 => "PIC master",
        1 => "PIC slave",
        2 => "IOAPIC",
        _ => Invariant($"0x{irqchip:x}"),
    };

    /// <summary>The kind of access of kvm_mmio (trace/events/kvm.h: kvm_trace_symbol_mmio).</summary>
    public static string MmioAccess(ulong access) => access switch
    {
        0 => "unsatisfied-read",
        1 => "read",
        2 => "write",
        _ => Invariant($"0x{access:x}"),
    };
}
