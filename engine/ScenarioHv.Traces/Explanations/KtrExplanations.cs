using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Traces.Explanations;

/// <summary>What the lines of bhyve's trace say.</summary>
internal static class KtrExplanations
{
    public static string Of(in TraceEvent e) => (KtrMessage)e.A switch
    {
        KtrMessage.IntrReady => Invariant(
            $"The local APIC of vCPU {e.Vcpu} is sent vector {e.B}: IRR[{e.B}] is set (vlapic.c:vlapic_set_intr_ready)"),
        KtrMessage.Collapsed => Invariant(
            $"The local APIC of vCPU {e.Vcpu} is sent vector {e.B}, but IRR[{e.B}] is set already: the two requests are one now"),
        KtrMessage.PendingInterrupt => Invariant($"Vector {e.B} is the highest request, and above PPR (vlapic.c:vlapic_pending_intr)"),
        KtrMessage.IntrAccepted => Invariant($"Vector {e.B} is in service: IRR[{e.B}] to ISR[{e.B}] (vlapic.c:vlapic_intr_accepted)"),
        KtrMessage.VIrqProgrammed => Invariant(
            $"V_IRQ offers vector {e.B} to the guest: the processor delivers it when IF, shadow and V_TPR allow (APM2 15.21.4)"),
        KtrMessage.VIrqOutcome => e.C != 0
            ? Invariant($"V_IRQ is 0: the guest has taken vector {e.B} at some time since VMRUN (svm.c:svm_update_virqinfo)")
            : Invariant($"V_IRQ is 1: the guest has not taken vector {e.B} (svm.c:svm_update_virqinfo)"),
        KtrMessage.VIrqCleared => "V_IRQ offers nothing any more",
        KtrMessage.EventInjected => Invariant($"EVENTINJ holds vector {e.B}: VMRUN delivers it before the first instruction (APM2 15.20)"),
        KtrMessage.BlockedByRflags => Invariant($"Vector {e.B} has to wait: the guest's IF is 0"),
        KtrMessage.BlockedByShadow => Invariant($"Vector {e.B} has to wait: the guest is in the shadow of an STI or MOV SS"),
        KtrMessage.BlockedByEvent => Invariant($"Vector {e.B} has to wait: EVENTINJ holds another event"),
        KtrMessage.WindowEnabled => "V_IRQ without a vector, intercepted: #VMEXIT(VINTR) as soon as the guest can take an interrupt",
        KtrMessage.WindowDisabled => "The interrupt window is no longer asked for",
        KtrMessage.VTprChanged => "The local APIC's TPR was written through its page: the processor's copy follows",
        KtrMessage.TprChanged => "The guest has written CR8 since VMRUN: the local APIC's TPR follows V_TPR (vlapic.c:vlapic_set_cr8)",
        KtrMessage.ResumeExecution => Invariant($"VMRUN: vCPU {e.Vcpu} goes on at 0x{e.B:x}"),
        KtrMessage.VmExit => VmExit(e),
        KtrMessage.IntInfoPending => Invariant(
            $"The exit interrupted the delivery of {EventInformation.Text(e.B)}: it is kept (APM2 15.7.2; svm.c:svm_save_intinfo)"),
        KtrMessage.IntInfoInjected => Invariant($"{EventInformation.Text(e.B)} is injected again (svm.c:svm_inj_intinfo)"),
        KtrMessage.ApicRead => Invariant($"{KvmNames.ApicRegister((uint)e.B)} of vCPU {e.Vcpu} is read as 0x{e.C:x}"),
        KtrMessage.ApicWrite => Invariant($"{KvmNames.ApicRegister((uint)e.B)} of vCPU {e.Vcpu} is written with 0x{e.C:x}"),
        KtrMessage.Eoi => Invariant($"The local APIC of vCPU {e.Vcpu} gets the EOI of vector {e.B}: ISR[{e.B}] is clear now (SDM3 10.8.5)"),
        KtrMessage.GratuitousEoi => Invariant($"The local APIC of vCPU {e.Vcpu} gets an EOI with nothing in service (SDM3 10.8.5)"),
        KtrMessage.IcrWritten => Invariant($"vCPU {e.Vcpu} writes ICR: vector {e.C} is sent (SDM3 10.6.1)"),
        _ => Invariant($"vCPU {e.Vcpu} is {State(e.C)} now: others notify it accordingly (vmm.c:vcpu_notify_event)"),
    };

    private static string VmExit(in TraceEvent e)
    {
        var exit = Invariant($"vCPU {e.Vcpu} has left the guest at 0x{e.D:x} by {SvmExitCodes.KernelText((uint)e.C)}");
        return exit + (e.B != 0 ? " and enters it again at once (svm.c:svm_vmexit)" : ": vm_run handles it (vmm.c:vm_run)");
    }

    private static string State(ulong state) => state switch { 0 => "frozen", 1 => "running", _ => "sleeping" };
}
