using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Conformance;

/// <summary>Whose interrupt controllers a recording is held against.</summary>
/// <param name="Name">The implementation and its version: <c>kvm@6.18</c>.</param>
/// <param name="Controllers">Their policies.</param>
public sealed record ConformancePreset(string Name, ControllerPolicies Controllers)
{
    /// <summary>
    /// Linux 6.18 KVM's in-kernel irqchip, as the recordings were made: the LINT0 quirk (KVM_X86_QUIRK_LINT0_REENABLED) and the quirk of
    /// x2APIC broadcasts (KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK) are off, 32-bit IDs (KVM_X2APIC_API_USE_32BIT_IDS) are on.
    /// </summary>
    public static ConformancePreset Kvm618 { get; } = new("kvm@6.18", new ControllerPolicies
    {
        LocalApic = LocalApicPolicies.Kvm with
        {
            BspLint0 = BspLint0Policy.Masked,
            DeviceBroadcast = DeviceBroadcastPolicy.PlainId,
            SharedIds = SharedIdsPolicy.FirstInMap,
        },
        Pic = Pic8259Policies.Kvm,
        IoApic = IoApicPolicies.Kvm,
        Msi = MsiRules.Kvm,
    })
    {
        PendingNmis = 2,
        HasKvmCaches = true,
        HasMmioHole = true,
    };

    /// <summary>QEMU 7.2's own controllers (TCG), with LINT0 masked after RESET as in the recordings. They have no x2APIC mode.</summary>
    public static ConformancePreset Qemu72 { get; } = new("qemu@7.2", new ControllerPolicies
    {
        LocalApic = LocalApicPolicies.Qemu with { BspLint0 = BspLint0Policy.Masked },
        Pic = Pic8259Policies.Qemu,
        IoApic = IoApicPolicies.Qemu,
        Msi = MsiRules.Kvm,
    })
    {
        IoApicWindowSize = 0x1000,
        HasX2Apic = false,
    };

    /// <summary>OpenVMM's controllers, as far as its sources were read; the MSI rules are the manual's.</summary>
    public static ConformancePreset OpenVmm { get; } = new("openvmm", new ControllerPolicies
    {
        LocalApic = LocalApicPolicies.OpenVmm,
        Pic = Pic8259Policies.OpenVmm,
        IoApic = IoApicPolicies.OpenVmm,
    })
    {
        IoApicWindowSize = 0x20,
    };

    /// <summary>Xen's local and I/O APIC, as far as its sources were read; the 8259 pair and the MSI rules are the manuals'.</summary>
    public static ConformancePreset Xen { get; } = new("xen", new ControllerPolicies
    {
        LocalApic = LocalApicPolicies.Xen,
        IoApic = IoApicPolicies.Xen,
    });

    /// <summary>The manuals: SDM, 82093AA with its successor's EOI register, 8259A.</summary>
    public static ConformancePreset Architectural { get; } = new("architectural", new ControllerPolicies
    {
        LocalApic = LocalApicPolicies.Architectural,
        Pic = Pic8259Policies.Architectural,
        IoApic = IoApicPolicies.Architectural with { EoiRegister = IoApicEoiRegister.Present },
        Msi = MsiRules.Architectural,
    });

    /// <summary>All presets.</summary>
    public static IReadOnlyList<ConformancePreset> All { get; } = [Kvm618, Qemu72, OpenVmm, Xen, Architectural];

    /// <summary>The policies of the local APICs.</summary>
    public LocalApicPolicies LocalApic => Controllers.LocalApic;

    /// <summary>The policies of the 8259 pair.</summary>
    public Pic8259Policies Pic => Controllers.Pic;

    /// <summary>The policies of the I/O APIC.</summary>
    public IoApicPolicies IoApic => Controllers.IoApic;

    /// <summary>Who reads an MSI.</summary>
    public MsiRules Msi => Controllers.Msi;

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
