using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors;

/// <summary>
/// Where the clock stands still, what only has a moment becomes an actor: its one step is that the moment comes. Timers that act by
/// themselves are actors anyway.
/// </summary>
internal static class Moments
{
    /// <summary>The actors of a board that stand for moments only.</summary>
    public static IEnumerable<Actor> Of(Board board)
    {
        if (board.Config.Time is null)
        {
            yield break;
        }

        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            if (board.HasHypervisor)
            {
                yield return new HostIpiActor(board, vcpu);
            }

            if (board.IsKvm && board.Config.Vendor == Configuration.CpuVendor.Intel && board.L2 is not null)
            {
                yield return new PreemptionTimerActor(board, vcpu);
            }

            if (board.Avic.Count > 0)
            {
                yield return new DoorbellActor(board, vcpu);
            }

            if (board.KvmNmi.Count > 0)
            {
                yield return new BlockedNmiActor(board, vcpu);
            }

            for (var level = 1; level <= (board.L2 is null ? 1 : 2); level++)
            {
                if (board.Guest(level)!.KeepsInstants)
                {
                    yield return new GuestDeadlineActor(board, vcpu, level);
                }
            }
        }

        if (board.HasHypervisor)
        {
            if (board.Config.IoApicEoi.CanDelay)
            {
                yield return new DelayedServiceActor(board);
            }

            if (board.Config.Timeline.Count > 0)
            {
                yield return new StimulusActor(board);
            }
        }
    }
}

/// <summary>A moment in the machine that has not come.</summary>
internal abstract class MomentActor : Actor
{
    /// <inheritdoc/>
    internal override MomentKind Moment => MomentKind.Armed;

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine) => At(machine) is var at && at.Cycle > machine.Now ? at : Instant.Never;

    /// <summary>The moment; one in the past is over.</summary>
    protected abstract Instant At(Machine machine);
}

/// <summary>An interrupt of the host under way to the CPU of a vCPU: it arrives.</summary>
internal sealed class HostIpiActor(Board board, int vcpu) : MomentActor
{
    /// <inheritdoc/>
    public override string Name => $"ipi{vcpu}";

    /// <inheritdoc/>
    internal override MomentKind Moment => MomentKind.UnderWay;

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        context.Machine.Ref(board.Vcpus, vcpu).HostInterruptAt = new Instant(context.Machine.Now);
        board.Processor.Pull(context.Machine, vcpu, new Instant(context.Machine.Now));
    }

    /// <inheritdoc/>
    protected override Instant At(Machine machine) => machine.Ref(board.Vcpus, vcpu).HostInterruptAt;
}

/// <summary>The VMX-preemption timer of a vCPU: it reaches 0.</summary>
internal sealed class PreemptionTimerActor(Board board, int vcpu) : MomentActor
{
    /// <inheritdoc/>
    public override string Name => $"preemption-timer{vcpu}";

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        context.Machine.Ref(board.Vcpus, vcpu).PreemptionDeadline = new Instant(context.Machine.Now);
        board.Processor.Pull(context.Machine, vcpu, new Instant(context.Machine.Now));
    }

    /// <inheritdoc/>
    protected override Instant At(Machine machine) => machine.Ref(board.Vcpus, vcpu).PreemptionDeadline;
}

/// <summary>AVIC's doorbell under way to the CPU of a vCPU: it arrives.</summary>
internal sealed class DoorbellActor(Board board, int vcpu) : MomentActor
{
    /// <inheritdoc/>
    public override string Name => $"doorbell{vcpu}";

    /// <inheritdoc/>
    internal override MomentKind Moment => MomentKind.UnderWay;

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        context.Machine.Ref(board.Avic, vcpu).DoorbellAt = new Instant(context.Machine.Now);
        board.Processor.Pull(context.Machine, vcpu, new Instant(context.Machine.Now));
    }

    /// <inheritdoc/>
    protected override Instant At(Machine machine) => machine.Ref(board.Avic, vcpu).DoorbellAt;
}

/// <summary>The time after which KVM no longer believes in a blocked NMI (vnmi_blocked_time): it is over.</summary>
internal sealed class BlockedNmiActor(Board board, int vcpu) : MomentActor
{
    /// <inheritdoc/>
    public override string Name => $"vnmi-clock{vcpu}";

    /// <inheritdoc/>
    public override void Step(StepContext context) =>
        context.Machine.Ref(board.KvmNmi, vcpu).Deadline = new Instant(context.Machine.Now - 1);

    /// <inheritdoc/>
    protected override Instant At(Machine machine) => machine.Ref(board.KvmNmi, vcpu).Deadline;
}

/// <summary>A deadline that a guest's script has kept: the earliest passes.</summary>
internal sealed class GuestDeadlineActor(Board board, int vcpu, int level) : MomentActor
{
    /// <inheritdoc/>
    public override string Name => level == 1 ? $"deadline{vcpu}" : $"deadline{vcpu}-l2";

    /// <inheritdoc/>
    public override void Step(StepContext context) =>
        GuestInstants.Pass(board, context.Machine, vcpu, level, At(context.Machine), new Instant(context.Machine.Now));

    /// <inheritdoc/>
    protected override Instant At(Machine machine) => GuestInstants.Earliest(board, machine, vcpu, level);
}

/// <summary>The I/O APIC's delayed service: it is due.</summary>
internal sealed class DelayedServiceActor(Board board) : MomentActor
{
    /// <inheritdoc/>
    public override string Name => "eoi-delay";

    /// <inheritdoc/>
    public override void Step(StepContext context) =>
        context.Machine.Ref(board.Io).DelayedService = new Instant(context.Machine.Now);

    /// <inheritdoc/>
    protected override Instant At(Machine machine) => machine.Ref(board.Io).DelayedService;
}

/// <summary>The outside world: one of its next stimuli comes, and the monitor's thread will find it.</summary>
internal sealed class StimulusActor(Board board) : Actor
{
    /// <inheritdoc/>
    public override string Name => "outside";

    /// <inheritdoc/>
    public override bool IsOutside => true;

    /// <inheritdoc/>
    internal override MomentKind Moment => MomentKind.Outside;

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine) => Stimuli.CanCome(board, machine) != 0 ? new Instant(machine.Now) : Instant.Never;

    /// <inheritdoc/>
    public override void Step(StepContext context) => Stimuli.Come(context);
}
