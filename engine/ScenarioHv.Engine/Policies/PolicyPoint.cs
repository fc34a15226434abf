namespace ScenarioHv.Engine.Policies;

/// <summary>The rules on which hypervisors disagree, or that a patch changes: where a policy is asked.</summary>
public enum PolicyPoint : byte
{
    /// <summary>How an immediate exit is forced.</summary>
    ImmediateExit = 1,

    /// <summary>What an EOI does that finds the line still high.</summary>
    IoApicEoi = 2,

    /// <summary>How KVM knows that a guest's NMI handler has ended.</summary>
    NmiTracking = 3,
}
