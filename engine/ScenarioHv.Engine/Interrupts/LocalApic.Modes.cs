namespace ScenarioHv.Engine.Interrupts;

/// <summary>The bits of IA32_APIC_BASE, MSR 1Bh (SDM3 10.4.4, 10.12.1).</summary>
public static class ApicBaseBits
{
    /// <summary>The MSR's index.</summary>
    public const uint Msr = 0x1B;

    /// <summary>The base of the register page after RESET.</summary>
    public const ulong DefaultAddress = 0xFEE0_0000;

    /// <summary>The boot processor.</summary>
    public const ulong Bsp = 1 << 8;

    /// <summary>EXTD: x2APIC mode, together with <see cref="Enable"/>.</summary>
    public const ulong X2Apic = 1 << 10;

    /// <summary>EN: the APIC is hardware-enabled.</summary>
    public const ulong Enable = 1 << 11;

    /// <summary>Bits 9 and 7:0, which must be 0.</summary>
    public const ulong AlwaysReserved = 0x2FF;
}

/// <summary>IA32_APIC_BASE bits 11:10 (SDM3 10.12.1, table of operating modes).</summary>
public enum ApicMode : byte
{
    /// <summary>Hardware-disabled: the core is wired to INTR and NMI.</summary>
    Disabled = 0,

    /// <summary>EXTD without EN; cannot be entered.</summary>
    Invalid = 1,

    /// <summary>xAPIC: registers in memory, 8-bit IDs.</summary>
    XApic = 2,

    /// <summary>x2APIC: registers as MSRs 800h..83Fh, 32-bit IDs.</summary>
    X2Apic = 3,
}

/// <summary>What a model of local APIC has.</summary>
[Flags]
public enum LocalApicFeatures : byte
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>x2APIC mode.</summary>
    X2Apic = 1,

    /// <summary>The TSC-deadline timer mode.</summary>
    TscDeadline = 2,

    /// <summary>RESET and INIT leave LINT0 as an unmasked ExtINT: the boot processor's with <see cref="BspLint0Policy.ExtInt"/>.</summary>
    Lint0ResetsToExtInt = 4,
}

/// <summary>What a WRMSR did.</summary>
/// <param name="IsGeneralProtection">It is #GP and changed nothing.</param>
/// <param name="Effect">What leaves the APIC.</param>
public readonly record struct MsrWriteResult(bool IsGeneralProtection, RegisterWriteEffect Effect = default);

/// <summary>What a RDMSR read.</summary>
/// <param name="IsGeneralProtection">It is #GP.</param>
/// <param name="Value">The value; 0 with #GP.</param>
public readonly record struct MsrReadResult(bool IsGeneralProtection, ulong Value = 0);

// IA32_APIC_BASE: the modes, what a change of mode does, and where the register page is (SDM3 10.4.3, 10.12.5).
public partial struct LocalApic
{
    private const uint MaxX2ApicId = 0xF_FFFF;
    private const ulong ModeBits = ApicBaseBits.Enable | ApicBaseBits.X2Apic;

    /// <summary>The mode of operation.</summary>
    public readonly ApicMode Mode => ModeIn(ApicBase);

    /// <summary>IA32_APIC_BASE[11], which CPUID.1:EDX[9] follows: in xAPIC or x2APIC mode.</summary>
    public readonly bool IsHardwareEnabled => (ApicBase & ApicBaseBits.Enable) != 0;

    /// <summary>The physical address of the register page, whether it is decoded or not.</summary>
    public readonly ulong BaseAddress => ApicBase & ~0xFFFUL;

    /// <summary>
    /// Whether this APIC answers its core's access to a physical address: in xAPIC mode, in the page at its base. Other accesses go to
    /// the bus.
    /// </summary>
    /// <param name="address">The address.</param>
    public readonly bool DecodesMmio(ulong address) => Mode == ApicMode.XApic && (address & ~0xFFFUL) == BaseAddress;

