using System.Numerics;
using System.Runtime.CompilerServices;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>
/// The lost-IPI race of bhyve, with the points of the Promela model: vCPU 0 receives, the others send each its own vector so many times
/// and wait for the acknowledgement in shared memory before the next. What a vCPU does in one step nobody can see half of.
/// </summary>
/// <param name="senders">How many senders, 1..3.</param>
/// <param name="ipis">How often each sends, 1..100.</param>
/// <param name="isFixed">
/// False: at arming a vector stays in IRR until the next exit, when it goes to ISR, even if it was requested once more meanwhile. True: at
/// arming it leaves IRR for a place of its own, and the exit sends it to ISR, or back to IRR if the guest did not take it.
/// </param>
internal sealed class LostIpiSystem(int senders, int ipis, bool isFixed) : ToySystem<LostIpiSystem.State>
{
    private const sbyte None = -1;

    public enum ReceiverAt : byte
    {
        /// <summary>In the guest's idle loop.</summary>
        Idle,

        /// <summary>In the handler, about to acknowledge to the sender.</summary>
        Acknowledge,

        /// <summary>In the handler, about to write EOI, which exits.</summary>
        Eoi,
    }

    public enum SenderAt : byte
    {
        /// <summary>About to write ICR, which exits and sets the vector in the receiver's IRR.</summary>
        Send,

        /// <summary>In the host, about to kick the receiver out of the guest.</summary>
        Kick,

        /// <summary>Waits for the acknowledgement.</summary>
        Wait,

        /// <summary>All were sent and acknowledged.</summary>
        Done,
    }

    public override int Actors => 1 + senders + 1;

    public override State First => new() { Armed = None, Injecting = None, HandlerOf = None };

    /// <summary>Actor 0 is the receiver's next step, the last one what makes it exit from outside, the others are the senders.</summary>
    public override bool IsEnabled(in State state, int actor)
    {
        if (actor == 0)
        {
            return !state.IsInGuest || CanTake(state) || state.Receiver != ReceiverAt.Idle;
        }

        if (actor == Actors - 1)
        {
            return state.IsInGuest && (state.IsKicked || state.HandlerOf != None);
        }

        var sender = actor - 1;
        return state.Senders[sender] switch
        {
            SenderAt.Done => false,
            SenderAt.Wait => state.Acknowledged[sender] == state.Sent[sender],
            _ => true,
        };
    }

    public override int Step(ref State state, int actor, int choice)
    {
        if (actor == Actors - 1)
        {
            Exit(ref state);
        }
        else if (actor > 0)
        {
            Send(ref state, actor - 1);
        }
        else
        {
            Receive(ref state);
        }

        return 1;
    }

    public override StateKind KindOf(in State state) => state.IsLost ? StateKind.Violated : StateKind.Open;

    private static bool CanTake(in State state) => state.IsInGuest && state.Armed != None && !state.IsTaken && state.HandlerOf == None;

    private void Send(ref State state, int sender)
    {
        switch (state.Senders[sender])
        {
            case SenderAt.Send:
                state.Sent[sender]++;
                state.Irr |= (byte)(1 << sender);
                state.Senders[sender] = SenderAt.Kick;
                break;
            case SenderAt.Kick:
                state.IsKicked = true;
                state.Senders[sender] = SenderAt.Wait;
                break;
            default:
                state.Senders[sender] = state.Sent[sender] == ipis ? SenderAt.Done : SenderAt.Send;
                break;
        }
    }

    private void Receive(ref State state)
    {
        if (!state.IsInGuest)
        {
            Enter(ref state);
        }
        else if (CanTake(state))
        {
            state.IsTaken = true;
            state.HandlerOf = state.Armed;
            state.Receiver = ReceiverAt.Acknowledge;
        }
        else if (state.Receiver == ReceiverAt.Acknowledge)
        {
            state.Acknowledged[state.HandlerOf]++;
            state.Receiver = ReceiverAt.Eoi;
        }
        else
        {
            Exit(ref state);
            state.Isr &= (byte)~(1 << Highest(state.Isr));
            state.HandlerOf = None;
            state.Receiver = ReceiverAt.Idle;
        }
    }

    private void Enter(ref State state)
    {
        var vector = Highest(state.Irr);
        state.IsInGuest = true;
        state.IsKicked = false;
        if (vector <= Highest(state.Isr))
        {
            return;
        }

        state.Armed = vector;
        if (isFixed)
        {
            state.Irr &= (byte)~(1 << vector);
            state.Injecting = vector;
        }
    }

    private void Exit(ref State state)
    {
        if (state.Armed != None)
        {
            var armed = (byte)(1 << state.Armed);
            if (state.IsTaken)
            {
                state.Irr &= isFixed ? state.Irr : (byte)~armed;
                state.Isr |= armed;
            }
            else if (isFixed)
            {
                state.Irr |= armed;
            }
        }

        (state.Armed, state.Injecting, state.IsTaken, state.IsInGuest) = (None, None, false, false);
        state.IsLost = IsLost(state);
    }

    /// <summary>An IPI that was not acknowledged is requested, on its way in, or in a handler that is about to acknowledge it.</summary>
    private bool IsLost(in State state)
    {
        for (var sender = 0; sender < senders; sender++)
        {
            var isAhead = (state.Irr & 1 << sender) != 0 || state.Injecting == sender
                || (state.Receiver == ReceiverAt.Acknowledge && state.HandlerOf == sender);
            if (state.Sent[sender] != state.Acknowledged[sender] && !isAhead)
            {
                return true;
            }
        }

        return false;
    }

    private static sbyte Highest(byte register) => (sbyte)(BitOperations.Log2((uint)register << 1 | 1) - 1);

    [InlineArray(3)]
    public struct Three<T>
    {
        private T _first;
    }

    public struct State
    {
        public Three<byte> Sent;
        public Three<byte> Acknowledged;
        public Three<SenderAt> Senders;
        public ReceiverAt Receiver;
        public byte Irr;
        public byte Isr;
        public sbyte Armed;
        public sbyte Injecting;
        public sbyte HandlerOf;
        public bool IsInGuest;
        public bool IsKicked;
        public bool IsTaken;
        public bool IsLost;
    }
}
