using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Engine.Hypervisors;

/// <summary>
/// The steps of a vCPU that nobody else can tell from the ones before them: they touch what only this vCPU reads, go one way only, and
/// nothing can be delivered at their beginning. A search can take them together with the step before. The list is short on purpose: most
/// points stand where they are because somebody can look there.
/// </summary>
internal static class PrivateSteps
{
    /// <summary>Whether the next step of a vCPU is private.</summary>
    /// <param name="board">The wiring.</param>
    /// <param name="machine">The machine, in which the vCPU can take a step.</param>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="label">Where it is, so that a caller notices a loop.</param>
    public static bool IsNext(Board board, Machine machine, int vcpu, out ulong label)
    {
        ref var state = ref machine.Ref(board.Vcpus, vcpu);
        if (state.InGuest != 0)
        {
            ref var guest = ref machine.Fiber(board.GuestFiber(vcpu, state.Level)).Op;
            label = guest.Rip | 1UL << 63;
            return state.Level == 1 && guest.Kind is OperationKind.Work or OperationKind.Cli && IsUndisturbed(board, machine, vcpu);
        }

        ref var host = ref machine.Fiber(board.HostFiber(vcpu)).Op;
        label = host.Code;
        return host.Kind == OperationKind.Point && IsPrivate((At)host.Code, board);
    }

    /// <summary>
    /// The host's interrupts are off, the mode is published, and all that could abandon the entry has been looked at: the processor enters.
    /// In bhyve's monitor an exit comes before the access for which it was made.
    /// </summary>
    private static bool IsPrivate(At label, Board board) =>
        label is At.ExitArmed or At.VmcbProgrammed || (label == At.UserspaceExit && board.IsBhyve);

    /// <summary>
    /// The guest has IF = 0, and neither an NMI nor an exit that is not its own can come between two of its instructions.
    /// </summary>
    private static bool IsUndisturbed(Board board, Machine machine, int vcpu)
    {
        ref var state = ref machine.Ref(board.Vcpus, vcpu);
        return machine.Ref(board.Cores, Board.CoreIndex(vcpu, 1)).InterruptFlag == 0
            && state is { EntryPending: 0, HostInterrupts: HostInterrupts.None, SelfIpiAfter: 0 }
            && state.PreemptionDeadline.IsNever
            && board.KvmNmi.Count == 0
            && !board.Hypervisor.HoldsNmi(machine, vcpu);
    }
}
