namespace ScenarioHv.Engine.Interrupts;

// The interrupt command register (SDM3 10.6.1): writing its low half sends, with the high half as it is at that moment.
public partial struct LocalApic
{
    // Vector, delivery mode, destination mode, level, trigger, shorthand; delivery status is read-only and the rest reserved.
    private const uint IcrLowWritable = 0x000C_CFFF;
    private const uint IcrLogical = 1u << 11;
    private const uint IcrAssert = 1u << 14;
    private const uint IcrLevel = 1u << 15;

    /// <summary>
    /// Whether this APIC is among those that an IPI addresses: the shorthand decides, and only without one the destination.
    /// "All" includes software-disabled APICs.
    /// </summary>
    /// <param name="ipi">The IPI.</param>
    /// <param name="isSender">This APIC sent it.</param>
    public readonly bool IsAddressedBy(in IpiRequest ipi, bool isSender) => ipi.Shorthand switch
    {
        IpiShorthand.Self => isSender,
        IpiShorthand.All => true,
        IpiShorthand.AllExcludingSelf => !isSender,
        _ => Matches(ipi.Message),
    };

    // IPIs have been edge since the Pentium 4, whatever trigger and level say; INIT level de-assert is a no-op there. An illegal
    // vector is an error of the sender and goes nowhere. Reserved modes (3 and ExtINT) are not sent.
    private RegisterWriteEffect WriteIcrLow(uint value)
    {
        IcrLow = value & IcrLowWritable;
        var mode = (DeliveryMode)(IcrLow >> 8 & 7);
        var vector = (byte)IcrLow;
        switch (mode)
        {
            case DeliveryMode.Fixed or DeliveryMode.LowestPriority when vector < FirstLegalVector:
                return new RegisterWriteEffect(ErrorEffects(LatchError(ApicErrors.SendIllegalVector)));
            case DeliveryMode.Init when (IcrLow & (IcrLevel | IcrAssert)) == IcrLevel:
            case DeliveryMode.Reserved3 or DeliveryMode.ExtInt:
                return default;
        }
        var message = new ApicMessage
        {
            Destination = IcrHigh >> 24,
            Vector = vector,
            Mode = mode,
            Flags = (IcrLow & IcrLogical) != 0 ? ApicMessageFlags.Logical : ApicMessageFlags.None,
        };
        var shorthand = (IpiShorthand)(IcrLow >> 18 & 3);
        LocalApicEffects effect = shorthand == IpiShorthand.Self ? LocalApicEffects.SelfIpi : LocalApicEffects.SendIpi;
        return new RegisterWriteEffect(effect, default, new IpiRequest(message, shorthand));
    }
}
