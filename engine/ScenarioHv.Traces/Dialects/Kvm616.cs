using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Traces.Dialects;

/// <summary>The print formats of kernel 6.16 (arch/x86/kvm/trace.h, trace/events/kvm.h), without a plugin.</summary>
internal static class Kvm616
{
    /// <summary>What it is asked for by.</summary>
    public const string Name = "kvm-6.16";

    public static TraceDialect Dialect { get; } = new(
        Name,
        "the print formats of kernel 6.16, as its trace file and a trace-cmd without plugin_kvm show them",
        "6.16",
        [
            .. KernelFormats.Stable,
            new(TraceEventKind.KvmEntry, "kvm_entry", Entry),
            new(TraceEventKind.KvmExit, "kvm_exit", Exit),
            new(TraceEventKind.KvmNestedVmexit, "kvm_nested_vmexit", Exit),
            new(TraceEventKind.KvmNestedVmexitInject, "kvm_nested_vmexit_inject", NestedVmexitInject),
            new(TraceEventKind.KvmApicAcceptIrq, "kvm_apic_accept_irq", ApicAcceptIrq),
            new(TraceEventKind.KvmApicvAcceptIrq, "kvm_apicv_accept_irq", ApicAcceptIrq),
            new(TraceEventKind.KvmInjVirq, "kvm_inj_virq", InjVirq),
            new(TraceEventKind.KvmUserspaceExit, "kvm_userspace_exit", UserspaceExit),
            new(TraceEventKind.KvmApic, "kvm_apic", Apic),
            new(TraceEventKind.KernelMessage, "console", Console),
            new(TraceEventKind.KvmApicvInhibitChanged, "kvm_apicv_inhibit_changed", ApicvInhibitChanged),
        ]);

    private static string Console(in TraceEvent e) => KernelFormats.Console(e, "__vmx_handle_exit");

    // There is no blank before the bracket; the kernel has none.
    private static string Entry(in TraceEvent e)
    {
        var immediate = e.D != 0 ? "[immediate exit]" : "";
        return Invariant($"vcpu {e.Vcpu}, rip 0x{e.A:x} intr_info 0x{(uint)e.B:x8} error_code 0x{(uint)e.C:x8}{immediate}");
    }

    private static string Exit(in TraceEvent e)
    {
        var details = Invariant($"intr_info 0x{ExitFields.IntrInfo(e):x8} error_code 0x{ExitFields.ErrorCode(e):x8}");
        var requests = Invariant($"requests 0x{ExitFields.Requests(e):x16}");
        return Invariant($"vcpu {e.Vcpu} reason {Reason(e)} rip 0x{e.B:x} info1 0x{e.C:x16} info2 0x{e.D:x16} {details} {requests}");
    }

    private static string NestedVmexitInject(in TraceEvent e)
    {
        var details = Invariant($"ext_int: 0x{ExitFields.IntrInfo(e):x8} ext_int_err: 0x{ExitFields.ErrorCode(e):x8}");
        return Invariant($"reason: {Reason(e)} ext_inf1: 0x{e.C:x16} ext_inf2: 0x{e.D:x16} {details}");
    }

    private static string Reason(in TraceEvent e) =>
        ExitFields.IsSvm(e) ? SvmExitCodes.KernelText(ExitFields.Reason(e)) : VmxExitReasons.KernelText(ExitFields.Reason(e));

    private static string ApicAcceptIrq(in TraceEvent e) => KernelFormats.ApicAcceptIrq(e, KernelFormats.IsLevel(e));

    private static string InjVirq(in TraceEvent e) =>
        Invariant($"{(e.C != 0 ? "Soft/INTn" : "IRQ")} 0x{(uint)e.A:x}{(e.B != 0 ? " [reinjected]" : "")}");

    private static string UserspaceExit(in TraceEvent e) => KernelFormats.UserspaceExit(e, KvmNames.LastUserspaceReason510);

    private static string ApicvInhibitChanged(in TraceEvent e)
    {
        var names = e.C == 0 ? "" : " " + ApicvInhibitNames.Joined((ApicvInhibits)e.C);
        var number = ApicvInhibitNames.Number((ApicvInhibits)e.A);
        return Invariant($"{(e.B != 0 ? "set" : "cleared")} reason={number}, inhibits=0x{e.C:x}{names}");
    }

    private static string Apic(in TraceEvent e) => KernelFormats.Apic(e, e.C);
}
