using ScenarioHv.Engine.Configuration;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>What a hypervisor or monitor of a certain version does, as policies.</summary>
internal static class Presets
{
    /// <summary>The machine without a hypervisor.</summary>
    public const string BareMetal = "bare-metal";

    private const string Enter = "enter";
    private const string PendingNmis = "cpu-pending-nmis";
    private const string LapicRestore = "lapic-restore";
    private const string TimerStart = "timer-start";

    private static readonly PolicyChoice[] Since419 =
        [new(PolicyTable.ImmediateExit, "zero-timer"), new(PolicyTable.IoApicEoi, "delay-after-kvm(10000, 10 ms)")];

    private static readonly PolicyChoice[] Before58 = [new(TimerStart, "from-initial"), new("timer-fire", "pend")];

    private static readonly PolicyChoice[] Since58 = [new("timer-fire", "deliver-if-apicv")];

    private static readonly PolicyChoice[] Before517 = [new("sync-posted", "when-active"), new("save", "sync-if-active")];

    // From 5.15 on the usual values are the kernel's: a lock of its own, and a SynIC inhibits APICv only while AutoEOI is used.
    private static readonly PolicyChoice[] AvicBefore515 =
        [new(AvicPolicies.OnSynIc, "always"), new(AvicPolicies.Update, "under-srcu")];

    private static readonly PolicyChoice[] AvicBefore56 = [.. AvicBefore515, new(AvicPolicies.WindowPoint, "ignore")];

