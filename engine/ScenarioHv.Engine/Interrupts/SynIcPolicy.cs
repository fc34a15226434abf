namespace ScenarioHv.Engine.Interrupts;

/// <summary>SCONTROL once the SynIC is there.</summary>
public enum SynIcScontrolReset : byte
{
    /// <summary>0: the guest enables it (TLFS).</summary>
    Disabled = 0,

    /// <summary>1 (KVM hyperv.c:kvm_hv_activate_synic; OpenVMM synic.rs).</summary>
    Enabled = 1,
}

/// <summary>Which vectors 0..15 a guest's write to a SINT is refused for, with #GP.</summary>
public enum SintVectorCheck : byte
{
    /// <summary>All of them (TLFS).</summary>
    Always = 0,

    /// <summary>Those of unmasked sources: nested Hyper-V writes the reset value 10000h (KVM hyperv.c:synic_set_sint).</summary>
    UnlessMasked = 1,

    /// <summary>None: the local APIC refuses the vector when it comes (OpenVMM synic.rs:set_sint).</summary>
    Never = 2,
}

/// <summary>Which of a SINT's bits 18 (polling) and 20 (proxy) mean anything.</summary>
public enum SynIcSintBits : byte
{
    /// <summary>Polling: the source raises no interrupt (TLFS).</summary>
    Polling = 0,

    /// <summary>Neither (KVM hyperv.c:synic_set_irq).</summary>
    None = 1,

    /// <summary>Both: a proxied source takes neither messages nor events (OpenVMM synic.rs).</summary>
    PollingAndProxy = 2,
}

/// <summary>When the message and the event flags page are filled with zeroes.</summary>
public enum SynIcPageClearing : byte
{
    /// <summary>When the virtual processor is created or reset: they are overlay pages (TLFS).</summary>
    AtReset = 0,

    /// <summary>At every write by the guest that has the enable bit set (KVM hyperv.c:synic_set_msr).</summary>
    AtEveryEnable = 1,

    /// <summary>At a write by the guest that enables or moves the page (OpenVMM synic.rs:set_simp).</summary>
    AtEnableOrMove = 2,

    /// <summary>Never: they belong to the monitor (KVM with KVM_CAP_HYPERV_SYNIC2).</summary>
    Never = 3,
}

/// <summary>What is refused while SCONTROL is 0.</summary>
public enum SynIcScontrolGate : byte
{
    /// <summary>Messages and events (TLFS).</summary>
    MessagesAndEvents = 0,

    /// <summary>Events: a message needs its page alone (KVM hyperv.c:synic_deliver_msg; OpenVMM synic.rs).</summary>
    EventsOnly = 1,
}

/// <summary>What becomes of a message for a masked SINT.</summary>
public enum SynIcMaskedMessages : byte
{
    /// <summary>It is written, and its interrupt lost (TLFS; KVM hyperv.c:synic_deliver_msg).</summary>
    Written = 0,

    /// <summary>It is refused, and nothing is written (OpenVMM synic.rs).</summary>
    Refused = 1,
}

/// <summary>What becomes of an event for a masked SINT.</summary>
public enum SynIcMaskedEvents : byte
{
    /// <summary>It is refused, and no flag set (TLFS; OpenVMM synic.rs).</summary>
    Refused = 0,

    /// <summary>Its flag is set, and its interrupt lost (QEMU hyperv.c:hyperv_set_event_flag above KVM).</summary>
    Signaled = 1,
}

/// <summary>How many posted messages may wait for one SINT, besides those of timers.</summary>
public enum SynIcQueueDepth : byte
{
    /// <summary>As many as there is room for, 255 at most (TLFS; OpenVMM synic.rs).</summary>
    Many = 0,

    /// <summary>One: it is staged above KVM (QEMU hyperv.c:hyperv_post_msg).</summary>
    One = 1,
}

/// <summary>What makes the hypervisor look again at slots for which messages wait.</summary>
public enum SynIcRescan : byte
{
    /// <summary>
    /// An EOI of a vector that an unmasked SINT has; a write to EOM, for all SINTs; another message for the SINT (TLFS).
    /// </summary>
    AtEoiEomAndPost = 0,

