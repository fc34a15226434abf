using ScenarioHv.Engine.Devices;
using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>The choices of an implementation.</summary>
/// <param name="Name">Whose: <c>kvm</c>.</param>
/// <param name="Source">Which source they follow.</param>
/// <param name="Policies">The choices.</param>
/// <param name="Known">The controllers of which the source says something; the others have the manual's values.</param>
public sealed record ControllerPreset(
    string Name, string Source, ControllerPolicies Policies, IReadOnlyList<ControllerKind> Known);

/// <summary>
/// Every rule on which implementations of interrupt controllers differ: name, what it decides, values, meaning, source; and the
/// implementations.
/// </summary>
public static class ControllerPolicyTable
{
    /// <summary>The points.</summary>
    public static IReadOnlyList<ControllerPolicyPoint> Points { get; } =
    [
        .. LocalApicPolicyTable.Points,
        .. IoApicPolicyTable.Points,
        ControllerPolicyPoint.Of<MsiRules>(
            new ControllerPolicyName(ControllerKind.Msi, "Rules"),
            "who reads an MSI",
            policies => policies.Msi,
            (policies, value) => policies with { Msi = value },
            [
                (MsiRules.Architectural,
                    "the manual: only addresses FEExxxxxh, and trigger mode level with data bit 14 clear is a de-assertion",
                    "SDM3 10.11.1, 10.11.2"),
                (MsiRules.Kvm,
                    "KVM and QEMU: address bits 31:20 and data bit 14 are not looked at, every message asserts",
                    "KVM irq.c:kvm_set_msi_irq"),
            ]),
        .. Pic8259PolicyTable.Points,
        .. PlatformPolicyTable.Points,
        .. SynIcPolicyTable.Points,
        .. SyntheticTimerPolicyTable.Points,
        .. HypervPolicyTable.Points,
        .. PitPolicyTable.Points,
    ];

    /// <summary>The implementations.</summary>
    public static IReadOnlyList<ControllerPreset> Presets { get; } =
    [
        new(
            "architectural",
            "SDM3 6, 10; 82093AA; 8259A; 82C54; TLFS",
            new ControllerPolicies
            {
                LocalApic = LocalApicPolicies.Architectural,
                Pic = Pic8259Policies.Architectural,
                IoApic = IoApicPolicies.Architectural,
                Msi = MsiRules.Architectural,
                Platform = PlatformPolicies.Architectural,
                SynIc = SynIcPolicy.Tlfs,
                SyntheticTimers = SyntheticTimerPolicy.Tlfs,
                Pit = PitPolicies.Architectural,
            },
            Enum.GetValues<ControllerKind>()),
        new(
            "kvm",
            "Linux 6.18, in-kernel irqchip, default quirks: lapic.c, ioapic.c, irq.c, i8259.c, i8254.c, hyperv.c, x86.c",
            new ControllerPolicies
            {
                LocalApic = LocalApicPolicies.Kvm,
                Pic = Pic8259Policies.Kvm,
                IoApic = IoApicPolicies.Kvm,
                Msi = MsiRules.Kvm,
                Platform = PlatformPolicies.Kvm,
                SynIc = SynIcPolicy.Kvm,
                SyntheticTimers = SyntheticTimerPolicy.Kvm,
                Hyperv = HypervPolicies.Kvm,
                Pit = PitPolicies.Kvm,
            },
            Enum.GetValues<ControllerKind>()),
        new(
            "qemu",
            "QEMU 7.2, TCG: hw/intc/apic.c, ioapic.c, i8259.c, hw/timer/i8254.c",
            new ControllerPolicies
            {
                LocalApic = LocalApicPolicies.Qemu,
                Pic = Pic8259Policies.Qemu,
                IoApic = IoApicPolicies.Qemu,
                Msi = MsiRules.Kvm,
                Platform = PlatformPolicies.Qemu,
                Pit = PitPolicies.Qemu,
            },
            [
                ControllerKind.LocalApic, ControllerKind.IoApic, ControllerKind.Msi, ControllerKind.Pic, ControllerKind.Cpu,
                ControllerKind.Pit,
            ]),
        new(
            "openvmm",
            "OpenVMM: virt_support_apic, chipset/ioapic, chipset/pic, hv1_emulator",
            new ControllerPolicies
            {
                LocalApic = LocalApicPolicies.OpenVmm,
                Pic = Pic8259Policies.OpenVmm,
                IoApic = IoApicPolicies.OpenVmm,
                Platform = PlatformPolicies.OpenVmm,
                SynIc = SynIcPolicy.OpenVmm,
                SyntheticTimers = SyntheticTimerPolicy.OpenVmm,
                Hyperv = HypervPolicies.OpenVmm,
            },
            [
                ControllerKind.LocalApic, ControllerKind.IoApic, ControllerKind.Pic, ControllerKind.SynIc,
                ControllerKind.SyntheticTimers, ControllerKind.Hyperv,
            ]),
        new(
            "xen",
            "Xen: vlapic.c, vioapic.c",
            new ControllerPolicies
            {
                LocalApic = LocalApicPolicies.Xen,
                IoApic = IoApicPolicies.Xen,
                Platform = PlatformPolicies.Xen,
            },
            [ControllerKind.LocalApic, ControllerKind.IoApic]),
    ];

    /// <summary>The point of a name, or null.</summary>
    /// <param name="name">The name: <c>pic-reinit</c>.</param>
    public static ControllerPolicyPoint? Find(string name)
    {
        foreach (var point in Points)
        {
            if (point.Name == name)
            {
                return point;
            }
        }

        return null;
    }

    /// <summary>Chooses a value at a point, both by name.</summary>
    /// <param name="policies">Receives the choice; stays as it is if there is none of these names.</param>
    /// <param name="point">The point: <c>pic-reinit</c>.</param>
    /// <param name="value">The value: <c>clear</c>.</param>
    /// <returns>False if there is no such point, or no such value at it (<see cref="Find"/> tells which).</returns>
    public static bool TrySet(ref ControllerPolicies policies, string point, string value) =>
        Find(point)?.TrySet(ref policies, value) ?? false;

    /// <summary>The implementations that have a value, as far as their sources say.</summary>
    /// <param name="point">The point.</param>
    /// <param name="value">One of its values.</param>
    public static IEnumerable<ControllerPreset> PresetsWith(ControllerPolicyPoint point, ControllerPolicyValue value)
    {
        foreach (var preset in Presets)
        {
            if (preset.Known.Contains(point.Controller) && point.ValueIn(preset.Policies) == value)
            {
                yield return preset;
            }
        }
    }
}
