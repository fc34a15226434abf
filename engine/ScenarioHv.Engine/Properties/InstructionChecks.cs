using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Engine.Properties;

/// <summary>
/// What the guest does with its local APIC, taken from its own instructions as they retire: whoever carries them out, the twin's EOI and
/// TPR are these. What an instruction has read has to be what the twin says (<see cref="SafetyProperty.Mirror"/>).
/// </summary>
internal static class InstructionChecks
{
    private const uint IcrModeAndShorthand = 0xc_0700;
    private const uint FixedToSelf = 0x4_0000;
    private const uint X2ApicMsr = LocalApic.FirstX2ApicMsr;

    /// <summary>An instruction retires.</summary>
    /// <param name="context">The step; its level is that of the instruction.</param>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="operation">The instruction.</param>
    /// <param name="result">What it yields.</param>
    public static void Retired(StepContext context, int vcpu, in Operation operation, ulong result)
    {
        ref var twin = ref context.Machine.Ref(context.Board.Twins, vcpu);
        twin.InstructionRetired();
        if (context.Level != 1)
        {
            return;
        }

        switch (operation.Kind)
        {
            case OperationKind.Eoi:
                Eoi(context, vcpu, ref twin);
                break;
            case OperationKind.AssistEoi when result != 0:
                Eoi(context, vcpu, ref twin);
                break;
            case OperationKind.WriteMsr:
                MsrWritten(context, vcpu, ref twin, operation);
                break;
            case OperationKind.WriteCr8:
                twin.WriteTpr((byte)(operation.Value << 4));
                break;
            case OperationKind.ReadCr8:
                Require(context, vcpu, result == (ulong)(twin.Tpr >> 4), MirrorFailure.TprRead, (uint)(twin.Tpr >> 4));
                break;
            case OperationKind.MmioWrite or OperationKind.MmioRead when IsRegister(context.Machine, vcpu, context, operation):
                Access(context, vcpu, ref twin, operation, (uint)result);
                break;
        }
    }

    private static bool IsRegister(Machine machine, int vcpu, StepContext context, in Operation operation) =>
        operation.Code >> 12 == MsiFormat.Address >> 12
        && (operation.Code & 0xf) == 0
        && machine.Ref(context.Board.Apics, vcpu).Mode == ApicMode.XApic;

    private static void Access(StepContext context, int vcpu, ref Twin twin, in Operation operation, uint result)
    {
        var offset = (int)(operation.Code & 0xfff);
        if (operation.Kind == OperationKind.MmioRead)
        {
            Read(context, vcpu, twin, offset, result);
            return;
        }

        switch (offset)
        {
            case LocalApicRegister.Eoi:
                Eoi(context, vcpu, ref twin);
                break;
            case LocalApicRegister.Tpr:
                twin.WriteTpr((byte)operation.Value);
                break;
            case LocalApicRegister.IcrLow when ((uint)operation.Value & IcrModeAndShorthand) == FixedToSelf:
                twin.SentToSelf((byte)operation.Value);
                break;
        }
    }

    /// <summary>The doors beside the page: Hyper-V's MSRs, where the guest is offered them, and x2APIC's.</summary>
    private static void MsrWritten(StepContext context, int vcpu, ref Twin twin, in Operation operation)
    {
        var isX2Apic = context.Machine.Ref(context.Board.Apics, vcpu).Mode == ApicMode.X2Apic;
        var isHyperv = context.Board.Assists.Count > 0;
        switch (operation.Code)
        {
            case HypervApicMsrs.Eoi when isHyperv:
            case X2ApicMsr + (LocalApicRegister.Eoi >> 4) when isX2Apic:
                Eoi(context, vcpu, ref twin);
                break;
            case HypervApicMsrs.Tpr when isHyperv:
            case X2ApicMsr + (LocalApicRegister.Tpr >> 4) when isX2Apic:
                twin.WriteTpr((byte)operation.Value);
                break;
            case HypervApicMsrs.Icr when isHyperv && ((uint)operation.Value & IcrModeAndShorthand) == FixedToSelf:
            case X2ApicMsr + (LocalApicRegister.IcrLow >> 4) when isX2Apic && ((uint)operation.Value & IcrModeAndShorthand) == FixedToSelf:
            case X2ApicMsr + (LocalApicRegister.SelfIpi >> 4) when isX2Apic:
                twin.SentToSelf((byte)operation.Value);
                break;
        }
    }

    private static void Read(StepContext context, int vcpu, in Twin twin, int offset, uint value)
    {
        switch (offset)
        {
            case LocalApicRegister.Tpr:
                Require(context, vcpu, value == twin.Tpr, MirrorFailure.TprRead, twin.Tpr);
                break;
            case LocalApicRegister.Ppr:
                Require(context, vcpu, value == twin.Ppr, MirrorFailure.PprRead, twin.Ppr);
                break;
            case >= LocalApicRegister.Isr and < LocalApicRegister.Tmr:
                var isr = (offset - LocalApicRegister.Isr) >> 4;
                Require(context, vcpu, twin.AllowsIsr(isr, value), MirrorFailure.IsrRead, twin.InService.Word32(isr));
                break;
            case >= LocalApicRegister.Irr and < LocalApicRegister.Esr:
                var irr = (offset - LocalApicRegister.Irr) >> 4;
                var error = (byte)context.Machine.Ref(context.Board.Apics, vcpu).LvtError;
                var known = error >> 5 == irr ? value & ~(1u << (error & 31)) : value;
                Require(context, vcpu, twin.AllowsIrr(irr, known), MirrorFailure.IrrRead, twin.Owed.Word32(irr));
                break;
        }
    }

    private static void Eoi(StepContext context, int vcpu, ref Twin twin)
    {
        twin.Eoi();
        ref var apic = ref context.Machine.Ref(context.Board.Apics, vcpu);
        if (apic.SuppressesEoiBroadcast)
        {
            LevelChecks.Excuse(context, twin.Ended, LevelExcuse.DirectedEoi);
        }
    }

    private static void Require(StepContext context, int vcpu, bool agrees, MirrorFailure copy, uint expected)
    {
        if (!agrees)
        {
            SafetyChecks.Fail(context, SafetyProperty.Mirror, vcpu, detail: (byte)copy, expected: expected);
        }
    }
}
