using System.Diagnostics.CodeAnalysis;

namespace ScenarioHv.Engine.Interrupts;

// The local vector table and the LINT inputs (SDM3 10.5.1).
public partial struct LocalApic
{
    private const uint LvtTimerWritable = 0x0003_00FF;
    private const uint LvtTscDeadline = 1u << 18;
    private const uint LvtDeliveryStatus = 1u << 12;
    private const uint LvtSourceWritable = 0x0001_07FF;
    private const uint LvtLintWritable = 0x0001_A7FF;
    private const uint LvtErrorWritable = 0x0001_00FF;
    private const int CmciEntryCount = 7;

    /// <summary>True if the version register counts the CMCI entry.</summary>
    public readonly bool HasCmci => (Version >> 16 & 0xFF) + 1 >= CmciEntryCount;

    /// <summary>
    /// True while a LINT input that is asserted has an unmasked ExtINT entry: INTR is up and the 8259A supplies the vector at INTA. Neither
    /// IRR, ISR nor TPR have a part in it (SDM3 10.8.1). Hardware-disabled, LINT0 is the INTR pin (SDM3 10.4.3).
    /// </summary>
    public readonly bool ExtIntAsserted => IsHardwareEnabled
        ? IsExtInt(LvtLint0, LintLevels & 1) || IsExtInt(LvtLint1, LintLevels & 2)
        : (LintLevels & 1) != 0;

    /// <summary>
    /// Whether the 8259A's INTR reaches this core: the APIC is hardware-disabled, or LVT0 lets it pass as
    /// <see cref="LocalApicPolicies.PicGate"/> has it (KVM lapic.c:kvm_apic_accept_pic_intr).
    /// </summary>
    public readonly bool AcceptsPicInterrupt => !IsHardwareEnabled
        || ((LvtLint0 & LvtBits.Mask) == 0 && (ModeOf(LvtLint0) == DeliveryMode.ExtInt || Policies.PicGate == PicGatePolicy.AnyUnmasked));

    /// <summary>The value of an LVT register; 0 for a CMCI entry that does not exist.</summary>
    /// <param name="entry">The entry.</param>
    public readonly uint ReadLvt(LvtEntry entry) => entry switch
    {
        LvtEntry.Timer => LvtTimer,
        LvtEntry.Thermal => LvtThermal,
        LvtEntry.Performance => LvtPerformance,
        LvtEntry.Lint0 => LvtLint0,
        LvtEntry.Lint1 => LvtLint1,
        LvtEntry.Error => LvtError,
        LvtEntry.Cmci => LvtCmci,
        _ => throw new ArgumentOutOfRangeException(nameof(entry), entry, "Not an LVT entry."),
    };

    /// <summary>
    /// An edge from a source inside the processor: thermal, performance, CMCI. (The timer and error entries are the APIC's own sources; it
    /// raises them itself.) Masked means lost, and so do modes the entry has not. A performance interrupt that goes out masks its entry.
    /// </summary>
    /// <param name="entry">The source's entry.</param>
    /// <exception cref="ArgumentException">The entry is a LINT input, a line (<see cref="SetLint"/>), or does not exist here.</exception>
    public AcceptResult LocalInterrupt(LvtEntry entry)
    {
        if (entry is LvtEntry.Lint0 or LvtEntry.Lint1)
            throw new ArgumentException("LINT0 and LINT1 are lines: use SetLint.", nameof(entry));
        if (entry == LvtEntry.Cmci && !HasCmci)
            throw new ArgumentException("This APIC has no LVT CMCI.", nameof(entry));
        uint lvt = ReadLvt(entry);
        if ((lvt & LvtBits.Mask) != 0 || !IsHardwareEnabled)
            return Dropped((byte)lvt);
        DeliveryMode mode = entry is LvtEntry.Timer or LvtEntry.Error ? DeliveryMode.Fixed : ModeOf(lvt);
        AcceptResult result = mode switch
        {
            DeliveryMode.Fixed => AcceptVector((byte)lvt, level: false),
            DeliveryMode.Smi => ToCore(CoreRequest.Smi, (byte)lvt),
            DeliveryMode.Nmi => ToCore(CoreRequest.Nmi, (byte)lvt),
            _ => Dropped((byte)lvt),
        };
        if (entry == LvtEntry.Performance && result.IsAccepted)
            LvtPerformance |= LvtBits.Mask;
        return result;
    }

