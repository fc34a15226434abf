using System.Globalization;

namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>
/// KVM's 8259 pair (Linux 6.18, arch/x86/kvm/i8259.c) in booleans: requests are latched until acknowledged, the slave pulses IR2, the INT
/// pin is remembered and recomputed at some operations only.
/// </summary>
internal sealed class NaiveKvmPic : INaivePic
{
    private readonly NaiveKvmPicChip master = new(isMaster: true);
    private readonly NaiveKvmPicChip slave = new(isMaster: false);

    public bool Int { get; private set; }

    public void Line(int input, bool high)
    {
        if (input < 8)
            master.Line(input, high);
        else
            slave.Line(input - 8, high);
        Recompute();
    }

    public int Acknowledge()
    {
        int level = master.Wanted;
        int vector = master.VectorBase + (level < 0 ? 7 : level);
        if (level >= 0)
            master.Take(level);
        if (level == 2)
        {
            int inner = slave.Wanted;
            if (inner >= 0)
                slave.Take(inner);
            vector = slave.VectorBase + (inner < 0 ? 7 : inner);
        }

        Recompute();
        return vector;
    }

    /// <summary>ICW1 to ICW4, OCW3, the choice of rotation in AEOI and the ELCR leave the pin alone (pic_ioport_write).</summary>
    public void Write(uint port, uint value, bool isListenedTo)
    {
        NaiveKvmPicChip chip = port is 0x20 or 0x21 or 0x4D0 ? master : slave;
        bool recomputes = false;
        switch (port)
        {
            case 0x20 or 0xA0:
                recomputes = chip.Command(value, isListenedTo);
                break;
            case 0x21 or 0xA1:
                recomputes = chip.Data(value);
                break;
            case 0x4D0:
                chip.SetLevels(NaiveBits.Only(value, 7, 3));
                break;
            case 0x4D1:
                chip.SetLevels(NaiveBits.Only(value, 7, 6) + NaiveBits.Only(value, 4, 1));
                break;
        }

        if (recomputes)
            Recompute();
    }

    public uint Read(uint port)
    {
        NaiveKvmPicChip chip = port is 0x20 or 0x21 or 0x4D0 ? master : slave;
        if (port is 0x4D0 or 0x4D1)
            return chip.Levels;
        if (port is not (0x20 or 0x21 or 0xA0 or 0xA1))
            return 0xFF;
        return chip.TakePoll() ? Poll(chip) : chip.Read(isData: port is 0x21 or 0xA1);
    }

    public string Dump() => $"{master.Dump('M')} {slave.Dump('S')}";

    /// <summary>A poll acknowledges and ends at once (pic_poll_read).</summary>
    private uint Poll(NaiveKvmPicChip chip)
    {
        int level = chip.Wanted;
        if (level >= 0)
        {
            if (chip == slave)
                master.Forget(2);
            chip.Forget(level);
        }

        if (level < 0 || chip == slave || level != 2)
            Recompute();
        return level < 0 ? 7 : 0x80 + (uint)level;
    }

    private void Recompute()
    {
        if (slave.Wanted >= 0)
        {
            master.Line(2, true);
            master.Line(2, false);
        }

        Int = master.Wanted >= 0;
    }
}

/// <summary>One of KVM's 8259s.</summary>
internal sealed class NaiveKvmPicChip(bool isMaster)
{
    private readonly bool[] wasHigh = new bool[8];
    private readonly bool[] asks = new bool[8];
    private readonly bool[] served = new bool[8];
    private readonly bool[] masked = new bool[8];
    private readonly bool[] isLevel = new bool[8];
    private int highest;
    private int expects;
    private bool needsIcw4;
    private bool autoEnds;
    private bool rotatesInAutoEnd;
    private bool fullyNested;
    private bool specialMask;
    private bool readsServed;
    private bool polls;

    public int VectorBase { get; private set; }

    public uint Levels => NaivePic8259Chip.Pack(isLevel);

    /// <summary>Special mask mode is stored and changes nothing; in special fully nested mode IR2 in service blocks nothing.</summary>
    public int Wanted
    {
        get
        {
            for (int i = 0; i < 8; i++)
            {
                int level = (highest + i) % 8;
                if (served[level] && !(isMaster && fullyNested && level == 2))
                    return -1;
                if (asks[level] && !masked[level])
                    return level;
            }

            return -1;
        }
    }

