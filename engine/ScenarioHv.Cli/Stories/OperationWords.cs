using ScenarioHv.Engine.Guests;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Traces.Names;
using static System.FormattableString;

namespace ScenarioHv.Cli.Stories;

/// <summary>A guest's operation in the words of its assembler.</summary>
internal static class OperationWords
{
    private const uint LocalApicPage = 0xfee00;
    private const uint IoApicPage = 0xfec00;
    private const uint FirstX2ApicMsr = 0x800;
    private const uint LastX2ApicMsr = 0x83f;

    /// <summary>The operation that a step executes.</summary>
    public static string Of(ReplayStep step)
    {
        var op = step.Operation;
        return op.Kind switch
        {
            OperationKind.Work => "works",
            OperationKind.In => Invariant($"IN 0x{op.Code:x}"),
            OperationKind.Out => Invariant($"OUT 0x{op.Code:x}, 0x{op.Value:x}"),
            OperationKind.MmioRead => $"reads {Register(op.Code)}",
            OperationKind.MmioWrite => Invariant($"writes {Register(op.Code)} := 0x{op.Value:x}"),
            OperationKind.ReadMsr => $"RDMSR {Msr(op.Code)}",
            OperationKind.WriteMsr => Invariant($"WRMSR {Msr(op.Code)} := 0x{op.Value:x}"),
            OperationKind.ReadCr8 => "MOV from CR8",
            OperationKind.WriteCr8 => Invariant($"MOV to CR8: 0x{op.Value:x}"),
            OperationKind.Sti => "STI",
            OperationKind.Cli => "CLI",
            OperationKind.MovSs => "MOV SS",
            OperationKind.Hlt => "HLT",
            OperationKind.Iret => "IRET",
            OperationKind.ReadTsc => "RDTSC",
            OperationKind.Cpuid => Invariant($"CPUID 0x{op.Code:x}"),
            OperationKind.AssistEoi => "BTR of the assist page: may the EOI be omitted?",
            OperationKind.Eoi => "EOI",
            OperationKind.VmEnter => "VMRESUME or VMRUN",
            OperationKind.VmCall => Invariant($"VMCALL {op.Value}"),
            OperationKind.Stgi => "STGI",
            OperationKind.Clgi => "CLGI",
            OperationKind.SharedRead => Invariant($"reads shared word {op.Code}: {step.Shared}"),
            OperationKind.SharedWrite => Invariant($"writes shared word {op.Code} := {op.Value}"),
            OperationKind.SharedExchange => Invariant($"exchanges shared word {op.Code}: {step.Shared} for {op.Value}"),
            OperationKind.Report => "reports",
            OperationKind.Choose => Invariant($"goes way {step.Choice} of {step.Ways}, counted from 0"),
            OperationKind.None or OperationKind.Finished => "has nothing more to do",
            _ => throw new ArgumentOutOfRangeException(nameof(step), op.Kind, "This operation is no guest's."),
        };
    }

    private static string Register(uint address) => (address >> 12) switch
    {
        LocalApicPage => KvmNames.ApicRegister(address & 0xfff),
        IoApicPage => Invariant($"the I/O APIC's register 0x{address & 0xfff:x}"),
        _ => Invariant($"0x{address:x}"),
    };

    private static string Msr(uint index) => index switch
    {
        >= FirstX2ApicMsr and <= LastX2ApicMsr => KvmNames.ApicRegister((index - FirstX2ApicMsr) << 4),
        0x40000070 => "HV_X64_MSR_EOI",
        0x40000071 => "HV_X64_MSR_ICR",
        0x40000072 => "HV_X64_MSR_TPR",
        0x6e0 => "TSC_DEADLINE",
        _ => Invariant($"0x{index:x}"),
    };
}
