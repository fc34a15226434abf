namespace ScenarioHv.Engine.Interrupts;

/// <summary>Destination shorthand, ICR bits 19:18 (SDM3 10.6.1). Any but <see cref="None"/> overrides the destination.</summary>
public enum IpiShorthand : byte
{
    /// <summary>The destination field and mode decide.</summary>
    None = 0,

    /// <summary>The sender alone.</summary>
    Self = 1,

    /// <summary>Every local APIC, the sender included.</summary>
    All = 2,

    /// <summary>Every local APIC but the sender.</summary>
    AllExcludingSelf = 3,
}

/// <summary>An interprocessor interrupt that a local APIC sends. Who is addressed: <see cref="LocalApic.IsAddressedBy"/>.</summary>
/// <param name="Message">The message; its destination counts only without shorthand.</param>
/// <param name="Shorthand">The shorthand.</param>
public readonly record struct IpiRequest(ApicMessage Message, IpiShorthand Shorthand);
