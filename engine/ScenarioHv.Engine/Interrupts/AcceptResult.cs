namespace ScenarioHv.Engine.Interrupts;

/// <summary>What became of an interrupt at a local APIC.</summary>
public enum AcceptOutcome : byte
{
    /// <summary>Not accepted: masked, disabled, an illegal vector, a level de-assert, no edge, a reserved mode.</summary>
    Dropped = 0,

    /// <summary>Accepted: its IRR bit is now set, or the core has been told.</summary>
    Accepted = 1,

    /// <summary>Accepted into an IRR bit that was set already: the two are one from here (SDM3 10.8.4).</summary>
    Merged = 2,
}

/// <summary>What an accepted interrupt asks of the core, past IRR and ISR.</summary>
public enum CoreRequest : byte
{
    /// <summary>Nothing: the request, if any, is in IRR.</summary>
    None = 0,

    /// <summary>Latch an NMI.</summary>
    Nmi = 1,

    /// <summary>INIT. The core calls <see cref="LocalApic.Init"/> when it takes it.</summary>
    Init = 2,

    /// <summary>Start-up; <see cref="AcceptResult.Vector"/> is the page.</summary>
    StartUp = 3,

    /// <summary>System management interrupt.</summary>
    Smi = 4,

    /// <summary>External interrupt: the 8259A supplies the vector at INTA.</summary>
    ExtInt = 5,

    /// <summary>Leave HLT: KVM's paravirtual unhalt.</summary>
    Unhalt = 6,
}

/// <summary>What <see cref="LocalApic"/> did with an interrupt that arrived, as a message or through its local vector table.</summary>
/// <param name="Outcome">Accepted, merged or dropped.</param>
/// <param name="Core">What the core has to do.</param>
/// <param name="Vector">The vector as it arrived; the page of a start-up IPI.</param>
/// <param name="RaisedError">An error was newly latched and the LVT error interrupt has been accepted for it.</param>
public readonly record struct AcceptResult(
    AcceptOutcome Outcome, CoreRequest Core = CoreRequest.None, byte Vector = 0, bool RaisedError = false)
{
    /// <summary>True if the interrupt was accepted, merged or not: what an I/O APIC's remote IRR wants to know.</summary>
    public bool IsAccepted => Outcome != AcceptOutcome.Dropped;
}
