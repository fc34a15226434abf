using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Virtualization.Vmx;

namespace ScenarioHv.Engine.Properties;

/// <summary>
/// <c>mirror</c> at the entry of a guest whose interrupts the processor delivers: RVI is the highest vector of IRR, SVI the highest of ISR,
/// and the EOI-exit bitmap the hypervisor's own set of vectors. A request that comes after the hypervisor has looked is announced by an
/// interrupt of the host: while one is pending, RVI and the bitmap may be older. TPR has no second copy in this model.
/// </summary>
internal static class MirrorChecks
{
    /// <summary>The processor enters the guest.</summary>
    public static void AtEntry(StepContext context, int vcpu, in Vmcs vmcs)
    {
        var (board, machine) = (context.Board, context.Machine);
        ref var apic = ref machine.Ref(board.Apics, vcpu);
        var announced = machine.Ref(board.Vcpus, vcpu).HostInterrupts != HostInterrupts.None;
        var (rvi, svi) = (Math.Max(0, apic.Irr.Highest), Math.Max(0, apic.Isr.Highest));
        if (vmcs.Rvi != rvi && !announced)
        {
            Fail(context, vcpu, vmcs.Rvi, MirrorFailure.Rvi, rvi);
        }

        if (vmcs.Svi != svi)
        {
            Fail(context, vcpu, vmcs.Svi, MirrorFailure.Svi, svi);
        }

        ref var forwarded = ref machine.Ref(board.Kvm, vcpu).HandledVectors;
        for (var word = 0; word < 4 && !announced; word++)
        {
            var differ = vmcs.EoiExitBitmap.Word64(word) ^ forwarded.Word64(word);
            if (differ != 0)
            {
                var vector = (word * 64) + System.Numerics.BitOperations.Log2(differ);
                Fail(context, vcpu, (byte)vector, MirrorFailure.EoiExitBitmap, forwarded.Contains((byte)vector) ? 1 : 0);
            }
        }
    }

    private static void Fail(StepContext context, int vcpu, byte vector, MirrorFailure copy, int expected) =>
        SafetyChecks.Fail(context, SafetyProperty.Mirror, vcpu, vector, (byte)copy, (uint)expected);
}
