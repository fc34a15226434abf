using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

// The APIC timer (SDM3 10.5.4). No counter is stepped: the state is the moment of the next expiry, exact to the fraction of a cycle, and
// the current count is computed from it. Spans are integers in units of cycle / BusHz, in which one bus tick is TscHz units long; the
// k-th expiry of a periodic timer is then at start + ceil(k × ticks × TscHz / BusHz) with nothing rounded in between.
public partial struct LocalApic
{
    private const uint TimerDivideWritable = 0x0B;
    private const ulong FarDeadlineCycles = 1UL << 62;

    /// <summary>The mode in the LVT timer entry.</summary>
    public readonly ApicTimerMode TimerMode => ModeOfTimer(LvtTimer);

    /// <summary>How many bus ticks one count lasts: 1, 2, 4 .. 128.</summary>
    public readonly int TimerDivider => DividerOf(TimerDivide);

    /// <summary>
    /// The current count register: what is left of a one-shot or of the running period, rounded up to a whole count; 0 if stopped and
    /// in TSC-deadline mode.
    /// </summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The machine's clocks.</param>
    public readonly uint TimerCurrentCount(Instant now, in LocalApicTimerClock clock)
    {
        if (!Counts(TimerMode) || TimerDeadline.IsNever)
            return 0;
        Int128 remaining = TimerRemaining(now, clock);
        if (remaining <= 0)
        {
            // The expiry is due but has not been handled: a periodic count has reloaded on its own.
            if (TimerMode == ApicTimerMode.OneShot)
                return 0;
            remaining %= TimerPeriod(clock);
            if (remaining <= 0)
                remaining += TimerPeriod(clock);
        }
        return (uint)(CeilingDivide(remaining, (Int128)clock.TscHz * TimerDivider) - ExtraCounts);
    }

    private readonly uint ExtraCounts => Policies.TimerPeriod == TimerPeriodPolicy.CountPlusOne ? 1u : 0;

    /// <summary>
    /// The timer expires: the LVT timer interrupt, lost if masked; a periodic timer starts its next period, any other stops. If
    /// <see cref="TimerDeadline"/> is still not later than now, further periods have passed and the caller expires it again.
    /// </summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The machine's clocks.</param>
    /// <exception cref="InvalidOperationException"><see cref="TimerDeadline"/> is later than <paramref name="now"/>.</exception>
    public AcceptResult Expire(Instant now, in LocalApicTimerClock clock)
    {
        ElapseTimer(now, clock);
        return LocalInterrupt(LvtEntry.Timer);
    }

    /// <summary>
    /// The count or the deadline of <see cref="Expire"/> alone, for a hypervisor that sends the interrupt itself, and perhaps later.
    /// </summary>
    /// <param name="now">The present moment.</param>
    /// <param name="clock">The machine's clocks.</param>
    /// <exception cref="InvalidOperationException"><see cref="TimerDeadline"/> is later than <paramref name="now"/>.</exception>
    public void ElapseTimer(Instant now, in LocalApicTimerClock clock)
    {
        if (TimerDeadline > now)
            throw new InvalidOperationException($"The APIC timer was expired at {now}, its deadline is {TimerDeadline}.");
        if (TimerMode == ApicTimerMode.Periodic)
            StartTimer(TimerDeadline, TimerPeriod(clock) - TimerDeadlineExcess, clock);
        else
            StopTimer();
    }

    /// <summary>The message that the LVT timer entry sends to its own APIC.</summary>
    /// <param name="message">Fixed, edge, with the entry's vector.</param>
    /// <returns>False if the entry is masked or the APIC hardware-disabled: then it sends none.</returns>
    public readonly bool TryTimerMessage(out ApicMessage message)
    {
        message = new ApicMessage { Destination = PhysicalId, Vector = (byte)LvtTimer, Mode = DeliveryMode.Fixed };
        return (LvtTimer & LvtBits.Mask) == 0 && IsHardwareEnabled;
    }

