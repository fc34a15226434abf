using System.Globalization;

namespace ScenarioHv.Conformance.Tests.Naive;

// The registers, by their offsets in the page (SDM3 10.4.1, table of the register map; 10.12.1.2 for the MSRs).
internal sealed partial class NaiveLocalApic
{
    private readonly NaiveLvt timerLvt = new(isTimer: true);
    private readonly NaiveLvt thermalLvt = new(hasMode: true);
    private readonly NaiveLvt performanceLvt = new(hasMode: true);
    private readonly NaiveLvt lint0 = new(hasMode: true, isLint: true);
    private readonly NaiveLvt lint1 = new(hasMode: true, isLint: true);
    private readonly NaiveLvt errorLvt = new();
    private readonly NaiveTimer timer = new();
    private readonly List<int> hiddenErrors = [];
    private readonly List<int> shownErrors = [];
    private ulong page = 0xFEE00000;
    private bool isBootProcessor;
    private uint id;
    private uint logicalId;
    private uint model;

    /// <summary>KVM: the LDR of x2APIC mode stays in the register until it is written.</summary>
    private bool leftX2ApicLdr;
    private uint spurious;
    private bool focusCheckingOff;
    private uint commandLow;
    private uint commandHigh;

    /// <summary>KVM: the high half that belongs to the other mode.</summary>
    private uint otherHigh;

    /// <summary>SDM3 10.12.10.2: the cluster is the x2APIC ID by 16, the member the rest.</summary>
    private uint X2ApicCluster => (uint)cpu / 16;

    private int X2ApicMember => cpu % 16;

    private NaiveLvt[] Lvts => [timerLvt, thermalLvt, performanceLvt, lint0, lint1, errorLvt];

    private uint ErrorStatus
    {
        get
        {
            uint value = 0;
            foreach (int bit in shownErrors)
                value += NaiveBits.Place(true, bit);
            return value;
        }
    }

    private uint Spurious => spurious + NaiveBits.Place(IsEnabled, 8) + NaiveBits.Place(focusCheckingOff, 9);

    private uint LogicalDestination =>
        IsX2Apic || leftX2ApicLdr ? (X2ApicCluster * 0x10000) + NaiveBits.Place(true, X2ApicMember) : logicalId * 0x1000000;

    private uint Id => IsX2Apic || (!IsPresent && leftX2ApicLdr) ? (uint)cpu : id * 0x1000000;

    public uint PhysicalId => IsX2Apic ? (uint)cpu : id;

    public uint TimerInitialCount => timer.Initial;

    public bool HasLogicalId => LogicalDestination != 0;

    public uint LogicalId => logicalId;

    public bool IsFlat => model == 0xF;

    /// <summary>CR8 is the class of the task priority; a write clears the sub-class (SDM3 10.8.6.1).</summary>
    public uint Cr8
    {
        get => TaskPriority / 16;
        set => TaskPriority = value * 16;
    }

    /// <summary>The page answers in xAPIC mode only (SDM3 10.4.3, 10.12.2).</summary>
    public bool Decodes(uint address) => IsPresent && !IsX2Apic && address - (address % 4096) == page;

    /// <summary>An access by MMIO in xAPIC mode.</summary>
    public uint Read(uint offset)
    {
        switch (offset)
        {
            // Write-only, or of older processors: they exist and show nothing (SDM3 10.4.1).
            case 0x90 or 0xB0 or 0xC0:
                return 0;
            case 0xE0:
                return (model * 0x10000000) + 0xFFFFFFF;
            case 0x310:
                return commandHigh;
            default:
                uint? value = Shared(offset);
                if (value == null)
                    Error(7);
                return value ?? 0;
        }
    }

