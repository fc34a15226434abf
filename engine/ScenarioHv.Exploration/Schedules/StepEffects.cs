using ScenarioHv.Engine.Hypervisors.Bhyve;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Exploration.Schedules;

/// <summary>What a step has changed.</summary>
public enum EffectKind : byte
{
    /// <summary>A line goes low (0) or high (1): the number is its GSI.</summary>
    Line,

    /// <summary>Remote IRR of a pin of the I/O APIC.</summary>
    RemoteIrr,

    /// <summary>A vector's bit in PIR of a vCPU's posted-interrupt descriptor.</summary>
    Pir,

    /// <summary>ON of the descriptor.</summary>
    On,

    /// <summary>SN of the descriptor.</summary>
    Sn,

    /// <summary>A vector's bit in IRR of a vCPU's local APIC.</summary>
    Irr,

    /// <summary>A vector's bit in ISR.</summary>
    Isr,

    /// <summary>The task priority, with its new value.</summary>
    Tpr,

    /// <summary>The vector that KVM has injected and not yet seen delivered; 0 for none any more.</summary>
    Injected,

    /// <summary>The vector that bhyve has moved from IRR to V_IRQ; 0 for none any more.</summary>
    Offered,

    /// <summary>NMIs that wait for the vCPU.</summary>
    NmiPending,

    /// <summary>vcpu->mode, with its new value (<see cref="VcpuMode"/>).</summary>
    Mode,

    /// <summary>bhyve's vcpu->state, with its new value (<see cref="BhyveRunState"/>).</summary>
    RunState,

    /// <summary>Requests to the vCPU that were made (<see cref="KvmRequests"/>).</summary>
    Requests,

    /// <summary>Interrupts of the host that were sent to the vCPU's CPU (<see cref="HostInterrupts"/>).</summary>
    HostInterrupt,

    /// <summary>RVI of the control structure of L1, with its new value.</summary>
    Rvi,

    /// <summary>SVI, likewise.</summary>
    Svi,

    /// <summary>IF of the guest that runs on a vCPU.</summary>
    InterruptFlag,

    /// <summary>The timer of a vCPU's local APIC is armed (1) or not (0).</summary>
    Timer,

    /// <summary>What the monitor has begun to want of a vCPU's thread (<see cref="MonitorWish"/>).</summary>
    Wish,

    /// <summary>A line of the timeline: it comes (1), or has been seen to (0). The number is its place.</summary>
    Stimulus,

    /// <summary>A word of the memory that vCPUs share, with its new value; the number is its place.</summary>
    Shared,
}

/// <summary>One thing that a step has changed.</summary>
/// <param name="Kind">What.</param>
/// <param name="Number">Of which vCPU, or pin, or GSI.</param>
/// <param name="Vector">The vector; 0 if the kind has none.</param>
/// <param name="Value">1 or 0 for a bit that was set or cleared, else the new value.</param>
public readonly record struct StepEffect(EffectKind Kind, int Number, int Vector, ulong Value);

/// <summary>Finds what a step has changed, by holding the machine behind it against the machine before it.</summary>
internal static class StepEffects
{
    /// <summary>The changes, those outside the vCPUs first.</summary>
    public static IReadOnlyList<StepEffect> Of(Board board, Machine before, Machine after)
    {
        var effects = new List<StepEffect>();
        for (var gsi = 0; gsi < board.GsiLines.Count; gsi++)
        {
            Bit(effects, EffectKind.Line, gsi, before.Ref(board.GsiLines, gsi).IsHigh, after.Ref(board.GsiLines, gsi).IsHigh);
            Bit(
                effects,
                EffectKind.RemoteIrr,
                gsi,
                before.Ref(board.IoApicPins, gsi).Entry.RemoteIrr,
                after.Ref(board.IoApicPins, gsi).Entry.RemoteIrr);
        }

        for (var line = 0; line < board.Stimuli.Count; line++)
        {
            var (from, to) = (before.Ref(board.Stimuli, line).Next, after.Ref(board.Stimuli, line).Next);
            var isAnnounced = from.IsNever && to.Cycle > after.Now;
            if (from != to && !isAnnounced)
            {
                effects.Add(new StepEffect(EffectKind.Stimulus, line, 0, to.Cycle <= after.Now ? 1UL : 0UL));
            }
        }

        for (var vcpu = 0; vcpu < board.Config.Vcpus; vcpu++)
        {
            Posted(effects, board, before, after, vcpu);
            Apic(effects, board, before, after, vcpu);
            Hypervisor(effects, board, before, after, vcpu);
            Processor(effects, board, before, after, vcpu);
        }

        for (var level = 1; level <= (board.L2 is null ? 1 : 2); level++)
        {
            Shared(effects, before.Span(board.SharedWords(level)), after.Span(board.SharedWords(level)));
        }

        return effects;
    }

