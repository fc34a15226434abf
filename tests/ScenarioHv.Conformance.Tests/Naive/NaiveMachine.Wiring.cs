namespace ScenarioHv.Conformance.Tests.Naive;

// Lines, messages and who gets them.
internal sealed partial class NaiveMachine
{
    /// <summary>Finds who is addressed, and the one among them for lowest priority; each takes it or not.</summary>
    public int Send(NaiveMessage message)
    {
        if (isKvm)
            return SendInKvm(message);
        var addressed = new List<int>();
        for (int cpu = 0; cpu < apics.Length; cpu++)
        {
            if (IsAddressed(cpu, message))
                addressed.Add(cpu);
        }

        if (addressed.Count == 0)
            return -1;
        if (message.Mode == NaiveMode.LowestPriority || message.Hint)
            addressed = LowestPriority(addressed);
        int accepted = 0;
        foreach (int cpu in addressed)
        {
            if (apics[cpu].Accept(message))
                accepted++;
        }

        return accepted;
    }

    /// <summary>One NMI waits (SDM3 6.7.1); in KVM two while none is blocked (x86.c:process_nmi).</summary>
    private void LatchNmi(int cpu) => cpus[cpu].Nmis = Math.Min(cpus[cpu].Nmis + 1, isKvm && !cpus[cpu].NmiBlocked ? 2 : 1);

    public void BroadcastEoi(int vector) => ioApic.EndOfInterrupt(vector);

    public void ToCore(int cpu, NaiveMode mode)
    {
        switch (mode)
        {
            case NaiveMode.Nmi:
                LatchNmi(cpu);
                break;
            case NaiveMode.ExtInt:
                cpus[cpu].ExtIntWaits = true;
                break;
            default:
                throw new NotSupportedException($"CPU {cpu} gets {mode}");
        }
    }

    /// <summary>Shorthands know no modes and IDs (SDM3 10.6.1).</summary>
    private bool IsAddressed(int cpu, NaiveMessage message) => message.Shorthand switch
    {
        NaiveShorthand.Self => cpu == message.Sender,
        NaiveShorthand.All => apics[cpu].IsPresent,
        NaiveShorthand.Others => apics[cpu].IsPresent && cpu != message.Sender,
        _ => message.Logical ? apics[cpu].IsAtLogical(message.Destination) : apics[cpu].IsAtPhysical(message.Destination),
    };

    /// <summary>
    /// The chipset knows the task priorities that the CPUs report, and whether they take part: the lowest class wins, then the lowest
    /// number (SDM3 10.6.2.4: the rule is the chipset's).
    /// </summary>
    private List<int> LowestPriority(List<int> addressed)
    {
        int best = -1;
        foreach (int cpu in addressed)
        {
            if (apics[cpu].IsEnabled && (best < 0 || apics[cpu].Cr8 < apics[best].Cr8))
                best = cpu;
        }

        return best < 0 ? [] : [best];
    }

    /// <summary>A device writes FEExxxxxh (SDM3 10.11.1 and 10.11.2); the format with bit 4 is the remapping hardware's.</summary>
    private void SendMsi(uint address, uint data)
    {
        if (!isKvm && (NaiveBits.Field(address, 31, 20) != 0xFEE || NaiveBits.Bit(address, 4)))
            return;
        bool level = NaiveBits.Bit(data, 15);
        Send(new NaiveMessage
        {
            Destination = NaiveBits.Field(address, 19, 12),
            Hint = NaiveBits.Bit(address, 3),
            Logical = NaiveBits.Bit(address, 2),
            Vector = (int)NaiveBits.Field(data, 7, 0),
            Mode = (NaiveMode)NaiveBits.Field(data, 10, 8),
            Level = level,
            Deassert = level && !NaiveBits.Bit(data, 14) && !isKvm,
        });
    }

    private void Drive(RecordedOp line, bool high)
    {
        if (line.Target is LineTarget.IoApic or LineTarget.Both)
            ioApic.Line(line.Pin, high);
        if (line.Target is LineTarget.Pic or LineTarget.Both)
        {
            pic.Line(line.Pin, high);
            WireIntr();
        }
    }

    private void PulseLint1()
    {
        foreach (NaiveLocalApic apic in apics)
        {
            apic.Wire(1, true);
            apic.Wire(1, false);
        }
    }

    /// <summary>The 8259's INT pin is wired to LINT0 of every CPU.</summary>
    private void WireIntr()
    {
        foreach (NaiveLocalApic apic in apics)
            apic.Wire(0, pic.Int);
    }
}
