using ScenarioHv.Engine.Interrupts;

namespace ScenarioHv.Engine.Policies;

/// <summary>The choices between the controllers and what they stand in, in words.</summary>
internal static class PlatformPolicyTable
{
    /// <summary>The points.</summary>
    public static IReadOnlyList<ControllerPolicyPoint> Points { get; } =
    [
        Of(
            ControllerKind.Cpu,
            nameof(PlatformPolicies.PendingNmis),
            "how many NMIs wait at a CPU that cannot take one yet",
            p => p.PendingNmis, (p, value) => p with { PendingNmis = value },
            (PendingNmisPolicy.One, "one: what comes while it waits is lost", "SDM3 6.7.1; QEMU CPU_INTERRUPT_NMI"),
            (PendingNmisPolicy.Two, "two, but one while the CPU is in an NMI handler or on its way into one", "KVM x86.c:process_nmi")),
        Of(
            ControllerKind.IoApic,
            nameof(PlatformPolicies.Window),
            "how many bytes from FEC00000h the I/O APIC decodes; of an address in them bits 7:0 count",
            p => p.Window, (p, value) => p with { Window = value },
            (IoApicWindowPolicy.Bytes32, "20h: the registers of version 11h", "82093AA 3.1; OpenVMM chipset/ioapic"),
            (IoApicWindowPolicy.Bytes256, "100h", "KVM ioapic.h:IOAPIC_MEM_LENGTH; Xen vioapic.h:VIOAPIC_MEM_LENGTH"),
            (IoApicWindowPolicy.Bytes4096, "1000h, the whole page", "QEMU ioapic.c")),
        Of(
            ControllerKind.LocalApic,
            nameof(PlatformPolicies.MmioHole),
            "what answers an access to the page of a local APIC that is disabled or in x2APIC mode",
            p => p.MmioHole, (p, value) => p with { MmioHole = value },
            (MmioHolePolicy.Absent, "whatever else decodes the address", "SDM3 10.4.3, 10.12.2; Xen vlapic.c:vlapic_range"),
            (MmioHolePolicy.Present, "nothing: it reads all ones", "KVM lapic.c:apic_mmio_read with KVM_X86_QUIRK_LAPIC_MMIO_HOLE")),
        Of(
            ControllerKind.LocalApic,
            nameof(PlatformPolicies.DestinationMap),
            "when it is computed whom a message addresses",
            p => p.DestinationMap, (p, value) => p with { DestinationMap = value },
            (DestinationMapPolicy.WhenNeeded, "at each message: every local APIC compares for itself", "SDM3 10.6.2"),
            (DestinationMapPolicy.Ahead,
                "ahead, in a map; the CPU that was created last is missing from the first one",
                "KVM lapic.c:kvm_recalculate_apic_map")),
        Of(
            ControllerKind.IoApic,
            nameof(PlatformPolicies.EoiVectors),
            "which vectors of level-triggered interrupts the I/O APIC is told the EOI of",
            p => p.EoiVectors, (p, value) => p with { EoiVectors = value },
            (EoiVectorsPolicy.Every, "every one: it compares for itself", "SDM3 10.8.5"),
            (EoiVectorsPolicy.Scanned,
                "those that the CPU found in the I/O APIC's entries when it last looked, which can be out of date",
                "KVM ioapic.c:kvm_ioapic_scan_entry")),
    ];

    private static ControllerPolicyPoint Of<T>(
        ControllerKind controller,
        string property,
        string summary,
        Func<PlatformPolicies, T> get,
        Func<PlatformPolicies, T, PlatformPolicies> set,
        params ReadOnlySpan<(T Value, string Meaning, string Source)> values)
        where T : struct, Enum =>
        ControllerPolicyPoint.Of(
            new ControllerPolicyName(controller, property),
            summary,
            controllers => get(controllers.Platform),
            (controllers, value) => controllers with { Platform = set(controllers.Platform, value) },
            values);
}