    /// <summary>
    /// WRMSR of IA32_APIC_BASE. Reserved bits, the invalid mode, x2APIC → xAPIC and disabled → x2APIC are #GP (SDM3 10.12.5); a value
    /// that is there already never is. What differs is <see cref="LocalApicPolicies.ApicBaseWrites"/> and
    /// <see cref="LocalApicPolicies.HardwareDisable"/>.
    /// </summary>
    /// <param name="value">The value.</param>
    public MsrWriteResult WriteApicBase(ulong value)
    {
        switch (Policies.ApicBaseWrites)
        {
            case ApicBaseWritesPolicy.OnlyModeBits:
                value = (ApicBase & ~ModeBits) | (value & ModeBits);
                if (!IsModeOf(value) || (Mode == ApicMode.X2Apic && ModeIn(value) == ApicMode.XApic))
                    return default;
                break;
            case ApicBaseWritesPolicy.OnceDisabled:
                value = (value & 0xFFFF_F000) | (ApicBase & ApicBaseBits.Bsp) | (ApicBase & value & ApicBaseBits.Enable);
                break;
            default:
                if (value != ApicBase && IsRefused(value))
                    return new MsrWriteResult(true);
                break;
        }

        ApicMode before = Mode;
        ApicBase = value;
        return new MsrWriteResult(false, new RegisterWriteEffect(ChangeMode(before)));
    }

    // The logical x2APIC ID: cluster in 31:16, one bit of 15:0 (SDM3 10.12.10.2).
    private static uint X2ApicLdr(uint id) => id >> 4 << 16 | 1u << (int)(id & 0xF);

    private static ApicMode ModeIn(ulong value) => (ApicMode)(value >> 10 & 3);

    private readonly bool IsModeOf(ulong value) => ModeIn(value) switch
    {
        ApicMode.Invalid => false,
        ApicMode.X2Apic => (Features & LocalApicFeatures.X2Apic) != 0,
        _ => true,
    };

    private readonly bool IsRefused(ulong value)
    {
        ApicMode to = ModeIn(value);
        bool isMoved = to == ApicMode.XApic && (value & ~0xFFFUL) != ApicBaseBits.DefaultAddress;
        return (value & ApicBaseBits.AlwaysReserved) != 0
            || value >> PhysicalAddressBits != 0
            || !IsModeOf(value)
            || (Mode == ApicMode.X2Apic && to == ApicMode.XApic)
            || (Mode == ApicMode.Disabled && to == ApicMode.X2Apic)
            || (isMoved && Policies.ApicBaseWrites == ApicBaseWritesPolicy.FixedBase);
    }

    private LocalApicEffects ChangeMode(ApicMode before)
    {
        ApicMode mode = Mode;
        if (mode == before)
            return LocalApicEffects.None;
        if (mode == ApicMode.X2Apic || before == ApicMode.X2Apic)
            CrossWithIcr();
        if (before == ApicMode.Disabled)
            EnableHardware();
        else if (mode == ApicMode.Disabled)
            DisableHardware();
        if (mode == ApicMode.X2Apic)
        {
            Id = HardwareId;
            Ldr = X2ApicLdr(HardwareId);
        }
        return LocalApicEffects.DeliverabilityMayHaveChanged | LocalApicEffects.TimerChanged;
    }

    // The destination field of ICR has another layout in x2APIC mode, so it does not cross the border.
    private void CrossWithIcr()
    {
        if (Policies.IcrAcrossModes == IcrAcrossModesPolicy.TwoHighHalves)
            (IcrHigh, OtherIcrHigh) = (OtherIcrHigh, IcrHigh);
        else
            IcrHigh = 0;
    }

    private void EnableHardware()
    {
        if (Policies.HardwareDisable == HardwareDisablePolicy.ResetOnEnable)
            Init();
        Id = HardwareId << 24;
    }

    private void DisableHardware()
    {
        switch (Policies.HardwareDisable)
        {
            case HardwareDisablePolicy.Reset:
                Init();
                Id = HardwareId << 24;
                break;
            case HardwareDisablePolicy.KeptSoftwareDisabled:
                Svr &= ~SvrBits.Enable;
                break;
        }
    }
}
