namespace ScenarioHv.Engine.Interrupts;

// The interrupt command register (SDM3 10.6.1): writing its low half sends, with the high half as it is at that moment; in x2APIC mode
// (SDM3 10.12.9) both halves are one MSR.
public partial struct LocalApic
{
    // Vector, delivery mode, destination mode, level, trigger, shorthand; delivery status is read-only and the rest reserved.
    private const uint IcrLowWritable = 0x000C_CFFF;
    private const uint IcrLogical = 1u << 11;
    private const uint IcrDeliveryStatus = 1u << 12;
    private const uint IcrAssert = 1u << 14;
    private const uint IcrLevel = 1u << 15;

    /// <summary>
    /// Whether this APIC is among those that an IPI addresses: the shorthand decides, and only without one the destination.
    /// "All" includes software-disabled APICs, but not hardware-disabled ones.
    /// </summary>
    /// <param name="ipi">The IPI.</param>
    /// <param name="isSender">This APIC sent it.</param>
    public readonly bool IsAddressedBy(in IpiRequest ipi, bool isSender) => IsHardwareEnabled && ipi.Shorthand switch
    {
        IpiShorthand.Self => isSender,
        IpiShorthand.All => true,
        IpiShorthand.AllExcludingSelf => !isSender,
        _ => Matches(ipi.Message, isIpi: true),
    };

    private RegisterWriteEffect WriteIcrLow(uint value)
    {
        IcrLow = value & Policies.IcrReservedBits switch
        {
            IcrReservedBitsPolicy.ReadZero => IcrLowWritable,
            IcrReservedBitsPolicy.LowStored => ~IcrDeliveryStatus,
            _ => uint.MaxValue,
        };
        return SendIpi(value, IcrHigh >> 24);
    }

    private LocalApicEffects WriteIcrHigh(uint value) =>
        Store(ref IcrHigh, Policies.IcrReservedBits == IcrReservedBitsPolicy.AllStored ? value : value & UpperByte);

    // An illegal vector is an error of the sender and goes nowhere, where there is such an error. Reserved modes (3 and ExtINT) are not
    // sent; INIT level de-assert has been a no-op since the Pentium 4.
    private RegisterWriteEffect SendIpi(uint command, uint destination)
    {
        var mode = (DeliveryMode)(command >> 8 & 7);
        var vector = (byte)command;
        switch (mode)
        {
            case DeliveryMode.Fixed or DeliveryMode.LowestPriority
                when vector < FirstLegalVector && Policies.IllegalVectors == IllegalVectorsPolicy.Refused:
                return new RegisterWriteEffect(ErrorEffects(LatchError(ApicErrors.SendIllegalVector)));
            case DeliveryMode.Init when (command & (IcrLevel | IcrAssert)) == IcrLevel:
            case DeliveryMode.Reserved3 when Policies.RemoteReads == RemoteReadsPolicy.Dropped:
            case DeliveryMode.ExtInt:
                return default;
        }
        var shorthand = (IpiShorthand)(command >> 18 & 3);
        var message = new ApicMessage
        {
            Destination = destination,
            Vector = vector,
            Mode = mode,
            Flags = ((command & IcrLogical) != 0 ? ApicMessageFlags.Logical : ApicMessageFlags.None) | TriggerOf(command, shorthand),
        };
        LocalApicEffects effect = shorthand == IpiShorthand.Self ? LocalApicEffects.SelfIpi : LocalApicEffects.SendIpi;
        return new RegisterWriteEffect(effect, default, new IpiRequest(message, shorthand));
    }

    // IPIs have been edge since the Pentium 4, whatever trigger and level say; not every emulator knows.
    private readonly ApicMessageFlags TriggerOf(uint command, IpiShorthand shorthand)
    {
        if ((command & IcrLevel) == 0)
            return ApicMessageFlags.None;
        return Policies.IpiTrigger switch
        {
            IpiTriggerPolicy.LevelHonoured when (command & IcrAssert) == 0 => ApicMessageFlags.Level | ApicMessageFlags.Deassert,
            IpiTriggerPolicy.LevelHonoured or IpiTriggerPolicy.LevelWithoutAssert => ApicMessageFlags.Level,
            IpiTriggerPolicy.LevelToSelf when shorthand == IpiShorthand.Self => ApicMessageFlags.Level,
            _ => ApicMessageFlags.None,
        };
    }
}
