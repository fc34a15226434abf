using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Interrupts;

// Saving and restoring the register page (KVM_GET_LAPIC, KVM_SET_LAPIC). The timer is not restarted with the page: a hypervisor does that
// at a place of its own in the order of a restore. Not modelled: the 32-bit APIC ID and the 64-bit ICR of a page saved in x2APIC mode.
public partial struct LocalApic
{
    /// <summary>The page as it is now (KVM lapic.c:kvm_apic_get_state); the current count rounded down (apic_get_tmcct).</summary>
    /// <param name="now">The present moment, for the current count.</param>
    /// <param name="clock">The machine's clocks, for the current count.</param>
    public readonly LocalApicPage Save(Instant now, in LocalApicTimerClock clock) => new()
    {
        Irr = Irr,
        Isr = Isr,
        Tmr = Tmr,
        Id = Id,
        Ldr = Ldr,
        Dfr = Dfr,
        Svr = Svr,
        IcrLow = IcrLow,
        IcrHigh = IcrHigh,
        LvtTimer = LvtTimer,
        LvtThermal = LvtThermal,
        LvtPerformance = LvtPerformance,
        LvtLint0 = LvtLint0,
        LvtLint1 = LvtLint1,
        LvtError = LvtError,
        LvtCmci = LvtCmci,
        TimerInitialCount = TimerInitialCount,
        TimerCurrentCount = WholeCountsLeft(now, clock),
        Tpr = Tpr,
        TimerDivide = TimerDivide,
        Esr = Esr,
    };

    /// <summary>
    /// Takes a page over. The timer is stopped; mode, version and LINT inputs stay, errors that were not latched yet are gone (KVM
    /// lapic.c:kvm_apic_set_state without its timer).
    /// </summary>
    /// <param name="page">As <see cref="Save"/> gave it, or with other numbers in it.</param>
    public void Load(in LocalApicPage page)
    {
        Irr = page.Irr;
        Isr = page.Isr;
        Tmr = page.Tmr;
        Id = page.Id;
        Ldr = page.Ldr;
        Dfr = page.Dfr;
        Svr = page.Svr;
        IcrLow = page.IcrLow;
        IcrHigh = page.IcrHigh;
        LvtTimer = page.LvtTimer;
        LvtThermal = page.LvtThermal;
        LvtPerformance = page.LvtPerformance;
        LvtLint0 = page.LvtLint0;
        LvtLint1 = page.LvtLint1;
        LvtError = page.LvtError;
        LvtCmci = page.LvtCmci;
        TimerInitialCount = page.TimerInitialCount;
        Tpr = page.Tpr;
        TimerDivide = page.TimerDivide;
        Esr = page.Esr;
        PendingErrors = ApicErrors.None;
        StopTimer();
        UpdatePpr();
    }

    /// <summary>
    /// When a restored timer that counts expires (KVM lapic.c:set_target_expiration). A current count above the initial one is not
    /// believed: the initial count is used.
    /// </summary>
    /// <param name="currentCount">The saved current count.</param>
    /// <param name="from">From where the timer goes on.</param>
    /// <param name="now">The present moment, as the code that computes the target reads it.</param>
    /// <param name="clock">The machine's clocks.</param>
    /// <returns>Never if the initial count is 0 or the timer does not count.</returns>
    public readonly LocalApicTimerTarget RestoredTarget(
        uint currentCount, RestoredCount from, Instant now, in LocalApicTimerClock clock)
    {
        if (!Counts(TimerMode) || TimerInitialCount == 0)
            return new LocalApicTimerTarget { Deadline = Instant.Never };
        bool whole = from == RestoredCount.Initial
            || currentCount > TimerInitialCount
            || (currentCount == 0 && (from == RestoredCount.CurrentOrInitial || TimerMode == ApicTimerMode.Periodic));
        Int128 span = whole ? TimerPeriod(clock) : (Int128)currentCount * TimerDivider * clock.TscHz;
        Int128 cycles = CeilingDivide(span, clock.BusHz);
        return new LocalApicTimerTarget { Deadline = now + (long)cycles, Excess = (long)(cycles * clock.BusHz - span) };
    }

    /// <summary>Arms the timer.</summary>
    /// <param name="target">As <see cref="RestoredTarget"/> computed it.</param>
    public void ArmTimer(in LocalApicTimerTarget target)
    {
        StopTimer();
        TimerDeadline = target.Deadline;
        TimerDeadlineExcess = target.Excess;
    }

    private readonly uint WholeCountsLeft(Instant now, in LocalApicTimerClock clock)
    {
        if (!Counts(TimerMode) || TimerDeadline.IsNever)
            return 0;
        Int128 remaining = TimerRemaining(now, clock);
        return remaining <= 0 ? 0 : (uint)(remaining / ((Int128)clock.TscHz * TimerDivider));
    }
}
