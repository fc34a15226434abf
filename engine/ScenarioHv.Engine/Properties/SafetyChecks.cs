using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Properties;

/// <summary>
/// Tells the twins what happens, and holds every step against the safety properties. The first failure is kept in the machine.
/// What a guest's instructions tell is in <see cref="InstructionChecks"/>, what concerns pins in <see cref="LevelChecks"/>, what is
/// compared at an entry in <see cref="MirrorChecks"/>.
/// </summary>
internal static class SafetyChecks
{
    /// <summary>A local APIC has accepted a fixed request.</summary>
    /// <param name="context">The step.</param>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="vector">The vector.</param>
    /// <param name="level">True for a level message; what the local APIC itself requests is edge.</param>
    public static void Accepted(StepContext context, int vcpu, int vector, bool level = false)
    {
        Twin(context, vcpu).Accepted(vector);
        if (!level)
        {
            // TMR follows the latest message: a guest that gives a level pin's vector to an edge source as well may lose the broadcast.
            LevelChecks.Excuse(context, (byte)vector, LevelExcuse.SharedVector);
        }
    }

    /// <summary>A CPU has accepted an NMI.</summary>
    public static void NmiAccepted(StepContext context, int vcpu) => Twin(context, vcpu).NmiAccepted();

    /// <summary>
    /// A hypervisor has chosen the vector that is dispatched next, in a step before the dispatch: called before the vector leaves IRR.
    /// </summary>
    public static void Committed(StepContext context, int vcpu, int vector) =>
        Twin(context, vcpu).Committed(vector, context.Machine.Ref(context.Board.Apics, vcpu).Irr);

    /// <summary>The processor has chosen by what it was told (RVI): <see cref="MirrorChecks"/> holds that against IRR.</summary>
    public static void CommittedByProcessor(StepContext context, int vcpu, int vector) =>
        Twin(context, vcpu).CommittedByProcessor(vector);

    /// <summary>
    /// The delivery of an event has begun, and an exit has cut it short. If it is a vector of the local APIC, nothing outranks it any more
    /// when it is begun again; the others have vectors below 16.
    /// </summary>
    public static void DeliveryCutShort(StepContext context, int vcpu, int vector)
    {
        if (vector >= 16)
        {
            Twin(context, vcpu).DeliveryCutShort(vector);
        }
    }

    /// <summary>
    /// A monitor begins to restore a vCPU: what its local APIC was asked for belongs to a past that did not happen, but for a vector that
    /// is written for injection.
    /// </summary>
    public static void RestoreBegins(StepContext context, int vcpu)
    {
        ref var twin = ref Twin(context, vcpu);
        twin.ForgetRequests();
        var injected = context.Machine.Ref(context.Board.Kvm, vcpu).InjectedVector;
        if (injected != 0)
        {
            twin.Accepted(injected);
        }
    }

    /// <summary>A local APIC is being saved: a vector that is owed and not in the page will be lost by a restore.</summary>
    /// <param name="context">The step.</param>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="irr">The IRR of the saved page.</param>
    /// <returns>The highest such vector; 0 if there is none. One that is written for injection is saved beside the page.</returns>
    public static ulong MissingIn(StepContext context, int vcpu, in Register256 irr)
    {
        var missing = Twin(context, vcpu).Owed.Except(VectorBits.Of(irr));
        missing.Clear(context.Machine.Ref(context.Board.Kvm, vcpu).InjectedVector);
        return (ulong)Math.Max(missing.Highest, 0);
    }

    /// <summary>
    /// The restored page is in the local APIC: what it asks for is owed, what it has in service the guest has begun.
    /// </summary>
    /// <param name="context">The step.</param>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="missing">What <see cref="MissingIn"/> found when the page was saved.</param>
    public static void Restored(StepContext context, int vcpu, ulong missing)
    {
        if (missing != 0)
        {
            Fail(context, SafetyProperty.Snapshot, vcpu, (byte)missing);
        }

        ref var apic = ref context.Machine.Ref(context.Board.Apics, vcpu);
        Twin(context, vcpu).Load(apic, context.Machine.Ref(context.Board.Kvm, vcpu).InjectedVector);
    }

    /// <summary>The guest takes a vector of its local APIC: its handler starts, or an exit acknowledges it.</summary>
    /// <param name="context">The step.</param>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="vector">The vector.</param>
    /// <param name="autoEoi">True if that ends the interrupt as well.</param>
    public static void Dispatched(StepContext context, int vcpu, int vector, bool autoEoi = false)
    {
        ref var twin = ref Twin(context, vcpu);
        ref var apic = ref context.Machine.Ref(context.Board.Apics, vcpu);
        var abovePpr = vector >> 4 > twin.Ppr >> 4;
        var outranking = twin.OutrankedBy(vector, apic.Irr);
        switch (twin.Dispatched(vector, autoEoi))
        {
            // The APIC's own error interrupt is raised inside an access to it, where no message is seen.
            case Justification.NeverRequested when !IsError(apic, vector):
                Fail(context, SafetyProperty.Just, vcpu, (byte)vector);
                break;
            case Justification.AlreadyServed when !IsError(apic, vector):
                Fail(context, SafetyProperty.Once, vcpu, (byte)vector);
                break;
        }

        if (!abovePpr)
        {
            Fail(context, SafetyProperty.Priority, vcpu, (byte)vector, (byte)PriorityFailure.BelowPpr);
        }
        else if (outranking >= 0)
        {
            Fail(context, SafetyProperty.Priority, vcpu, (byte)vector, (byte)PriorityFailure.Outranked, (uint)outranking);
        }
    }

