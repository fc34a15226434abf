namespace ScenarioHv.Engine.Interrupts;

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

    /// <summary>What is remembered of the line; which bits are in use depends on the policies.</summary>
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

    /// <summary>A request that is latched and not yet sent; what is latched, <see cref="IoApicPolicies"/> say.</summary>
    Irr = 1,

    /// <summary>
    /// The level at which the line was driven last: KVM's <c>irr</c>. An input, which only <see cref="IoApicReset.MaskOnly"/> forgets.
    /// </summary>
    Line = 2,

    /// <summary>
    /// KVM's <c>irr_delivered</c>: the edge behind <see cref="Line"/> has been delivered and is not saved as pending. With
    /// <see cref="IoApicEdgeLatch.LineHigh"/> alone.
    /// </summary>
    Delivered = 4,

    /// <summary>
    /// A level message left the chip and its acceptance is not yet known; never with <see cref="IoApicRemoteIrr.WhenSent"/>.
    /// </summary>
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
    /// The pins to try with <see cref="IoApic.TryDispatch"/>. With <see cref="IoApicServicePins.WholeTable"/> a line of one pin can send
    /// the delayed interrupt of another, even if the pin itself is masked.
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
