namespace ScenarioHv.Engine.Interrupts;

// A message arrives: is it addressed to this APIC, and what becomes of it (SDM3 10.6.2, 10.8.1, 10.8.4).
public partial struct LocalApic
{
    private const int FirstLegalVector = 16;
    private const uint Broadcast = 0xFF;
    private const uint X2ApicBroadcast = 0xFFFF_FFFF;
    private const uint FlatModel = 0xF;
    private const uint ClusterModel = 0x0;

    /// <summary>
    /// Whether a message from a device is addressed to this APIC: by APIC ID or by its own LDR and DFR; all ones is everyone in either
    /// destination mode. A software-disabled APIC matches all the same and then refuses what it must; a hardware-disabled one never does.
    /// </summary>
    /// <param name="message">The message; destinations above FFh match no APIC in xAPIC mode.</param>
    public readonly bool Matches(in ApicMessage message) => Matches(message, isIpi: false);

    /// <summary>Whether a message is addressed to this APIC.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isIpi">It comes from another local APIC, not from a device: KVM's rewriting of FFh leaves it alone.</param>
    public readonly bool Matches(in ApicMessage message, bool isIpi) => Mode switch
    {
        ApicMode.XApic => message.IsLogical
            ? MatchesLogical(message.Destination)
            : message.Destination == Broadcast || message.Destination == ApicId,
        ApicMode.X2Apic => MatchesX2Apic(message, isIpi),
        _ => false,
    };

    /// <summary>
    /// Takes a message that is addressed to this APIC. Fixed and lowest priority go to IRR if the APIC is software-enabled and the vector
    /// legal; NMI, SMI, INIT and start-up always go to the core; a level de-assert is nothing. Hardware-disabled, it takes nothing.
    /// </summary>
    /// <param name="message">The message; <see cref="Matches(in ApicMessage, bool)"/> is the caller's to ask.</param>
    public AcceptResult Accept(in ApicMessage message) => Accept(message, isPosted: false);

    /// <summary>
    /// As <see cref="Accept(in ApicMessage)"/>, but a fixed request does not go to IRR: the caller keeps it elsewhere, in PIR, until it
    /// brings it here by <see cref="Request"/>. TMR is written now (KVM lapic.c:__apic_accept_irq before deliver_interrupt).
    /// </summary>
    /// <param name="message">The message.</param>
    public AcceptResult AcceptPosted(in ApicMessage message) => Accept(message, isPosted: true);

    /// <summary>A request that was accepted earlier and kept elsewhere arrives in IRR.</summary>
    /// <param name="vector">0..255.</param>
    public void Request(int vector) => Irr.Set(vector);

    private AcceptResult Accept(in ApicMessage message, bool isPosted)
    {
        if (!IsHardwareEnabled)
            return Dropped(message.Vector);
        switch (message.Mode)
        {
            case DeliveryMode.Fixed:
            case DeliveryMode.LowestPriority:
                return message.IsAssert && AcceptsFixed
                    ? AcceptVector(message.Vector, message.IsLevel, isPosted)
                    : Dropped(message.Vector);
            case DeliveryMode.Init:
                return message.IsAssert ? ToCore(CoreRequest.Init, message.Vector) : Dropped(message.Vector);
            case DeliveryMode.Smi:
                return ToCore(CoreRequest.Smi, message.Vector);
            case DeliveryMode.Nmi:
                return ToCore(CoreRequest.Nmi, message.Vector);
            case DeliveryMode.StartUp:
                return ToCore(CoreRequest.StartUp, message.Vector);
            case DeliveryMode.ExtInt:
                return AcceptExtInt(message);
            case DeliveryMode.Reserved3 when Policies.RemoteReads == RemoteReadsPolicy.Unhalt:
                return ToCore(CoreRequest.Unhalt, message.Vector);
            default:
                return Dropped(message.Vector);
        }
    }

    private AcceptResult AcceptExtInt(in ApicMessage message) => Policies.ExtIntMessages switch
    {
        ExtIntMessagesPolicy.AsFixed when AcceptsFixed => AcceptVector(message.Vector, message.IsLevel),
        ExtIntMessagesPolicy.ReachCore when IsSoftwareEnabled => ToCore(CoreRequest.ExtInt, message.Vector),
        _ => Dropped(message.Vector),
    };

