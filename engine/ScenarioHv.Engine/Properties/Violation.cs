namespace ScenarioHv.Engine.Properties;

/// <summary>The safety properties that every step is held against.</summary>
public enum SafetyProperty : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>An owed request is somewhere: in IRR, or written for injection. Fails at the step that empties the last place.</summary>
    Custody = 1,

    /// <summary>Every dispatch has a request that was not served yet.</summary>
    Just = 2,

    /// <summary>What a hypervisor enters the guest with passes the checks of a VM entry.</summary>
    Entry = 3,
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
