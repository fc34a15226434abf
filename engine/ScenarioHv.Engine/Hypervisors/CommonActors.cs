using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors;

/// <summary>The timer of a local APIC: a host timer under KVM, a part of the chip on bare metal.</summary>
internal sealed class ApicTimerActor(Board board, int vcpu) : Actor
{
    /// <inheritdoc/>
    public override string Name => $"apic-timer{vcpu}";

    /// <inheritdoc/>
    internal override MomentKind Moment => MomentKind.Armed;

    /// <inheritdoc/>
    internal override int HoldsUp => vcpu;

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine) => machine.Ref(board.Apics, vcpu).TimerDeadline;

    /// <inheritdoc/>
    internal override void Come(StepContext context)
    {
        ref var deadline = ref context.Machine.Ref(board.Apics, vcpu).TimerDeadline;
        deadline = Instant.Min(deadline, new Instant(context.Machine.Now));
    }

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        context.Vcpu = (byte)vcpu;
        board.Hypervisor.TimerExpired(context, vcpu);
    }
}

/// <summary>The host's tick on the CPU of a vCPU.</summary>
internal sealed class HostTickActor(Board board, int vcpu) : Actor
{
    /// <inheritdoc/>
    public override string Name => $"host-tick{vcpu}";

    /// <inheritdoc/>
    public override bool IsOutside => true;

    /// <inheritdoc/>
    internal override MomentKind Moment => MomentKind.Armed;

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine) => machine.Ref(board.HostTicks, vcpu);

    /// <inheritdoc/>
    internal override void Come(StepContext context) =>
        context.Machine.Ref(board.HostTicks, vcpu) = new Instant(context.Machine.Now);

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        context.Vcpu = (byte)vcpu;
        context.Machine.Ref(board.HostTicks, vcpu) += board.Config.TscHz / board.Config.HostTickHz;
        board.Hypervisor.HostTick(context, vcpu);
    }
}
