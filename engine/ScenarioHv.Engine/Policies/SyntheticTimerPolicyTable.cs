using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>The choices of synthetic timers in words.</summary>
internal static class SyntheticTimerPolicyTable
{
    /// <summary>The points.</summary>
    public static IReadOnlyList<ControllerPolicyPoint> Points { get; } =
    [
        Of(
            nameof(SyntheticTimerPolicy.Start),
            "when an enabled timer starts to run after a write to its MSRs",
            p => p.Start, (p, value) => p with { Start = value },
            (SyntheticTimerStart.AtWrite, "with the write: a period is counted from there", "TLFS"),
            (SyntheticTimerStart.InPass, "in the next pass; one that is past expires in the same pass", "OpenVMM synic.rs:evaluate"),
            (SyntheticTimerStart.InPassExpiresInNext,
                "in the next pass; one that is past expires in the pass after, behind the higher timers",
                "KVM hyperv.c:stimer_start")),
        Of(
            nameof(SyntheticTimerPolicy.SintZero),
            "what a configuration with SINTx 0 and no direct mode does to the enabled bit",
            p => p.SintZero, (p, value) => p with { SintZero = value },
            (SyntheticTimerSintZero.Disables, "clears it", "TLFS timers"),
            (SyntheticTimerSintZero.DisablesIfEnabledBefore,
                "clears it if the timer was enabled before the write",
                "KVM hyperv.c:stimer_set_config"),
            (SyntheticTimerSintZero.Allowed, "nothing: SINT0 gets the messages", "OpenVMM synic.rs")),
        Of(
            nameof(SyntheticTimerPolicy.ReservedBits),
            "what writing a reserved bit of the configuration (15:13, 63:20) does",
            p => p.ReservedBits, (p, value) => p with { ReservedBits = value },
            (SyntheticTimerReservedBits.Fault, "#GP", "TLFS"),
            (SyntheticTimerReservedBits.Stored, "they are stored", "KVM hyperv.c:stimer_set_config; OpenVMM synic.rs")),
        Of(
            nameof(SyntheticTimerPolicy.ZeroCount),
            "what writing count 0 does",
            p => p.ZeroCount, (p, value) => p with { ZeroCount = value },
            (SyntheticTimerZeroCount.Disables, "it clears the enabled bit", "TLFS; KVM hyperv.c:stimer_set_count"),
            (SyntheticTimerZeroCount.StandsStill, "the timer stands still; its enabled bit stays", "OpenVMM synic.rs")),
        Of(
            nameof(SyntheticTimerPolicy.BusySlot),
            "what a timer does that expires while its SINT's slot is busy",
            p => p.BusySlot, (p, value) => p with { BusySlot = value },
            (SyntheticTimerBusySlot.Queued,
                "its message waits in the SINT's queue; until it is delivered the timer does not expire again",
                "TLFS"),
            (SyntheticTimerBusySlot.DropsPeriodic,
                "a periodic tick is dropped without a pending flag. A one-shot sets the flag and waits for an EOM or EOI of its SINT",
                "KVM hyperv.c:stimer_send_msg"),
            (SyntheticTimerBusySlot.StaysDue, "it sets the flag, stays due, and is tried on each pass", "OpenVMM synic.rs")),
        Of(
            nameof(SyntheticTimerPolicy.NextPeriod),
            "when a periodic timer next expires, once an expiry was delivered or dropped",
            p => p.NextPeriod, (p, value) => p with { NextPeriod = value },
            (SyntheticTimerNextPeriod.CatchesUpUnlessLazy,
                "one period after the last expiry, even if that is past: none is missed. Lazy timers drop those",
                "TLFS"),
            (SyntheticTimerNextPeriod.DropsMissed,
                "the first multiple of the period after now: missed ones are dropped, the phase is kept",
                "KVM hyperv.c:stimer_start"),
            (SyntheticTimerNextPeriod.FromDelivery, "one period after the delivery: the phase moves", "OpenVMM synic.rs")),
        Of(
            nameof(SyntheticTimerPolicy.FarCount),
            "what a count is that lies 2⁶³ units or more ahead",
            p => p.FarCount, (p, value) => p with { FarCount = value },
            (SyntheticTimerFarCount.Future, "just far", "TLFS; KVM hyperv.c:stimer_start"),
            (SyntheticTimerFarCount.Past,
                "past, because the signed difference to the counter is not positive",
                "OpenVMM synic.rs:evaluate")),
        Of(
            nameof(SyntheticTimerPolicy.LostInterrupt),
            "how an expiry counts whose interrupt no APIC takes (SINT masked, APIC software-disabled)",
            p => p.LostInterrupt, (p, value) => p with { LostInterrupt = value },
            (SyntheticTimerLostInterrupt.Delivered, "as delivered: the message is written", "TLFS; OpenVMM synic.rs"),
            (SyntheticTimerLostInterrupt.Undelivered,
                "as undelivered although the message is written: it is tried again at an EOM or EOI of the SINT, in direct mode never",
                "KVM hyperv.c:stimer_expiration")),
    ];

    private static ControllerPolicyPoint Of<T>(
        string property,
        string summary,
        Func<SyntheticTimerPolicy, T> get,
        Func<SyntheticTimerPolicy, T, SyntheticTimerPolicy> set,
        params ReadOnlySpan<(T Value, string Meaning, string Source)> values)
        where T : struct, Enum =>
        ControllerPolicyPoint.Of(
            new ControllerPolicyName(ControllerKind.SyntheticTimers, property),
            summary,
            controllers => get(controllers.SyntheticTimers),
            (controllers, value) => controllers with { SyntheticTimers = set(controllers.SyntheticTimers, value) },
            values);
}
