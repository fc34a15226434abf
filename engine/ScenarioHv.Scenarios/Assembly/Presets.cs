namespace ScenarioHv.Scenarios.Assembly;

/// <summary>What a hypervisor or monitor of a certain version does, as policies.</summary>
internal static class Presets
{
    /// <summary>The machine without a hypervisor.</summary>
    public const string BareMetal = "bare-metal";

    private const string LapicRestore = "lapic-restore";
    private const string TimerStart = "timer-start";

    private static readonly (string Point, string Value)[] Since419 =
        [(PolicyTable.ImmediateExit, "zero-timer"), (PolicyTable.IoApicEoi, "delay-after-kvm(10000, 10 ms)")];

    private static readonly (string Point, string Value)[] Before58 = [(TimerStart, "from-initial"), ("timer-fire", "pend")];

    private static readonly (string Point, string Value)[] Since58 = [("timer-fire", "deliver-if-apicv")];

    private static readonly (string Point, string Value)[] Before517 = [("sync-posted", "when-active"), ("save", "sync-if-active")];

    private static readonly Preset[] Hypervisors =
    [
        new(
            "kvm@3.16",
            "Linux 3.16: immediate exits by self-IPI, in-kernel I/O APIC without delay",
            "vmx.c before 13d83045cb61, ioapic.c before 184564efae4d",
            [
                (PolicyTable.ImmediateExit, "self-ipi(before-entry)"), (PolicyTable.IoApicEoi, "reinject"),
                (LapicRestore, "no-purge"), .. Before58, .. Before517,
            ]),
        new(
            "kvm@5.1",
            "Linux 5.1: immediate exits by a zero preemption timer, in-kernel I/O APIC with delay",
            "vmx.c:vmx_update_hv_timer, ioapic.c:kvm_ioapic_update_eoi_one",
            [.. Since419, (LapicRestore, "timer-then-purge"), .. Before58, .. Before517]),
        new(
            "kvm@5.10",
            "Linux 5.10: a restored timer goes on from its current count, and with APICv an expired one is delivered at once",
            "lapic.c:kvm_apic_set_state, apic_timer_expired; 24647e0a39b6, ae95f566b3d2",
            [.. Since419, (LapicRestore, "timer-then-purge"), (TimerStart, "full-period"), .. Since58, .. Before517]),
        new(
            "kvm@6.2",
            "Linux 6.2: as 5.10; PIR is looked at also while APICv is inhibited",
            "lapic.c:kvm_apic_set_state, x86.c:vcpu_enter_guest; 37c4dbf337c5",
            [.. Since419, (LapicRestore, "timer-then-purge"), (TimerStart, "full-period"), .. Since58]),
        new(
            "kvm@6.3",
            "Linux 6.3: as 6.2; a one-shot timer that had expired when it was saved fires when it is restored",
            "lapic.c:set_target_expiration; 8e6ed96cdd50",
            [.. Since419, (LapicRestore, "timer-then-purge"), (TimerStart, "fire"), .. Since58]),
        new(
            "kvm@6.7",
            "Linux 6.7: as 6.3; a restore purges PIR before anything else",
            "lapic.c:kvm_apic_set_state, vmx.c:vmx_apicv_pre_state_restore; 9cfec6d097c6",
            [.. Since419, (LapicRestore, "purge-first"), (TimerStart, "fire"), .. Since58]),
        new(BareMetal, "no hypervisor: the first guest runs on the processor itself, its messages take time on their way", "82093AA 3.2.4",
            [(PolicyTable.IoApicEoi, "reinject")]),
    ];

    /// <summary>No monitor.</summary>
    public const string NoUserspace = "none";

    // 958a01dab8e0 came with a pull request of 15 May 2019, after QEMU 4.0 (23 April 2019): the first release that delays is 4.1.
    private static readonly Preset[] Userspaces =
    [
        new("qemu@3.1", "QEMU 3.1: a line that is still high at EOI is sent again at once", "hw/intc/ioapic.c before 958a01dab8e0",
            [(PolicyTable.IoApicEoi, "reinject")]),
        new("qemu@4.0", "QEMU 4.0: as 3.1; the delay was merged after this release", "hw/intc/ioapic.c before 958a01dab8e0",
            [(PolicyTable.IoApicEoi, "reinject")]),
        new(NoUserspace, "no monitor: for bare-metal, and for an in-kernel irqchip whose monitor plays no part", "-", []),
        new(
            "qemu@4.1",
            "QEMU 4.1: the 10 000th such EOI in a row is delayed by 10 ms",
            "hw/intc/ioapic.c:ioapic_eoi_broadcast, 958a01dab8e0",
            [(PolicyTable.IoApicEoi, "delay-after(10000, 10 ms)")]),
    ];

    /// <summary>The hypervisors that a scenario can name.</summary>
    public static IReadOnlyList<PresetInfo> HypervisorInfos { get; } = [.. Hypervisors.Select(preset => preset.Info)];

    /// <summary>The monitors that a scenario can name.</summary>
    public static IReadOnlyList<PresetInfo> UserspaceInfos { get; } = [.. Userspaces.Select(preset => preset.Info)];

    /// <summary>
    /// What <paramref name="name"/> chooses at <paramref name="point"/>; null if it chooses nothing, or something that the machine's
    /// processor cannot do, as a zero preemption timer on an AMD processor.
    /// </summary>
    public static string? Choice(string name, string point, MachineSection machine) =>
        point == PolicyTable.ImmediateExit && machine.Cpu.Vendor == CpuVendor.Amd
            ? null
            : Hypervisors.Concat(Userspaces)
                .First(preset => preset.Info.Name == name)
                .Policies.FirstOrDefault(policy => policy.Point == point).Value;

    /// <summary>Whether a preset is a Linux kernel of that version or later: <c>kvm@5.17</c>.</summary>
    public static bool IsKernelFrom(string name, int major, int minor) =>
        name.StartsWith("kvm@", StringComparison.Ordinal)
        && Version.TryParse(name["kvm@".Length..], out var version)
        && version >= new Version(major, minor);

    /// <summary>The policies of every preset, for <c>describe policies</c>.</summary>
    public static IEnumerable<(PresetInfo Info, IReadOnlyList<(string Point, string Value)> Policies)> All =>
        Hypervisors.Concat(Userspaces).Select(preset => (preset.Info, preset.Policies));

    private sealed record Preset(string Name, string Summary, string Source, IReadOnlyList<(string Point, string Value)> Policies)
    {
        public PresetInfo Info { get; } = new(Name, Summary, Source);
    }
}
