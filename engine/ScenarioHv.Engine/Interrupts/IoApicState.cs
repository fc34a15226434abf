namespace ScenarioHv.Engine.Interrupts;

/// <summary>Whose I/O APIC it is. Each rule on which they differ is written once, in <see cref="IoApic"/>.</summary>
public enum IoApicFlavour : byte
{
    /// <summary>The 82093AA (or its successor with an EOI register, version 20h): what bare metal does.</summary>
    Architectural = 0,

    /// <summary>KVM's in-kernel model (KVM ioapic.c). Its version is always 11h.</summary>
    KvmKernel = 1,

    /// <summary>QEMU's userspace model (QEMU hw/intc/ioapic.c), which a split irqchip uses as well.</summary>
    QemuUserspace = 2,
}

/// <summary>
/// The registers of an I/O APIC that are not per pin. The arbitration ID is loaded whenever the ID is, and so is not kept.
/// </summary>
public struct IoApicHeader
{
    /// <summary>IOREGSEL: the index of the register that IOWIN shows. Reset 0.</summary>
    public byte Select;

    /// <summary>The ID, 0..15 (bits 27:24 of register 0). Reset 0.</summary>
    public byte Id;

    /// <summary>The version: 11h (82093AA) or 20h (with an EOI register at offset 40h).</summary>
    public byte Version;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved;
}

/// <summary>One pin of an I/O APIC: its redirection entry and what the chip remembers of its line.</summary>
public struct IoApicPin
{
    /// <summary>The redirection table entry.</summary>
    public RedirectionEntry Entry;

    /// <summary>What is remembered of the line; which bits are in use depends on the flavour.</summary>
    public IoApicPinFlags Flags;

    /// <summary>For the layout only: always 0.</summary>
    public byte Reserved0;

    /// <summary>For the layout only: always 0.</summary>
    public ushort Reserved1;
}

/// <summary>The one-bit state of a pin besides its redirection entry.</summary>
[Flags]
public enum IoApicPinFlags : byte
{
    /// <summary>Low, nothing pending.</summary>
    None = 0,

    /// <summary>
    /// Architectural: an edge was recognised and its message is not yet sent.
    /// KVM: <c>irr</c>, the line as last set (for an edge entry "high", not "request pending").
    /// QEMU: <c>irr</c>, of a level entry the line, of an edge entry a request not yet sent.
    /// </summary>
    Irr = 1,

    /// <summary>Architectural: the level of the line, an input that no reset changes.</summary>
    Line = 2,

    /// <summary>KVM: <c>irr_delivered</c>, the edge behind <see cref="Irr"/> has been delivered and is not saved as pending.</summary>
    Delivered = 4,

    /// <summary>Architectural and KVM: a level message left the chip and its acceptance is not yet known.</summary>
    InFlight = 8,
}

/// <summary>Pins to try in ascending order with <see cref="IoApic.TryDispatch"/>: none, one, or all of them.</summary>
public readonly struct IoApicPinRange
{
    /// <summary>Creates the range of pins from <paramref name="first"/> up to, not including, <paramref name="end"/>.</summary>
    /// <param name="first">The first pin.</param>
    /// <param name="end">One past the last pin.</param>
    public IoApicPinRange(int first, int end)
    {
        First = first;
        End = end;
    }

    /// <summary>The first pin.</summary>
    public int First { get; }

    /// <summary>One past the last pin.</summary>
    public int End { get; }

    /// <summary>True if no pin is named.</summary>
    public bool IsEmpty => First >= End;
}

/// <summary>What a change of a line did to its pin. The numbers up to 1 are the results of KVM's <c>kvm_ioapic_set_irq</c>.</summary>
public enum IoApicLineOutcome : sbyte
{
    /// <summary>Masked, or level with remote IRR set: nothing is sent now.</summary>
    Ignored = -1,

    /// <summary>Merged with the edge that is still high (or, on KVM's pin 8, with an interrupt whose EOI is outstanding).</summary>
    Coalesced = 0,

    /// <summary>The line is low.</summary>
    Deasserted = 1,

    /// <summary>The pin wants to send: the result is that of <see cref="IoApic.Dispatched"/>.</summary>
    WantsService = 2,
}

/// <summary>The answer of <see cref="IoApic.SetLine"/>.</summary>
public readonly struct IoApicLineChange
{
    /// <summary>Creates the answer.</summary>
    /// <param name="outcome">What happened to the pin.</param>
    /// <param name="service">The pins to try next.</param>
    public IoApicLineChange(IoApicLineOutcome outcome, IoApicPinRange service)
    {
        Outcome = outcome;
        Service = service;
    }

    /// <summary>What happened to the pin of the line.</summary>
    public IoApicLineOutcome Outcome { get; }

    /// <summary>
    /// The pins to try with <see cref="IoApic.TryDispatch"/>. QEMU's <c>ioapic_service</c> scans every pin, so that a line of one can send
    /// the delayed interrupt of another; it does so even if the pin itself is masked.
    /// </summary>
    public IoApicPinRange Service { get; }
}

/// <summary>The answer of <see cref="IoApic.WriteWindow"/>.</summary>
public readonly struct IoApicWrite
{
    /// <summary>Creates the answer.</summary>
    /// <param name="service">The pins to try next.</param>
    /// <param name="eoiVector">The vector written to the EOI register, or -1.</param>
    public IoApicWrite(IoApicPinRange service, int eoiVector)
    {
        Service = service;
        EoiVector = eoiVector;
    }

    /// <summary>The pins to try with <see cref="IoApic.TryDispatch"/>.</summary>
    public IoApicPinRange Service { get; }

    /// <summary>
    /// The vector that the EOI register was given, which the caller ends as if a local APIC had broadcast it
    /// (architecturally on this I/O APIC, QEMU on all of them); -1 if none was.
    /// </summary>
    public int EoiVector { get; }
}