    /// <summary>A write by MMIO in xAPIC mode. Read-only registers ignore it; what does not exist is an error (SDM3 10.5.3).</summary>
    public void Write(uint offset, uint value)
    {
        switch (offset)
        {
            case 0x20:
                id = NaiveBits.Field(value, 31, 24);
                break;
            case 0xD0:
                logicalId = NaiveBits.Field(value, 31, 24);
                leftX2ApicLdr = false;
                break;
            case 0xE0:
                model = NaiveBits.Field(value, 31, 28);
                break;
            case 0x300:
                // Delivery status is read-only, and the other bits that are not stored are reserved (SDM3 10.6.1).
                commandLow = NaiveBits.Only(value, 19, 18) + NaiveBits.Only(value, 15, 14) + NaiveBits.Only(value, 11, 0);
                if (isKvm)
                    commandLow = value - NaiveBits.Only(value, 12, 12);
                SendCommand();
                break;
            case 0x310:
                commandHigh = NaiveBits.Only(value, 31, 24);
                break;
            default:
                if (!WriteShared(offset, value) && Shared(offset) == null && offset is not (0x90 or 0xC0))
                    Error(7);
                break;
        }
    }

    /// <summary>The registers that both modes show. Null: there is none.</summary>
    private uint? Shared(uint offset) => offset switch
    {
        0x20 => Id,
        0x30 => 0x00050014,
        0x80 => TaskPriority,
        0xA0 => ProcessorPriority,
        0xD0 => LogicalDestination,
        0xF0 => Spurious,
        >= 0x100 and < 0x180 when offset % 16 == 0 => Word(isr, offset - 0x100),
        >= 0x180 and < 0x200 when offset % 16 == 0 => Word(tmr, offset - 0x180),
        >= 0x200 and < 0x280 when offset % 16 == 0 => Word(irr, offset - 0x200),
        0x280 => ErrorStatus,
        0x300 => commandLow,
        >= 0x320 and <= 0x370 when offset % 16 == 0 => Lvts[(offset - 0x320) / 16].Register,
        0x380 => timer.Initial,
        0x390 => timer.Current,
        0x3E0 => timer.Divide,
        _ => null,
    };