    public void Line(int level, bool high)
    {
        if (isLevel[level])
            asks[level] = high;
        else if (high && !wasHigh[level])
            asks[level] = true;
        wasHigh[level] = high;
    }

    public void Take(int level)
    {
        served[level] = true;
        if (!isLevel[level])
            asks[level] = false;
        if (!autoEnds)
            return;
        served[level] = false;
        if (rotatesInAutoEnd)
            highest = (level + 1) % 8;
    }

    public void Forget(int level)
    {
        asks[level] = false;
        served[level] = false;
    }

    public void SetLevels(uint value) => NaivePic8259Chip.Unpack(value, isLevel);

    public bool Command(uint value, bool isListenedTo)
    {
        if (NaiveBits.Bit(value, 4))
            Icw1(value, isListenedTo);
        else if (NaiveBits.Bit(value, 3))
            Ocw3(value);
        else
            return Ocw2(NaiveBits.Field(value, 7, 5), (int)NaiveBits.Field(value, 2, 0));
        return false;
    }

    public bool Data(uint value)
    {
        switch (expects)
        {
            case 0:
                NaivePic8259Chip.Unpack(value, masked);
                return true;
            case 1:
                VectorBase = (int)NaiveBits.Only(value, 7, 3);
                expects = 2;
                break;
            case 2:
                expects = needsIcw4 ? 3 : 0;
                break;
            default:
                autoEnds = NaiveBits.Bit(value, 1);
                fullyNested = NaiveBits.Bit(value, 4);
                expects = 0;
                break;
        }

        return false;
    }

    public bool TakePoll()
    {
        bool polled = polls;
        polls = false;
        return polled;
    }

    public uint Read(bool isData) => NaivePic8259Chip.Pack(isData ? masked : readsServed ? served : asks);

    public string Dump(char name) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name} irr={NaivePic8259Chip.Pack(asks):x2} isr={NaivePic8259Chip.Pack(served):x2} imr={NaivePic8259Chip.Pack(masked):x2} "
        + $"base={VectorBase:x2} low={highest} rr={Digit(readsServed)} poll={Digit(polls)} smm={Digit(specialMask)} init={expects} "
        + $"aeoi={Digit(autoEnds)} raeoi={Digit(rotatesInAutoEnd)} sfnm={Digit(fullyNested)} elcr={Levels:x2}");

    private static int Digit(bool value) => value ? 1 : 0;

    /// <summary>
    /// kvm_pic_reset: lines are forgotten, edge requests dropped; if a vCPU listens, dropped edges count as ended.
    /// </summary>
    private void Icw1(uint value, bool isListenedTo)
    {
        needsIcw4 = NaiveBits.Bit(value, 0);
        for (int level = 0; level < 8; level++)
        {
            wasHigh[level] = false;
            masked[level] = false;
            if (isLevel[level] || !asks[level])
                continue;
            asks[level] = false;
            if (isListenedTo)
                served[level] = false;
        }

        highest = 0;
        specialMask = false;
        readsServed = false;
        if (!needsIcw4)
        {
            autoEnds = false;
            fullyNested = false;
        }

        expects = 1;
    }

    private bool Ocw2(uint command, int level)
    {
        if (command is 0 or 4)
            rotatesInAutoEnd = command == 4;
        if (command is 0 or 2 or 4)
            return false;
        if (command is 1 or 5)
        {
            level = HighestServed();
            if (level < 0)
                return false;
        }

        if (command != 6)
            served[level] = false;
        if (command >= 5)
            highest = (level + 1) % 8;
        return true;
    }

    private int HighestServed()
    {
        for (int i = 0; i < 8; i++)
        {
            if (served[(highest + i) % 8])
                return (highest + i) % 8;
        }

        return -1;
    }

    private void Ocw3(uint value)
    {
        if (NaiveBits.Bit(value, 2))
            polls = true;
        if (NaiveBits.Bit(value, 1))
            readsServed = NaiveBits.Bit(value, 0);
        if (NaiveBits.Bit(value, 6))
            specialMask = NaiveBits.Bit(value, 5);
    }
}