    /// <summary>
    /// An EOI of a vector that an unmasked SINT has; a write to EOM, for all SINTs (KVM hyperv.c:kvm_hv_notify_acked_sint).
    /// </summary>
    AtEoiAndEom = 1,

    /// <summary>Nothing: each SINT with waiting messages is tried on each pass of the processor's loop (OpenVMM synic.rs).</summary>
    EachPass = 2,
}

/// <summary>When it is decided that an interrupt ends as it is dispensed.</summary>
public enum AutoEoiBinding : byte
{
    /// <summary>At dispense, from the SINT registers as they are then (TLFS; KVM lapic.c:kvm_apic_get_interrupt).</summary>
    AtDispense = 0,

    /// <summary>With the request; of requests for a vector that merge in IRR the last decides (OpenVMM virt_support_apic).</summary>
    WithRequest = 1,
}

/// <summary>
/// The points on which SynICs differ. Each is read in one place; the presets are the three that are known, and the default is
/// <see cref="Tlfs"/>.
/// </summary>
public readonly record struct SynIcPolicy
{
    /// <summary>The Top-Level Functional Specification to the letter.</summary>
    public static SynIcPolicy Tlfs => default;

    /// <summary>KVM's hyperv.c; for posted messages and events QEMU's hyperv.c above it, which stages one message per SINT.</summary>
    public static SynIcPolicy Kvm => new()
    {
        ScontrolReset = SynIcScontrolReset.Enabled,
        VectorCheck = SintVectorCheck.UnlessMasked,
        SintBits = SynIcSintBits.None,
        PageClearing = SynIcPageClearing.AtEveryEnable,
        ScontrolGate = SynIcScontrolGate.EventsOnly,
        MaskedEvents = SynIcMaskedEvents.Signaled,
        QueueDepth = SynIcQueueDepth.One,
        Rescan = SynIcRescan.AtEoiAndEom,
    };

    /// <summary>OpenVMM's hv1_emulator (synic.rs).</summary>
    public static SynIcPolicy OpenVmm => new()
    {
        ScontrolReset = SynIcScontrolReset.Enabled,
        VectorCheck = SintVectorCheck.Never,
        SintBits = SynIcSintBits.PollingAndProxy,
        PageClearing = SynIcPageClearing.AtEnableOrMove,
        ScontrolGate = SynIcScontrolGate.EventsOnly,
        MaskedMessages = SynIcMaskedMessages.Refused,
        Rescan = SynIcRescan.EachPass,
        AutoEoi = AutoEoiBinding.WithRequest,
    };

    /// <summary>SCONTROL once the SynIC is there.</summary>
    public SynIcScontrolReset ScontrolReset { get; init; }

    /// <summary>Which vectors are #GP.</summary>
    public SintVectorCheck VectorCheck { get; init; }

    /// <summary>Which of <see cref="SynIcSint.PollingBit"/> and <see cref="SynIcSint.ProxyBit"/> mean anything.</summary>
    public SynIcSintBits SintBits { get; init; }

    /// <summary>When the pages are cleared.</summary>
    public SynIcPageClearing PageClearing { get; init; }

    /// <summary>What is refused while SCONTROL is 0.</summary>
    public SynIcScontrolGate ScontrolGate { get; init; }

    /// <summary>What becomes of a message for a masked SINT.</summary>
    public SynIcMaskedMessages MaskedMessages { get; init; }

    /// <summary>What becomes of an event for a masked SINT.</summary>
    public SynIcMaskedEvents MaskedEvents { get; init; }

    /// <summary>How many posted messages may wait for one SINT.</summary>
    public SynIcQueueDepth QueueDepth { get; init; }

    /// <summary>What makes waiting messages be tried again.</summary>
    public SynIcRescan Rescan { get; init; }

    /// <summary>Where the AutoEOI attribute of a dispensed vector comes from.</summary>
    public AutoEoiBinding AutoEoi { get; init; }
}
