using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors.BareMetal;

/// <summary>An interrupt message under way between chips.</summary>
public struct BusMessage
{
    /// <summary>How many can be under way at once.</summary>
    public const int Capacity = 32;

    /// <summary>When it arrives; never if this place is free.</summary>
    public Instant Due;

    /// <summary>The message.</summary>
    public ApicMessage Message;

    /// <summary>The I/O APIC pin that sent it; -1 for a device's own message.</summary>
    public int Pin;

    /// <summary>For the layout only: always 0.</summary>
    public int Reserved;
}

/// <summary>A processor and the guest that runs on it.</summary>
internal sealed class CpuActor(Board board, int vcpu) : Actor
{
    /// <inheritdoc/>
    public override string Name => $"cpu{vcpu}";

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine) => machine.Ref(board.Vcpus, vcpu).ReadyAt;

    /// <inheritdoc/>
    public override void Step(StepContext context) => board.Processor.Step(context, vcpu);
}

/// <summary>The outside world: what happens to devices.</summary>
internal sealed class OutsideActor(Board board) : Actor
{
    /// <inheritdoc/>
    public override string Name => "outside";

    /// <inheritdoc/>
    public override bool IsOutside => true;

    /// <inheritdoc/>
    internal override MomentKind Moment => MomentKind.Outside;

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine) => board.Config.Time is null ? Stimuli.Next(board, machine)
        : Stimuli.CanCome(board, machine) != 0 ? new Instant(machine.Now) : Instant.Never;

    /// <inheritdoc/>
    internal override void Come(StepContext context) => Stimuli.Come(context);

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        context.Vcpu = 255;
        var stimulus = Stimuli.TakeDue(board, context.Machine);
        var output = board.Devices.Apply(context, board.Config.Timeline[stimulus], out var message);
        ((BareMetalHypervisor)board.Hypervisor).Send(context, output, message);
    }
}

/// <summary>The wires between the chips: a message arrives at the local APICs.</summary>
internal sealed class BusActor(Board board) : Actor
{
    /// <inheritdoc/>
    public override string Name => "bus";

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine)
    {
        var next = Instant.Never;
        foreach (ref var message in machine.Span(board.BusMessages))
        {
            next = Instant.Min(next, message.Due);
        }

        return next;
    }

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        var machine = context.Machine;
        context.Vcpu = 255;
        var due = ReadyAt(machine);
        var turn = context.Choose(CountDue(machine, due));
        foreach (ref var slot in machine.Span(board.BusMessages))
        {
            if (slot.Due != due || turn-- > 0)
            {
                continue;
            }

            var (message, pin) = (slot.Message, slot.Pin);
            slot = new BusMessage { Due = Instant.Never };
            var accepted = ((BareMetalHypervisor)board.Hypervisor).Deliver(context, message, MessageSource.Device);
            if (pin >= 0)
            {
                board.IoApicOf(machine).Dispatched(pin, accepted);
            }

            return;
        }
    }

    private int CountDue(Machine machine, Instant due)
    {
        var count = 0;
        foreach (ref var message in machine.Span(board.BusMessages))
        {
            count += message.Due == due ? 1 : 0;
        }

        return count;
    }
}
