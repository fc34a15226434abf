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

    /// <summary>A machine that is saved and restored runs on as the one that is not.</summary>
    Snapshot = 11,
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

/// <summary>A property failed: plain data.</summary>
public struct Violation
{
    /// <summary>Which.</summary>
    public SafetyProperty Property;

    /// <summary>The vCPU.</summary>
    public byte Vcpu;

    /// <summary>The vector; 0 if it is about none.</summary>
    public byte Vector;

    /// <summary>Which check of a VM entry failed, as its number.</summary>
    public byte Detail;

    /// <summary>For the layout only: always 0.</summary>
    public uint Reserved;

    /// <summary>True if a property has failed.</summary>
    public readonly bool Exists => Property != SafetyProperty.None;
}
