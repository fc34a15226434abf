namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// Where I/O APICs differ, one named choice each, with presets for the implementations. It is 8 bytes, and configuration, not state: of two
/// bits per choice. The default value is <see cref="Architectural"/>. The value types, with the source of each value, are in
/// IoApicPolicyValues.cs.
/// </summary>
/// <remarks>
/// Where a source says nothing of a choice, its preset has the architectural value. What an EOI does that finds a line still high is no
/// choice here but a policy of the machine (<see cref="Policies.IIoApicEoiPolicy"/>).
/// </remarks>
public readonly struct IoApicPolicies
{
    private const ulong TwoBits = 3;
    private const int EoiRegisterShift = 0;
    private const int EdgeDetectionShift = 2;
    private const int EdgeLatchShift = 4;
    private const int MaskedEdgeShift = 6;
    private const int LevelRequestShift = 8;
    private const int LatchAtWriteShift = 10;
    private const int RemoteIrrShift = 12;
    private const int RemoteIrrAtWriteShift = 14;
    private const int ServicePinsShift = 16;
    private const int EoiMatchShift = 18;
    private const int EoiWithoutRemoteIrrShift = 20;
    private const int EoiValueShift = 22;
    private const int WindowAccessShift = 24;
    private const int UnknownIndexShift = 26;
    private const int ReservedBitsShift = 28;
    private const int DeliveryStatusShift = 30;
    private const int ArbitrationIdShift = 32;
    private const int ResetShift = 34;
    private const int PinZeroShift = 36;
    private const int RtcShift = 38;
    private const int EdgeModesShift = 40;

    private readonly ulong bits;

    /// <summary>The 82093AA, version 11h.</summary>
    public static IoApicPolicies Architectural => default;

    /// <summary>KVM's in-kernel model as recorded in Linux 6.18 (KVM ioapic.c).</summary>
    public static IoApicPolicies Kvm => new()
    {
        EdgeLatch = IoApicEdgeLatch.LineHigh,
        RemoteIrr = IoApicRemoteIrr.UnlessRefused,
        EoiMatch = IoApicEoiMatch.EveryEntry,
        WindowAccess = IoApicWindowAccess.AnySize,
        UnknownIndex = IoApicUnknownIndex.Ones,
        ReservedBits = IoApicReservedBits.Stored,
        DeliveryStatus = IoApicDeliveryStatus.Zero,
        Reset = IoApicReset.MaskOnly,
        Rtc = IoApicRtc.Coalesced,
        EdgeModes = IoApicEdgeModes.ObeyTrigger,
    };

    /// <summary>QEMU 7.2's userspace model (QEMU hw/intc/ioapic.c), which a split irqchip uses as well; version 20h, its default.</summary>
    public static IoApicPolicies Qemu => new()
    {
        EoiRegister = IoApicEoiRegister.Present,
        EdgeDetection = IoApicEdgeDetection.EveryAssertion,
        LevelRequest = IoApicLevelRequest.Latch,
        LatchAtWrite = IoApicLatchAtWrite.Kept,
        RemoteIrr = IoApicRemoteIrr.WhenSent,
        ServicePins = IoApicServicePins.WholeTable,
        EoiWithoutRemoteIrr = IoApicEoiWithoutRemoteIrr.Skipped,
        EoiValue = IoApicEoiValue.AllBits,
        ReservedBits = IoApicReservedBits.Stored,
        DeliveryStatus = IoApicDeliveryStatus.Zero,
        PinZero = IoApicPinZero.PinTwo,
        EdgeModes = IoApicEdgeModes.ObeyTrigger,
    };

    /// <summary>OpenVMM's (vm/devices/chipset/src/ioapic). Not modelled: its window of 20h bytes, where others have 100h.</summary>
    public static IoApicPolicies OpenVmm => new()
    {
        RemoteIrr = IoApicRemoteIrr.WhenSent,
        RemoteIrrAtWrite = IoApicRemoteIrrAtWrite.Cleared,
        WindowAccess = IoApicWindowAccess.AnyRead,
        UnknownIndex = IoApicUnknownIndex.OnesBelowTable,
        ReservedBits = IoApicReservedBits.ExtendedDestination,
        DeliveryStatus = IoApicDeliveryStatus.Zero,
        ArbitrationId = IoApicArbitrationId.Zero,
        Reset = IoApicReset.LogicalEntries,
    };

    /// <summary>
    /// Xen (vioapic.c). Not modelled: that writes of pin 0 never clear its remote IRR, that SMI, INIT and ExtINT are not delivered, and
    /// that several sources of a line are counted.
    /// </summary>
    public static IoApicPolicies Xen => new()
    {
        RemoteIrr = IoApicRemoteIrr.WhenSent,
        WindowAccess = IoApicWindowAccess.AnySize,
        ReservedBits = IoApicReservedBits.Stored,
        DeliveryStatus = IoApicDeliveryStatus.Zero,
        EdgeModes = IoApicEdgeModes.ObeyTrigger,
    };

    /// <summary>Whether there is an EOI register, and with it which version the I/O APIC shows.</summary>
    public IoApicEoiRegister EoiRegister
    {
        get => (IoApicEoiRegister)(bits >> EoiRegisterShift & TwoBits);
        init => bits = Put(EoiRegisterShift, (ulong)value);
    }

    /// <summary>What an edge is at an edge-triggered entry.</summary>
    public IoApicEdgeDetection EdgeDetection
    {
        get => (IoApicEdgeDetection)(bits >> EdgeDetectionShift & TwoBits);
        init => bits = Put(EdgeDetectionShift, (ulong)value);
    }

    /// <summary>What an edge-triggered entry sends.</summary>
    public IoApicEdgeLatch EdgeLatch
    {
        get => (IoApicEdgeLatch)(bits >> EdgeLatchShift & TwoBits);
        init => bits = Put(EdgeLatchShift, (ulong)value);
    }

    /// <summary>What becomes of an edge at a masked entry.</summary>
    public IoApicMaskedEdge MaskedEdge
    {
        get => (IoApicMaskedEdge)(bits >> MaskedEdgeShift & TwoBits);
        init => bits = Put(MaskedEdgeShift, (ulong)value);
    }

    /// <summary>What a level-triggered entry asks for.</summary>
    public IoApicLevelRequest LevelRequest
    {
        get => (IoApicLevelRequest)(bits >> LevelRequestShift & TwoBits);
        init => bits = Put(LevelRequestShift, (ulong)value);
    }

    /// <summary>What a rewritten entry does to a request that was latched under the old one.</summary>
    public IoApicLatchAtWrite LatchAtWrite
    {
        get => (IoApicLatchAtWrite)(bits >> LatchAtWriteShift & TwoBits);
        init => bits = Put(LatchAtWriteShift, (ulong)value);
    }

    /// <summary>When remote IRR of a level-triggered entry is set.</summary>
    public IoApicRemoteIrr RemoteIrr
    {
        get => (IoApicRemoteIrr)(bits >> RemoteIrrShift & TwoBits);
        init => bits = Put(RemoteIrrShift, (ulong)value);
    }

    /// <summary>What a write to the low half of an entry does to remote IRR of a level-triggered one.</summary>
    public IoApicRemoteIrrAtWrite RemoteIrrAtWrite
    {
        get => (IoApicRemoteIrrAtWrite)(bits >> RemoteIrrAtWriteShift & TwoBits);
        init => bits = Put(RemoteIrrAtWriteShift, (ulong)value);
    }

    /// <summary>Which pins are tried when one asks for service.</summary>
    public IoApicServicePins ServicePins
    {
        get => (IoApicServicePins)(bits >> ServicePinsShift & TwoBits);
        init => bits = Put(ServicePinsShift, (ulong)value);
    }

    /// <summary>Which entries the EOI of a vector reaches.</summary>
    public IoApicEoiMatch EoiMatch
    {
        get => (IoApicEoiMatch)(bits >> EoiMatchShift & TwoBits);
        init => bits = Put(EoiMatchShift, (ulong)value);
    }

    /// <summary>What an EOI does at an entry with its vector whose remote IRR is clear.</summary>
    public IoApicEoiWithoutRemoteIrr EoiWithoutRemoteIrr
    {
        get => (IoApicEoiWithoutRemoteIrr)(bits >> EoiWithoutRemoteIrrShift & TwoBits);
        init => bits = Put(EoiWithoutRemoteIrrShift, (ulong)value);
    }

    /// <summary>Which bits of the EOI register are the vector.</summary>
    public IoApicEoiValue EoiValue
    {
        get => (IoApicEoiValue)(bits >> EoiValueShift & TwoBits);
        init => bits = Put(EoiValueShift, (ulong)value);
    }

    /// <summary>Which sizes of access IOWIN takes.</summary>
    public IoApicWindowAccess WindowAccess
    {
        get => (IoApicWindowAccess)(bits >> WindowAccessShift & TwoBits);
        init => bits = Put(WindowAccessShift, (ulong)value);
    }

    /// <summary>What an index reads that selects no register.</summary>
    public IoApicUnknownIndex UnknownIndex
    {
        get => (IoApicUnknownIndex)(bits >> UnknownIndexShift & TwoBits);
        init => bits = Put(UnknownIndexShift, (ulong)value);
    }

    /// <summary>Which bits of an entry software can store beside the defined ones.</summary>
    public IoApicReservedBits ReservedBits
    {
        get => (IoApicReservedBits)(bits >> ReservedBitsShift & TwoBits);
        init => bits = Put(ReservedBitsShift, (ulong)value);
    }

    /// <summary>Bit 12 of an entry.</summary>
    public IoApicDeliveryStatus DeliveryStatus
    {
        get => (IoApicDeliveryStatus)(bits >> DeliveryStatusShift & TwoBits);
        init => bits = Put(DeliveryStatusShift, (ulong)value);
    }

    /// <summary>Register 2, the arbitration ID.</summary>
    public IoApicArbitrationId ArbitrationId
    {
        get => (IoApicArbitrationId)(bits >> ArbitrationIdShift & TwoBits);
        init => bits = Put(ArbitrationIdShift, (ulong)value);
    }

    /// <summary>What a reset leaves.</summary>
    public IoApicReset Reset
    {
        get => (IoApicReset)(bits >> ResetShift & TwoBits);
        init => bits = Put(ResetShift, (ulong)value);
    }

    /// <summary>Which pin line 0 is.</summary>
    public IoApicPinZero PinZero
    {
        get => (IoApicPinZero)(bits >> PinZeroShift & TwoBits);
        init => bits = Put(PinZeroShift, (ulong)value);
    }

    /// <summary>What an assertion of pin 8 does while an earlier RTC interrupt awaits its EOI.</summary>
    public IoApicRtc Rtc
    {
        get => (IoApicRtc)(bits >> RtcShift & TwoBits);
        init => bits = Put(RtcShift, (ulong)value);
    }

    /// <summary>How an entry of delivery mode SMI, NMI, INIT or ExtINT with trigger mode level acts.</summary>
    public IoApicEdgeModes EdgeModes
    {
        get => (IoApicEdgeModes)(bits >> EdgeModesShift & TwoBits);
        init => bits = Put(EdgeModesShift, (ulong)value);
    }

    private ulong Put(int shift, ulong value) => bits & ~(TwoBits << shift) | (value & TwoBits) << shift;
}
