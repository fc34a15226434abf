using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>Two threads that each need the locks A and B, and give both back.</summary>
/// <param name="isOrdered">True: both take A first. False: each takes another one first.</param>
internal sealed class DiningLocks(bool isOrdered) : ToySystem<DiningLocks.State>
{
    public override int Actors => 2;

    public override State First => default;

    public override bool IsEnabled(in State state, int actor)
    {
        var (own, other) = actor == 0 ? (state.Zero, state.One) : (state.One, state.Zero);
        return own switch
        {
            At.Free => isOrdered ? other is At.Free or At.Done : other != At.HoldsBoth,
            At.HoldsFirst => isOrdered || other is At.Free or At.Done,
            At.HoldsBoth => true,
            _ => false,
        };
    }

    public override int Step(ref State state, int actor, int choice)
    {
        ref var own = ref actor == 0 ? ref state.Zero : ref state.One;
        own++;
        return 1;
    }

    public override StateKind KindOf(in State state) => state is { Zero: At.Done, One: At.Done } ? StateKind.Goal : StateKind.Open;

    public enum At : byte
    {
        Free,
        HoldsFirst,
        HoldsBoth,
        Done,
    }

    public struct State
    {
        public At Zero;
        public At One;
    }
}

/// <summary>One looks at a flag and sleeps if it is not set; the other sets it and then wakes who sleeps.</summary>
/// <param name="isAtomic">True: nothing comes between the look and the sleep.</param>
internal sealed class LostWakeup(bool isAtomic) : ToySystem<LostWakeup.State>
{
    public override int Actors => 2;

    public override State First => default;

    public override bool IsEnabled(in State state, int actor) =>
        actor == 0 ? state.Sleeper is SleeperAt.Looks or SleeperAt.GoesToSleep : state.Waker != WakerAt.Done;

    public override int Step(ref State state, int actor, int choice)
    {
        if (actor == 1)
        {
            if (state.Waker == WakerAt.Wakes && state.Sleeper == SleeperAt.Asleep)
            {
                state.Sleeper = SleeperAt.Looks;
            }

            state.Waker++;
            return 1;
        }

        var isSet = state.Waker != WakerAt.SetsFlag;
        state.Sleeper = state.Sleeper == SleeperAt.GoesToSleep ? SleeperAt.Asleep
            : isSet ? SleeperAt.Done
            : isAtomic ? SleeperAt.Asleep : SleeperAt.GoesToSleep;
        return 1;
    }

    public override StateKind KindOf(in State state) =>
        state is { Sleeper: SleeperAt.Done, Waker: WakerAt.Done } ? StateKind.Goal : StateKind.Open;

    public enum SleeperAt : byte
    {
        Looks,
        GoesToSleep,
        Asleep,
        Done,
    }

    public enum WakerAt : byte
    {
        SetsFlag,
        Wakes,
        Done,
    }

    public struct State
    {
        public SleeperAt Sleeper;
        public WakerAt Waker;
    }
}

/// <summary>
/// The handshake of the vCPU mode on processors with a store buffer of one entry: the vCPU's thread stores IN_GUEST_MODE and then loads the
/// requests; the sender stores its request and then loads the mode, and kicks if that is IN_GUEST_MODE. Actors 0 and 1 are the vCPU's
/// thread and the sender, 2 and 3 their store buffers.
/// </summary>
/// <param name="vcpuHasBarrier">True: the vCPU's load waits until its store is in memory.</param>
/// <param name="senderHasBarrier">The same for the sender.</param>
internal class ModeHandshake(bool vcpuHasBarrier, bool senderHasBarrier) : ToySystem<ModeHandshake.State>
{
    public override int Actors => 4;

    public override State First => default;

    public override bool IsEnabled(in State state, int actor) => actor switch
    {
        0 => CanGoOn(state.Vcpu, vcpuHasBarrier),
        1 => CanGoOn(state.Sender, senderHasBarrier),
        2 => state.Vcpu.Store == StoreAt.Buffer,
        _ => state.Sender.Store == StoreAt.Buffer,
    };

    public override int Step(ref State state, int actor, int choice)
    {
        ref var own = ref actor % 2 == 0 ? ref state.Vcpu : ref state.Sender;
        var seen = (actor % 2 == 0 ? state.Sender : state.Vcpu).Store == StoreAt.Memory;
        if (actor >= 2)
        {
            own.Store = StoreAt.Memory;
        }
        else if (own.Next == Does.Stores)
        {
            own = new Side { Next = Does.Loads, Store = StoreAt.Buffer };
        }
        else
        {
            own.Next = seen ? Does.HasSeen : Does.HasNotSeen;
        }

        return 1;
    }

