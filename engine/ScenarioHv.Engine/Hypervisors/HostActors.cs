using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors;

/// <summary>A vCPU: its host thread, and the guest that it carries, at whatever level.</summary>
internal sealed class VcpuActor(Board board, int vcpu) : Actor
{
    /// <inheritdoc/>
    public override string Name => $"vcpu{vcpu}";

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine) => machine.Ref(board.Vcpus, vcpu).ReadyAt;

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        if (context.Machine.Ref(board.Vcpus, vcpu).InGuest != 0)
        {
            board.Processor.Step(context, vcpu);
            return;
        }

        context.Vcpu = (byte)vcpu;
        context.Level = 0;
        context.Select(board.HostFiber(vcpu));
        context.Resume(context.Machine.Fiber(board.HostFiber(vcpu)).Op.Value);
    }
}

/// <summary>The monitor's I/O thread.</summary>
internal sealed class IoThreadActor(Board board) : Actor
{
    /// <inheritdoc/>
    public override string Name => "io";

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine)
    {
        ref var io = ref machine.Ref(board.Io);
        return machine.Fiber(board.IoFiber).Op.Kind == OperationKind.Sleep
            ? Instant.Min(io.DelayedService, Stimuli.Next(board, machine))
            : io.ReadyAt;
    }

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        context.Vcpu = 255;
        context.Level = 0;
        context.Select(board.IoFiber);
        context.Resume(0);
    }
}

/// <summary>The kernel's worker, where a policy leaves something to it.</summary>
internal sealed class WorkerActor(Board board) : Actor
{
    /// <inheritdoc/>
    public override string Name => "kworker";

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine) => machine.Ref(board.Worker);

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        context.Vcpu = 255;
        context.Level = 0;
        context.Select(board.WorkerFiber);
        context.Resume(0);
    }
}