    private static readonly Preset[] Hypervisors =
    [
        new(
            "kvm@2.6.28",
            "Linux 2.6.28: no NMI reaches a guest whose processor lacks virtual NMIs; events are chosen before every entry",
            "vmx.c:vmx_intr_assist as the patch of 8 December 2008 found it",
            [
                new(PolicyTable.ImmediateExit, "self-ipi(before-entry)"), new(PolicyTable.IoApicEoi, "reinject"),
                new(Enter, "publish-then-inject"),
                new(PolicyTable.NmiTracking, NmiPolicies.NoInjection), new(PolicyTable.ChooseEvent, NmiPolicies.EveryEntry),
                new(PendingNmis, "one"),
            ]),
        new(
            "kvm@2.6.29",
            "Linux 2.6.29: as 2.6.28, with the end of an NMI handler found by the interrupt window or after one second",
            "vmx.c:soft_vnmi_blocked, vmx_intr_assist",
            [
                new(PolicyTable.ImmediateExit, "self-ipi(before-entry)"), new(PolicyTable.IoApicEoi, "reinject"),
                new(Enter, "publish-then-inject"),
                new(PolicyTable.ChooseEvent, NmiPolicies.EveryEntry), new(PendingNmis, "one"),
            ]),
        new(
            "kvm@3.16",
            "Linux 3.16: immediate exits by self-IPI, in-kernel I/O APIC without delay",
            "vmx.c before 13d83045cb61, ioapic.c before 184564efae4d",
            [
                new(PolicyTable.ImmediateExit, "self-ipi(before-entry)"), new(PolicyTable.IoApicEoi, "reinject"),
                .. AvicBefore56, new(PolicyTable.ChooseEvent, NmiPolicies.NmiHoldsInterrupts),
                new(LapicRestore, "no-purge"), .. Before58, .. Before517,
            ]),
        new(
            "kvm@5.1",
            "Linux 5.1: immediate exits by a zero preemption timer, in-kernel I/O APIC with delay",
            "vmx.c:vmx_update_hv_timer, ioapic.c:kvm_ioapic_update_eoi_one",
            [.. Since419, new(LapicRestore, "timer-then-purge"), .. Before58, .. Before517, .. AvicBefore56]),
        new(
            "kvm@5.10",
            "Linux 5.10: a restored timer goes on from its current count, and with APICv an expired one is delivered at once",
            "lapic.c:kvm_apic_set_state, apic_timer_expired; 24647e0a39b6, ae95f566b3d2",
            [
                .. Since419, new(LapicRestore, "timer-then-purge"), new(TimerStart, "full-period"), .. Since58, .. Before517,
                .. AvicBefore515,
            ]),
        new(
            "kvm@5.12",
            "Linux 5.12: as 5.10; AVIC gives way to an interrupt window, and for good to a SynIC",
            "svm.c:svm_toggle_avic_for_irq_window, hyperv.c:kvm_hv_activate_synic",
            [
                .. Since419, new(LapicRestore, "timer-then-purge"), new(TimerStart, "full-period"), .. Since58, .. Before517,
                .. AvicBefore515,
            ]),
        new(
            "kvm@5.15",
            "Linux 5.15: as 5.12; inhibiting APICv has a lock of its own, and a SynIC does it only while AutoEOI is used",
            "x86.c:__kvm_request_apicv_update, hyperv.c:synic_update_vector, 0f250a646382",
            [.. Since419, new(LapicRestore, "timer-then-purge"), new(TimerStart, "full-period"), .. Since58, .. Before517]),
        new(
            "kvm@6.2",
            "Linux 6.2: as 5.15; PIR is looked at also while APICv is inhibited",
            "lapic.c:kvm_apic_set_state, x86.c:vcpu_enter_guest; 37c4dbf337c5",
            [.. Since419, new(LapicRestore, "timer-then-purge"), new(TimerStart, "full-period"), .. Since58]),
        new(
            "kvm@6.3",
            "Linux 6.3: as 6.2; a one-shot timer that had expired when it was saved fires when it is restored",
            "lapic.c:set_target_expiration; 8e6ed96cdd50",
            [.. Since419, new(LapicRestore, "timer-then-purge"), new(TimerStart, "fire"), .. Since58]),
        new(
            "kvm@6.4",
            "Linux 6.4: as 6.3, and the NMIs of a guest are the processor's own on AMD processors that have V_NMI",
            "svm.c:svm_set_vnmi_pending, fa4c027a7956",
            [
                .. Since419, new(LapicRestore, "timer-then-purge"), new(TimerStart, "fire"), .. Since58,
                new(PolicyTable.NmiTracking, NmiPolicies.HardwareVnmi),
            ]),
        new(
            "kvm@6.7",
            "Linux 6.7: as 6.4; a restore purges PIR before anything else",
            "lapic.c:kvm_apic_set_state, vmx.c:vmx_apicv_pre_state_restore; 9cfec6d097c6",
            [
                .. Since419, new(LapicRestore, "purge-first"), new(TimerStart, "fire"), .. Since58,
                new(PolicyTable.NmiTracking, NmiPolicies.HardwareVnmi),
            ]),
        new(
            "bhyve@10.4",
            "FreeBSD 10.4 bhyve: LAPIC interrupts by V_IRQ, which stay in IRR until an exit shows that they were taken",
            "sys/amd64/vmm/amd/svm.c, FreeBSD 10.4; bug 215972",
            [
                new(PolicyTable.IoApicEoi, "reinject"),
                new(BhyvePolicyRules.SvmInjectionPoint, "v-irq"),
                new(BhyvePolicyRules.TprSelectionPoint, "honour"),
            ]),
        new(
            "bhyve@12.0",
            "FreeBSD 12.0 bhyve: LAPIC interrupts by event injection, which moves them from IRR to ISR",
            "sys/amd64/vmm/amd/svm.c with D13780 of January 2018",
            [
                new(PolicyTable.IoApicEoi, "reinject"),
                new(BhyvePolicyRules.SvmInjectionPoint, "event-injection"),
                new(BhyvePolicyRules.TprSelectionPoint, "honour"),
            ]),
        new(BareMetal, "no hypervisor: the first guest runs on the processor itself, its messages take time on their way", "82093AA 3.2.4",
            [new(PolicyTable.IoApicEoi, "reinject")]),
    ];

    /// <summary>No monitor.</summary>
    public const string NoUserspace = "none";

