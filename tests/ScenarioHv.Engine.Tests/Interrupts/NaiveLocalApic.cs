using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Tests.Interrupts;

/// <summary>
/// The rules of SDM3 10.4.7, 10.5 and 10.8 once more, as slowly and plainly as they read: sets of vectors, one object per LVT entry,
/// nothing cached. It shares no code with <see cref="LocalApic"/>, only the names of results.
/// </summary>
internal sealed class NaiveLocalApic
{
    public SortedSet<int> Irr = [];
    public SortedSet<int> Isr = [];
    public SortedSet<int> Tmr = [];
    public int Tpr;
    public bool Enabled;
    public bool Suppress;
    public int SpuriousVector = 255;
    public SortedSet<int> HiddenErrors = [];
    public SortedSet<int> VisibleErrors = [];
    public NaiveEntry[] Lint = [new(), new()];
    public bool[] LintHigh = [false, false];
    public NaiveEntry Performance = new();
    public NaiveEntry Thermal = new();
    public NaiveEntry Error = new();

    public int Ppr()
    {
        int inService = Isr.Count == 0 ? 0 : Isr.Max;
        return Tpr / 16 >= inService / 16 ? Tpr : inService / 16 * 16;
    }

    public int Deliverable()
    {
        foreach (int vector in Irr.Reverse())
        {
            if (vector / 16 > Ppr() / 16)
                return vector;
        }
        return -1;
    }

    public int Inta()
    {
        int vector = Deliverable();
        if (vector == -1)
            return SpuriousVector;
        Irr.Remove(vector);
        Isr.Add(vector);
        return vector;
    }

    public EoiResult Eoi()
    {
        if (Isr.Count == 0)
            return new EoiResult(-1, false);
        int vector = Isr.Max;
        Isr.Remove(vector);
        bool broadcast = Tmr.Contains(vector) && !Suppress;
        for (int pin = 0; pin < 2; pin++)
        {
            if (Lint[pin].RemoteIrr && Lint[pin].Vector == vector)
            {
                Lint[pin].RemoteIrr = false;
                Sample(pin);
            }
        }
        return new EoiResult(vector, broadcast);
    }

    public AcceptResult Message(DeliveryMode mode, int vector, bool level, bool assert)
    {
        bool accepted;
        bool already = Irr.Contains(vector);
        bool raised = false;
        CoreRequest core = CoreRequest.None;
        if (mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority)
        {
            accepted = false;
            if (Enabled && assert)
                accepted = Request(vector, level, out raised);
        }
        else
        {
            core = CoreOf(mode);
            accepted = core != CoreRequest.None && (mode != DeliveryMode.ExtInt || Enabled) && (mode != DeliveryMode.Init || assert);
            already = false;
        }
        return Result(accepted, already, accepted ? core : CoreRequest.None, vector, raised);
    }

    public AcceptResult Local(NaiveEntry entry, DeliveryMode[] allowed)
    {
        if (entry.Masked || !allowed.Contains(entry.Mode))
            return Result(false, false, CoreRequest.None, entry.Vector, false);
        if (entry.Mode != DeliveryMode.Fixed)
            return Result(true, false, CoreOf(entry.Mode), entry.Vector, false);
        bool already = Irr.Contains(entry.Vector);
        bool accepted = Request(entry.Vector, false, out bool raised);
        return Result(accepted, already, CoreRequest.None, entry.Vector, raised);
    }

    public AcceptResult PerformanceInterrupt()
    {
        AcceptResult result = Local(Performance, [DeliveryMode.Fixed, DeliveryMode.Smi, DeliveryMode.Nmi]);
        if (result.Outcome != AcceptOutcome.Dropped)
            Performance.Masked = true;
        return result;
    }

    public AcceptResult SetLint(int pin, bool high)
    {
        bool rising = high && !LintHigh[pin];
        LintHigh[pin] = high;
        if (Lint[pin].IsLevelFixed)
            return Sample(pin);
        DeliveryMode[] allowed = [DeliveryMode.Fixed, DeliveryMode.Smi, DeliveryMode.Nmi, DeliveryMode.Init, DeliveryMode.ExtInt];
        return Local(Lint[pin], rising ? allowed : []);
    }