    /// <summary>The registers that both modes write. False: it is none of them.</summary>
    private bool WriteShared(uint offset, uint value)
    {
        switch (offset)
        {
            case 0x80:
                TaskPriority = NaiveBits.Field(value, 7, 0);
                return true;
            case 0xB0:
                EndOfInterrupt();
                return true;
            case 0xF0:
                WriteSpurious(value);
                return true;
            case 0x280:
                shownErrors.Clear();
                shownErrors.AddRange(hiddenErrors);
                hiddenErrors.Clear();
                return true;
            case >= 0x320 and <= 0x370 when offset % 16 == 0:
                WriteLvt(Lvts[(offset - 0x320) / 16], value);
                return true;
            case 0x380:
                // In TSC-deadline mode the initial count is not written (SDM3 10.5.4.1).
                if (!timerLvt.IsDeadline)
                    timer.WriteInitial(value);
                return true;
            case 0x3E0:
                timer.WriteDivide(value);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Clearing bit 8 masks all LVT entries (SDM3 10.4.7.2). The version register does not offer bit 12.</summary>
    private void WriteSpurious(uint value)
    {
        spurious = NaiveBits.Field(value, 7, 0);
        IsEnabled = NaiveBits.Bit(value, 8);
        focusCheckingOff = NaiveBits.Bit(value, 9);
        foreach (NaiveLvt entry in Lvts)
            entry.Masked = entry.Masked || !IsEnabled;
    }

    /// <summary>
    /// The mask cannot be cleared while the APIC is disabled (SDM3 10.4.7.2). A new timer mode stops the timer (10.5.4.1); the initial
    /// count does not cross the border of TSC-deadline mode, where it means nothing.
    /// </summary>
    private void WriteLvt(NaiveLvt entry, uint value)
    {
        uint oldMode = entry.TimerMode;
        bool wasDeadline = entry.IsDeadline;
        entry.Write(value, storesStatus: isKvm);
        entry.Masked = entry.Masked || !IsEnabled;
        if (entry.TimerMode != oldMode && !isKvm)
            timer.Stop();
        if (entry.IsDeadline != wasDeadline)
            timer.WriteInitial(0);
        if (entry == lint0)
            Sample(0);
        if (entry == lint1)
            Sample(1);
    }

    /// <summary>Loading an APIC in x2APIC mode makes KVM's page for xAPIC mode agree with its ICR (kvm_apic_state_fixup).</summary>
    public void LoadCommand()
    {
        if (IsX2Apic)
            otherHigh = commandHigh;
    }

    /// <summary>The ICR says what is sent (SDM3 10.6.1).</summary>
    private void SendCommand()
    {
        var mode = (NaiveMode)NaiveBits.Field(commandLow, 10, 8);
        bool level = NaiveBits.Bit(commandLow, 15);
        SendIpi(new NaiveMessage
        {
            Sender = cpu,
            Shorthand = (NaiveShorthand)NaiveBits.Field(commandLow, 19, 18),
            Destination = IsX2Apic ? commandHigh : NaiveBits.Field(commandHigh, 31, 24),
            Logical = NaiveBits.Bit(commandLow, 11),
            Mode = mode,
            Vector = (int)NaiveBits.Field(commandLow, 7, 0),

            // Trigger mode and level mean something for INIT alone; all IPIs are edge (SDM3 10.6.1, Pentium 4 and later).
            // KVM obeys them.
            Level = isKvm && level,
            Deassert = (mode == NaiveMode.Init || isKvm) && level && !NaiveBits.Bit(commandLow, 14),
        });
    }

    /// <summary>An illegal vector is an error of the sender, and nothing is sent (SDM3 10.5.3).</summary>
    private void SendIpi(NaiveMessage message)
    {
        if (!isKvm && message.Mode is NaiveMode.Fixed or NaiveMode.LowestPriority && message.Vector < 16)
            Error(5);
        else if (isKvm || message.Mode is not (NaiveMode.Reserved or NaiveMode.ExtInt))
            bus.Send(message);
    }

    /// <summary>The state after power-on (SDM3 10.4.7.1).</summary>
    private void ResetRegisters()
    {
        irr.Clear();
        isr.Clear();
        tmr.Clear();
        hiddenErrors.Clear();
        shownErrors.Clear();
        isBootProcessor = cpu == 0;
        TaskPriority = 0;
        id = (uint)cpu;
        logicalId = 0;
        model = 0xF;
        spurious = 0xFF;
        IsEnabled = false;
        focusCheckingOff = false;
        commandLow = 0;
        commandHigh = 0;
        timer.Reset();
        foreach (NaiveLvt entry in Lvts)
            entry.Reset();
    }

    private static uint Word(List<int> vectors, uint offset)
    {
        uint value = 0;
        for (int bit = 0; bit < 32; bit++)
        {
            if (vectors.Contains((int)(offset / 16 * 32) + bit))
                value += NaiveBits.Place(true, bit);
        }

        return value;
    }

    private static string Show(List<int> vectors)
    {
        if (vectors.Count == 0)
            return "-";
        var sorted = new List<int>(vectors);
        sorted.Sort();
        return string.Join(',', sorted.ConvertAll(vector => vector.ToString("x2", CultureInfo.InvariantCulture)));
    }

    /// <summary>The registers as <c>dumpL</c> shows them.</summary>
    public string Dump()
    {
        var lvt = new List<string>();
        foreach (NaiveLvt entry in Lvts)
            lvt.Add(entry.Register.ToString("x5", CultureInfo.InvariantCulture));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"L{cpu} id={Id:x} tpr={TaskPriority:x2} ldr={LogicalDestination:x8} dfr={(model * 0x10000000) + 0xFFFFFFF:x8} "
            + $"svr={Spurious:x3} esr={ErrorStatus:x} icr={commandHigh:x8}:{commandLow:x8} lvt={string.Join(',', lvt)} "
            + $"tmict={timer.Initial:x} tdcr={timer.Divide:x} irr={Show(irr)} isr={Show(isr)} tmr={Show(tmr)}");
    }
}