    /// <summary>An interrupt is injected into a guest that cannot take one.</summary>
    public static void InjectedWhileClosed(StepContext context, int vcpu, byte vector) =>
        Fail(context, SafetyProperty.Priority, vcpu, vector, (byte)PriorityFailure.InterruptsOff);

    /// <summary>The handler of an NMI starts.</summary>
    public static void NmiDispatched(StepContext context, int vcpu)
    {
        var failure = Twin(context, vcpu).NmiDispatched(context.Level);
        if (failure != NmiFailure.None)
        {
            Fail(context, SafetyProperty.Nmi, vcpu, detail: (byte)failure);
        }
    }

    /// <summary>The guest returns from a handler.</summary>
    public static void Iret(StepContext context, int vcpu)
    {
        ref var twin = ref Twin(context, vcpu);
        twin.InstructionRetired();
        twin.Iret(context.Level);
    }

    /// <summary>
    /// A message goes to those CPUs. A fixed one, and every one that is not lowest priority, reaches all that its destination names; one of
    /// lowest priority exactly one of them that is enabled. (A physical broadcast of lowest priority is not allowed, and reaches anybody.)
    /// </summary>
    /// <param name="context">The step.</param>
    /// <param name="message">The message.</param>
    /// <param name="source">Who sends it.</param>
    /// <param name="targets">Bit v: it reaches vCPU v.</param>
    public static void Routed(StepContext context, in ApicMessage message, MessageSource source, uint targets)
    {
        uint named = 0, enabled = 0;
        for (var vcpu = 0; vcpu < context.Board.Config.Vcpus; vcpu++)
        {
            ref var apic = ref context.Machine.Ref(context.Board.Apics, vcpu);
            var isNamed = source.IsIpi
                ? apic.IsAddressedBy(new IpiRequest(message, source.Shorthand), vcpu == source.Sender)
                : apic.Matches(message);
            named |= isNamed ? 1u << vcpu : 0;
            enabled |= isNamed && apic.IsSoftwareEnabled ? 1u << vcpu : 0;
        }

        var isLowest = message.Mode == DeliveryMode.LowestPriority || message.HasRedirectionHint;
        var wrong = !isLowest ? targets ^ named
            : (targets & ~named) != 0 ? targets & ~named
            : targets == 0 ? enabled
            : message.IsLogical || message.Destination != 0xff ? targets & (targets - 1)
            : 0;
        if (wrong != 0)
        {
            var vcpu = System.Numerics.BitOperations.TrailingZeroCount(wrong);
            Fail(context, SafetyProperty.Destination, vcpu, message.Vector, expected: named);
        }
    }

    /// <summary>After each step: no owed request has got lost.</summary>
    public static void AfterStep(StepContext context)
    {
        var board = context.Board;
        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            ref var twin = ref context.Machine.Ref(board.Twins, vcpu);
            if (!twin.OwesOnly(context.Machine.Ref(board.Apics, vcpu).Irr))
            {
                var lost = twin.Owed.Except(VectorBits.Of(board.Hypervisor.Held(context.Machine, vcpu)));
                if (!lost.IsEmpty)
                {
                    Fail(context, SafetyProperty.Custody, vcpu, (byte)lost.Highest);
                }
            }

            if (twin.OwesNmi && !board.Hypervisor.HoldsNmi(context.Machine, vcpu))
            {
                Fail(context, SafetyProperty.Nmi, vcpu, detail: (byte)NmiFailure.Lost);
            }
        }

        LevelChecks.AfterStep(context);
    }

    /// <summary>A property has failed.</summary>
    public static void Fail(
        StepContext context, SafetyProperty property, int vcpu, byte vector = 0, byte detail = 0, uint expected = 0)
    {
        ref var violation = ref context.Machine.Ref(context.Board.Check).Violation;
        if (!violation.Exists)
        {
            violation = new Violation
            {
                Property = property,
                Vcpu = (byte)vcpu,
                Vector = vector,
                Detail = detail,
                Expected = expected,
            };
        }
    }

    /// <summary>True for the vector of the local APIC's own error interrupt.</summary>
    public static bool IsError(in LocalApic apic, int vector) => vector == (byte)apic.LvtError;

    private static ref Twin Twin(StepContext context, int vcpu) => ref context.Machine.Ref(context.Board.Twins, vcpu);
}
