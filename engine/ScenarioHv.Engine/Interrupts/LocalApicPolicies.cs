using System.Runtime.InteropServices;

namespace ScenarioHv.Engine.Interrupts;

/// <summary>
/// Where local APICs differ, one named choice each, with presets for the implementations. It is 8 bytes and part of the APIC's state, set
/// at RESET. The value types, with the source of each value, are in LocalApicPolicyValues.cs.
/// </summary>
/// <remarks>
/// The default value is <see cref="Architectural"/> but for <see cref="TimerModeSwitch"/>, which keeps counting as every implementation has
/// it. Where a source says nothing of a choice, its preset has the architectural value.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly struct LocalApicPolicies
{
    private const ulong TwoBits = 3;
    private const ulong ThreeBits = 7;
    private const int PendingWhileDisabledShift = 0;
    private const int FixedWhileDisabledShift = 2;
    private const int SoftwareDisableLvtShift = 6;
    private const int IllegalVectorsShift = 8;
    private const int ErrorStatusShift = 10;
    private const int SpuriousVectorShift = 12;
    private const int LvtReservedBitsShift = 14;
    private const int FocusBitShift = 16;
    private const int IcrReservedBitsShift = 18;
    private const int IpiTriggerShift = 20;
    private const int LogicalBroadcastShift = 22;
    private const int DeviceBroadcastShift = 24;
    private const int TimerModeSwitchShift = 26;
    private const int TimerPeriodShift = 28;
    private const int HardwareDisableShift = 30;
    private const int ApicBaseWritesShift = 32;
    private const int ApicIdRegisterShift = 34;
    private const int X2ApicReservedBitsShift = 36;
    private const int EoiBroadcastShift = 38;
    private const int PicGateShift = 40;
    private const int LintInputsShift = 42;
    private const int BspLint0Shift = 44;
    private const int LowestPriorityShift = 46;
    private const int ExtIntMessagesShift = 49;
    private const int IcrAcrossModesShift = 51;
    private const int RemoteReadsShift = 53;
    private const int SharedIdsShift = 55;

    private readonly ulong bits;

    /// <summary>The manual to the letter.</summary>
    public static LocalApicPolicies Architectural => new() { TimerModeSwitch = TimerModeSwitchPolicy.Disarms };

    /// <summary>Linux 6.18 KVM, with its default quirks: in-kernel local APIC and vector hashing.</summary>
    public static LocalApicPolicies Kvm => new()
    {
        IllegalVectors = IllegalVectorsPolicy.AcceptedInert,
        ErrorStatus = ErrorStatusPolicy.None,
        SpuriousVector = SpuriousVectorPolicy.Never,
        LvtReservedBits = LvtReservedBitsPolicy.StatusBitsStored,
        IcrReservedBits = IcrReservedBitsPolicy.LowStored,
        IpiTrigger = IpiTriggerPolicy.LevelHonoured,
        DeviceBroadcast = DeviceBroadcastPolicy.Rewritten,
        HardwareDisable = HardwareDisablePolicy.Kept,
        X2ApicReservedBits = X2ApicReservedBitsPolicy.HighHalfAndIcr,
        EoiBroadcast = EoiBroadcastPolicy.AlwaysSent,
        LintInputs = LintInputsPolicy.OnlyExtIntAndNmi,
        BspLint0 = BspLint0Policy.ExtInt,
        LowestPriority = LowestPriorityPolicy.VectorHash,
        ExtIntMessages = ExtIntMessagesPolicy.Dropped,
        IcrAcrossModes = IcrAcrossModesPolicy.TwoHighHalves,
        RemoteReads = RemoteReadsPolicy.Unhalt,
    };

    /// <summary>QEMU 7.2, TCG: its own model. It has no x2APIC mode and no TSC-deadline timer; take them out of the options.</summary>
    public static LocalApicPolicies Qemu => new()
    {
        PendingWhileDisabled = PendingWhileDisabledPolicy.HeldBack,
        FixedWhileDisabled = FixedWhileDisabledPolicy.Accepted,
        SoftwareDisableLvt = SoftwareDisableLvtPolicy.Unchanged,
        IllegalVectors = IllegalVectorsPolicy.Delivered,
        ErrorStatus = ErrorStatusPolicy.RegistersOnly,
        LvtReservedBits = LvtReservedBitsPolicy.AllStored,
        FocusBit = FocusBitPolicy.ReadsZero,
        IcrReservedBits = IcrReservedBitsPolicy.AllStored,
        IpiTrigger = IpiTriggerPolicy.LevelWithoutAssert,
        LogicalBroadcast = LogicalBroadcastPolicy.ByMatch,
        TimerModeSwitch = TimerModeSwitchPolicy.RecomputedFromLoad,
        TimerPeriod = TimerPeriodPolicy.CountPlusOne,
        HardwareDisable = HardwareDisablePolicy.KeptSoftwareDisabled,
        ApicBaseWrites = ApicBaseWritesPolicy.OnceDisabled,
        PicGate = PicGatePolicy.AnyUnmasked,
        LintInputs = LintInputsPolicy.WithoutRemoteIrr,
        BspLint0 = BspLint0Policy.ExtInt,
        LowestPriority = LowestPriorityPolicy.LowestIndex,
        ExtIntMessages = ExtIntMessagesPolicy.AsFixed,
    };

    /// <summary>OpenVMM (virt_support_apic). It has no TSC-deadline timer; take it out of the options.</summary>
    public static LocalApicPolicies OpenVmm => new()
    {
        PendingWhileDisabled = PendingWhileDisabledPolicy.HeldBack,
        IllegalVectors = IllegalVectorsPolicy.DroppedSilently,
        ErrorStatus = ErrorStatusPolicy.None,
        SpuriousVector = SpuriousVectorPolicy.Never,
        FocusBit = FocusBitPolicy.ReadsZero,
        IpiTrigger = IpiTriggerPolicy.LevelToSelf,
        LogicalBroadcast = LogicalBroadcastPolicy.NotInFlat,
        ApicBaseWrites = ApicBaseWritesPolicy.OnlyModeBits,
        ApicIdRegister = ApicIdRegisterPolicy.ReadOnly,
        X2ApicReservedBits = X2ApicReservedBitsPolicy.EoiAndEsr,
        LintInputs = LintInputsPolicy.LevelRefused,
        LowestPriority = LowestPriorityPolicy.FirstEnabledById,
    };

    /// <summary>Xen (vlapic.c).</summary>
    public static LocalApicPolicies Xen => new()
    {
        PendingWhileDisabled = PendingWhileDisabledPolicy.HeldBack,
        ErrorStatus = ErrorStatusPolicy.VectorsOnly,
        SpuriousVector = SpuriousVectorPolicy.Never,
        LvtReservedBits = LvtReservedBitsPolicy.StatusBitsStored,
        IcrReservedBits = IcrReservedBitsPolicy.LowStored,
        LogicalBroadcast = LogicalBroadcastPolicy.ByMatch,
        HardwareDisable = HardwareDisablePolicy.ResetOnEnable,
        ApicBaseWrites = ApicBaseWritesPolicy.FixedBase,
        LintInputs = LintInputsPolicy.OnlyExtIntAndNmi,
        LowestPriority = LowestPriorityPolicy.LowestPprRoundRobin,
        ExtIntMessages = ExtIntMessagesPolicy.Dropped,
    };

    /// <summary>What becomes of IRR bits that were pending when the APIC was software-disabled (SVR[8] = 0).</summary>
    public PendingWhileDisabledPolicy PendingWhileDisabled
    {
        get => (PendingWhileDisabledPolicy)(bits >> PendingWhileDisabledShift & TwoBits);
        init => bits = Put(PendingWhileDisabledShift, TwoBits, (ulong)value);
    }

    /// <summary>What a software-disabled APIC does with a fixed or lowest-priority message.</summary>
    public FixedWhileDisabledPolicy FixedWhileDisabled
    {
        get => (FixedWhileDisabledPolicy)(bits >> FixedWhileDisabledShift & TwoBits);
        init => bits = Put(FixedWhileDisabledShift, TwoBits, (ulong)value);
    }

    /// <summary>What clearing SVR[8] does to the local vector table.</summary>
    public SoftwareDisableLvtPolicy SoftwareDisableLvt
    {
        get => (SoftwareDisableLvtPolicy)(bits >> SoftwareDisableLvtShift & TwoBits);
        init => bits = Put(SoftwareDisableLvtShift, TwoBits, (ulong)value);
    }

    /// <summary>What becomes of a fixed interrupt with a vector 0..15.</summary>
    public IllegalVectorsPolicy IllegalVectors
    {
        get => (IllegalVectorsPolicy)(bits >> IllegalVectorsShift & TwoBits);
        init => bits = Put(IllegalVectorsShift, TwoBits, (ulong)value);
    }

    /// <summary>How the error status register works.</summary>
    public ErrorStatusPolicy ErrorStatus
    {
        get => (ErrorStatusPolicy)(bits >> ErrorStatusShift & TwoBits);
        init => bits = Put(ErrorStatusShift, TwoBits, (ulong)value);
    }

    /// <summary>What INTA gets when nothing is deliverable any more.</summary>
    public SpuriousVectorPolicy SpuriousVector
    {
        get => (SpuriousVectorPolicy)(bits >> SpuriousVectorShift & TwoBits);
        init => bits = Put(SpuriousVectorShift, TwoBits, (ulong)value);
    }

    /// <summary>Which bits of an LVT entry software can store.</summary>
    public LvtReservedBitsPolicy LvtReservedBits
    {
        get => (LvtReservedBitsPolicy)(bits >> LvtReservedBitsShift & TwoBits);
        init => bits = Put(LvtReservedBitsShift, TwoBits, (ulong)value);
    }

    /// <summary>SVR bit 9, focus checking disabled.</summary>
    public FocusBitPolicy FocusBit
    {
        get => (FocusBitPolicy)(bits >> FocusBitShift & TwoBits);
        init => bits = Put(FocusBitShift, TwoBits, (ulong)value);
    }

    /// <summary>Which reserved bits of the xAPIC ICR read back.</summary>
    public IcrReservedBitsPolicy IcrReservedBits
    {
        get => (IcrReservedBitsPolicy)(bits >> IcrReservedBitsShift & TwoBits);
        init => bits = Put(IcrReservedBitsShift, TwoBits, (ulong)value);
    }

    /// <summary>What trigger mode and level mean in the ICR of a fixed IPI.</summary>
    public IpiTriggerPolicy IpiTrigger
    {
        get => (IpiTriggerPolicy)(bits >> IpiTriggerShift & TwoBits);
        init => bits = Put(IpiTriggerShift, TwoBits, (ulong)value);
    }

    /// <summary>Whom a logical destination of all ones addresses (FFh, or FFFFFFFFh in x2APIC mode).</summary>
    public LogicalBroadcastPolicy LogicalBroadcast
    {
        get => (LogicalBroadcastPolicy)(bits >> LogicalBroadcastShift & TwoBits);
        init => bits = Put(LogicalBroadcastShift, TwoBits, (ulong)value);
    }

    /// <summary>Whom FFh from a device (I/O APIC, MSI) addresses among APICs in x2APIC mode.</summary>
    public DeviceBroadcastPolicy DeviceBroadcast
    {
        get => (DeviceBroadcastPolicy)(bits >> DeviceBroadcastShift & TwoBits);
        init => bits = Put(DeviceBroadcastShift, TwoBits, (ulong)value);
    }

    /// <summary>What a change between one-shot and periodic does to a running timer.</summary>
    public TimerModeSwitchPolicy TimerModeSwitch
    {
        get => (TimerModeSwitchPolicy)(bits >> TimerModeSwitchShift & TwoBits);
        init => bits = Put(TimerModeSwitchShift, TwoBits, (ulong)value);
    }

    /// <summary>How many counts an initial count of N lasts.</summary>
    public TimerPeriodPolicy TimerPeriod
    {
        get => (TimerPeriodPolicy)(bits >> TimerPeriodShift & TwoBits);
        init => bits = Put(TimerPeriodShift, TwoBits, (ulong)value);
    }

    /// <summary>What becomes of the registers when IA32_APIC_BASE[11] is cleared and set again.</summary>
    public HardwareDisablePolicy HardwareDisable
    {
        get => (HardwareDisablePolicy)(bits >> HardwareDisableShift & TwoBits);
        init => bits = Put(HardwareDisableShift, TwoBits, (ulong)value);
    }

    /// <summary>Which writes of IA32_APIC_BASE are taken.</summary>
    public ApicBaseWritesPolicy ApicBaseWrites
    {
        get => (ApicBaseWritesPolicy)(bits >> ApicBaseWritesShift & TwoBits);
        init => bits = Put(ApicBaseWritesShift, TwoBits, (ulong)value);
    }

    /// <summary>Whether software can write the xAPIC ID.</summary>
    public ApicIdRegisterPolicy ApicIdRegister
    {
        get => (ApicIdRegisterPolicy)(bits >> ApicIdRegisterShift & TwoBits);
        init => bits = Put(ApicIdRegisterShift, TwoBits, (ulong)value);
    }

    /// <summary>Which reserved bits of an x2APIC MSR fault when written.</summary>
    public X2ApicReservedBitsPolicy X2ApicReservedBits
    {
        get => (X2ApicReservedBitsPolicy)(bits >> X2ApicReservedBitsShift & TwoBits);
        init => bits = Put(X2ApicReservedBitsShift, TwoBits, (ulong)value);
    }

    /// <summary>Whether SVR bit 12, where the version register shows it, suppresses EOI broadcasts.</summary>
    public EoiBroadcastPolicy EoiBroadcast
    {
        get => (EoiBroadcastPolicy)(bits >> EoiBroadcastShift & TwoBits);
        init => bits = Put(EoiBroadcastShift, TwoBits, (ulong)value);
    }

    /// <summary>When INTR from the 8259A passes LINT0 of an enabled APIC.</summary>
    public PicGatePolicy PicGate
    {
        get => (PicGatePolicy)(bits >> PicGateShift & TwoBits);
        init => bits = Put(PicGateShift, TwoBits, (ulong)value);
    }

    /// <summary>What the LINT inputs do beside ExtINT and NMI.</summary>
    public LintInputsPolicy LintInputs
    {
        get => (LintInputsPolicy)(bits >> LintInputsShift & TwoBits);
        init => bits = Put(LintInputsShift, TwoBits, (ulong)value);
    }

    /// <summary>LINT0 of the boot processor after RESET and INIT.</summary>
    public BspLint0Policy BspLint0
    {
        get => (BspLint0Policy)(bits >> BspLint0Shift & TwoBits);
        init => bits = Put(BspLint0Shift, TwoBits, (ulong)value);
    }

    /// <summary>Which of the addressed APICs takes a lowest-priority message.</summary>
    public LowestPriorityPolicy LowestPriority
    {
        get => (LowestPriorityPolicy)(bits >> LowestPriorityShift & ThreeBits);
        init => bits = Put(LowestPriorityShift, ThreeBits, (ulong)value);
    }

    /// <summary>What becomes of a message with delivery mode ExtINT.</summary>
    public ExtIntMessagesPolicy ExtIntMessages
    {
        get => (ExtIntMessagesPolicy)(bits >> ExtIntMessagesShift & TwoBits);
        init => bits = Put(ExtIntMessagesShift, TwoBits, (ulong)value);
    }

    /// <summary>What becomes of the ICR's high half between xAPIC and x2APIC mode.</summary>
    public IcrAcrossModesPolicy IcrAcrossModes
    {
        get => (IcrAcrossModesPolicy)(bits >> IcrAcrossModesShift & TwoBits);
        init => bits = Put(IcrAcrossModesShift, TwoBits, (ulong)value);
    }

    /// <summary>What becomes of a message with delivery mode 3, remote read on the oldest processors and reserved since.</summary>
    public RemoteReadsPolicy RemoteReads
    {
        get => (RemoteReadsPolicy)(bits >> RemoteReadsShift & TwoBits);
        init => bits = Put(RemoteReadsShift, TwoBits, (ulong)value);
    }

    /// <summary>Who takes a message to a physical ID that several local APICs have, since software has rewritten theirs.</summary>
    public SharedIdsPolicy SharedIds
    {
        get => (SharedIdsPolicy)(bits >> SharedIdsShift & TwoBits);
        init => bits = Put(SharedIdsShift, TwoBits, (ulong)value);
    }

    private ulong Put(int shift, ulong mask, ulong value) => bits & ~(mask << shift) | (value & mask) << shift;
}
