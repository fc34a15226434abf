using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>Which rule decides before an entry whether the guest may omit its EOI.</summary>
public enum ApicAssistRule : byte
{
    /// <summary>
    /// The latest interrupt in service is edge, and nothing is pending in IRR below it or above (TLFS virtual-interrupts).
    /// </summary>
    Tlfs = 0,

    /// <summary>
    /// Nothing pending; the vector in service is the last dispensed, with no EOI since; no I/O APIC needs its EOI. Its trigger mode is not
    /// looked at (KVM lapic.c:apic_sync_pv_eoi_to_guest).
    /// </summary>
    Kvm = 1,

    /// <summary>
    /// Edge, and either nothing pending with something in service, or exactly one pending with nothing in service: that one is about to be
    /// dispensed (OpenVMM virt_support_apic).
    /// </summary>
    OpenVmm = 2,
}

/// <summary>What the local APIC and the I/O APICs say before an entry.</summary>
/// <param name="PendingCount">Vectors in IRR.</param>
/// <param name="InService">The highest vector in ISR, or −1.</param>
/// <param name="TargetIsLevel">TMR of <paramref name="InService"/>; of the one pending vector if nothing is in service.</param>
/// <param name="IoApicNeedsEoi">An I/O APIC handles the vector in service (KVM kvm_ioapic_handles_vector).</param>
public readonly record struct ApicAssistFacts(int PendingCount, int InService, bool TargetIsLevel, bool IoApicNeedsEoi);

/// <summary>
/// The VP assist page of a virtual processor as far as interrupts go: the MSR 40000073h, the page's first 32 bits, and the host's memory of
/// what it offered (TLFS virtual-interrupts; KVM lapic.c pv_eoi; OpenVMM hv.rs set_lazy_eoi, clear_lazy_eoi).
/// </summary>
/// <remarks>
/// Order: before an entry <see cref="TryOffer"/>; in the guest <see cref="GuestEoi"/> at the end of a handler, whose effect has the time of
/// that instruction; after the exit, before anything else touches the APIC, <see cref="TakeBack"/>. If that says that an EOI is owed, the
/// caller performs it as if it had been written, SynIC and I/O APICs included, and only then an EOI that the exit itself is for (as Xen
/// orders it). Not modelled: the rest of the page.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct ApicAssistPage
{
    /// <summary>HV_X64_MSR_VP_ASSIST_PAGE.</summary>
    public const uint Msr = 0x4000_0073;

    /// <summary>Bit 0 of the assist word: no EOI required.</summary>
    public const uint NoEoiRequired = 1;

    /// <summary>The MSR: bit 0 enable, 63:12 page, 11:1 kept as written.</summary>
    public ulong Register;

    /// <summary>The first 32 bits of the page, which the guest writes too.</summary>
    public uint AssistWord;

    /// <summary>The last vector dispensed into ISR, plus one, if no EOI came since; else 0 (KVM highest_isr_cache).</summary>
    public ushort LastDispensed;

    /// <summary>1 from an offer until it is taken back.</summary>
    public byte Offered;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;

    /// <summary>Whether the page is enabled.</summary>
    public readonly bool IsEnabled => (Register & 1) != 0;

    /// <summary>WRMSR: enabling clears the assist word, nothing else of the page; any write ends an offer.</summary>
    /// <param name="value">The value.</param>
    public void WriteRegister(ulong value)
    {
        Register = value;
        Offered = 0;
        if (IsEnabled)
            AssistWord = 0;
    }

    /// <summary>A vector went into ISR. Not called for one that is AutoEOI.</summary>
    /// <param name="vector">0..255.</param>
    public void Dispensed(int vector) => LastDispensed = (ushort)(vector + 1);

    /// <summary>An EOI was performed, by whatever way: which vector is the highest in service now is not remembered.</summary>
    public void Ended() => LastDispensed = 0;

    /// <summary>Before an entry: sets bit 0 if the page is enabled and the rule allows it.</summary>
    /// <param name="facts">The APICs' state.</param>
    /// <param name="rule">Whose rule.</param>
    /// <returns>True if the bit is set: the guest may omit one EOI.</returns>
    /// <exception cref="InvalidOperationException">The last offer was not taken back.</exception>
    public bool TryOffer(in ApicAssistFacts facts, ApicAssistRule rule)
    {
        if (Offered != 0)
            throw new InvalidOperationException("The APIC assist bit was offered twice without an exit in between.");
        bool inService = facts.InService >= 0;
        bool allowed = rule switch
        {
            ApicAssistRule.Tlfs => inService && facts is { PendingCount: 0, TargetIsLevel: false },
            ApicAssistRule.Kvm => inService && facts is { PendingCount: 0, IoApicNeedsEoi: false } && LastDispensed == facts.InService + 1,
            ApicAssistRule.OpenVmm => !facts.TargetIsLevel && facts.PendingCount == (inService ? 0 : 1),
            _ => throw new InvalidOperationException($"Unknown APIC assist rule {rule}."),
        };
        if (!IsEnabled || !allowed)
            return false;
        AssistWord |= NoEoiRequired;
        Offered = 1;
        return true;
    }

    /// <summary>The guest's end of interrupt: tests and clears bit 0.</summary>
    /// <returns>True if that was all; false if it must write the EOI register.</returns>
    public bool GuestEoi()
    {
        bool omitted = IsEnabled && (AssistWord & NoEoiRequired) != 0;
        AssistWord &= ~NoEoiRequired;
        return omitted;
    }

    /// <summary>
    /// After an exit, or when an interrupt becomes pending that would have to follow the EOI: the offer ends.
    /// </summary>
    /// <returns>True if the guest used it: an EOI is owed now.</returns>
    public bool TakeBack()
    {
        if (Offered == 0)
            return false;
        Offered = 0;
        bool used = (AssistWord & NoEoiRequired) == 0;
        AssistWord &= ~NoEoiRequired;
        return used;
    }
}
