using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Hypervisors.Kvm;

/// <summary>
/// One store of a vCPU's thread that others do not see yet: what a processor may keep back behind later loads if there is no barrier
/// (SDM3 8.2.3.4). All other stores of hypervisors are seen at once. It holds vcpu->mode, which is the one word whose barrier a policy can
/// leave out.
/// </summary>
public struct StoreBuffer
{
    /// <summary>When the store becomes visible; never if there is none.</summary>
    public Instant DrainsAt;

    /// <summary>The mode that was stored.</summary>
    public VcpuMode Mode;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved2;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved3;
}

/// <summary>The store buffer of the processor on which a vCPU's thread runs: its store becomes visible.</summary>
internal sealed class StoreBufferActor(Board board, int vcpu) : Actor
{
    /// <inheritdoc/>
    public override string Name => $"store-buffer{vcpu}";

    /// <inheritdoc/>
    internal override MomentKind Moment => MomentKind.UnderWay;

    /// <inheritdoc/>
    public override Instant ReadyAt(Machine machine) => machine.Ref(board.StoreBuffers, vcpu).DrainsAt;

    /// <inheritdoc/>
    public override void Step(StepContext context)
    {
        ref var buffer = ref context.Machine.Ref(board.StoreBuffers, vcpu);
        context.Machine.Ref(board.Kvm, vcpu).Mode = buffer.Mode;
        buffer = new StoreBuffer { DrainsAt = Instant.Never };
    }
}