    /// <summary>
    /// RDMSR of IA32_TSC_DEADLINE (6E0h): the armed deadline; 0 if none is, in another timer mode, or while the APIC is hardware-disabled
    /// (SDM3 10.5.4.1; KVM lapic.c:kvm_get_lapic_tscdeadline_msr). It is the same MSR in xAPIC and x2APIC mode.
    /// </summary>
    /// <param name="tsc">The TSC as the reader sees it.</param>
    /// <param name="now">The present moment.</param>
    /// <remarks>
    /// The deadline is kept as a distance in time. Who changes the reader's TSC (its offset) under an armed timer reads the deadline
    /// with the old TSC and writes it with the new one.
    /// </remarks>
    public readonly ulong ReadTscDeadline(ulong tsc, Instant now)
    {
        if (TimerMode != ApicTimerMode.TscDeadline || !IsHardwareEnabled)
            return 0;
        if (FarTscDeadline != 0)
            return FarTscDeadline;
        return TimerDeadline.IsNever ? 0 : unchecked(tsc + (ulong)(TimerDeadline - now));
    }

    /// <summary>
    /// WRMSR of IA32_TSC_DEADLINE (6E0h): arms the timer, or disarms it with 0; ignored in another timer mode and while the APIC is
    /// hardware-disabled. A deadline that is not after <paramref name="tsc"/> expires at once and the MSR reads 0 (SDM3 10.5.4.1).
    /// </summary>
    /// <param name="value">The deadline.</param>
    /// <param name="tsc">The TSC as the writer sees it.</param>
    /// <param name="now">The present moment.</param>
    public RegisterWriteEffect WriteTscDeadline(ulong value, ulong tsc, Instant now)
    {
        if (TimerMode != ApicTimerMode.TscDeadline || !IsHardwareEnabled)
            return default;
        var effects = LocalApicEffects.TimerChanged;
        if (ArmTscDeadline(value, tsc, now))
        {
            AcceptResult result = LocalInterrupt(LvtEntry.Timer);
            effects |= ErrorEffects(result.RaisedError);
            if (result.IsAccepted)
                effects |= LocalApicEffects.DeliverabilityMayHaveChanged;
        }
        return new RegisterWriteEffect(effects);
    }

    /// <summary>The deadline of <see cref="WriteTscDeadline"/> alone, for a hypervisor that sends the interrupt itself.</summary>
    /// <param name="value">The deadline.</param>
    /// <param name="tsc">The TSC as the writer sees it.</param>
    /// <param name="now">The present moment.</param>
    /// <returns>True if it has passed already, so that the timer has expired; the MSR then reads 0.</returns>
    public bool ArmTscDeadline(ulong value, ulong tsc, Instant now)
    {
        if (TimerMode != ApicTimerMode.TscDeadline || !IsHardwareEnabled)
            return false;
        StopTimer();
        if (value != 0 && value <= tsc)
            return true;
        if (value != 0 && value - tsc >= FarDeadlineCycles)
            FarTscDeadline = value;
        else if (value != 0)
            TimerDeadline = now + (long)(value - tsc);
        return false;
    }

    private static ApicTimerMode ModeOfTimer(uint lvt) => (ApicTimerMode)(lvt >> LvtBits.TimerModeShift & 3);

    private static bool Counts(ApicTimerMode mode) => mode is ApicTimerMode.OneShot or ApicTimerMode.Periodic;

    // Bits 3, 1, 0: 000 is 2, 001 is 4 .. 110 is 128, 111 is 1.
    private static int DividerOf(int divide) => 1 << (((divide & 3 | (divide & 8) >> 1) + 1) & 7);

    // Rounds up; the dividend is above −divisor, so the quotient is never negative.
    private static Int128 CeilingDivide(Int128 dividend, Int128 divisor) => (dividend + divisor - 1) / divisor;

