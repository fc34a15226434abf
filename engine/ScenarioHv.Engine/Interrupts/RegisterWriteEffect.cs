namespace ScenarioHv.Engine.Interrupts;

/// <summary>What an EOI did.</summary>
/// <param name="Vector">The vector that left service, or −1 if none was in service.</param>
/// <param name="Broadcast">EOI(<paramref name="Vector"/>) goes to all I/O APICs (SDM3 10.8.5).</param>
public readonly record struct EoiResult(int Vector, bool Broadcast);

/// <summary>What an access to a local APIC register caused outside the register.</summary>
[Flags]
public enum LocalApicEffects : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>An EOI: see <see cref="RegisterWriteEffect.Eoi"/>.</summary>
    Eoi = 1,

    /// <summary>An IPI to route: see <see cref="RegisterWriteEffect.Ipi"/>.</summary>
    SendIpi = 2,

    /// <summary>An IPI for the sender alone (shorthand self): <see cref="RegisterWriteEffect.Ipi"/> is for this APIC to accept.</summary>
    SelfIpi = 4,

    /// <summary><see cref="LocalApic.TimerDeadline"/> may have changed: schedule it anew.</summary>
    TimerChanged = 8,

    /// <summary>The LVT error interrupt was accepted.</summary>
    ErrorInterrupt = 16,

    /// <summary>
    /// IRR, PPR or the gate of ExtINT changed: ask <see cref="LocalApic.HighestDeliverable"/> and
    /// <see cref="LocalApic.ExtIntAsserted"/> again.
    /// </summary>
    DeliverabilityMayHaveChanged = 32,
}

/// <summary>What leaves a local APIC because of a register write; the controller itself knows no other.</summary>
/// <param name="Effects">Which of the following happened.</param>
/// <param name="Eoi">With <see cref="LocalApicEffects.Eoi"/>.</param>
/// <param name="Ipi">With <see cref="LocalApicEffects.SendIpi"/> or <see cref="LocalApicEffects.SelfIpi"/>.</param>
public readonly record struct RegisterWriteEffect(LocalApicEffects Effects, EoiResult Eoi = default, IpiRequest Ipi = default)
{
    /// <summary>True if all of <paramref name="effects"/> happened.</summary>
    public bool Has(LocalApicEffects effects) => (Effects & effects) == effects;
}