    public void WriteLint(int pin, uint value)
    {
        bool remoteIrr = Lint[pin].RemoteIrr;
        Lint[pin].Load(value, this);
        Lint[pin].Polarity = (value & 0x2000) != 0;
        Lint[pin].Level = (value & 0x8000) != 0;
        Lint[pin].RemoteIrr = remoteIrr && Lint[pin].IsLevelFixed;
        Sample(pin);
    }

    public void WriteSvr(int vector, bool enable, bool suppress)
    {
        SpuriousVector = vector;
        Enabled = enable;
        Suppress = suppress;
        if (!enable)
        {
            foreach (NaiveEntry entry in new[] { Lint[0], Lint[1], Performance, Thermal, Error })
                entry.Masked = true;
        }
    }

    public void WriteEsr()
    {
        VisibleErrors = HiddenErrors;
        HiddenErrors = [];
    }

    public bool ErrorBit(int bit)
    {
        if (!HiddenErrors.Add(bit) || Error.Masked)
            return false;
        return Request(Error.Vector, false, out _);
    }

    public bool ExtInt() =>
        Enumerable.Range(0, 2).Any(pin => LintHigh[pin] && !Lint[pin].Masked && Lint[pin].Mode == DeliveryMode.ExtInt);

    private static CoreRequest CoreOf(DeliveryMode mode) => mode switch
    {
        DeliveryMode.Smi => CoreRequest.Smi,
        DeliveryMode.Nmi => CoreRequest.Nmi,
        DeliveryMode.Init => CoreRequest.Init,
        DeliveryMode.StartUp => CoreRequest.StartUp,
        DeliveryMode.ExtInt => CoreRequest.ExtInt,
        _ => CoreRequest.None,
    };

    private static AcceptResult Result(bool accepted, bool already, CoreRequest core, int vector, bool raised)
    {
        AcceptOutcome outcome = !accepted ? AcceptOutcome.Dropped : already ? AcceptOutcome.Merged : AcceptOutcome.Accepted;
        return new AcceptResult(outcome, core, (byte)vector, raised);
    }

    private bool Request(int vector, bool level, out bool raised)
    {
        raised = false;
        if (vector < 16)
        {
            raised = ErrorBit(6);
            return false;
        }
        Tmr.Remove(vector);
        if (level)
            Tmr.Add(vector);
        Irr.Add(vector);
        return true;
    }

    private AcceptResult Sample(int pin)
    {
        NaiveEntry entry = Lint[pin];
        if (!LintHigh[pin] || entry.Masked || entry.RemoteIrr || !entry.IsLevelFixed)
            return Result(false, false, CoreRequest.None, entry.Vector, false);
        bool already = Irr.Contains(entry.Vector);
        bool accepted = Request(entry.Vector, true, out bool raised);
        entry.RemoteIrr = accepted;
        return Result(accepted, already, CoreRequest.None, entry.Vector, raised);
    }
}

/// <summary>One LVT entry, bit by bit.</summary>
internal sealed class NaiveEntry
{
    public int Vector;
    public DeliveryMode Mode;
    public bool Polarity;
    public bool RemoteIrr;
    public bool Level;
    public bool Masked = true;

    public bool IsLevelFixed => Level && Mode == DeliveryMode.Fixed;

    /// <summary>What every entry has: vector, mode and mask, which stays set while the APIC is software-disabled.</summary>
    public void Load(uint value, NaiveLocalApic apic)
    {
        Vector = (int)(value % 256);
        Mode = (DeliveryMode)(value / 256 % 8);
        Masked = value / 65536 % 2 == 1 || !apic.Enabled;
    }

    public uint Register() =>
        (uint)(Vector + (int)Mode * 256 + Bit(13, Polarity) + Bit(14, RemoteIrr) + Bit(15, Level) + Bit(16, Masked));

    private static int Bit(int position, bool value) => value ? 1 << position : 0;
}
