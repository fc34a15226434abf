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
        Platform = PlatformPolicies.Kvm,
    });

    /// <summary>QEMU 7.2's own controllers (TCG), with LINT0 masked after RESET as in the recordings. They have no x2APIC mode.</summary>
    public static ConformancePreset Qemu72 { get; } = new("qemu@7.2", new ControllerPolicies
    {
        LocalApic = LocalApicPolicies.Qemu with { BspLint0 = BspLint0Policy.Masked },
        Pic = Pic8259Policies.Qemu,
        IoApic = IoApicPolicies.Qemu,
        Msi = MsiRules.Kvm,
        Platform = PlatformPolicies.Qemu,
    })
    {
        HasX2Apic = false,
    };

    /// <summary>OpenVMM's controllers, as far as its sources were read; the MSI rules are the manual's.</summary>
    public static ConformancePreset OpenVmm { get; } = new("openvmm", new ControllerPolicies
    {
        LocalApic = LocalApicPolicies.OpenVmm,
        Pic = Pic8259Policies.OpenVmm,
        IoApic = IoApicPolicies.OpenVmm,
        Platform = PlatformPolicies.OpenVmm,
    });

    /// <summary>Xen's local and I/O APIC, as far as its sources were read; the 8259 pair and the MSI rules are the manuals'.</summary>
    public static ConformancePreset Xen { get; } = new("xen", new ControllerPolicies
    {
        LocalApic = LocalApicPolicies.Xen,
        IoApic = IoApicPolicies.Xen,
        Platform = PlatformPolicies.Xen,
    });

    /// <summary>The manuals: SDM, 82093AA with its successor's EOI register and the window for it, 8259A.</summary>
    public static ConformancePreset Architectural { get; } = new("architectural", new ControllerPolicies
    {
        LocalApic = LocalApicPolicies.Architectural,
        Pic = Pic8259Policies.Architectural,
        IoApic = IoApicPolicies.Architectural with { EoiRegister = IoApicEoiRegister.Present },
        Msi = MsiRules.Architectural,
        Platform = new PlatformPolicies { Window = IoApicWindowPolicy.Bytes256 },
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

    /// <summary>What lies between the controllers and what they stand in.</summary>
    public PlatformPolicies Platform => Controllers.Platform;

    /// <summary>CPUID can offer x2APIC mode.</summary>
    public bool HasX2Apic { get; init; } = true;

    /// <summary>The preset of a name, or null.</summary>
    /// <param name="name">The name.</param>
    public static ConformancePreset? Find(string name) => All.FirstOrDefault(preset => preset.Name == name);
}
