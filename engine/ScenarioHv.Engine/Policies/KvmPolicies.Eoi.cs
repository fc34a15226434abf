namespace ScenarioHv.Engine.Policies;

/// <summary>One micro-step of an EOI (lapic.c:apic_set_eoi, kvm_apic_set_eoi_accelerated).</summary>
public enum EoiStep : byte
{
    /// <summary>The I/O APIC is told, if the vector is one that it wants to hear of (kvm_ioapic_send_eoi).</summary>
    TellIoApic,

    /// <summary>As <see cref="TellIoApic"/>, but only where KVM has emulated the store, not where the processor has ended it.</summary>
    TellIoApicIfEmulated,

    /// <summary>Events are looked at again before the next entry (KVM_REQ_EVENT): PPR has fallen.</summary>
    RequestEvent,
}

/// <summary>What follows when the vector has left ISR.</summary>
public static class EoiPlans
{
    /// <summary>The same for every form of an EOI.</summary>
    public static readonly Plan<EoiStep> TellAndRequest = new("tell-and-request", EoiStep.RequestEvent, EoiStep.TellIoApic);

    /// <summary>One form is forgotten.</summary>
    public static readonly Plan<EoiStep> TellIfEmulated = new("tell-if-emulated", EoiStep.RequestEvent, EoiStep.TellIoApicIfEmulated);

    /// <summary>Nobody looks for the interrupt that the ended one has held back.</summary>
    public static readonly Plan<EoiStep> WithoutRequest = new("without-request", EoiStep.TellIoApic);
}

/// <summary>What becomes of SVR bit 12, with which a guest forbids that its EOIs are broadcast.</summary>
public enum EoiSuppression : byte
{
    /// <summary>The version register says that there is no such bit.</summary>
    NotAdvertised,

    /// <summary>The bit is there and is not obeyed.</summary>
    Quirked,

    /// <summary>The bit is there and is obeyed: the guest has to end the interrupt at the I/O APIC itself.</summary>
    Respected,
}

/// <summary>
/// Of which vectors a vCPU's EOI is forwarded, and where that set is written (kvm_ioapic_scan_entry, vcpu_load_eoi_exitmap).
/// </summary>
public enum EoiForwardSet : byte
{
    /// <summary>
    /// Level entries that address the vCPU, masked or not, and those that were in the set and whose vector it still has in IRR or ISR.
    /// </summary>
    EveryEntry,

    /// <summary>As <see cref="EveryEntry"/>, without masked entries.</summary>
    UnmaskedEntries,

    /// <summary>As <see cref="EveryEntry"/>, without what came by an entry that addresses another vCPU by now.</summary>
    NewestRouting,

    /// <summary>As <see cref="EveryEntry"/>, loaded at once into whatever control structure is current, L2's among them.</summary>
    CurrentVmcs,
}

/// <content>The end of an interrupt.</content>
public sealed partial record KvmPolicies
{
    /// <summary>What follows an EOI.</summary>
    public Plan<EoiStep> Eoi { get; init; } = EoiPlans.TellAndRequest;

    /// <summary>Whether a guest can suppress broadcasts.</summary>
    public EoiSuppression EoiSuppression { get; init; } = EoiSuppression.NotAdvertised;

    /// <summary>Which EOIs are forwarded.</summary>
    public EoiForwardSet EoiForwardSet
    {
        get => Scripts.Value(field);
        init;
    } = EoiForwardSet.EveryEntry;
}
