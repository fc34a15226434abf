namespace ScenarioHv.Conformance.Tests.Naive;

// Modes (SDM3 10.4.4, 10.12.5) and the MSRs of x2APIC mode (10.12.1).
internal sealed partial class NaiveLocalApic
{
    private const int PhysicalAddressBits = 46;

    /// <summary>IA32_APIC_BASE (SDM3 10.4.4, 10.12.1).</summary>
    public ulong Base =>
        page + NaiveBits.Place(IsPresent, 11) + NaiveBits.Place(IsX2Apic, 10) + NaiveBits.Place(isBootProcessor, 8);

    /// <summary>A write of IA32_APIC_BASE. False: it faults (SDM3 10.12.5, the table of transitions).</summary>
    public bool WriteBase(ulong value)
    {
        bool present = NaiveBits.Bit(value, 11);
        bool extended = NaiveBits.Bit(value, 10);
        if (NaiveBits.Any(value, 7, 0) || NaiveBits.Bit(value, 9) || NaiveBits.Any(value, 63, PhysicalAddressBits))
            return false;
        if (extended && (!present || !offersX2Apic))
            return false;

        // x2APIC mode is entered from xAPIC mode and left by disabling.
        if ((extended && !IsPresent) || (IsX2Apic && present && !extended))
            return false;
        if (IsPresent && !present && !isKvm)
            ResetRegisters();
        if (isKvm && !IsPresent && present)
            id = (uint)cpu;

        // The destination field has another layout in x2APIC mode: what it holds then is not defined (SDM3 10.12.5.1), here 0.
        // KVM has one for each mode.
        if (extended != IsX2Apic)
        {
            uint before = commandHigh;
            commandHigh = isKvm ? otherHigh : 0;
            otherHigh = before;
        }

        if (isKvm && extended && !IsX2Apic)
        {
            logicalId = 0;
            leftX2ApicLdr = true;
        }

        IsPresent = present;
        IsX2Apic = extended;
        isBootProcessor = NaiveBits.Bit(value, 8);
        page = value - (value % 4096);
        return true;
    }

    /// <summary>RDMSR 800h to 8FFh. Null: it faults (SDM3 10.12.1.2).</summary>
    public ulong? ReadMsr(uint msr)
    {
        uint offset = (msr - 0x800) * 16;
        if (!IsX2Apic)
            return null;

        // The whole ICR is one register (SDM3 10.12.9).
        if (offset == 0x300)
            return (commandHigh * NaiveBits.TwoTo(32)) + commandLow;
        return Shared(offset);
    }

    /// <summary>WRMSR 800h to 8FFh. False: it faults (SDM3 10.12.1.2, 10.12.1.3 for reserved bits).</summary>
    public bool WriteMsr(uint msr, ulong value)
    {
        uint offset = (msr - 0x800) * 16;
        if (!IsX2Apic || HasReserved(offset, value))
            return false;
        switch (offset)
        {
            case 0x300:
                commandLow = (uint)(value % NaiveBits.TwoTo(32)) - NaiveBits.Only(value, 12, 12);
                commandHigh = (uint)(value / NaiveBits.TwoTo(32));
                SendCommand();
                return true;
            case 0x3F0:
                // SELF IPI: fixed, edge, to itself; the ICR stays as it is (SDM3 10.12.11).
                SendIpi(new NaiveMessage { Sender = cpu, Shorthand = NaiveShorthand.Self, Vector = (int)value });
                return true;
            default:
                return WriteShared(offset, (uint)value);
        }
    }

    private bool HasReserved(uint offset, ulong value)
    {
        if (offset != 0x300 && NaiveBits.Any(value, 63, 32))
            return true;

        // KVM looks at the low half of three registers only.
        if (isKvm && offset is not (0x300 or 0x3F0 or 0x280))
            return false;
        switch (offset)
        {
            case 0x80 or 0x3F0:
                return NaiveBits.Any(value, 31, 8);
            case 0xB0 or 0x280:
                return value != 0;
            case 0xF0:
                return NaiveBits.Any(value, 31, 10);
            case 0x300:
                return NaiveBits.Any(value, 31, 20) || NaiveBits.Any(value, 17, 16) || NaiveBits.Bit(value, 13);
            case >= 0x320 and <= 0x370 when offset % 16 == 0:
                return Lvts[(offset - 0x320) / 16].HasReserved((uint)value);
            case 0x3E0:
                return NaiveBits.Any(value, 31, 4) || NaiveBits.Bit(value, 2);
            default:
                return false;
        }
    }
}
