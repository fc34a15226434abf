using System.Runtime.InteropServices;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// The four synthetic timers of one virtual processor: a view on them and on the SynIC that carries their messages (TLFS timers;
/// KVM hyperv.c:stimer_*; OpenVMM synic.rs). A pass is <see cref="Process"/> for each timer in ascending order, in the context of the
/// virtual processor; the next is due at <see cref="NextPass"/>.
/// </summary>
/// <remarks>
/// Not modelled: the TLFS's freedom to skip periods while catching up, and to skip a deferred lazy period when the next is near (all are
/// made up for, none is near); a host clock that is coarser than the TSC (expiry comes on the first cycle that is not early); the overflow
/// of KVM's host timer for counts beyond 2⁶³ ns (such a timer just never expires); CPUID bits that forbid direct mode.
/// </remarks>
public readonly ref struct SyntheticTimers
{
    /// <summary>Timers per virtual processor.</summary>
    public const int Count = 4;

    private readonly Span<SyntheticTimer> _timers;
    private readonly SynIc _synic;
    private readonly SyntheticTimerClock _clock;
    private readonly SyntheticTimerPolicy _policy;

    /// <summary>Creates the view.</summary>
    /// <param name="timers">The four timers.</param>
    /// <param name="synic">The SynIC of the same virtual processor.</param>
    /// <param name="clock">The reference counter.</param>
    /// <param name="policy">Whose timers they are.</param>
    /// <exception cref="InvalidOperationException">There are not four timers, or the clock is the default value.</exception>
    public SyntheticTimers(Span<SyntheticTimer> timers, SynIc synic, scoped in SyntheticTimerClock clock, SyntheticTimerPolicy policy)
    {
        if (timers.Length != Count || clock.TscHz == 0)
            throw new InvalidOperationException($"A SynIC has {Count} timers and a clock, not {timers.Length} and {clock.TscHz} Hz.");
        _timers = timers;
        _synic = synic;
        _clock = clock;
        _policy = policy;
    }

    /// <summary>The state of a timer.</summary>
    /// <param name="index">0..3.</param>
    public ref readonly SyntheticTimer this[int index] => ref _timers[index];

    /// <summary>The state after the virtual processor is created: configuration 0, count 0, stopped.</summary>
    public void PowerOn()
    {
        for (int i = 0; i < Count; i++)
        {
            _synic.Withdraw(i);
            _timers[i] = new SyntheticTimer { Deadline = Instant.Never };
        }
    }

    /// <summary>RDMSR of a configuration or count.</summary>
    /// <param name="msr">The address.</param>
    /// <param name="value">The value; 0 with #GP.</param>
    /// <returns>False: #GP, the address is none of these.</returns>
    public bool TryReadMsr(uint msr, out ulong value)
    {
        value = 0;
        if (msr is < SyntheticTimerMsr.Config0 or > SyntheticTimerMsr.Count3)
            return false;
        ref var timer = ref _timers[(int)(msr - SyntheticTimerMsr.Config0) >> 1];
        value = (msr & 1) != 0 ? timer.Count : timer.Config;
        return true;
    }

    /// <summary>
    /// WRMSR of a configuration or count. Any write stops the timer first and forgets what it had not delivered, then starts it anew if it
    /// is enabled.
    /// </summary>
    /// <param name="msr">The address.</param>
    /// <param name="value">The value.</param>
    /// <param name="fromHost">The monitor restores a saved state: a count then leaves the enabled bit alone.</param>
    /// <param name="now">The present moment.</param>
    public SynIcWrite WriteMsr(uint msr, ulong value, bool fromHost, Instant now)
    {
        if (msr is < SyntheticTimerMsr.Config0 or > SyntheticTimerMsr.Count3 || (!_synic.IsActive && (!fromHost || value != 0)))
            return SynIcWrite.Fault;
        int index = (int)(msr - SyntheticTimerMsr.Config0) >> 1;
        bool isCount = (msr & 1) != 0;
        if (!isCount && _policy.ReservedBits == SyntheticTimerReservedBits.Fault && (value & SyntheticTimerConfig.ReservedBits) != 0)
            return SynIcWrite.Fault;
        ref var timer = ref _timers[index];
        Stop(index);
        if (isCount)
            SetCount(ref timer, value, fromHost);
        else
            SetConfig(ref timer, value);
        if ((timer.Config & SyntheticTimerConfig.EnabledBit) != 0 && timer.Count != 0)
        {
            if (_policy.Start == SyntheticTimerStart.AtWrite)
                Start(ref timer, now);
            else
                timer.Flags |= SyntheticTimerFlags.StartRequested;
        }
        return default;
    }

    /// <summary>One pass over one timer.</summary>
    /// <param name="index">0..3, ascending.</param>
    /// <param name="now">The present moment.</param>
    /// <param name="apicAccepts">The local APIC of the virtual processor is software-enabled, so that it accepts a fixed interrupt.</param>
    public SyntheticTimerStep Process(int index, Instant now, bool apicAccepts)
    {
        ref var timer = ref _timers[index];
        if (timer.Has(SyntheticTimerFlags.StartRequested))
        {
            timer.Flags &= ~SyntheticTimerFlags.StartRequested;
            Start(ref timer, now);
            if (timer.Deadline > now || _policy.Start == SyntheticTimerStart.InPassExpiresInNext)
                return new SyntheticTimerStep(SyntheticTimerOutcome.Started);
        }
        if (!timer.Has(SyntheticTimerFlags.Armed) || timer.Deadline > now || !MayTry(timer))
            return default;
        timer.Flags &= ~SyntheticTimerFlags.Retry;
        var config = new SyntheticTimerConfig(timer.Config);
        var sent = config.IsDirect ? SendDirect(config, apicAccepts) : SendMessage(index, now, apicAccepts);
        // With Queued, the timer in the answer is that of an older message, which left the queue before this one joined it.
        if (sent is { Outcome: SynIcPostOutcome.Queued, Timer: { } older })
            Delivered(older, now);
        var outcome = sent.Outcome switch
        {
            SynIcPostOutcome.Delivered => SyntheticTimerOutcome.Delivered,
            SynIcPostOutcome.Dropped => SyntheticTimerOutcome.Dropped,
            SynIcPostOutcome.Queued => SyntheticTimerOutcome.Queued,
            _ => SyntheticTimerOutcome.Undelivered,
        };
        if (outcome is SyntheticTimerOutcome.Delivered or SyntheticTimerOutcome.Dropped)
            Finish(index, now);
        else
            timer.Flags |= SyntheticTimerFlags.Undelivered;
        return new SyntheticTimerStep(outcome, sent.Interrupt);
    }

    /// <summary>SINTs were acknowledged (EOM, or <see cref="SynIc.NotifyEoi"/>): who waits for one tries again.</summary>
    /// <param name="sints">Bit n: SINTn.</param>
    /// <returns>True if a pass is needed now.</returns>
    public bool Acknowledge(ushort sints)
    {
        bool any = false;
        foreach (ref var timer in _timers)
        {
            var config = new SyntheticTimerConfig(timer.Config);
            bool waits = timer.Has(SyntheticTimerFlags.Undelivered) && config is { IsEnabled: true, IsDirect: false };
            if (!waits || (sints >> config.Sint & 1) == 0 || _policy.BusySlot == SyntheticTimerBusySlot.Queued)
                continue;
            timer.Flags |= SyntheticTimerFlags.Retry;
            any = true;
        }
        return any;
    }

    /// <summary>The message of a timer left the SynIC's queue for its slot (<see cref="SynIcPost.Timer"/>).</summary>
    /// <param name="index">0..3.</param>
    /// <param name="now">The present moment.</param>
    /// <exception cref="InvalidOperationException">The timer has no undelivered message.</exception>
    public void Delivered(int index, Instant now)
    {
        if (!_timers[index].Has(SyntheticTimerFlags.Armed | SyntheticTimerFlags.Undelivered))
            throw new InvalidOperationException($"Timer {index} has no undelivered message.");
        Finish(index, now);
    }

    /// <summary>
    /// When a pass next has something to do: now if a timer is to be started, retried or is due, else the earliest deadline, or never. A
    /// timer that waits for its SINT is not counted: the acknowledgement, or the caller's loop (OpenVMM), brings the pass.
    /// </summary>
    /// <param name="now">The present moment.</param>
    public Instant NextPass(Instant now)
    {
        var next = Instant.Never;
        foreach (ref readonly var timer in _timers)
        {
            if (timer.Has(SyntheticTimerFlags.StartRequested) || timer.Has(SyntheticTimerFlags.Retry))
                return now;
            if (timer.Has(SyntheticTimerFlags.Armed) && !timer.Has(SyntheticTimerFlags.Undelivered))
                next = Instant.Min(next, Instant.Max(timer.Deadline, now));
        }
        return next;
    }

    private bool LostIsUndelivered => _policy.LostInterrupt == SyntheticTimerLostInterrupt.Undelivered;

    private static bool IsPeriodic(in SyntheticTimer timer) => (timer.Config & SyntheticTimerConfig.PeriodicBit) != 0;

    private void SetConfig(ref SyntheticTimer timer, ulong value)
    {
        var config = new SyntheticTimerConfig(value);
        bool disables = _policy.SintZero switch
        {
            SyntheticTimerSintZero.Disables => true,
            SyntheticTimerSintZero.DisablesIfEnabledBefore => (timer.Config & SyntheticTimerConfig.EnabledBit) != 0,
            _ => false,
        };
        timer.Config = disables && !config.IsDirect && config.Sint == 0 ? value & ~SyntheticTimerConfig.EnabledBit : value;
    }

    private void SetCount(ref SyntheticTimer timer, ulong value, bool fromHost)
    {
        timer.Count = value;
        if (fromHost)
            return;
        if (value == 0 && _policy.ZeroCount == SyntheticTimerZeroCount.Disables)
            timer.Config &= ~SyntheticTimerConfig.EnabledBit;
        else if (value != 0 && (timer.Config & SyntheticTimerConfig.AutoEnableBit) != 0)
            timer.Config |= SyntheticTimerConfig.EnabledBit;
    }

    private void Stop(int index)
    {
        _synic.Withdraw(index);
        _timers[index].Flags = SyntheticTimerFlags.None;
        _timers[index].Deadline = Instant.Never;
    }

    private void Start(ref SyntheticTimer timer, Instant now)
    {
        ulong time = _clock.CountAt(now);
        Arm(ref timer, IsPeriodic(timer) ? (UInt128)time + timer.Count : timer.Count, now);
    }

    // A moment that is past is due now: how long ago it was decides nothing, because a one-shot's time of expiry is its count.
    private void Arm(ref SyntheticTimer timer, UInt128 expiry, Instant now)
    {
        ulong time = _clock.CountAt(now);
        bool isSigned = _policy.FarCount == SyntheticTimerFarCount.Past;
        bool past = isSigned ? unchecked((long)((ulong)expiry - time)) <= 0 : expiry <= time;
        timer.Flags |= SyntheticTimerFlags.Armed;
        timer.Deadline = past ? now : _clock.FirstInstantOf(expiry);
    }

    private bool MayTry(in SyntheticTimer timer) =>
        !timer.Has(SyntheticTimerFlags.Undelivered) || timer.Has(SyntheticTimerFlags.Retry)
        || _policy.BusySlot == SyntheticTimerBusySlot.StaysDue;

    private SynIcPost SendDirect(SyntheticTimerConfig config, bool apicAccepts)
    {
        bool lost = !apicAccepts && LostIsUndelivered;
        return new SynIcPost(lost ? SynIcPostOutcome.Undelivered : SynIcPostOutcome.Delivered, new SynIcInterrupt(config.Vector, false));
    }

    private SynIcPost SendMessage(int index, Instant now, bool apicAccepts)
    {
        ref var timer = ref _timers[index];
        ulong time = _clock.CountAt(now);
        var message = new SynIcMessage { Type = SynIcMessageType.TimerExpired, PayloadSize = SyntheticTimerPayload.Size };
        MemoryMarshal.AsRef<SyntheticTimerPayload>(message.PayloadBytes) = new SyntheticTimerPayload
        {
            TimerIndex = (uint)index,
            ExpirationTime = ExpirationTime(timer),
            DeliveryTime = time,
        };
        var config = new SyntheticTimerConfig(timer.Config);
        var sent = _synic.PostFromTimer(index, config.Sint, message, _policy.BusySlot, config.IsPeriodic, time);
        bool taken = sent.Interrupt != null && apicAccepts;
        return sent.Outcome == SynIcPostOutcome.Delivered && LostIsUndelivered && !taken
            ? sent with { Outcome = SynIcPostOutcome.Undelivered } : sent;
    }

    private ulong ExpirationTime(in SyntheticTimer timer) => IsPeriodic(timer) ? _clock.CountAt(timer.Deadline) : timer.Count;

    private void Finish(int index, Instant now)
    {
        ref var timer = ref _timers[index];
        timer.Flags &= ~(SyntheticTimerFlags.Undelivered | SyntheticTimerFlags.Retry);
        if (!IsPeriodic(timer))
        {
            timer.Config &= ~SyntheticTimerConfig.EnabledBit;
            timer.Flags = SyntheticTimerFlags.None;
            timer.Deadline = Instant.Never;
            return;
        }
        ulong time = _clock.CountAt(now);
        ulong expired = _clock.CountAt(timer.Deadline);
        switch (_policy.NextPeriod)
        {
            case SyntheticTimerNextPeriod.CatchesUpUnlessLazy when (timer.Config & SyntheticTimerConfig.LazyBit) == 0:
                timer.Deadline = _clock.FirstInstantOf((UInt128)expired + timer.Count);
                break;
            case SyntheticTimerNextPeriod.FromDelivery:
                Arm(ref timer, (UInt128)time + timer.Count, now);
                break;
            default:
                Arm(ref timer, (UInt128)time + (timer.Count - (time - expired) % timer.Count), now);
                break;
        }
    }
}
