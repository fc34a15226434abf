using ScenarioHv.Engine.Devices;

namespace ScenarioHv.Engine.Policies;

/// <summary>The choices of an 8254's channel 0 in words.</summary>
internal static class PitPolicyTable
{
    /// <summary>The points.</summary>
    public static IReadOnlyList<ControllerPolicyPoint> Points { get; } =
    [
        Of(
            nameof(PitPolicies.Reload),
            "when a count written to a running mode 2 or 3 takes effect",
            p => p.Reload, (p, value) => p with { Reload = value },
            (Pit8254Reload.AtPeriodEnd, "at the end of the current period", "82C54"),
            (Pit8254Reload.Immediately, "at once: the timer is restarted", "KVM i8254.c:pit_load_count; QEMU i8254.c:pit_load_count")),
        Of(
            nameof(PitPolicies.Reinjection),
            "what becomes of ticks of channel 0 that expire before the guest has acknowledged the last one",
            p => p.Reinjection, (p, value) => p with { Reinjection = value },
            (PitReinjectionRule.Off,
                "every expiry is a pulse, and those that find the last one pending merge with it",
                "82C54; QEMU i8254.c"),
            (PitReinjectionRule.On,
                "they are counted and sent again, one at each acknowledgement",
                "KVM i8254.c:pit_do_work, kvm_pit_ack_irq")),
    ];

    private static ControllerPolicyPoint Of<T>(
        string property,
        string summary,
        Func<PitPolicies, T> get,
        Func<PitPolicies, T, PitPolicies> set,
        params ReadOnlySpan<(T Value, string Meaning, string Source)> values)
        where T : struct, Enum =>
        ControllerPolicyPoint.Of(
            new ControllerPolicyName(ControllerKind.Pit, property),
            summary,
            controllers => get(controllers.Pit),
            (controllers, value) => controllers with { Pit = set(controllers.Pit, value) },
            values);
}
