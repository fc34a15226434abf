using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>The choices of a SynIC in words.</summary>
internal static class SynIcPolicyTable
{
    /// <summary>The points.</summary>
    public static IReadOnlyList<ControllerPolicyPoint> Points { get; } =
    [
        Of(
            nameof(SynIcPolicy.ScontrolReset),
            "SCONTROL once the SynIC is there",
            p => p.ScontrolReset, (p, value) => p with { ScontrolReset = value },
            (SynIcScontrolReset.Disabled, "0: the guest enables it", "TLFS"),
            (SynIcScontrolReset.Enabled, "1", "KVM hyperv.c:kvm_hv_activate_synic; OpenVMM synic.rs")),
        Of(
            nameof(SynIcPolicy.VectorCheck),
            "which vectors 0..15 a guest's write to a SINT is refused for, with #GP",
            p => p.VectorCheck, (p, value) => p with { VectorCheck = value },
            (SintVectorCheck.Always, "all of them", "TLFS"),
            (SintVectorCheck.UnlessMasked,
                "those of unmasked sources: nested Hyper-V writes the reset value 10000h",
                "KVM hyperv.c:synic_set_sint"),
            (SintVectorCheck.Never, "none: the local APIC refuses the vector when it comes", "OpenVMM synic.rs:set_sint")),
        Of(
            nameof(SynIcPolicy.SintBits),
            "which of a SINT's bits 18 (polling) and 20 (proxy) mean anything",
            p => p.SintBits, (p, value) => p with { SintBits = value },
            (SynIcSintBits.Polling, "polling: the source raises no interrupt", "TLFS"),
            (SynIcSintBits.None, "neither", "KVM hyperv.c:synic_set_irq"),
            (SynIcSintBits.PollingAndProxy, "both: a proxied source takes neither messages nor events", "OpenVMM synic.rs")),
        Of(
            nameof(SynIcPolicy.PageClearing),
            "when the message and the event flags page are filled with zeroes",
            p => p.PageClearing, (p, value) => p with { PageClearing = value },
            (SynIcPageClearing.AtReset, "when the virtual processor is created or reset: they are overlay pages", "TLFS"),
            (SynIcPageClearing.AtEveryEnable, "at every write by the guest that has the enable bit set", "KVM hyperv.c:synic_set_msr"),
            (SynIcPageClearing.AtEnableOrMove, "at a write by the guest that enables or moves the page", "OpenVMM synic.rs:set_simp"),
            (SynIcPageClearing.Never, "never: they belong to the monitor", "KVM with KVM_CAP_HYPERV_SYNIC2")),
        Of(
            nameof(SynIcPolicy.ScontrolGate),
            "what is refused while SCONTROL is 0",
            p => p.ScontrolGate, (p, value) => p with { ScontrolGate = value },
            (SynIcScontrolGate.MessagesAndEvents, "messages and events", "TLFS"),
            (SynIcScontrolGate.EventsOnly, "events: a message needs its page alone", "KVM hyperv.c:synic_deliver_msg; OpenVMM synic.rs")),
        Of(
            nameof(SynIcPolicy.MaskedMessages),
            "what becomes of a message for a masked SINT",
            p => p.MaskedMessages, (p, value) => p with { MaskedMessages = value },
            (SynIcMaskedMessages.Written, "it is written, and its interrupt lost", "TLFS; KVM hyperv.c:synic_deliver_msg"),
            (SynIcMaskedMessages.Refused, "it is refused, and nothing is written", "OpenVMM synic.rs")),
        Of(
            nameof(SynIcPolicy.MaskedEvents),
            "what becomes of an event for a masked SINT",
            p => p.MaskedEvents, (p, value) => p with { MaskedEvents = value },
            (SynIcMaskedEvents.Refused, "it is refused, and no flag set", "TLFS; OpenVMM synic.rs"),
            (SynIcMaskedEvents.Signaled, "its flag is set, and its interrupt lost", "QEMU hyperv.c:hyperv_set_event_flag above KVM")),
        Of(
            nameof(SynIcPolicy.QueueDepth),
            "how many posted messages may wait for one SINT, besides those of timers",
            p => p.QueueDepth, (p, value) => p with { QueueDepth = value },
            (SynIcQueueDepth.Many, "as many as there is room for, 255 at most", "TLFS; OpenVMM synic.rs"),
            (SynIcQueueDepth.One, "one: it is staged above KVM", "QEMU hyperv.c:hyperv_post_msg")),
        Of(
            nameof(SynIcPolicy.Rescan),
            "what makes the hypervisor look again at slots for which messages wait",
            p => p.Rescan, (p, value) => p with { Rescan = value },
            (SynIcRescan.AtEoiEomAndPost,
                "an EOI of a vector that an unmasked SINT has; a write to EOM, for all SINTs; another message for the SINT",
                "TLFS"),
            (SynIcRescan.AtEoiAndEom,
                "an EOI of a vector that an unmasked SINT has; a write to EOM, for all SINTs",
                "KVM hyperv.c:kvm_hv_notify_acked_sint"),
            (SynIcRescan.EachPass,
                "nothing: each SINT with waiting messages is tried on each pass of the processor's loop",
                "OpenVMM synic.rs")),
        Of(
            nameof(SynIcPolicy.AutoEoi),
            "when it is decided that an interrupt ends as it is dispensed",
            p => p.AutoEoi, (p, value) => p with { AutoEoi = value },
            (AutoEoiBinding.AtDispense,
                "at dispense, from the SINT registers as they are then",
                "TLFS; KVM lapic.c:kvm_apic_get_interrupt"),
            (AutoEoiBinding.WithRequest,
                "with the request; of requests for a vector that merge in IRR the last decides",
                "OpenVMM virt_support_apic")),
    ];

    private static ControllerPolicyPoint Of<T>(
        string property,
        string summary,
        Func<SynIcPolicy, T> get,
        Func<SynIcPolicy, T, SynIcPolicy> set,
        params ReadOnlySpan<(T Value, string Meaning, string Source)> values)
        where T : struct, Enum =>
        ControllerPolicyPoint.Of(
            new ControllerPolicyName(ControllerKind.SynIc, property),
            summary,
            controllers => get(controllers.SynIc),
            (controllers, value) => controllers with { SynIc = set(controllers.SynIc, value) },
            values);
}