    private readonly Int128 TimerPeriod(in LocalApicTimerClock clock) =>
        ((Int128)TimerInitialCount + ExtraCounts) * TimerDivider * clock.TscHz;

    private readonly Int128 TimerRemaining(Instant now, in LocalApicTimerClock clock) =>
        (Int128)(TimerDeadline - now) * clock.BusHz - TimerDeadlineExcess;

    private void StartTimer(Instant from, Int128 span, in LocalApicTimerClock clock)
    {
        Int128 cycles = CeilingDivide(span, clock.BusHz);
        TimerDeadline = from + (long)cycles;
        TimerDeadlineExcess = (long)(cycles * clock.BusHz - span);
    }

    private void StopTimer()
    {
        TimerDeadline = Instant.Never;
        TimerDeadlineExcess = 0;
        FarTscDeadline = 0;
    }

    private LocalApicEffects WriteInitialCount(uint value, Instant now, in LocalApicTimerClock clock)
    {
        if (!Counts(TimerMode))
            return LocalApicEffects.None;
        TimerInitialCount = value;
        if (Policies.TimerModeSwitch == TimerModeSwitchPolicy.RecomputedFromLoad)
            TimerLoaded = now;
        if (value == 0)
            StopTimer();
        else
            StartTimer(now, TimerPeriod(clock), clock);
        return LocalApicEffects.TimerChanged;
    }

    // The count goes on from where it is, at the new pace (KVM lapic.c:kvm_lapic_reg_write, Xen vlapic.c).
    private LocalApicEffects WriteTimerDivide(uint value, Instant now, in LocalApicTimerClock clock)
    {
        int before = TimerDivider;
        TimerDivide = (byte)(value & TimerDivideWritable);
        if (!Counts(TimerMode) || TimerDeadline <= now || TimerDeadline.IsNever || TimerDivider == before)
            return LocalApicEffects.None;
        StartTimer(now, CeilingDivide(TimerRemaining(now, clock) * TimerDivider, before), clock);
        return LocalApicEffects.TimerChanged;
    }

    // One-shot and periodic share a count; every other change of mode cancels it (KVM lapic.c:apic_update_lvtt, KUT apic.c timer mode).
    private LocalApicEffects WriteLvtTimer(uint value, Instant now, in LocalApicTimerClock clock)
    {
        ApicTimerMode before = TimerMode;
        WriteLvt(LvtEntry.Timer, value);
        if (TimerMode == before)
            return LocalApicEffects.None;
        if (Counts(before) && Counts(TimerMode))
            return SwitchCountMode(now, clock);
        StopTimer();
        TimerInitialCount = 0;
        return LocalApicEffects.TimerChanged;
    }

    private LocalApicEffects SwitchCountMode(Instant now, in LocalApicTimerClock clock)
    {
        switch (Policies.TimerModeSwitch)
        {
            case TimerModeSwitchPolicy.KeepsCounting:
                return LocalApicEffects.None;
            case TimerModeSwitchPolicy.Disarms:
                StopTimer();
                return LocalApicEffects.TimerChanged;
            default:
                RestartFromLoad(now, clock);
                return LocalApicEffects.TimerChanged;
        }
    }

    // QEMU apic_common.c:apic_next_timer: a period boundary later than now, or, for a one-shot, the first one unless its N counts are over.
    private void RestartFromLoad(Instant now, in LocalApicTimerClock clock)
    {
        StopTimer();
        if (TimerInitialCount == 0 || TimerLoaded.IsNever)
            return;
        Int128 elapsed = (Int128)(now - TimerLoaded) * clock.BusHz;
        Int128 period = TimerPeriod(clock);
        if (TimerMode == ApicTimerMode.Periodic)
            StartTimer(TimerLoaded, (elapsed / period + 1) * period, clock);
        else if (elapsed < (Int128)TimerInitialCount * TimerDivider * clock.TscHz)
            StartTimer(TimerLoaded, period, clock);
    }
}