    private readonly bool AcceptsFixed => IsSoftwareEnabled || Policies.FixedWhileDisabled == FixedWhileDisabledPolicy.Accepted;

    // A destination of more than 8 bits comes from a sender in x2APIC mode, of which the manual says nothing here; it is not cut off (KVM
    // lapic.c:kvm_apic_match_logical_addr).
    private readonly bool MatchesLogical(uint destination)
    {
        uint model = Dfr >> 28;
        if (destination == Broadcast && IsEveryone(model))
            return true;
        uint logicalId = Ldr >> 24;
        return model switch
        {
            FlatModel => (destination & logicalId) != 0,
            ClusterModel => destination >> 4 == logicalId >> 4 && (destination & logicalId & 0xF) != 0,
            _ => false,
        };
    }

    private readonly bool IsEveryone(uint model) => Policies.LogicalBroadcast switch
    {
        LogicalBroadcastPolicy.Everyone => true,
        LogicalBroadcastPolicy.NotInFlat => model != FlatModel,
        _ => false,
    };

    private readonly bool MatchesX2Apic(in ApicMessage message, bool isIpi)
    {
        uint destination = message.Destination;
        if (destination == Broadcast && !isIpi && Policies.DeviceBroadcast == DeviceBroadcastPolicy.Rewritten)
            destination = X2ApicBroadcast;
        if (destination == X2ApicBroadcast && (!message.IsLogical || Policies.LogicalBroadcast != LogicalBroadcastPolicy.ByMatch))
            return true;
        if (!message.IsLogical)
            return destination == Id;
        return destination >> 16 == Ldr >> 16 && (destination & Ldr & 0xFFFF) != 0;
    }

    private static AcceptResult ToCore(CoreRequest request, byte vector) => new(AcceptOutcome.Accepted, request, vector);

    private static AcceptResult Dropped(byte vector) => new(AcceptOutcome.Dropped, CoreRequest.None, vector);

    // TMR first: whoever sees the IRR bit sees its trigger mode (SDM3 10.8.4).
    private AcceptResult AcceptVector(byte vector, bool level, bool isPosted = false)
    {
        if (vector < FirstLegalVector)
        {
            switch (Policies.IllegalVectors)
            {
                case IllegalVectorsPolicy.Refused:
                    return Dropped(vector) with { RaisedError = LatchError(ApicErrors.ReceiveIllegalVector) };
                case IllegalVectorsPolicy.DroppedSilently:
                    return Dropped(vector);
            }
        }
        if (level)
            Tmr.Set(vector);
        else
            Tmr.Clear(vector);
        bool merged = Irr.Contains(vector);
        if (!isPosted)
            Irr.Set(vector);
        return new AcceptResult(merged ? AcceptOutcome.Merged : AcceptOutcome.Accepted, CoreRequest.None, vector);
    }

    // Collects an error for the next write to ESR; a new one raises the LVT error interrupt, whose own vector may be illegal in turn.
    // QEMU and Xen have no latch: what they know shows at once.
    private bool LatchError(ApicErrors error)
    {
        ErrorStatusPolicy policy = Policies.ErrorStatus;
        bool isOfRegister = error == ApicErrors.IllegalRegisterAddress;
        if (policy == ErrorStatusPolicy.RegistersOnly && isOfRegister)
            Esr |= error;
        if (policy is ErrorStatusPolicy.None or ErrorStatusPolicy.RegistersOnly)
            return false;
        if (policy == ErrorStatusPolicy.VectorsOnly && isOfRegister)
            return false;

        ref ApicErrors collected = ref policy == ErrorStatusPolicy.Latched ? ref PendingErrors : ref Esr;
        bool isNew = (error & ~collected) != 0;
        collected |= error;
        if (!isNew || (LvtError & LvtBits.Mask) != 0)
            return false;
        return AcceptVector((byte)LvtError, level: false).IsAccepted;
    }
}
