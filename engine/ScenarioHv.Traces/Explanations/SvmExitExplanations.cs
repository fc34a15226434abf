using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Traces.Explanations;

/// <summary>Why a #VMEXIT happened, from its exit code and EXITINFO1 and 2. Section numbers are those of the APM, volume 2.</summary>
internal static class SvmExitExplanations
{
    /// <summary>The cause as a clause that follows a colon, source included.</summary>
    public static string Cause(in TraceEvent e, in ExplanationContext context)
    {
        var guest = context.Guest;
        return ExitFields.Reason(e) switch
        {
            0x60 => "a physical interrupt is pending; #VMEXIT(INTR) does not acknowledge it (APM2 15.13.1)",
            0x61 => "an NMI arrived and is intercepted (APM2 15.13.2)",
            0x62 => "an SMI arrived and is intercepted (APM2 15.13.3)",
            0x63 => "an INIT signal arrived and is intercepted (APM2 15.13.4)",
            0x64 => $"{guest} could take the virtual interrupt; V_IRQ is still 1, nothing was delivered (APM2 15.21.4)",
            0x74 => $"{guest} is about to execute IRET, which ends NMI blocking (APM2 15.9; KVM svm.c:iret_interception)",
            0x78 => $"{guest} executed HLT, which is intercepted (APM2 15.9)",
            0x7b => Invariant($"{guest} executed {((e.C & 1) != 0 ? "IN" : "OUT")} at port 0x{(ushort)(e.C >> 16):x} (APM2 15.10.2)"),
            0x7c => $"{guest} executed {((e.C & 1) != 0 ? "WRMSR" : "RDMSR")} of an intercepted register (APM2 15.11)",
            0x80 => $"{guest} executed VMRUN: its guest is to run (APM2 15.5)",
            0x81 => $"{guest} executed VMMCALL (APM2 15.9)",
            0x84 => $"{guest} executed STGI, which is intercepted (APM2 15.17)",
            0x85 => $"{guest} executed CLGI, which is intercepted (APM2 15.17)",
            0x400 => "a guest-physical access was not allowed by the nested page tables (APM2 15.25.6)",
            0x401 => IncompleteIpi(e.C, e.D),
            0x402 => UnacceleratedAccess(e.C),
            SvmExitCodes.Invalid => "VMRUN found the VMCB's state invalid (APM2 15.5.1)",
            var code => Invariant($"{guest} left for {SvmExitCodes.KernelText(code)}, exit code 0x{code:x} (APM2 appendix C)"),
        };
    }

    private static string IncompleteIpi(ulong info1, ulong info2)
    {
        var cause = (info2 >> 32) switch
        {
            0 => "the interrupt is of a type AVIC does not send",
            1 => "a destination is not running; its IRR bit is set already",
            2 => "a destination has no valid table entry",
            3 => "a destination has no valid backing page",
            4 => "the vector is below 16",
            var id => Invariant($"cause {id}"),
        };
        return Invariant($"AVIC could not complete the IPI ICR {info1 >> 32:x8}:{(uint)info1:x8}: {cause} (APM2 15.29)");
    }

    private static string UnacceleratedAccess(ulong info1)
    {
        var direction = (info1 >> 32 & 1) != 0 ? "write to" : "read of";
        return $"AVIC does not accelerate the {direction} {KvmNames.ApicRegister((uint)info1 & 0xff0)} (APM2 15.29)";
    }
}
