using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

// Messages and events on their way into the pages. A slot is written payload first, type last, and the interrupt comes after that; a busy
// slot gets its pending flag before the sender goes away. Both are one step here, because nobody runs in between.
public readonly ref partial struct SynIc
{
    private enum SlotAttempt : byte
    {
        Written,
        Busy,
        NotReady,
        Refused,
    }

    private bool IsMessagePageEnabled => (_state.Simp & SynIcMsr.EnableBit) != 0;

    private bool IsReadyForMessages =>
        IsActive
        && IsMessagePageEnabled
        && (_policy.ScontrolGate == SynIcScontrolGate.EventsOnly || (_state.Scontrol & SynIcMsr.EnableBit) != 0);

    /// <summary>
    /// A message of a partition or of the monitor (HvCallPostMessage; QEMU hyperv_post_msg). It goes behind those that wait for the SINT
    /// already, the first of which is tried again if the policy says so.
    /// </summary>
    /// <param name="sint">0..15.</param>
    /// <param name="message">The message; its flags do not count.</param>
    /// <param name="referenceTime">The reference counter now, for a waiting timer message that is delivered instead.</param>
    /// <exception cref="InvalidOperationException">The message has type 0 or more than 240 bytes of payload.</exception>
    public SynIcPost Post(int sint, in SynIcMessage message, ulong referenceTime)
    {
        if (message.IsEmpty || message.PayloadSize > SynIcMessage.MaxPayload)
            throw new InvalidOperationException($"A message of type {message.Type:X}h with {message.PayloadSize} bytes cannot be posted.");
        if (!IsReadyForMessages || RefusesMessage(this[sint]))
            return new SynIcPost(SynIcPostOutcome.InvalidSynicState);
        SynIcPost older = default;
        if (HeadOf(sint) < 0)
        {
            if (TryWriteSlot(sint, message, flagBusy: false, out var interrupt) == SlotAttempt.Written)
                return new SynIcPost(SynIcPostOutcome.Delivered, interrupt);
        }
        else if (RescansAtPost)
        {
            older = TryDeliverQueued(sint, referenceTime);
        }
        if (!HasRoomFor(sint))
            return older with { Outcome = SynIcPostOutcome.InsufficientBuffers };
        Enqueue(sint, message, origin: 0);
        return older with { Outcome = SynIcPostOutcome.Queued };
    }

    /// <summary>
    /// Tries the first message that waits for a SINT. If it goes into the slot and another waits behind it, it carries the pending flag
    /// from the start.
    /// </summary>
    /// <param name="sint">0..15.</param>
    /// <param name="referenceTime">The reference counter now: the delivery time of a timer's message.</param>
    public SynIcPost TryDeliverQueued(int sint, ulong referenceTime)
    {
        int head = HeadOf(sint);
        if (head < 0)
            return default;
        int? timer = _queue[head].Origin == 0 ? null : _queue[head].Origin - 1;
        var message = _queue[head].Message;
        if (timer != null)
            MemoryMarshal.AsRef<SyntheticTimerPayload>(message.PayloadBytes).DeliveryTime = referenceTime;
        if (!IsReadyForMessages || TryWriteSlot(sint, message, flagBusy: true, out var interrupt) != SlotAttempt.Written)
            return new SynIcPost(SynIcPostOutcome.Queued);
        RemoveAt(head);
        if (HeadOf(sint) >= 0)
            _messages[sint].Flags |= SynIcMessageFlags.Pending;
        return new SynIcPost(SynIcPostOutcome.Delivered, interrupt, timer);
    }

    /// <summary>Signals an event: sets a flag, and interrupts only on its way from 0 to 1.</summary>
    /// <param name="sint">0..15.</param>
    /// <param name="flag">0..2047.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    public SynIcSignal SignalEvent(int sint, int flag)
    {
        bool enabled = (_state.Scontrol & _state.Siefp & SynIcMsr.EnableBit) != 0;
        var source = this[sint];
        if (!IsActive || !enabled || RefusesEvent(source))
            return new SynIcSignal(SynIcSignalOutcome.InvalidSynicState);
        if (!_events.Set(sint, flag))
            return new SynIcSignal(SynIcSignalOutcome.AlreadySet);
        return new SynIcSignal(SynIcSignalOutcome.Signaled, InterruptOf(source));
    }

    /// <summary>A timer's message, treated as its policy says (KVM hyperv.c:synic_deliver_msg; OpenVMM synic.rs:evaluate).</summary>
    internal SynIcPost PostFromTimer(int timer, int sint, in SynIcMessage message, SyntheticTimerBusySlot busy, bool periodic, ulong now)
    {
        bool queues = busy == SyntheticTimerBusySlot.Queued;
        if (queues && (HeadOf(sint) >= 0 || !IsReadyForMessages))
        {
            var older = RescansAtPost ? TryDeliverQueued(sint, now) : default;
            Enqueue(sint, message, timer + 1);
            return older with { Outcome = SynIcPostOutcome.Queued };
        }
        // OpenVMM: a sender that waits for the slot goes first.
        bool behind = busy == SyntheticTimerBusySlot.StaysDue && HeadOf(sint) >= 0;
        bool drops = busy == SyntheticTimerBusySlot.DropsPeriodic && periodic;
        if (!IsReadyForMessages || behind || RefusesMessage(this[sint]))
            return new SynIcPost(SynIcPostOutcome.Undelivered);
        if (TryWriteSlot(sint, message, flagBusy: !drops, out var interrupt) == SlotAttempt.Written)
            return new SynIcPost(SynIcPostOutcome.Delivered, interrupt, timer);
        if (!queues)
            return new SynIcPost(drops ? SynIcPostOutcome.Dropped : SynIcPostOutcome.Undelivered);
        Enqueue(sint, message, timer + 1);
        return new SynIcPost(SynIcPostOutcome.Queued);
    }

    /// <summary>Takes a timer's message out of the queue, if it waits there: the timer was rewritten.</summary>
    internal void Withdraw(int timer)
    {
        for (int i = 0; i < _state.QueueCount; i++)
        {
            if (_queue[i].Origin != timer + 1)
                continue;
            RemoveAt(i);
            return;
        }
    }

    private bool RefusesMessage(SynIcSint sint) =>
        (sint.IsMasked && _policy.MaskedMessages == SynIcMaskedMessages.Refused) || IsServedByHost(sint);

    private bool RefusesEvent(SynIcSint sint) =>
        (sint.IsMasked && _policy.MaskedEvents == SynIcMaskedEvents.Refused) || IsServedByHost(sint);

    private bool IsServedByHost(SynIcSint sint) => sint.IsProxy && _policy.SintBits == SynIcSintBits.PollingAndProxy;

    private SynIcInterrupt? InterruptOf(SynIcSint sint)
    {
        bool silent = sint.IsMasked || (sint.IsPolling && _policy.SintBits != SynIcSintBits.None);
        return silent ? null : new SynIcInterrupt(sint.Vector, sint.IsAutoEoi);
    }

    // Only the bytes that the message has are written: the rest of the slot keeps what an older one left there.
    private SlotAttempt TryWriteSlot(int sint, in SynIcMessage message, bool flagBusy, out SynIcInterrupt? interrupt)
    {
        interrupt = null;
        if (!IsMessagePageEnabled)
            return SlotAttempt.NotReady;
        var source = this[sint];
        if (RefusesMessage(source))
            return SlotAttempt.Refused;
        ref var slot = ref _messages[sint];
        if (!slot.IsEmpty)
        {
            if (flagBusy)
                slot.Flags |= SynIcMessageFlags.Pending;
            return SlotAttempt.Busy;
        }
        ReadOnlySpan<byte> payload = MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)message.Payload);
        payload[..message.PayloadSize].CopyTo(slot.PayloadBytes);
        slot.PayloadSize = message.PayloadSize;
        slot.Flags = SynIcMessageFlags.None;
        slot.Reserved = 0;
        slot.Sender = message.Sender;
        slot.Type = message.Type;
        interrupt = InterruptOf(source);
        return SlotAttempt.Written;
    }

    private int HeadOf(int sint)
    {
        for (int i = 0; i < _state.QueueCount; i++)
        {
            if (_queue[i].Sint == sint)
                return i;
        }
        return -1;
    }

    private bool HasRoomFor(int sint)
    {
        int posted = 0;
        int forSint = 0;
        foreach (ref readonly var entry in _queue[.._state.QueueCount])
        {
            if (entry.Origin != 0)
                continue;
            posted++;
            if (entry.Sint == sint)
                forSint++;
        }
        return forSint < (_policy.QueueDepth == SynIcQueueDepth.One ? 1 : byte.MaxValue) && posted < _queue.Length - SyntheticTimers.Count;
    }

    private void Enqueue(int sint, in SynIcMessage message, int origin)
    {
        if (_state.QueueCount == _queue.Length)
            throw new InvalidOperationException("A timer queued a second message: the SynIC's queue has one buffer for each.");
        _queue[_state.QueueCount++] = new SynIcQueueEntry { Message = message, Sint = (byte)sint, Origin = (byte)origin };
        if (IsMessagePageEnabled && !_messages[sint].IsEmpty)
            _messages[sint].Flags |= SynIcMessageFlags.Pending;
    }

    private void RemoveAt(int index)
    {
        int last = --_state.QueueCount;
        _queue[(index + 1)..(last + 1)].CopyTo(_queue[index..]);
        _queue[last] = default;
    }
}
