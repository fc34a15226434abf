namespace ScenarioHv.Engine.Properties;

/// <summary>A property by its name.</summary>
/// <param name="Name">Name in scenarios and reports: <c>custody</c>.</param>
/// <param name="Safety">What a step can break; <see cref="SafetyProperty.None"/> for a property of liveness alone.</param>
/// <param name="Liveness">What explains that nothing goes on; <see cref="LivenessProperty.None"/> for a property of safety alone.</param>
/// <param name="Meaning">What it says, in sentences, and what it does not hold against anybody.</param>
/// <param name="LivenessMeaning">The same of the other half, if it has two; else empty.</param>
public sealed record PropertyEntry(
    string Name, SafetyProperty Safety, LivenessProperty Liveness, string Meaning, string LivenessMeaning = "");

/// <summary>Every property with its name. <c>level</c> has two halves, one of each kind.</summary>
public static class PropertyTable
{
    /// <summary>The properties of safety, then those of liveness alone.</summary>
    public static IReadOnlyList<PropertyEntry> All { get; } =
    [
        new("custody", SafetyProperty.Custody, LivenessProperty.None,
            "A vector that a local APIC has accepted and that is owed a dispatch waits somewhere: in IRR, or where the hypervisor "
            + "keeps it on its way to the handler. It fails at the step that empties the last place. Requests that wait together "
            + "may be merged."),
        new("just", SafetyProperty.Just, LivenessProperty.None,
            "A vector that the guest takes (its handler starts, or a VM exit acknowledges it) has been requested at some time. "
            + "The APIC's own error interrupt is exempt."),
        new("once", SafetyProperty.Once, LivenessProperty.None,
            "A request is dispatched once: the vector was requested, and one of its requests has not been served yet. With 'just' "
            + "it says that every dispatch has a request. Each tick that a timer or a reinjection policy sends is a request of its "
            + "own."),
        new("priority", SafetyProperty.Priority, LivenessProperty.None,
            "What is dispatched has a class above the PPR that the guest's TPR and handlers give, the guest could take it (IF = "
            + "1, no shadow of STI or MOV SS), and no higher vector was visible when it was chosen. One that comes between choice "
            + "and handler is no alarm: it could as well have come later."),
        new("nmi", SafetyProperty.Nmi, LivenessProperty.None,
            "An NMI's handler starts for an NMI that came, and not between the start of another and the next IRET of its level. "
            + "An NMI that is owed is kept somewhere. NMIs that come while one waits may be merged with it."),
        new("entry", SafetyProperty.Entry, LivenessProperty.None,
            "The control structure with which a guest is entered passes the checks of a VM entry (SDM3 26.2, 26.3; APM2 15.5.1)."),
        new("lock", SafetyProperty.Lock, LivenessProperty.None,
            "Nobody waits for a lock that it holds itself, and no two locks are taken in both orders. It can fail only on "
            + "machines whose hypervisor's locks are modelled."),
        new("destination", SafetyProperty.Destination, LivenessProperty.None,
            "A message reaches the local APICs that its destination names, by their own registers, and no other; one of lowest "
            + "priority exactly one of them that is enabled."),
        new("mirror", SafetyProperty.Mirror, LivenessProperty.None,
            "A copy agrees with what it mirrors. At an entry under virtual-interrupt delivery: RVI with the highest vector in "
            + "IRR, unless an interrupt of the host is pending that announces a newer one; SVI with the highest in ISR; the "
            + "EOI-exit bitmap with the vectors that the hypervisor forwards. At every read of the guest: ISR, TPR, CR8 and PPR "
            + "with what its own instructions have made; IRR has only vectors that were requested, and has those that the guest has "
            + "sent to itself."),
        new("level", SafetyProperty.Level, LivenessProperty.Level,
            "While a pin's remote IRR is set, its vector is requested, injected or in service at some CPU, or its EOI is under "
            + "way, which it is until that CPU retires its next instruction. Not once the guest has given the entry another vector "
            + "or mode, suppresses the broadcast, or has given the vector to an edge source.",
            "A line that is high, while its pin is unmasked and its remote IRR clear, is accepted by a local APIC that the entry "
            + "addresses. Nor does remote IRR stay set for a vector that is nowhere, unless an edge source has the vector too."),
        new("snapshot", SafetyProperty.Snapshot, LivenessProperty.None,
            "What is owed to a vCPU when its local APIC is saved is in what was saved: in IRR, or as the vector written for "
            + "injection. It fails at the restore, and only in scenarios that save and restore vCPUs."),
        new("assert", SafetyProperty.Assert, LivenessProperty.None,
            "What a guest's script asserts with cpu.Assert(condition) is so whenever its code comes there. It is for what only the "
            + "author knows: an order, a count, a value that has to be there. Nothing else is asserted."),
        new("live", SafetyProperty.None, LivenessProperty.Live,
            "A vector or an NMI that is owed, and that the guest can take in one of the states in which the machine stays for "
            + "ever, is dispatched. A guest that keeps IF = 0, a TPR that holds the vector back, or an NMI handler without IRET is "
            + "no reason."),
        new("wake", SafetyProperty.None, LivenessProperty.Wake,
            "The same of a vCPU that is halted in all of these states: somebody wakes it."),
    ];

    /// <summary>The name of what a step broke; null for <see cref="SafetyProperty.None"/>.</summary>
    public static string? NameOf(SafetyProperty property) =>
        property == SafetyProperty.None ? null : All.First(entry => entry.Safety == property).Name;

    /// <summary>The name of what explains that nothing goes on; null for <see cref="LivenessProperty.None"/>.</summary>
    public static string? NameOf(LivenessProperty property) =>
        property == LivenessProperty.None ? null : All.First(entry => entry.Liveness == property).Name;
}