    /// <summary>
    /// Drives a LINT input. NMI, SMI, INIT and fixed edge act on the rising edge, which is lost if masked; fixed level acts while the input
    /// is asserted, the entry unmasked and its remote IRR clear; ExtINT is a level of its own (<see cref="ExtIntAsserted"/>), reported
    /// here at the rising edge. A hardware-disabled APIC is wired through: LINT0 is INTR, LINT1 is NMI (SDM3 10.4.3).
    /// </summary>
    /// <param name="pin"><see cref="LvtEntry.Lint0"/> or <see cref="LvtEntry.Lint1"/>.</param>
    /// <param name="asserted">The logical level.</param>
    /// <exception cref="ArgumentException"><paramref name="pin"/> is not a LINT input.</exception>
    public AcceptResult SetLint(LvtEntry pin, bool asserted)
    {
        if (pin is not (LvtEntry.Lint0 or LvtEntry.Lint1))
            throw new ArgumentException("Only LINT0 and LINT1 are lines.", nameof(pin));
        byte bit = LintBit(pin);
        bool rising = asserted && (LintLevels & bit) == 0;
        LintLevels = (byte)(asserted ? LintLevels | bit : LintLevels & ~bit);

        uint lvt = ReadLvt(pin);
        if (!IsHardwareEnabled)
            return rising ? ToCore(pin == LvtEntry.Lint0 ? CoreRequest.ExtInt : CoreRequest.Nmi, 0) : Dropped((byte)lvt);
        if (IsLevelFixed(lvt))
            return DriveLevel(pin, lvt, rising, asserted);
        if (!rising || (lvt & LvtBits.Mask) != 0 || !IsDeliveredOnEdge(lvt))
            return Dropped((byte)lvt);
        return ModeOf(lvt) switch
        {
            DeliveryMode.Fixed => AcceptVector((byte)lvt, level: false),
            DeliveryMode.Smi => ToCore(CoreRequest.Smi, (byte)lvt),
            DeliveryMode.Nmi => ToCore(CoreRequest.Nmi, (byte)lvt),
            DeliveryMode.Init => ToCore(CoreRequest.Init, (byte)lvt),
            DeliveryMode.ExtInt => ToCore(CoreRequest.ExtInt, (byte)lvt),
            _ => Dropped((byte)lvt),
        };
    }

    private static byte LintBit(LvtEntry pin) => (byte)(pin == LvtEntry.Lint0 ? 1 : 2);

    private static DeliveryMode ModeOf(uint lvt) => (DeliveryMode)(lvt >> 8 & 7);

    private static bool IsLevelFixed(uint lvt) => (lvt & LvtBits.Level) != 0 && ModeOf(lvt) == DeliveryMode.Fixed;

    private static bool IsExtInt(uint lvt, int level) =>
        level != 0 && (lvt & LvtBits.Mask) == 0 && ModeOf(lvt) == DeliveryMode.ExtInt;

    private readonly bool IsDeliveredOnEdge(uint lvt) => Policies.LintInputs switch
    {
        LintInputsPolicy.OnlyExtIntAndNmi => ModeOf(lvt) is DeliveryMode.ExtInt or DeliveryMode.Nmi,
        LintInputsPolicy.LevelRefused => (lvt & LvtBits.Level) == 0,
        _ => true,
    };

    // The bits that the manual defines; those beside them are delivery status and, in LINT entries, remote IRR.
    private readonly uint DefinedBits(LvtEntry entry) => entry switch
    {
        LvtEntry.Timer => LvtTimerWritable | ((Features & LocalApicFeatures.TscDeadline) != 0 ? LvtTscDeadline : 0),
        LvtEntry.Lint0 or LvtEntry.Lint1 => LvtLintWritable,
        LvtEntry.Error => LvtErrorWritable,
        _ => LvtSourceWritable,
    };

    private static uint StatusBits(LvtEntry entry) =>
        LvtDeliveryStatus | (entry is LvtEntry.Lint0 or LvtEntry.Lint1 ? LvtBits.RemoteIrr : 0);

