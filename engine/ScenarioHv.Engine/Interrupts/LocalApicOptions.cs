namespace ScenarioHv.Engine.Interrupts;

/// <summary>What differs between models of local APIC and is fixed at RESET.</summary>
public readonly struct LocalApicOptions
{
    /// <summary>Version 14h with LVT timer, thermal, performance, LINT0, LINT1, error: KVM without CMCI, QEMU, OpenVMM.</summary>
    public const uint SixLvtVersion = 0x0005_0014;

    /// <summary>Version 14h with the CMCI entry as the seventh: what KVM shows when machine-check CMCI is offered.</summary>
    public const uint SevenLvtVersion = 0x0006_0014;

    /// <summary>Version register bit 24: SVR bit 12 (suppress EOI broadcast) exists (SDM3 10.8.5).</summary>
    public const uint EoiBroadcastSuppression = 1u << 24;

    private const byte DefaultPhysicalAddressBits = 46;

    /// <summary>Creates the options.</summary>
    /// <param name="version">
    /// The version register (SDM3 10.4.8): 7:0 is 10h..15h (an integrated APIC), 23:16 the number of LVT entries minus one, 5 or 6
    /// (the seventh is CMCI), bit 24 <see cref="EoiBroadcastSuppression"/>; other bits are 0.
    /// </param>
    /// <param name="bspLint0IsExtInt">
    /// RESET and INIT leave LINT0 of the boot processor as 00000700h (ExtINT, unmasked) and not masked as the manual has it:
    /// firmware's virtual wire done by the emulator (KVM lapic.c:kvm_lapic_reset, QEMU apic_common.c).
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="version"/> is none of these.</exception>
    public LocalApicOptions(uint version, bool bspLint0IsExtInt = false)
    {
        if ((version & 0xFF) is < 0x10 or > 0x15 || (version >> 16 & 0xFF) is not (5 or 6) || (version & 0xFE00_FF00) != 0)
            throw new ArgumentException("Version needs 10h..15h in 7:0, 5 or 6 in 23:16, and no other bit than 24.", nameof(version));
        Version = version;
        HasX2Apic = true;
        HasTscDeadline = true;
        PhysicalAddressBits = DefaultPhysicalAddressBits;
        Policies = new LocalApicPolicies { BspLint0 = bspLint0IsExtInt ? BspLint0Policy.ExtInt : BspLint0Policy.Masked };
    }

    /// <summary><see cref="SixLvtVersion"/>, reset values as in the manual, and the default <see cref="LocalApicPolicies"/>.</summary>
    public static LocalApicOptions Architectural => new(SixLvtVersion);

    /// <summary>The value of the version register.</summary>
    public uint Version { get; }

    /// <summary>True if the boot processor's LINT0 leaves RESET and INIT as an unmasked ExtINT.</summary>
    public bool BspLint0IsExtInt => Policies.BspLint0 == BspLint0Policy.ExtInt;

    /// <summary>CPUID.1:ECX[21]: x2APIC mode exists. True unless taken out.</summary>
    public bool HasX2Apic { get; init; }

    /// <summary>CPUID.1:ECX[24]: the timer has TSC-deadline mode; without it LVT bit 18 is reserved. True unless taken out.</summary>
    public bool HasTscDeadline { get; init; }

    /// <summary>MAXPHYADDR, 36..52: bits from here up are reserved in IA32_APIC_BASE. 46 unless given.</summary>
    public byte PhysicalAddressBits { get; init; }

    /// <summary>The choices between implementations.</summary>
    public LocalApicPolicies Policies { get; init; }
}
