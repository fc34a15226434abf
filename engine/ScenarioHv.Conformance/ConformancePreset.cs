using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

/// <summary>Whose interrupt controllers a recording is held against.</summary>
/// <param name="Name">The implementation and its version: <c>kvm@6.18</c>.</param>
/// <param name="LocalApic">The policies of the local APICs.</param>
/// <param name="Pic">The policies of the 8259 pair.</param>
/// <param name="IoApic">The policies of the I/O APIC.</param>
/// <param name="Msi">Who reads an MSI.</param>
public sealed record ConformancePreset(
    string Name, LocalApicPolicies LocalApic, Pic8259Policies Pic, IoApicPolicies IoApic, MsiRules Msi)
{
    /// <summary>
    /// Linux 6.18 KVM's in-kernel irqchip, as the recordings were made: the LINT0 quirk (KVM_X86_QUIRK_LINT0_REENABLED) and the quirk of
    /// x2APIC broadcasts (KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK) are off.
    /// </summary>
    public static ConformancePreset Kvm618 { get; } = new(
        "kvm@6.18",
        LocalApicPolicies.Kvm with
        {
            BspLint0 = BspLint0Policy.Masked,
            DeviceBroadcast = DeviceBroadcastPolicy.PlainId,
            SharedIds = SharedIdsPolicy.FirstInMap,
        },
        Pic8259Policies.Kvm,
        IoApicPolicies.Kvm,
        MsiRules.Kvm)
    {
        PendingNmis = 2,
        HasKvmCaches = true,
        HasMmioHole = true,
    };

    /// <summary>QEMU 7.2's own controllers (TCG), with LINT0 masked after RESET as in the recordings. They have no x2APIC mode.</summary>
    public static ConformancePreset Qemu72 { get; } = new(
        "qemu@7.2",
        LocalApicPolicies.Qemu with { BspLint0 = BspLint0Policy.Masked },
        Pic8259Policies.Qemu,
        IoApicPolicies.Qemu,
        MsiRules.Kvm)
    {
        IoApicWindowSize = 0x1000,
        HasX2Apic = false,
    };

    /// <summary>The manuals: SDM, 82093AA with its successor's EOI register, 8259A.</summary>
    public static ConformancePreset Architectural { get; } = new(
        "architectural",
        LocalApicPolicies.Architectural,
        Pic8259Policies.Architectural,
        IoApicPolicies.Architectural with { EoiRegister = IoApicEoiRegister.Present },
        MsiRules.Architectural);

    /// <summary>All presets.</summary>
    public static IReadOnlyList<ConformancePreset> All { get; } = [Kvm618, Qemu72, Architectural];

    /// <summary>How many bytes from FEC00000h the I/O APIC decodes; of an address in them bits 7:0 count.</summary>
    public uint IoApicWindowSize { get; init; } = 0x100;

    /// <summary>CPUID can offer x2APIC mode.</summary>
    public bool HasX2Apic { get; init; } = true;

    /// <summary>How many NMIs wait at a CPU that handles none (KVM x86.c:process_nmi latches two, a processor one: SDM3 6.7.1).</summary>
    public int PendingNmis { get; init; } = 1;

    /// <summary>
    /// The map of destinations and the vectors whose EOI the I/O APIC is told are computed ahead, and can be out of date (KVM
    /// lapic.c:kvm_recalculate_apic_map, ioapic.c:kvm_ioapic_scan_entry).
    /// </summary>
    public bool HasKvmCaches { get; init; }

    /// <summary>Nothing answers below the page of an APIC that does not decode it (KVM_X86_QUIRK_LAPIC_MMIO_HOLE).</summary>
    public bool HasMmioHole { get; init; }

    /// <summary>The preset of a name, or null.</summary>
    /// <param name="name">The name.</param>
    public static ConformancePreset? Find(string name) => All.FirstOrDefault(preset => preset.Name == name);
}