    private readonly uint WritableBits(LvtEntry entry) => Policies.LvtReservedBits switch
    {
        LvtReservedBitsPolicy.ReadOnly => DefinedBits(entry),
        LvtReservedBitsPolicy.StatusBitsStored => DefinedBits(entry) | StatusBits(entry),
        _ => uint.MaxValue,
    };

    // QEMU keeps no remote IRR: an assertion is an interrupt, and withdrawing LINT0 takes it back.
    private AcceptResult DriveLevel(LvtEntry pin, uint lvt, bool rising, bool asserted)
    {
        if (Policies.LintInputs != LintInputsPolicy.WithoutRemoteIrr)
            return SampleLint(pin);
        if (rising && (lvt & LvtBits.Mask) == 0)
            return AcceptVector((byte)lvt, level: true);
        if (!asserted && pin == LvtEntry.Lint0)
            Irr.Clear((byte)lvt);
        return Dropped((byte)lvt);
    }

    // A level input is looked at after everything that can open its way: a change of the line, an unmask, an EOI.
    private AcceptResult SampleLint(LvtEntry pin)
    {
        ref uint lvt = ref Lvt(pin);
        if (Policies.LintInputs != LintInputsPolicy.Delivered)
            return Dropped((byte)lvt);
        if ((LintLevels & LintBit(pin)) == 0 || !IsLevelFixed(lvt) || (lvt & (LvtBits.Mask | LvtBits.RemoteIrr)) != 0)
            return Dropped((byte)lvt);
        AcceptResult result = AcceptVector((byte)lvt, level: true);
        if (result.IsAccepted)
            lvt |= LvtBits.RemoteIrr;
        return result;
    }

    private void EndLint(int vector)
    {
        for (LvtEntry pin = LvtEntry.Lint0; pin <= LvtEntry.Lint1; pin++)
        {
            ref uint lvt = ref Lvt(pin);
            if ((lvt & LvtBits.RemoteIrr) == 0 || (byte)lvt != vector)
                continue;
            lvt &= ~LvtBits.RemoteIrr;
            SampleLint(pin);
        }
    }

    // Remote IRR is read-only and has no meaning but for a fixed level input, so leaving that mode clears it.
    private LocalApicEffects WriteLvt(LvtEntry entry, uint value)
    {
        bool extIntBefore = ExtIntAsserted;
        ref uint lvt = ref Lvt(entry);
        value &= WritableBits(entry);
        if (!IsSoftwareEnabled && Policies.SoftwareDisableLvt == SoftwareDisableLvtPolicy.Masks)
            value |= LvtBits.Mask;
        if (entry is not (LvtEntry.Lint0 or LvtEntry.Lint1))
        {
            lvt = value;
            return LocalApicEffects.None;
        }
        bool keepsRemoteIrr = IsLevelFixed(value) && Policies.LvtReservedBits == LvtReservedBitsPolicy.ReadOnly;
        lvt = keepsRemoteIrr ? value | (lvt & LvtBits.RemoteIrr) : value;
        AcceptResult sampled = SampleLint(entry);
        LocalApicEffects effects = ErrorEffects(sampled.RaisedError);
        if (sampled.IsAccepted || ExtIntAsserted != extIntBefore)
            effects |= LocalApicEffects.DeliverabilityMayHaveChanged;
        return effects;
    }

    private void MaskLvt()
    {
        for (LvtEntry entry = LvtEntry.Timer; entry <= (HasCmci ? LvtEntry.Cmci : LvtEntry.Error); entry++)
            Lvt(entry) |= LvtBits.Mask;
    }

    [UnscopedRef]
    private ref uint Lvt(LvtEntry entry)
    {
        switch (entry)
        {
            case LvtEntry.Timer: return ref LvtTimer;
            case LvtEntry.Thermal: return ref LvtThermal;
            case LvtEntry.Performance: return ref LvtPerformance;
            case LvtEntry.Lint0: return ref LvtLint0;
            case LvtEntry.Lint1: return ref LvtLint1;
            case LvtEntry.Error: return ref LvtError;
            case LvtEntry.Cmci: return ref LvtCmci;
            default: throw new ArgumentOutOfRangeException(nameof(entry), entry, "Not an LVT entry.");
        }
    }
}
