using System.Globalization;

namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>One 8259A.</summary>
internal sealed class NaivePic8259Chip(bool isMaster)
{
    private readonly bool[] line = new bool[8];
    private readonly bool[] served = new bool[8];
    private readonly bool[] masked = new bool[8];
    private readonly bool[] isLevel = new bool[8];

    /// <summary>The input's edge has been served, or ICW1 forgot it: it must go low before it asks again.</summary>
    private readonly bool[] spent = new bool[8];

    private int highest;
    private int expects;
    private bool allLevel;
    private bool single;
    private bool needsIcw4;
    private bool autoEnds;
    private bool rotatesInAutoEnd;
    private bool fullyNested;
    private bool specialMask;
    private bool readsServed;
    private bool polls;

    public int VectorBase { get; private set; }

    public uint Levels => Pack(isLevel);

    /// <summary>
    /// The level that INT is high for, −1 if INT is low: the unmasked request of highest priority, if no level in service is as high.
    /// A masked level in service blocks nothing in special mask mode, IR2 in service nothing in special fully nested mode (8259A).
    /// </summary>
    public int Wanted
    {
        get
        {
            for (int i = 0; i < 8; i++)
            {
                int level = (highest + i) % 8;
                bool asks = Asks(level) && !masked[level];
                if (served[level] && !(specialMask && masked[level]))
                    return fullyNested && isMaster && level == 2 && asks ? level : -1;
                if (asks)
                    return level;
            }

            return -1;
        }
    }

    public void Line(int level, bool high)
    {
        line[level] = high;
        if (!high)
            spent[level] = false;
    }

    public void Take(int level)
    {
        served[level] = true;
        spent[level] = true;
    }

    /// <summary>AEOI: the ISR bit goes at the end of the last pulse, and the level may become the lowest (8259A, ICW4 and OCW2).</summary>
    public void AutoEnd(int level)
    {
        if (!autoEnds)
            return;
        served[level] = false;
        if (rotatesInAutoEnd)
            highest = (level + 1) % 8;
    }

    public void SetLevels(uint value) => Unpack(value, isLevel);

    public void Command(uint value)
    {
        if (NaiveBits.Bit(value, 4))
            Icw1(value);
        else if (NaiveBits.Bit(value, 3))
            Ocw3(value);
        else
            Ocw2(NaiveBits.Field(value, 7, 5), (int)NaiveBits.Field(value, 2, 0));
    }

    public void Data(uint value)
    {
        switch (expects)
        {
            case 0:
                Unpack(value, masked);
                break;
            case 1:
                VectorBase = (int)NaiveBits.Only(value, 7, 3);
                expects = single ? AfterIcw3 : 2;
                break;
            case 2:
                expects = AfterIcw3;
                break;
            case 3:
                autoEnds = NaiveBits.Bit(value, 1);
                fullyNested = NaiveBits.Bit(value, 4);
                expects = 0;
                break;
        }
    }

    /// <summary>A poll is an INTA that the read answers (8259A, poll command); otherwise the odd port shows the IMR.</summary>
    public uint Read(bool isData)
    {
        if (polls)
        {
            polls = false;
            int level = Wanted;
            if (level < 0)
                return 0;
            Take(level);
            AutoEnd(level);
            return 0x80 + (uint)level;
        }

        if (isData)
            return Pack(masked);
        return readsServed ? Pack(served) : Requests;
    }

    public string Dump(char name) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name} irr={Requests:x2} isr={Pack(served):x2} imr={Pack(masked):x2} base={VectorBase:x2} low={highest} "
        + $"rr={Digit(readsServed)} poll={Digit(polls)} smm={Digit(specialMask)} init={expects} aeoi={Digit(autoEnds)} "
        + $"raeoi={Digit(rotatesInAutoEnd)} sfnm={Digit(fullyNested)} elcr={Levels:x2}");

    private int AfterIcw3 => needsIcw4 ? 3 : 0;

    private uint Requests
    {
        get
        {
            var asks = new bool[8];
            for (int level = 0; level < 8; level++)
                asks[level] = Asks(level);
            return Pack(asks);
        }
    }

    /// <summary>An input asks while it is high; an edge input that was served must have been low in between (8259A, IRR).</summary>
    private bool Asks(int level) => line[level] && (isLevel[level] || allLevel || !spent[level]);

    /// <summary>
    /// ICW1 (8259A): the edge sense is reset, so that an edge input needs a fresh rise; the IMR is cleared, IR7 is lowest, special mask
    /// mode goes, the IRR is read; without ICW4 its functions go. Of the ISR nothing is said.
    /// </summary>
    private void Icw1(uint value)
    {
        needsIcw4 = NaiveBits.Bit(value, 0);
        single = NaiveBits.Bit(value, 1);
        allLevel = NaiveBits.Bit(value, 3);
        Unpack(0, masked);
        highest = 0;
        specialMask = false;
        readsServed = false;
        if (!needsIcw4)
        {
            autoEnds = false;
            fullyNested = false;
        }

        for (int level = 0; level < 8; level++)
            spent[level] = line[level];
        expects = 1;
    }

    /// <summary>OCW2 (8259A): its bits R, SL and EOI make eight commands.</summary>
    private void Ocw2(uint command, int level)
    {
        switch (command)
        {
            case 0 or 4:
                rotatesInAutoEnd = command == 4;
                break;
            case 1 or 5:
                EndHighest(rotates: command == 5);
                break;
            case 3:
                served[level] = false;
                break;
            case 6:
                highest = (level + 1) % 8;
                break;
            case 7:
                served[level] = false;
                highest = (level + 1) % 8;
                break;
        }
    }

    /// <summary>The non-specific EOI does not see a masked level in special mask mode (8259A).</summary>
    private void EndHighest(bool rotates)
    {
        for (int i = 0; i < 8; i++)
        {
            int level = (highest + i) % 8;
            if (served[level] && !(specialMask && masked[level]))
            {
                served[level] = false;
                if (rotates)
                    highest = (level + 1) % 8;
                return;
            }
        }
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

    private static int Digit(bool value) => value ? 1 : 0;

    public static uint Pack(bool[] bits)
    {
        uint value = 0;
        for (int i = 0; i < 8; i++)
            value += NaiveBits.Place(bits[i], i);
        return value;
    }

    public static void Unpack(uint value, bool[] bits)
    {
        for (int i = 0; i < 8; i++)
            bits[i] = NaiveBits.Bit(value, i);
    }
}
