namespace ScenarioHv.Conformance.Tests.Naive;

/// <summary>One entry of the local vector table, field by field (SDM3 10.5.1, figure of the LVT).</summary>
internal sealed class NaiveLvt(bool hasMode = false, bool isLint = false, bool isTimer = false)
{
    public int Vector { get; private set; }

    public NaiveMode Mode { get; private set; }

    public bool Polarity { get; private set; }

    public bool RemoteIrr { get; set; }

    /// <summary>Bit 12 as written, which only KVM stores.</summary>
    public bool DeliveryStatus { get; private set; }

    public bool Level { get; private set; }

    public bool Masked { get; set; } = true;

    /// <summary>0 one-shot, 1 periodic, 2 TSC-deadline (SDM3 10.5.4); 3 is reserved and read as 2.</summary>
    public uint TimerMode { get; private set; }

    public bool IsDeadline => TimerMode >= 2;

    /// <summary>Trigger mode counts in fixed mode alone (SDM3 10.5.1: NMI, SMI and INIT are edge, ExtINT is level).</summary>
    public bool IsLevelFixed => isLint && Level && Mode == NaiveMode.Fixed;

    /// <summary>What is read: delivery status (bit 12) is idle at every moment at which somebody can look.</summary>
    public uint Register
    {
        get
        {
            uint value = (uint)Vector + ((uint)Mode * 0x100) + (TimerMode * 0x20000);
            value += NaiveBits.Place(Polarity, 13) + NaiveBits.Place(RemoteIrr, 14);
            value += NaiveBits.Place(DeliveryStatus, 12);
            return value + NaiveBits.Place(Level, 15) + NaiveBits.Place(Masked, 16);
        }
    }

    /// <summary>Stores what the entry has; delivery status and remote IRR are read-only (SDM3 10.5.1), but not in KVM.</summary>
    public void Write(uint value, bool storesStatus)
    {
        DeliveryStatus = storesStatus && NaiveBits.Bit(value, 12);
        Vector = (int)NaiveBits.Field(value, 7, 0);
        Masked = NaiveBits.Bit(value, 16);
        if (hasMode)
            Mode = (NaiveMode)NaiveBits.Field(value, 10, 8);
        if (isTimer)
            TimerMode = NaiveBits.Field(value, 18, 17);
        if (!isLint)
            return;
        Polarity = NaiveBits.Bit(value, 13);
        Level = NaiveBits.Bit(value, 15);

        // Remote IRR means something for level, fixed entries only (SDM3 10.5.1).
        if (storesStatus)
            RemoteIrr = NaiveBits.Bit(value, 14);
        else if (!IsLevelFixed)
            RemoteIrr = false;
    }

    /// <summary>A bit is set that the entry does not have. Read-only bits are none of these.</summary>
    public bool HasReserved(uint value)
    {
        bool reserved = NaiveBits.Any(value, 31, 19) || NaiveBits.Bit(value, 11);
        if (!isTimer && NaiveBits.Any(value, 18, 17))
            reserved = true;
        if (!isLint && NaiveBits.Any(value, 15, 13))
            reserved = true;
        if (!hasMode && NaiveBits.Any(value, 10, 8))
            reserved = true;
        return reserved;
    }

    public void Reset()
    {
        Write(0x10000, storesStatus: false);
        RemoteIrr = false;
    }
}
