using System.Globalization;

namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>
/// An I/O APIC of 24 pins with an EOI register (version 20h) as the 82093AA's datasheet and its successors' tell it: what a line, a write
/// and an EOI do, pin by pin.
/// </summary>
internal sealed class NaiveIoApic(INaiveBus bus) : INaiveIoApic
{
    private readonly Pin[] pins = NewPins();
    private uint select;
    private uint id;

    /// <summary>A line changes.</summary>
    public void Line(int number, bool level)
    {
        Pin pin = pins[number];
        bool rises = level && !pin.High;
        pin.High = level;
        if (pin.IsLevel)
            Sample(pin);
        else if (rises && !pin.Masked)
            bus.Send(pin.Message());
    }

    /// <summary>An EOI with this vector: every level entry that has it now (82093AA 3.2.4, remote IRR).</summary>
    public void EndOfInterrupt(int vector)
    {
        foreach (Pin pin in pins)
        {
            if (pin.Vector == vector && pin.IsLevel)
            {
                pin.RemoteIrr = false;
                Sample(pin);
            }
        }
    }

    /// <summary>IOREGSEL, IOWIN and the EOI register (82093AA 3.1; version 20h).</summary>
    public void Write(uint offset, uint value)
    {
        if (offset == 0)
            select = NaiveBits.Field(value, 7, 0);
        else if (offset == 0x10)
            WriteRegister(value);
        else if (offset == 0x40)
            EndOfInterrupt((int)NaiveBits.Field(value, 7, 0));
    }

    public uint Read(uint offset) => offset switch
    {
        0 => select,
        0x10 => ReadRegister(),
        _ => 0,
    };

    public string Dump()
    {
        string text = "";
        for (int number = 0; number < pins.Length; number++)
        {
            if (pins[number].UpperHalf != 0 || pins[number].LowerHalf != 0x10000)
                text += string.Create(CultureInfo.InvariantCulture, $" {number}={pins[number].UpperHalf:x8}{pins[number].LowerHalf:x8}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"I sel={select:x2} id={id:x}{text}");
    }

    private static Pin[] NewPins()
    {
        var list = new Pin[24];
        for (int i = 0; i < list.Length; i++)
            list[i] = new Pin();
        return list;
    }

    /// <summary>ID, version, arbitration ID, then two registers an entry (82093AA 3.2).</summary>
    private uint ReadRegister()
    {
        switch (select)
        {
            case 0 or 2:
                return id * 0x1000000;
            case 1:
                return 0x00170020;
            case >= 0x10 and < 0x40:
                Pin pin = pins[(select - 0x10) / 2];
                return select % 2 == 0 ? pin.LowerHalf + NaiveBits.Place(pin.Waits, 12) : pin.UpperHalf;
            default:
                return 0;
        }
    }

    private void WriteRegister(uint value)
    {
        if (select == 0)
            id = NaiveBits.Field(value, 27, 24);
        if (select is < 0x10 or >= 0x40)
            return;
        Pin pin = pins[(select - 0x10) / 2];
        if (select % 2 == 0)
            pin.WriteLow(value);
        else
            pin.Destination = NaiveBits.Field(value, 31, 24);
        if (pin.IsLevel)
            Sample(pin);
    }

    /// <summary>
    /// A level entry sends while its line is high, it is unmasked and remote IRR is 0; remote IRR becomes 1 when an APIC has accepted
    /// (82093AA 3.2.4).
    /// </summary>
    private void Sample(Pin pin)
    {
        if (pin.Waits && bus.Send(pin.Message()) > 0)
            pin.RemoteIrr = true;
    }

    /// <summary>One redirection entry and its line (82093AA 3.2.4).</summary>
    private sealed class Pin
    {
        public bool High { get; set; }

        public int Vector { get; private set; }

        public NaiveMode Mode { get; private set; }

        public bool Logical { get; private set; }

        public bool Polarity { get; private set; }

        public bool RemoteIrr { get; set; }

        public bool Level { get; private set; }

        public bool Masked { get; private set; } = true;

        public uint Destination { get; set; }

        /// <summary>The modes that hand the core something must be edge: level is taken for nothing there.</summary>
        public bool IsLevel => Level && Mode is NaiveMode.Fixed or NaiveMode.LowestPriority;

        /// <summary>
        /// A level message is to be sent. While nobody accepts it, delivery status is 1, send pending (82093AA 3.2.4).
        /// </summary>
        public bool Waits => High && IsLevel && !Masked && !RemoteIrr;

        public uint LowerHalf
        {
            get
            {
                uint value = (uint)Vector + ((uint)Mode * 0x100) + NaiveBits.Place(Logical, 11) + NaiveBits.Place(Polarity, 13);
                return value + NaiveBits.Place(RemoteIrr, 14) + NaiveBits.Place(Level, 15) + NaiveBits.Place(Masked, 16);
            }
        }

        public uint UpperHalf => Destination * 0x1000000;

        /// <summary>Delivery status and remote IRR are read-only; remote IRR belongs to level entries alone.</summary>
        public void WriteLow(uint value)
        {
            Vector = (int)NaiveBits.Field(value, 7, 0);
            Mode = (NaiveMode)NaiveBits.Field(value, 10, 8);
            Logical = NaiveBits.Bit(value, 11);
            Polarity = NaiveBits.Bit(value, 13);
            Level = NaiveBits.Bit(value, 15);
            Masked = NaiveBits.Bit(value, 16);
            if (!IsLevel)
                RemoteIrr = false;
        }

        public NaiveMessage Message() => new()
        {
            Destination = Destination,
            Logical = Logical,
            Mode = Mode,
            Vector = Vector,
            Level = Level,
        };
    }
}
