using ScenarioHv.Engine.Guests;

namespace ScenarioHv.Engine.Properties;

/// <summary>
/// Tells the twins what happens, and holds every step against the safety properties. The first failure is kept in the machine.
/// </summary>
internal static class SafetyChecks
{
    /// <summary>A local APIC has accepted a fixed request.</summary>
    public static void Accepted(StepContext context, int vcpu, int vector) =>
        context.Machine.Ref(context.Board.Twins, vcpu).Accepted(vector);

    /// <summary>
    /// A monitor restores a vCPU: what its local APIC owed belongs to a past that did not happen, but for a vector that is written for
    /// injection. What the restored page asks for is accepted when it is loaded.
    /// </summary>
    public static void Restored(StepContext context, int vcpu)
    {
        ref var twin = ref context.Machine.Ref(context.Board.Twins, vcpu);
        twin = default;
        var injected = context.Machine.Ref(context.Board.Kvm, vcpu).InjectedVector;
        if (injected != 0)
        {
            twin.Accepted(injected);
        }
    }

    /// <summary>The guest takes a vector of its local APIC: its handler starts, or an exit acknowledges it.</summary>
    public static void Dispatched(StepContext context, int vcpu, int vector)
    {
        // The APIC's own error interrupt is raised inside an access to it, where no message is seen.
        var isError = vector == (context.Machine.Ref(context.Board.Apics, vcpu).LvtError & 0xff);
        if (!context.Machine.Ref(context.Board.Twins, vcpu).Dispatched(vector) && !isError)
        {
            Fail(context, SafetyProperty.Just, vcpu, (byte)vector);
        }
    }

    /// <summary>After each step: no owed request has got lost.</summary>
    public static void AfterStep(StepContext context)
    {
        var board = context.Board;
        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            var lost = context.Machine.Ref(board.Twins, vcpu).Lost(board.Hypervisor.Held(context.Machine, vcpu), injected: 0);
            if (lost >= 0)
            {
                Fail(context, SafetyProperty.Custody, vcpu, (byte)lost);
            }
        }
    }

    /// <summary>A property has failed.</summary>
    public static void Fail(StepContext context, SafetyProperty property, int vcpu, byte vector = 0, byte detail = 0)
    {
        ref var violation = ref context.Machine.Ref(context.Board.Check).Violation;
        if (!violation.Exists)
        {
            violation = new Violation { Property = property, Vcpu = (byte)vcpu, Vector = vector, Detail = detail };
        }
    }
}
