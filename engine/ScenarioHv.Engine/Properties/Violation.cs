namespace ScenarioHv.Engine.Properties;

/// <summary>The safety properties: what a step can break. <see cref="PropertyTable"/> has their names.</summary>
public enum SafetyProperty : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>An owed request is somewhere. Fails at the step that empties the last place.</summary>
    Custody = 1,

    /// <summary>Every dispatch has a request: the vector was requested at some time.</summary>
    Just = 2,

    /// <summary>What a hypervisor enters the guest with passes the checks of a VM entry.</summary>
    Entry = 3,

    /// <summary>A request is dispatched once: no dispatch without a request that was not served yet.</summary>
    Once = 4,

    /// <summary>What is dispatched was the highest request, above the guest's PPR, and the guest could take it.</summary>
    Priority = 5,

    /// <summary>An NMI handler starts only while NMIs are not blocked, and for an NMI that came.</summary>
    Nmi = 6,

    /// <summary>No lock is awaited by its holder, and no two are taken in both orders.</summary>
    Lock = 7,

    /// <summary>A message reaches the CPUs that its destination names, and no other.</summary>
    Destination = 8,

    /// <summary>A copy agrees with what it mirrors, at its sync points.</summary>
    Mirror = 9,

    /// <summary>A set remote IRR bit has its vector or its EOI somewhere.</summary>
    Level = 10,

    /// <summary>A vector that is owed to a vCPU when its local APIC is saved is in what was saved.</summary>
    Snapshot = 11,

    /// <summary>What a guest's script asserts is so.</summary>
    Assert = 12,
}

/// <summary>The liveness properties: what explains that a machine stands still, or goes round without its goal.</summary>
public enum LivenessProperty : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>An accepted vector is dispatched in the end.</summary>
    Live = 1,

    /// <summary>A CPU that sleeps is woken for an event that it can take.</summary>
    Wake = 2,

    /// <summary>A line that is high, unmasked, and has no remote IRR is accepted in the end.</summary>
    Level = 3,
}

/// <summary>What was wrong with the order of a dispatch: the detail of <see cref="SafetyProperty.Priority"/>.</summary>
public enum PriorityFailure : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The guest had IF = 0, or was in the shadow of STI or MOV SS.</summary>
    InterruptsOff,

    /// <summary>The vector's class is not above the guest's PPR.</summary>
    BelowPpr,

    /// <summary>A higher vector had been requested before it was chosen, and waits still.</summary>
    Outranked,
}

/// <summary>What was wrong with an NMI: the detail of <see cref="SafetyProperty.Nmi"/>.</summary>
public enum NmiFailure : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Its handler started before the IRET of the one before.</summary>
    Blocked,

    /// <summary>Its handler started, and no NMI was left to serve.</summary>
    NeverRequested,

    /// <summary>It is owed, and nobody keeps it any more.</summary>
    Lost,
}

/// <summary>Which copy is wrong: the detail of <see cref="SafetyProperty.Mirror"/>.</summary>
public enum MirrorFailure : byte
{
    /// <summary>None.</summary>
    None,

    /// <summary>RVI at an entry, of the highest vector in IRR.</summary>
    Rvi,

    /// <summary>SVI at an entry, of the highest vector in ISR.</summary>
    Svi,

    /// <summary>The EOI-exit bitmap at an entry, of the vectors whose EOI the hypervisor forwards.</summary>
    EoiExitBitmap,

    /// <summary>What the guest reads of ISR.</summary>
    IsrRead,

    /// <summary>What the guest reads of IRR.</summary>
    IrrRead,

    /// <summary>What the guest reads of TPR, or of CR8.</summary>
    TprRead,

    /// <summary>What the guest reads of PPR.</summary>
    PprRead,
}

/// <summary>A property failed: plain data.</summary>
public struct Violation
{
    /// <summary>Which.</summary>
    public SafetyProperty Property;

    /// <summary>The vCPU.</summary>
    public byte Vcpu;

    /// <summary>The vector; 0 if it is about none.</summary>
    public byte Vector;

    /// <summary>
    /// What exactly: the number of the check of a VM entry, a <see cref="PriorityFailure"/>, <see cref="NmiFailure"/> or
    /// <see cref="MirrorFailure"/>; the pin of <see cref="SafetyProperty.Level"/>.
    /// </summary>
    public byte Detail;

    /// <summary>
    /// What the guest's own copy says: the vector that outranks, what it should have read or what RVI should have been. Of
    /// <see cref="SafetyProperty.Assert"/> the number of its words (<see cref="Scheduling.Board.Assertions"/>).
    /// </summary>
    public uint Expected;

    /// <summary>True if a property has failed.</summary>
    public readonly bool Exists => Property != SafetyProperty.None;
}
