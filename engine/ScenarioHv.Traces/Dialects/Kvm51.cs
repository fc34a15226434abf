using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Traces.Dialects;

/// <summary>
/// trace-cmd report of 2018 on kernels 4.19 to 5.1. plugin_kvm prints kvm_exit and the two nested events itself;
/// the others are the kernel's formats of that time.
/// </summary>
internal static class Kvm51
{
    /// <summary>What it is asked for by.</summary>
    public const string Name = "kvm-5.1";

    public static TraceDialect Dialect { get; } = new(
        Name,
        "trace-cmd report with plugin_kvm on kernels around 5.1, as posted on the lists in 2019",
        "4.19 to 5.1; AVIC's own events and kvm_apicv_update_request as of 5.6 to 5.17",
        [
            .. KernelFormats.Stable,
            new(TraceEventKind.KvmEntry, "kvm_entry", Entry),
            new(TraceEventKind.KvmExit, "kvm_exit", Exit),
            new(TraceEventKind.KvmNestedVmexit, "kvm_nested_vmexit", NestedVmexit),
            new(TraceEventKind.KvmNestedVmexitInject, "kvm_nested_vmexit_inject", NestedVmexitInject),
            new(TraceEventKind.KvmApicAcceptIrq, "kvm_apic_accept_irq", ApicAcceptIrq),
            new(TraceEventKind.KvmInjVirq, "kvm_inj_virq", InjVirq),
            new(TraceEventKind.KvmUserspaceExit, "kvm_userspace_exit", UserspaceExit),
            new(TraceEventKind.KvmApic, "kvm_apic", Apic),
            new(TraceEventKind.KernelMessage, "console", Console),
            new(TraceEventKind.KvmApicvInhibitChanged, "kvm_apicv_update_request", ApicvUpdateRequest),
        ]);

    private static string Entry(in TraceEvent e) => Invariant($"vcpu {e.Vcpu}");

    // Until 5.9 the second number of a VMX exit was the VM-exit interruption information (vmx.c: vmx_get_exit_info);
    // IDT-vectoring information took its place when the event got a field of its own for the former.
    private static string Exit(in TraceEvent e)
    {
        var info2 = ExitFields.IsSvm(e) ? e.D : ExitFields.IntrInfo(e);
        return Invariant($"{Reason(e)} rip 0x{e.B:x} info {e.C:x} {info2:x}");
    }

    private static string NestedVmexit(in TraceEvent e) => Invariant($"rip {e.B:x} {NestedVmexitInject(e)}");

    private static string NestedVmexitInject(in TraceEvent e) => Invariant(
        $"{Reason(e)} info1 {e.C:x} info2 {e.D:x} int_info {ExitFields.IntrInfo(e):x} int_info_err {ExitFields.ErrorCode(e):x}");

    private static string Reason(in TraceEvent e) => "reason " +
        (ExitFields.IsSvm(e) ? SvmExitCodes.PluginText(ExitFields.Reason(e)) : VmxExitReasons.PluginText(ExitFields.Reason(e)));

    // The tracepoint kept the trigger mode in 8 bits: bit 15 of an MSI's data or of an ICR is lost, the I/O APIC's single bit is not.
    private static string ApicAcceptIrq(in TraceEvent e) => KernelFormats.ApicAcceptIrq(e, KernelFormats.IsLevel(e) && e.E != 0);

    private static string InjVirq(in TraceEvent e) => Invariant($"irq {(uint)e.A}");

    private static string UserspaceExit(in TraceEvent e) => KernelFormats.UserspaceExit(e, KvmNames.LastUserspaceReason54);

    // kvm_handle_exit became vmx_handle_exit in 2.6.30.
    private static string Console(in TraceEvent e) => KernelFormats.Console(e, e.C != 0 ? "kvm_handle_exit" : "vmx_handle_exit");

    private static string ApicvUpdateRequest(in TraceEvent e) =>
        Invariant($"{(e.B != 0 ? "deactivate" : "activate")} bit={ApicvInhibitNames.NumberBefore62((ApicvInhibits)e.A)}");

    private static string Apic(in TraceEvent e) => KernelFormats.Apic(e, (uint)e.C);
}
