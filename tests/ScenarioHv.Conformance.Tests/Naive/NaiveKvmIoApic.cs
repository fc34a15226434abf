using System.Globalization;

namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>KVM's I/O APIC (Linux 6.18, arch/x86/kvm/ioapic.c), version 11h: of a pin it remembers whether it is high.</summary>
internal sealed class NaiveKvmIoApic : INaiveIoApic
{
    private readonly INaiveBus bus;
    private readonly bool[] high = new bool[24];
    private readonly uint[] lower = new uint[24];
    private readonly uint[] upper = new uint[24];
    private uint select;
    private uint id;

    public NaiveKvmIoApic(INaiveBus bus)
    {
        this.bus = bus;
        for (int pin = 0; pin < 24; pin++)
            lower[pin] = 0x10000;
    }

    /// <summary>ioapic_set_irq: an edge pin sends when it was low.</summary>
    public void Line(int number, bool level)
    {
        bool rises = level && !high[number];
        high[number] = level;
        if (level && (IsLevel(number) || rises))
            Service(number);
    }

    /// <summary>
    /// kvm_ioapic_update_eoi, called only if a level entry, or that of the RTC, has the vector (kvm_ioapic_scan_entry); then edge entries
    /// that have it send again too while their line is high.
    /// </summary>
    public void EndOfInterrupt(int vector)
    {
        bool handled = false;
        for (int pin = 0; pin < 24; pin++)
        {
            if (Vector(pin) == vector && (IsLevel(pin) || pin == 8))
                handled = true;
        }

        for (int pin = 0; handled && pin < 24; pin++)
        {
            if (Vector(pin) != vector)
                continue;
            SetRemoteIrr(pin, false);
            if (high[pin])
                Service(pin);
        }
    }

    public void Write(uint offset, uint value)
    {
        if (offset == 0)
            select = NaiveBits.Field(value, 7, 0);
        if (offset != 0x10)
            return;
        if (select == 0)
            id = NaiveBits.Field(value, 27, 24);
        if (select is < 0x10 or >= 0x40)
            return;
        int pin = (int)(select - 0x10) / 2;
        if (select % 2 == 1)
            upper[pin] = value;
        else
            WriteLower(pin, value);
        if (IsLevel(pin) && high[pin])
            Service(pin);
    }

    /// <summary>An index behind the table, or none at all, reads all ones.</summary>
    public uint Read(uint offset)
    {
        if (offset == 0)
            return select;
        if (offset != 0x10)
            return 0;
        return select switch
        {
            0 or 2 => id * 0x1000000,
            1 => 0x00170011,
            >= 0x10 and < 0x40 => select % 2 == 0 ? lower[(select - 0x10) / 2] : upper[(select - 0x10) / 2],
            _ => 0xFFFFFFFF,
        };
    }

    public string Dump()
    {
        string text = "";
        for (int pin = 0; pin < 24; pin++)
        {
            if (upper[pin] != 0 || lower[pin] != 0x10000)
                text += string.Create(CultureInfo.InvariantCulture, $" {pin}={upper[pin]:x8}{lower[pin]:x8}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"I sel={select:x2} id={id:x}{text}");
    }

    private int Vector(int pin) => (int)NaiveBits.Field(lower[pin], 7, 0);

    private bool IsLevel(int pin) => NaiveBits.Bit(lower[pin], 15);

    private void SetRemoteIrr(int pin, bool set) =>
        lower[pin] = lower[pin] - NaiveBits.Only(lower[pin], 14, 14) + NaiveBits.Place(set, 14);

    /// <summary>Reserved bits are stored; delivery status and remote IRR stay, but for an entry that is edge now.</summary>
    private void WriteLower(int pin, uint value)
    {
        uint status = NaiveBits.Only(lower[pin], 14, 14) + NaiveBits.Only(lower[pin], 12, 12);
        lower[pin] = value - NaiveBits.Only(value, 14, 14) - NaiveBits.Only(value, 12, 12) + status;
        if (!IsLevel(pin))
            SetRemoteIrr(pin, false);
    }

    /// <summary>ioapic_service: remote IRR follows unless those addressed all refused; nobody addressed counts as delivered.</summary>
    private void Service(int pin)
    {
        if (NaiveBits.Bit(lower[pin], 16) || (IsLevel(pin) && NaiveBits.Bit(lower[pin], 14)))
            return;
        int accepted = bus.Send(new NaiveMessage
        {
            Destination = NaiveBits.Field(upper[pin], 31, 24),
            Logical = NaiveBits.Bit(lower[pin], 11),
            Mode = (NaiveMode)NaiveBits.Field(lower[pin], 10, 8),
            Vector = Vector(pin),
            Level = IsLevel(pin),
        });
        if (accepted != 0 && IsLevel(pin))
            SetRemoteIrr(pin, true);
    }
}
