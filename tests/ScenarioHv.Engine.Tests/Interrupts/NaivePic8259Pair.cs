namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>
/// The datasheet's pair once more, with booleans and loops, to hold the real one against. Each input remembers whether it may ask:
/// an edge input may after it has been low, a level input always.
/// </summary>
internal sealed class NaivePic8259Pair
{
    private readonly Chip master = new() { IsMaster = true };
    private readonly Chip slave = new();

    public bool Int => master.Wants() >= 0;

    public string Dump() => $"{master.Dump()} {slave.Dump()} int={Int}";

    public void Line(int irq, bool high)
    {
        if (irq < 8)
        {
            if (irq != 2)
                master.Line(irq, high);
            return;
        }

        slave.Line(irq - 8, high);
        Wire();
    }

    public int Inta()
    {
        int level = master.Wants();
        if (level != 2)
        {
            if (level >= 0)
            {
                master.Take(level);
                master.AutoEnd(level);
            }

            return master.Base + (level < 0 ? 7 : level);
        }

        int inner = slave.Wants();
        if (inner >= 0)
            slave.Take(inner);
        Wire();
        master.Take(2);
        if (inner >= 0)
            slave.AutoEnd(inner);
        Wire();
        master.AutoEnd(2);
        return slave.Base + (inner < 0 ? 7 : inner);
    }

    public void Write(int port, int value)
    {
        Chip chip = port is 0x20 or 0x21 or 0x4D0 ? master : slave;
        if (port is 0x20 or 0xA0)
            chip.Command(value);
        else if (port is 0x21 or 0xA1)
            chip.Data(value);
        else
            chip.SetLevels(value);
        if (chip == slave)
            Wire();
    }

    public int Read(int port)
    {
        Chip chip = port is 0x20 or 0x21 or 0x4D0 ? master : slave;
        int value = port >= 0x4D0 ? Pack(chip.Elcr) : chip.Read(port is 0x21 or 0xA1);
        if (chip == slave)
            Wire();
        return value;
    }

    private static int Pack(bool[] bits)
    {
        int value = 0;
        for (int i = 0; i < 8; i++)
        {
            if (bits[i])
                value += 1 << i;
        }

        return value;
    }

    private void Wire() => master.Line(2, slave.Wants() >= 0);

    private sealed class Chip
    {
        public readonly bool[] Elcr = new bool[8];
        public int Base;
        private readonly bool[] line = new bool[8];
        private readonly bool[] armed = [true, true, true, true, true, true, true, true];
        private readonly bool[] isr = new bool[8];
        private bool[] imr = new bool[8];
        private int lowest = 7;
        private bool readsIsr;
        private bool polls;
        private bool special;
        private bool auto;
        private bool rotates;
        private bool fullyNested;
        private bool icw4;
        private bool single;
        private bool allLevel;
        private int init;

        public bool IsMaster { get; init; }

        public void Line(int level, bool high)
        {
            line[level] = high;
            if (!high)
                armed[level] = true;
        }

        public int Wants()
        {
            for (int i = 1; i <= 8; i++)
            {
                int level = (lowest + i) % 8;
                bool asks = Asks(level) && !imr[level];
                bool nests = fullyNested && IsMaster && level == 2 && asks;
                if (isr[level] && !(special && imr[level]))
                    return nests ? level : -1;
                if (asks)
                    return level;
            }

            return -1;
        }

        public void Take(int level)
        {
            isr[level] = true;
            if (line[level])
                armed[level] = false;
        }

        public void AutoEnd(int level)
        {
            if (!auto)
                return;
            isr[level] = false;
            if (rotates)
                lowest = level;
        }

        public void SetLevels(int value)
        {
            for (int i = 0; i < 8; i++)
                Elcr[i] = (value >> i) % 2 == 1 && !(IsMaster ? i < 3 : i is 0 or 5);
        }

        public void Command(int value)
        {
            if ((value & 16) != 0)
                Initialise(value);
            else if ((value & 8) != 0)
                Ocw3(value);
            else
                Ocw2(value / 32, value % 8);
        }

        public void Data(int value)
        {
            switch (init)
            {
                case 0:
                    imr = [.. Enumerable.Range(0, 8).Select(i => (value >> i) % 2 == 1)];
                    break;
                case 1:
                    Base = value / 8 * 8;
                    init = single ? AfterIcw3() : 2;
                    break;
                case 2:
                    init = AfterIcw3();
                    break;
                default:
                    auto = (value & 2) != 0;
                    fullyNested = (value & 16) != 0;
                    init = 0;
                    break;
            }
        }

        public int Read(bool odd)
        {
            if (polls)
            {
                polls = false;
                int level = Wants();
                if (level < 0)
                    return 0;
                Take(level);
                AutoEnd(level);
                return 128 + level;
            }

            if (odd)
                return Pack(imr);
            return readsIsr ? Pack(isr) : Pack([.. Enumerable.Range(0, 8).Select(Asks)]);
        }

        public string Dump() =>
            $"irr={Pack([.. Enumerable.Range(0, 8).Select(Asks)]):x2} isr={Pack(isr):x2} imr={Pack(imr):x2}"
            + $" base={Base:x2} low={(lowest + 1) % 8}";

        private bool Asks(int level) => line[level] && (armed[level] || Elcr[level] || allLevel);

        private int AfterIcw3() => icw4 ? 3 : 0;

        private void Initialise(int value)
        {
            icw4 = value % 2 == 1;
            single = (value & 2) != 0;
            allLevel = (value & 8) != 0;
            imr = new bool[8];
            lowest = 7;
            special = false;
            readsIsr = false;
            if (!icw4)
            {
                auto = false;
                fullyNested = false;
            }

            for (int i = 0; i < 8; i++)
                armed[i] = !line[i];
            init = 1;
        }

        private void Ocw2(int command, int level)
        {
            if (command is 1 or 5)
            {
                for (int i = 1; i <= 8; i++)
                {
                    int candidate = (lowest + i) % 8;
                    if (!isr[candidate] || (special && imr[candidate]))
                        continue;
                    isr[candidate] = false;
                    if (command == 5)
                        lowest = candidate;
                    return;
                }
            }

            if (command is 0 or 4)
                rotates = command == 4;
            if (command is 3 or 7)
                isr[level] = false;
            if (command is 6 or 7)
                lowest = level;
        }

        private void Ocw3(int value)
        {
            if ((value & 4) != 0)
                polls = true;
            if ((value & 2) != 0)
                readsIsr = value % 2 == 1;
            if ((value & 64) != 0)
                special = (value & 32) != 0;
        }
    }
}
