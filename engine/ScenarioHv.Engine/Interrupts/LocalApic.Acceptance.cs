namespace ScenarioHv.Engine.Interrupts;

// A message arrives: is it addressed to this APIC, and what becomes of it (SDM3 10.6.2, 10.8.1, 10.8.4).
public partial struct LocalApic
{
    private const int FirstLegalVector = 16;
    private const uint Broadcast = 0xFF;
    private const uint FlatModel = 0xF;
    private const uint ClusterModel = 0x0;

    /// <summary>
    /// Whether a message is addressed to this APIC: by APIC ID or by its own LDR and DFR; FFh is everyone in either destination mode.
    /// A software-disabled APIC matches all the same and then refuses what it must.
    /// </summary>
    /// <param name="message">The message; destinations above FFh match no APIC in xAPIC mode.</param>
    public readonly bool Matches(in ApicMessage message)
    {
        uint destination = message.Destination;
        if (destination == Broadcast)
            return true;
        if (!message.IsLogical)
            return destination == ApicId;
        if (destination > Broadcast)
            return false;
        uint logicalId = Ldr >> 24;
        return (Dfr >> 28) switch
        {
            FlatModel => (destination & logicalId) != 0,
            ClusterModel => destination >> 4 == logicalId >> 4 && (destination & logicalId & 0xF) != 0,
            _ => false,
        };
    }

    /// <summary>
    /// Takes a message that is addressed to this APIC. Fixed and lowest priority go to IRR if the APIC is software-enabled and the vector
    /// legal; NMI, SMI, INIT and start-up always go to the core; a level de-assert is nothing.
    /// </summary>
    /// <param name="message">The message; <see cref="Matches"/> is the caller's to ask.</param>
    public AcceptResult Accept(in ApicMessage message)
    {
        switch (message.Mode)
        {
            case DeliveryMode.Fixed:
            case DeliveryMode.LowestPriority:
                return message.IsAssert && IsSoftwareEnabled ? AcceptVector(message.Vector, message.IsLevel) : Dropped(message.Vector);
            case DeliveryMode.Init:
                return message.IsAssert ? ToCore(CoreRequest.Init, message.Vector) : Dropped(message.Vector);
            case DeliveryMode.Smi:
                return ToCore(CoreRequest.Smi, message.Vector);
            case DeliveryMode.Nmi:
                return ToCore(CoreRequest.Nmi, message.Vector);
            case DeliveryMode.StartUp:
                return ToCore(CoreRequest.StartUp, message.Vector);
            case DeliveryMode.ExtInt:
                return IsSoftwareEnabled ? ToCore(CoreRequest.ExtInt, message.Vector) : Dropped(message.Vector);
            default:
                return Dropped(message.Vector);
        }
    }

    private static AcceptResult ToCore(CoreRequest request, byte vector) => new(AcceptOutcome.Accepted, request, vector);

    private static AcceptResult Dropped(byte vector) => new(AcceptOutcome.Dropped, CoreRequest.None, vector);

    // TMR first: whoever sees the IRR bit sees its trigger mode (SDM3 10.8.4).
    private AcceptResult AcceptVector(byte vector, bool level)
    {
        if (vector < FirstLegalVector)
            return Dropped(vector) with { RaisedError = LatchError(ApicErrors.ReceiveIllegalVector) };
        if (level)
            Tmr.Set(vector);
        else
            Tmr.Clear(vector);
        bool merged = Irr.Contains(vector);
        Irr.Set(vector);
        return new AcceptResult(merged ? AcceptOutcome.Merged : AcceptOutcome.Accepted, CoreRequest.None, vector);
    }

    // Collects an error for the next write to ESR; a new one raises the LVT error interrupt, whose own vector may be illegal in turn.
    private bool LatchError(ApicErrors error)
    {
        bool isNew = (error & ~PendingErrors) != 0;
        PendingErrors |= error;
        if (!isNew || (LvtError & LvtBits.Mask) != 0)
            return false;
        return AcceptVector((byte)LvtError, level: false).IsAccepted;
    }
}
