using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Conformance;

/// <summary>Whose interrupt controllers a recording is held against.</summary>
/// <param name="Name">The implementation and its version: <c>kvm@6.18</c>.</param>
/// <param name="LocalApic">The policies of the local APICs.</param>
/// <param name="Pic">The policies of the 8259 pair.</param>
/// <param name="IoApic">The flavour of the I/O APIC.</param>
/// <param name="Msi">Who reads an MSI.</param>
public sealed record ConformancePreset(
    string Name, LocalApicPolicies LocalApic, Pic8259Policies Pic, IoApicFlavour IoApic, MsiRules Msi)
{
    /// <summary>
    /// Linux 6.18 KVM's in-kernel irqchip, as the recordings were made: the LINT0 quirk (KVM_X86_QUIRK_LINT0_REENABLED) and the quirk of
    /// x2APIC broadcasts (KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK) are off.
    /// </summary>
    public static ConformancePreset Kvm618 { get; } = new(
        "kvm@6.18",
        LocalApicPolicies.Kvm with { BspLint0 = BspLint0Policy.Masked, DeviceBroadcast = DeviceBroadcastPolicy.PlainId },
        Pic8259Policies.Kvm,
        IoApicFlavour.KvmKernel,
        MsiRules.Kvm);

    /// <summary>All presets.</summary>
    public static IReadOnlyList<ConformancePreset> All { get; } = [Kvm618];

    /// <summary>The preset of a name, or null.</summary>
    /// <param name="name">The name.</param>
    public static ConformancePreset? Find(string name) => All.FirstOrDefault(preset => preset.Name == name);
}
