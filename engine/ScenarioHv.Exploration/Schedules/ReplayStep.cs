using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Exploration.Schedules;

/// <summary>A step of a history that was replayed: whose it was, what it did, and what could have come in its place.</summary>
public sealed record ReplayStep
{
    /// <summary>Its number, from 1; where the clock stands still also the stamp of its trace events.</summary>
    public required long Number { get; init; }

    /// <summary>Whose step.</summary>
    public required Actor Actor { get; init; }

    /// <summary>Which of <see cref="Ways"/> it took, from 0.</summary>
    public required int Choice { get; init; }

    /// <summary>In how many ways it could have gone on, 1 or more.</summary>
    public required int Ways { get; init; }

    /// <summary>The actors that could act: bit n for actor n.</summary>
    public required ulong Enabled { get; init; }

    /// <summary>The guest whose operation it was: 1, or 2 for the guest's guest; 0 for a step of the host or of no CPU.</summary>
    public required int Level { get; init; }

    /// <summary>The operation of the guest that was next before the step; none for a step of the host or of no CPU.</summary>
    public required Operation Operation { get; init; }

    /// <summary>True if the operation has begun or retired in this step; false if the guest did not get so far.</summary>
    public required bool Executes { get; init; }

    /// <summary>What the word of shared memory held before the step, for an operation on one; else 0.</summary>
    public required ulong Shared { get; init; }

    /// <summary>True if an operation of a guest has retired.</summary>
    public required bool Retires { get; init; }

    /// <summary>True if the processor has left its guest.</summary>
    public required bool Exits { get; init; }

    /// <summary>The point of the host's code that it went on from; none for what is no thread of the host.</summary>
    public required At Left { get; init; }

    /// <summary>The point of the host's code at which it has stopped; none if it is no thread of the host, or runs its guest.</summary>
    public required At Reached { get; init; }

    /// <summary>vcpu->mode of each vCPU behind the step; empty but for KVM.</summary>
    public required IReadOnlyList<VcpuMode> Modes { get; init; }

    /// <summary>What it has changed, as far as interrupts are concerned.</summary>
    public required IReadOnlyList<StepEffect> Effects { get; init; }

    /// <summary>Its trace events.</summary>
    public required IReadOnlyList<TraceEvent> Events { get; init; }

    /// <summary>The safety property that it broke, by its name; null if none.</summary>
    public string? Property { get; init; }

    /// <summary>What has happened to that property; null if none was broken.</summary>
    public string? Violation { get; init; }
}

/// <summary>Looks at a machine before and behind a step.</summary>
internal sealed class StepObserver(Board board)
{
    private readonly Machine _before = new(board.Layout);

    /// <summary>The machine as it is before the step.</summary>
    public void Begin(Machine machine) => _before.CopyFrom(machine);

    /// <summary>The step, without its number and choices.</summary>
    public ReplayStep End(ScheduleWalk walk, Actor actor, IReadOnlyList<TraceEvent> events, RunResult? end)
    {
        var vcpu = actor.Index < board.Config.Vcpus ? actor.Index : -1;
        var isGuest = vcpu >= 0 && (!board.HasHypervisor || _before.Ref(board.Vcpus, vcpu).InGuest != 0);
        var level = isGuest ? _before.Ref(board.Vcpus, vcpu).Level : 0;
        var fiber = FiberOf(actor, vcpu);
        var operation = isGuest ? _before.Fiber(board.GuestFiber(vcpu, level)).Op : default;
        var isViolated = end is { Outcome: RunOutcome.Violated };
        return new ReplayStep
        {
            Number = walk.Steps,
            Actor = actor,
            Choice = walk.Choice,
            Ways = walk.Ways,
            Enabled = walk.Enabled,
            Level = level,
            Operation = operation,
            Executes = isGuest && (walk.HasRetired || HasBegun(operation, walk.Machine.Fiber(board.GuestFiber(vcpu, level)).Op)),
            Shared = operation.Kind is OperationKind.SharedRead or OperationKind.SharedWrite or OperationKind.SharedExchange
                ? _before.Ref(board.SharedWords(level), (int)operation.Code) : 0,
            Retires = walk.HasRetired,
            Exits = isGuest && board.HasHypervisor && walk.Machine.Ref(board.Vcpus, vcpu).InGuest == 0,
            Modes = [.. Enumerable.Range(0, board.Kvm.Count).Select(index => walk.Machine.Ref(board.Kvm, index).Mode)],
            Left = isGuest ? At.None : LabelOf(_before, fiber),
            Reached = LabelOf(walk.Machine, fiber),
            Effects = StepEffects.Of(board, _before, walk.Machine),
            Events = events,
            Property = isViolated ? end!.Property : null,
            Violation = isViolated ? end!.Reason : null,
        };
    }

    private static bool HasBegun(in Operation before, in Operation after) =>
        (before.Stage, after.Stage) == (OperationStage.Pending, OperationStage.Begun)
        && after.Kind == before.Kind
        && after.Rip == before.Rip;

    private FiberSlot? FiberOf(Actor actor, int vcpu) =>
        !board.HasHypervisor ? null
        : vcpu >= 0 ? board.HostFiber(vcpu)
        : actor.Name switch
        {
            "io" => board.IoFiber,
            "kworker" => board.WorkerFiber,
            _ => (FiberSlot?)null,
        };

    private static At LabelOf(Machine machine, FiberSlot? fiber) =>
        fiber is { } slot && machine.Fiber(slot).Op is { Kind: OperationKind.Point or OperationKind.Sleep } op ? (At)op.Code : At.None;
}
