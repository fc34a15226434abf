namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>
/// Two 8259As as the datasheet tells them, booleans and loops; the slave's INT is wired to IR2 of the master, and a PIIX4's ELCR chooses
/// edge or level of each input. The wiring is a PC's whatever ICW1 and ICW3 say of it: IR2 is the slave's, and no input.
/// </summary>
internal sealed class NaivePic8259 : INaivePic
{
    private readonly NaivePic8259Chip master = new(isMaster: true);
    private readonly NaivePic8259Chip slave = new(isMaster: false);

    public bool Int => master.Wanted >= 0;

    public void Line(int input, bool high)
    {
        if (input >= 8)
            slave.Line(input - 8, high);
        else if (input != 2)
            master.Line(input, high);
        Cascade();
    }

    /// <summary>
    /// INTA in 8086 mode (8259A, interrupt sequence): the first pulse sets the ISR bit, the second gives the vector, and in AEOI mode ends
    /// it. Without a request level 7 is given and no ISR bit set.
    /// </summary>
    public int Acknowledge()
    {
        int level = master.Wanted;
        if (level < 0)
            return master.VectorBase + 7;
        master.Take(level);
        if (level != 2)
        {
            master.AutoEnd(level);
            return master.VectorBase + level;
        }

        int inner = slave.Wanted;
        if (inner >= 0)
            slave.Take(inner);
        Cascade();
        if (inner >= 0)
            slave.AutoEnd(inner);
        Cascade();
        master.AutoEnd(2);
        return slave.VectorBase + (inner < 0 ? 7 : inner);
    }

    public void Write(uint port, uint value, bool isListenedTo)
    {
        switch (port)
        {
            case 0x20:
                master.Command(value);
                break;
            case 0x21:
                master.Data(value);
                break;
            case 0xA0:
                slave.Command(value);
                break;
            case 0xA1:
                slave.Data(value);
                break;

            // Timer, keyboard, cascade, RTC and coprocessor stay edge (PIIX4, ELCR1 and ELCR2).
            case 0x4D0:
                master.SetLevels(NaiveBits.Only(value, 7, 3));
                break;
            case 0x4D1:
                slave.SetLevels(NaiveBits.Only(value, 7, 6) + NaiveBits.Only(value, 4, 1));
                break;
        }

        Cascade();
    }

    public uint Read(uint port)
    {
        uint value = port switch
        {
            0x20 => master.Read(isData: false),
            0x21 => master.Read(isData: true),
            0xA0 => slave.Read(isData: false),
            0xA1 => slave.Read(isData: true),
            0x4D0 => master.Levels,
            0x4D1 => slave.Levels,
            _ => 0xFF,
        };
        Cascade();
        return value;
    }

    public string Dump() => $"{master.Dump('M')} {slave.Dump('S')}";

    private void Cascade() => master.Line(2, slave.Wanted >= 0);
}