    private static void Posted(List<StepEffect> effects, Board board, Machine before, Machine after, int vcpu)
    {
        if (board.PostedInterrupts.Count == 0)
        {
            return;
        }

        ref var from = ref before.Ref(board.PostedInterrupts, vcpu);
        ref var to = ref after.Ref(board.PostedInterrupts, vcpu);
        Register256 old = default, now = default;
        from.AddTo(ref old);
        to.AddTo(ref now);
        Vectors(effects, EffectKind.Pir, vcpu, old, now);
        Bit(effects, EffectKind.On, vcpu, from.On != 0, to.On != 0);
        Bit(effects, EffectKind.Sn, vcpu, from.Sn != 0, to.Sn != 0);
    }

    private static void Apic(List<StepEffect> effects, Board board, Machine before, Machine after, int vcpu)
    {
        ref var from = ref before.Ref(board.Apics, vcpu);
        ref var to = ref after.Ref(board.Apics, vcpu);
        Vectors(effects, EffectKind.Irr, vcpu, from.Irr, to.Irr);
        Vectors(effects, EffectKind.Isr, vcpu, from.Isr, to.Isr);
        Value(effects, EffectKind.Tpr, vcpu, from.Tpr, to.Tpr);
        Bit(effects, EffectKind.Timer, vcpu, !from.TimerDeadline.IsNever, !to.TimerDeadline.IsNever);
    }

    private static void Hypervisor(List<StepEffect> effects, Board board, Machine before, Machine after, int vcpu)
    {
        if (board.IsKvm)
        {
            ref var from = ref before.Ref(board.Kvm, vcpu);
            ref var to = ref after.Ref(board.Kvm, vcpu);
            Value(effects, EffectKind.Injected, vcpu, from.InjectedVector, to.InjectedVector);
            Value(effects, EffectKind.NmiPending, vcpu, from.NmiPending, to.NmiPending);
            Value(effects, EffectKind.Mode, vcpu, (ulong)from.Mode, (ulong)to.Mode);
            Value(effects, EffectKind.Wish, vcpu, 0, (ulong)(to.Wishes & ~from.Wishes));
            Value(effects, EffectKind.Requests, vcpu, 0, (ulong)(to.Requests & ~from.Requests));
        }
        else if (board.IsBhyve)
        {
            ref var from = ref before.Ref(board.Bhyve, vcpu);
            ref var to = ref after.Ref(board.Bhyve, vcpu);
            Value(effects, EffectKind.Offered, vcpu, from.OfferedVector, to.OfferedVector);
            Value(effects, EffectKind.RunState, vcpu, (ulong)from.State, (ulong)to.State);
        }
    }

    private static void Processor(List<StepEffect> effects, Board board, Machine before, Machine after, int vcpu)
    {
        ref var from = ref before.Ref(board.Vcpus, vcpu);
        ref var to = ref after.Ref(board.Vcpus, vcpu);
        Value(effects, EffectKind.HostInterrupt, vcpu, 0, (ulong)(to.HostInterrupts & ~from.HostInterrupts));
        if (board.Vmcs01.Count > 0)
        {
            ref var old = ref before.Ref(board.Vmcs01, vcpu);
            ref var now = ref after.Ref(board.Vmcs01, vcpu);
            Value(effects, EffectKind.Rvi, vcpu, old.Rvi, now.Rvi);
            Value(effects, EffectKind.Svi, vcpu, old.Svi, now.Svi);
        }

        if (from.Level == to.Level)
        {
            var core = Board.CoreIndex(vcpu, to.Level);
            var (was, flag) = (before.Ref(board.Cores, core).InterruptFlag, after.Ref(board.Cores, core).InterruptFlag);
            Bit(effects, EffectKind.InterruptFlag, vcpu, was != 0, flag != 0);
        }
    }

    private static void Shared(List<StepEffect> effects, ReadOnlySpan<ulong> from, ReadOnlySpan<ulong> to)
    {
        for (var i = 0; i < to.Length; i++)
        {
            Value(effects, EffectKind.Shared, i, from[i], to[i]);
        }
    }

    private static void Vectors(List<StepEffect> effects, EffectKind kind, int vcpu, in Register256 from, in Register256 to)
    {
        for (var word = 0; word < 8; word++)
        {
            var (old, now) = (from.Word32(word), to.Word32(word));
            for (var bit = 0; old != now && bit < 32; bit++)
            {
                if (((old ^ now) >> bit & 1) != 0)
                {
                    effects.Add(new StepEffect(kind, vcpu, (32 * word) + bit, now >> bit & 1));
                }
            }
        }
    }

    private static void Bit(List<StepEffect> effects, EffectKind kind, int number, bool from, bool to)
    {
        if (from != to)
        {
            effects.Add(new StepEffect(kind, number, 0, to ? 1UL : 0UL));
        }
    }

    private static void Value(List<StepEffect> effects, EffectKind kind, int number, ulong from, ulong to)
    {
        if (from != to)
        {
            effects.Add(new StepEffect(kind, number, 0, to));
        }
    }
}