    // 958a01dab8e0 came with a pull request of 15 May 2019, after QEMU 4.0 (23 April 2019): the first release that delays is 4.1.
    private static readonly Preset[] Userspaces =
    [
        new("qemu@3.1", "QEMU 3.1: a line that is still high at EOI is sent again at once", "hw/intc/ioapic.c before 958a01dab8e0",
            [new(PolicyTable.IoApicEoi, "reinject")]),
        new("qemu@4.0", "QEMU 4.0: as 3.1; the delay was merged after this release", "hw/intc/ioapic.c before 958a01dab8e0",
            [new(PolicyTable.IoApicEoi, "reinject")]),
        new(NoUserspace, "no monitor: for bare-metal, and for an in-kernel irqchip whose monitor plays no part", "-", []),
        new(
            "qemu@4.1",
            "QEMU 4.1: the 10 000th such EOI in a row is delayed by 10 ms",
            "hw/intc/ioapic.c:ioapic_eoi_broadcast, 958a01dab8e0",
            [new(PolicyTable.IoApicEoi, "delay-after(10000, 10 ms)")]),
    ];

    /// <summary>The hypervisors that a scenario can name.</summary>
    public static IReadOnlyList<PresetInfo> HypervisorInfos { get; } = Array.ConvertAll(Hypervisors, preset => preset.Info);

    /// <summary>The monitors that a scenario can name.</summary>
    public static IReadOnlyList<PresetInfo> UserspaceInfos { get; } = Array.ConvertAll(Userspaces, preset => preset.Info);

    /// <summary>What runs the guest with the hypervisor preset <paramref name="name"/>.</summary>
    public static HypervisorKind KindOf(string name) => name == BareMetal ? HypervisorKind.BareMetal
        : name.StartsWith("bhyve@", StringComparison.Ordinal) ? HypervisorKind.Bhyve
        : HypervisorKind.Kvm;

    /// <summary>
    /// What <paramref name="name"/> chooses at <paramref name="point"/>; null if it chooses nothing, or something that the machine's
    /// processor cannot do, as a zero preemption timer on an AMD processor.
    /// </summary>
    public static string? Choice(string name, string point, MachineSection machine) =>
        Array.Find(Of(name).Policies, policy => policy.Point == point)?.Value is { } value && Suits(point, value, machine.Cpu)
            ? value
            : null;

    /// <summary>Everything that <paramref name="name"/> chooses.</summary>
    public static IReadOnlyList<PolicyChoice> PoliciesOf(string name) => Of(name).Policies;

    /// <summary>Whether <paramref name="name"/> is a Linux older than a version.</summary>
    public static bool IsKernelBefore(string name, string version) =>
        name.StartsWith("kvm@", StringComparison.Ordinal) && Version.Parse(name[4..]) < Version.Parse(version);

    private static Preset Of(string name) =>
        Array.Find(Hypervisors, preset => preset.Name == name) ?? Userspaces.First(preset => preset.Name == name);

    /// <summary>What a kernel does for one kind of processor says nothing about the others.</summary>
    private static bool Suits(string point, string value, CpuSection cpu) => (point, value) switch
    {
        (PolicyTable.ImmediateExit, _) => cpu.Vendor == CpuVendor.Intel,
        (PolicyTable.NmiTracking, NmiPolicies.NoInjection) => cpu is { Vendor: CpuVendor.Intel, VirtualNmis: false },
        (PolicyTable.NmiTracking, NmiPolicies.HardwareVnmi) => cpu.Vnmi,
        _ => true,
    };

    /// <summary>The policies of every preset, for <c>describe policies</c>.</summary>
    public static IEnumerable<(PresetInfo Info, IReadOnlyList<PolicyChoice> Policies)> All =>
        Hypervisors.Concat(Userspaces).Select(preset => (preset.Info, (IReadOnlyList<PolicyChoice>)preset.Policies));

    private sealed record Preset(string Name, string Summary, string Source, PolicyChoice[] Policies)
    {
        public PresetInfo Info { get; } = new(Name, Summary, Source);
    }
}