    /// <summary>The vCPU goes into the guest with a request that it has not seen, and nobody will kick it out.</summary>
    public override StateKind KindOf(in State state) =>
        state.Vcpu.Next == Does.HasNotSeen && state.Sender.Next == Does.HasNotSeen ? StateKind.Violated : StateKind.Open;

    private static bool CanGoOn(Side side, bool hasBarrier) =>
        side.Next == Does.Stores || (side.Next == Does.Loads && (!hasBarrier || side.Store == StoreAt.Memory));

    public enum Does : byte
    {
        Stores,
        Loads,
        HasSeen,
        HasNotSeen,
    }

    public enum StoreAt : byte
    {
        Nowhere,
        Buffer,
        Memory,
    }

    public struct Side
    {
        public Does Next;
        public StoreAt Store;
    }

    public struct State
    {
        public Side Vcpu;
        public Side Sender;
    }
}

/// <summary>A sender posts one vector twice; the receiver takes it from IRR, where there is one bit for it, and handles it.</summary>
internal sealed class TwoIpis : ToySystem<TwoIpis.State>
{
    public override int Actors => 2;

    public override State First => default;

    public override bool IsEnabled(in State state, int actor) => actor == 0 ? state.Posted < 2 : state.IsInIrr;

    public override int Step(ref State state, int actor, int choice)
    {
        state.Posted += (byte)(1 - actor);
        state.Handled += (byte)actor;
        state.IsInIrr = actor == 0;
        return 1;
    }

    public override StateKind KindOf(in State state) => state.Handled == 2 ? StateKind.Goal : StateKind.Open;

    public struct State
    {
        public byte Posted;
        public byte Handled;
        public bool IsInIrr;
    }
}

/// <summary>Numbered nodes with edges at random from a seed: actors that can step or not, steps that go on in up to three ways.</summary>
internal sealed class RandomGraph : ToySystem<int>
{
    private readonly int[][][] _targets;
    private readonly StateKind[] _kinds;
    private readonly bool _isHashed;

    /// <param name="seed">The seed.</param>
    /// <param name="nodes">How many nodes.</param>
    /// <param name="actors">How many actors.</param>
    /// <param name="goals">One node in so many is a goal, 0 for none.</param>
    /// <param name="violations">One node in so many is a violation, 0 for none.</param>
    /// <param name="isHashed">False: a node's fingerprint is its number.</param>
    public RandomGraph(ulong seed, int nodes, int actors, int goals, int violations, bool isHashed)
    {
        var random = new Engine.Scheduling.SplitMix(seed);
        Actors = actors;
        _isHashed = isHashed;
        _kinds = new StateKind[nodes];
        _targets = new int[nodes][][];
        for (var node = 0; node < nodes; node++)
        {
            _kinds[node] = goals > 0 && random.OneIn(goals) ? StateKind.Goal
                : violations > 0 && random.OneIn(violations) ? StateKind.Violated : StateKind.Open;
            _targets[node] = [.. Enumerable.Range(0, actors).Select(_ => node > 0 && random.OneIn(3) ? [] : Targets())];
        }

        _kinds[0] = StateKind.Open;

        int[] Targets() => [.. Enumerable.Range(0, random.OneIn(5) ? 3 : 1).Select(_ => random.Below(nodes))];
    }

    public override int Actors { get; }

    public override int First => 0;

    /// <summary>A step that throws: node, actor and choice.</summary>
    public HashSet<(int Node, int Actor, int Choice)> Throwing { get; } = [];

    public override bool IsEnabled(in int state, int actor) => _targets[state][actor].Length > 0;

    public override int Step(ref int state, int actor, int choice)
    {
        if (Throwing.Contains((state, actor, choice)))
        {
            throw new InvalidOperationException($"node {state} throws");
        }

        var targets = _targets[state][actor];
        state = targets[choice];
        return targets.Length;
    }

    public override StateKind KindOf(in int state) => _kinds[state];

    public override bool Retires(in int state, int actor) => (state + actor) % 3 == 0;

    public override ulong FingerprintOf(in int state) => _isHashed ? base.FingerprintOf(state) : (ulong)state;
}
