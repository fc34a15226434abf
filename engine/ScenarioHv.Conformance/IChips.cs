using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

/// <summary>
/// The chips of a <see cref="ConformanceMachine"/> beside its local APICs: an I/O APIC and an 8259 pair, the model's or somebody else's.
/// </summary>
public interface IChips : IDisposable
{
    /// <summary>The level of INTR, the master's INT pin.</summary>
    bool Intr { get; }

    /// <summary>Drives a line.</summary>
    /// <param name="target">The chips it goes to.</param>
    /// <param name="pin">The pin, 0..23, or 0..15 if the 8259 pair has it too.</param>
    /// <param name="high">The level.</param>
    void SetLine(LineTarget target, int pin, bool high);

    /// <summary>Writes 32 bits in the window of the I/O APIC.</summary>
    /// <param name="offset">The offset from FEC00000h.</param>
    /// <param name="value">The value.</param>
    void WriteIoApic(uint offset, uint value);

    /// <summary>Reads 32 bits in the window of the I/O APIC.</summary>
    /// <param name="offset">The offset from FEC00000h.</param>
    uint ReadIoApic(uint offset);

    /// <summary>A local APIC broadcasts an EOI.</summary>
    /// <param name="vector">The vector ended.</param>
    void EndInterrupt(byte vector);

    /// <summary>Writes a port of the 8259 pair or its ELCR; other ports ignore it.</summary>
    /// <param name="port">The port.</param>
    /// <param name="value">The value.</param>
    /// <param name="isListenedTo">Some CPU accepts the 8259's interrupts, which KVM asks in a re-initialisation.</param>
    void WritePort(uint port, byte value, bool isListenedTo);

    /// <summary>Reads a port of the 8259 pair or its ELCR; other ports read FFh.</summary>
    /// <param name="port">The port.</param>
    byte ReadPort(uint port);

    /// <summary>INTA: the pair gives a vector, a spurious one if nothing is requested.</summary>
    byte Acknowledge();

    /// <summary>The I/O APIC's registers, as <c>dumpI</c> shows them.</summary>
    string DumpIoApic();

    /// <summary>The 8259 pair's registers, as <c>dumpP</c> shows them.</summary>
    string DumpPic();
}

/// <summary>Delivers a message of the I/O APIC to the local APICs.</summary>
/// <param name="message">The message.</param>
/// <returns>How many accepted it, or −1 if nobody was found (KVM irq_comm.c:kvm_irq_delivery_to_apic).</returns>
public delegate int MessageDelivery(ApicMessage message);
