using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Traces.Explanations;

/// <summary>
/// Why a VMX exit happened, from its reason, its qualification and its interruption information. Section numbers are those of the SDM's
/// editions up to 2022.
/// </summary>
internal static class VmxExitExplanations
{
    /// <summary>The cause as a clause that follows a colon, source included.</summary>
    public static string Cause(in TraceEvent e, in ExplanationContext context)
    {
        var reason = ExitFields.Reason(e);
        if ((reason & VmxExitReasons.FailedVmentry) != 0)
            return $"the VM entry failed, {VmxExitReasons.KernelText(reason & 0xffff)} (SDM3 26.8)";

        var guest = context.Guest;
        return (reason & 0xffff) switch
        {
            0 => ExceptionOrNmi(ExitFields.IntrInfo(e)),
            1 => ExternalInterrupt(ExitFields.IntrInfo(e)),
            2 => $"{guest} met a triple fault (SDM3 25.2)",
            3 => "an INIT signal arrived (SDM3 25.2)",
            4 => Invariant($"a start-up IPI with vector {(byte)e.C} arrived (SDM3 25.2)"),
            7 => $"{guest} can take an interrupt: interrupt-window exiting is 1, RFLAGS.IF = 1, no blocking by STI or MOV SS (SDM3 25.2)",
            8 => $"{guest} can take an NMI: NMI-window exiting is 1 and there is no virtual-NMI blocking (SDM3 25.2)",
            12 => $"{guest} executed HLT and HLT exiting is 1 (SDM3 25.1.3)",
            18 => $"{guest} executed VMCALL (SDM3 25.1.2)",
            20 => $"{guest} executed VMLAUNCH: its guest is to run (SDM3 25.1.2)",
            24 => $"{guest} executed VMRESUME: its guest is to run again (SDM3 25.1.2)",
            30 => IoInstruction(e.C, guest),
            31 => $"{guest} executed RDMSR of an intercepted register (SDM3 25.1.3)",
            32 => $"{guest} executed WRMSR of an intercepted register (SDM3 25.1.3)",
            37 => "the monitor trap flag was 1, so one instruction ran (SDM3 25.5.2)",
            43 => "VTPR[7:4] fell below the TPR threshold; the write to TPR is done (SDM3 29.1.2)",
            44 => ApicAccess(e.C),
            45 => EoiInduced((byte)e.C),
            48 => "a guest-physical access was not allowed by EPT (SDM3 28.2.3)",
            49 => "an EPT entry is misconfigured, which KVM uses for emulated MMIO (SDM3 28.2.3)",
            52 => PreemptionTimer(context),
            56 => Invariant($"{ApicRegister(e.C)} was written; its value is in the virtual-APIC page already (SDM3 29.4.3.3)"),
            var basic => Invariant($"{guest} left for {VmxExitReasons.KernelText(basic)}, basic exit reason {basic} (SDM3 appendix C)"),
        };
    }

    private static string ExceptionOrNmi(uint information) => EventInformation.IsNmi(information)
        ? "an NMI arrived and NMI exiting is 1 (SDM3 25.2)"
        : $"{EventInformation.Text(information)} is intercepted by the exception bitmap (SDM3 25.2)";

    private static string ExternalInterrupt(uint information) => EventInformation.IsValid(information)
        ? Invariant($"physical interrupt {EventInformation.Vector(information)} arrived and the exit acknowledged it (SDM3 25.2, 27.2.2)")
        : "a physical interrupt is pending and was not acknowledged by the exit (SDM3 25.2, 27.2.2)";

    private static string IoInstruction(ulong qualification, string guest)
    {
        var direction = (qualification & 8) != 0 ? "IN" : "OUT";
        var port = (ushort)(qualification >> 16);
        return Invariant($"{guest} executed {direction} of {(qualification & 7) + 1} at port 0x{port:x} (SDM3 27.2.1)");
    }

    private static string ApicAccess(ulong qualification)
    {
        var access = (qualification >> 12 & 0xf) switch
        {
            0 => "read of",
            1 => "write to",
            2 => "fetch from",
            3 => "event delivery through",
            _ => "access to",
        };
        return $"{access} {ApicRegister(qualification)} is not virtualized; the access did not happen (SDM3 29.4)";
    }

    private static string EoiInduced(byte vector) => Invariant(
        $"EOI virtualization cleared VISR[{vector}] and found EOI-exit bitmap bit {vector} set; the EOI itself is done (SDM3 29.1.4)");

    private static string PreemptionTimer(in ExplanationContext context) => context.ImmediateExit switch
    {
        true => $"the VMX-preemption timer was 0, so {context.Guest} left before its first instruction (SDM3 25.5.1)",
        false => $"the VMX-preemption timer counted down to 0 while {context.Guest} ran (SDM3 25.5.1)",
        null => $"the VMX-preemption timer is 0: it was 0 at the entry or ran out while {context.Guest} ran (SDM3 25.5.1)",
    };

    private static string ApicRegister(ulong qualification) => KvmNames.ApicRegister((uint)qualification & 0xfff);
}
