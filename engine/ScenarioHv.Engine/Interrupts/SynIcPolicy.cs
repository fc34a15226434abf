namespace ScenarioHv.Engine.Interrupts;

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

/// <summary>When the message and the event flags page are filled with zeroes.</summary>
public enum SynIcPageClearing : byte
{
    /// <summary>When the virtual processor is created or reset: they are overlay pages (TLFS).</summary>
    AtReset = 0,

    /// <summary>At every write by the guest that has the enable bit set (KVM without SYNIC2).</summary>
    AtEveryEnable = 1,

    /// <summary>At a write by the guest that enables or moves the page (OpenVMM synic.rs:set_simp).</summary>
    AtEnableOrMove = 2,

    /// <summary>Never: they belong to the monitor (KVM with KVM_CAP_HYPERV_SYNIC2).</summary>
    Never = 3,
}

/// <summary>What makes the hypervisor look again at slots for which messages wait.</summary>
[Flags]
public enum SynIcRescan : byte
{
    /// <summary>Nothing: the caller tries each SINT of <see cref="SynIc.QueuedSints"/> on each pass of its loop (OpenVMM).</summary>
    EachPass = 0,

    /// <summary>An EOI of a vector that an unmasked SINT has.</summary>
    Eoi = 1,

    /// <summary>A write to EOM, for all SINTs.</summary>
    Eom = 2,

    /// <summary>Another message for the SINT (TLFS).</summary>
    Post = 4,
}

/// <summary>When it is decided that an interrupt ends as it is dispensed.</summary>
public enum AutoEoiBinding : byte
{
    /// <summary>At dispense, from the SINT registers as they are then (TLFS; KVM lapic.c:kvm_apic_get_interrupt).</summary>
    AtDispense = 0,

    /// <summary>With the request; of requests for a vector that merge in IRR the last decides (OpenVMM virt_support_apic).</summary>
    WithRequest = 1,
}

/// <summary>The points on which SynICs differ. Each is read in one place; the presets are the three that are known.</summary>
public sealed record SynIcPolicy
{
    /// <summary>The Top-Level Functional Specification to the letter.</summary>
    public static SynIcPolicy Tlfs { get; } = new()
    {
        ScontrolReset = 0,
        VectorCheck = SintVectorCheck.Always,
        SintBits = SynIcSint.PollingBit,
        PageClearing = SynIcPageClearing.AtReset,
        MessagesNeedScontrol = true,
        MaskedSintTakesMessages = true,
        MaskedSintTakesEvents = false,
        QueuedPerSint = 255,
        Rescan = SynIcRescan.Eoi | SynIcRescan.Eom | SynIcRescan.Post,
        AutoEoi = AutoEoiBinding.AtDispense,
    };

    /// <summary>KVM's hyperv.c; for posted messages and events QEMU's hyperv.c above it, which stages one message per SINT.</summary>
    public static SynIcPolicy Kvm { get; } = new()
    {
        ScontrolReset = SynIcMsr.EnableBit,
        VectorCheck = SintVectorCheck.UnlessMasked,
        SintBits = 0,
        PageClearing = SynIcPageClearing.AtEveryEnable,
        MessagesNeedScontrol = false,
        MaskedSintTakesMessages = true,
        MaskedSintTakesEvents = true,
        QueuedPerSint = 1,
        Rescan = SynIcRescan.Eoi | SynIcRescan.Eom,
        AutoEoi = AutoEoiBinding.AtDispense,
    };

    /// <summary>OpenVMM's hv1_emulator (synic.rs).</summary>
    public static SynIcPolicy OpenVmm { get; } = new()
    {
        ScontrolReset = SynIcMsr.EnableBit,
        VectorCheck = SintVectorCheck.Never,
        SintBits = SynIcSint.PollingBit | SynIcSint.ProxyBit,
        PageClearing = SynIcPageClearing.AtEnableOrMove,
        MessagesNeedScontrol = false,
        MaskedSintTakesMessages = false,
        MaskedSintTakesEvents = false,
        QueuedPerSint = 255,
        Rescan = SynIcRescan.EachPass,
        AutoEoi = AutoEoiBinding.WithRequest,
    };

    /// <summary>SCONTROL once the SynIC is there: 0 (TLFS) or 1 (KVM hyperv.c:kvm_hv_activate_synic, OpenVMM).</summary>
    public required ulong ScontrolReset { get; init; }

    /// <summary>Which vectors are #GP.</summary>
    public required SintVectorCheck VectorCheck { get; init; }

    /// <summary>Which of <see cref="SynIcSint.PollingBit"/> and <see cref="SynIcSint.ProxyBit"/> mean anything.</summary>
    public required ulong SintBits { get; init; }

    /// <summary>When the pages are cleared.</summary>
    public required SynIcPageClearing PageClearing { get; init; }

    /// <summary>No message is delivered while SCONTROL is 0. Event flags are refused then by all three.</summary>
    public required bool MessagesNeedScontrol { get; init; }

    /// <summary>A message for a masked SINT is written and its interrupt lost; if false, it is refused and nothing is written.</summary>
    public required bool MaskedSintTakesMessages { get; init; }

    /// <summary>An event for a masked SINT sets the flag and loses its interrupt; if false, it is refused, and no flag set.</summary>
    public required bool MaskedSintTakesEvents { get; init; }

    /// <summary>How many posted messages may wait for one SINT, besides those of timers: 0..255.</summary>
    public required byte QueuedPerSint { get; init; }

    /// <summary>What makes waiting messages be tried again.</summary>
    public required SynIcRescan Rescan { get; init; }

    /// <summary>Where the AutoEOI attribute of a dispensed vector comes from.</summary>
    public required AutoEoiBinding AutoEoi { get; init; }
}
