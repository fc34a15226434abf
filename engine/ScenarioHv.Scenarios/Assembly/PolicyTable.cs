using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>
/// Every policy value that a scenario can name: its words, where it comes from, with which machines it exists, and how it is made.
/// </summary>
internal static class PolicyTable
{
    /// <summary>The point at which an immediate exit is forced.</summary>
    public const string ImmediateExit = "immediate-exit";

    /// <summary>The point at which an EOI finds a line still high.</summary>
    public const string IoApicEoi = "ioapic-eoi";

    private static readonly PolicyEntry<IImmediateExitPolicy>[] ImmediateExits =
    [
        new(
            new PolicyValueInfo(
                "zero-timer", [], "load the VMX-preemption timer with 0: the exit comes before the first instruction",
                "KVM vmx.c:vmx_update_hv_timer, 4.19 and later"),
            config => NeedsPreemptionTimer("zero-timer", config),
            (_, _) => new ZeroTimer()),
        new(
            new PolicyValueInfo(
                "throttle",
                [
                    new ParameterInfo("count", ParameterKind.Count, 0, int.MaxValue),
                    new ParameterInfo("delay", ParameterKind.Count, 1, uint.MaxValue),
                ],
                "as zero-timer, but beyond count armings at the same RIP in a row load delay timer ticks; "
                    + "the first sight of a RIP counts 0",
                "V. Kuznetsov's RFC of 28 March 2019: count 100, delay 1000; never merged"),
            config => NeedsPreemptionTimer("throttle", config),
            (value, _) => new Throttle((uint)value.CountAt(0), (uint)value.CountAt(1))),
        new(
            new PolicyValueInfo(
                "self-ipi",
                [
                    new ParameterInfo("arrival", ParameterKind.Choice)
                    {
                        Choices =
                        [
                            new PolicyValueInfo(
                                "before-entry", [],
                                "pending at the entry: the exit comes before the first instruction", "L0 on hardware"),
                            new PolicyValueInfo(
                                "after", [new ParameterInfo("operations", ParameterKind.Count, 1, 1_000_000)],
                                "arrives after so many retired guest operations", "L0 itself nested: no guarantee (13d83045cb61)"),
                        ],
                    },
                ],
                "the host CPU sends itself a reschedule interrupt before the entry",
                "KVM VMX before 4.19 (replaced by 13d83045cb61), KVM SVM always"),
            _ => null,
            (value, _) => new SelfIpi(value.ChoiceAt(0) is { Name: "after" } after ? (uint)after.CountAt(0) : 0)),
    ];

    private static readonly PolicyEntry<IIoApicEoiPolicy>[] IoApicEois =
    [
        new(
            new PolicyValueInfo(
                "reinject", [],
                "a line that is still high is sent again at once, inside the EOI", "82093AA 3.2.4; KVM before 3.18; QEMU before 4.1"),
            _ => null,
            (_, _) => new Reinject()),
        new(
            new PolicyValueInfo(
                "delay-after",
                [new ParameterInfo("count", ParameterKind.Count, 1, int.MaxValue), new ParameterInfo("time", ParameterKind.Duration, 1)],
                "QEMU's: each count-th EOI in a row that finds the line high arms one timer for all pins instead of sending",
                "QEMU hw/intc/ioapic.c:ioapic_eoi_broadcast, 958a01dab8e0, 4.1 and later: count 10000, time 10 ms"),
            config => config is { Hypervisor: HypervisorKind.Kvm, Irqchip: IrqchipKind.Split } ? null
                : "delay-after is the userspace I/O APIC's: it exists only under KVM with 'irqchip: split'; "
                    + "the kernel's own is delay-after-kvm",
            (value, config) => new QemuDelayAfter((uint)value.CountAt(0), value.DurationAt(1).ToCycles(config.TscHz))),
        new(
            new PolicyValueInfo(
                "delay-after-kvm",
                [new ParameterInfo("count", ParameterKind.Count, 1, int.MaxValue), new ParameterInfo("time", ParameterKind.Duration, 1)],
                "KVM's: when the count of EOIs in a row that find the line high is exactly count, work is scheduled instead of sending",
                "KVM ioapic.c:kvm_ioapic_update_eoi_one, 184564efae4d, 3.18 and later: count 10000, time 10 ms"),
            config => config is { Hypervisor: HypervisorKind.Kvm, Irqchip: IrqchipKind.Kernel } ? null
                : "delay-after-kvm is the in-kernel I/O APIC's: it exists only under KVM with 'irqchip: kernel'; "
                    + "the userspace one's is delay-after",
            (value, config) => new KvmDelayAfter((uint)value.CountAt(0), value.DurationAt(1).ToCycles(config.TscHz))),
    ];

    /// <summary>The points, for the reader and for <c>describe policies</c>.</summary>
    public static IReadOnlyList<PolicyPointInfo> Points { get; } =
    [
        new(
            ImmediateExit,
            "how the processor is made to come back right after an entry, because an event waits that cannot be delivered before it",
            [.. ImmediateExits.Select(entry => entry.Info)]),
        new(
            IoApicEoi,
            "what an EOI does that reaches a level pin whose line is still asserted",
            [.. IoApicEois.Select(entry => entry.Info)]),
        .. ControllerChoices.Points,
    ];

    /// <summary>Makes the immediate-exit policy.</summary>
    /// <exception cref="ScenarioException">It does not exist with this machine.</exception>
    public static IImmediateExitPolicy MakeImmediateExit(PolicyValue value, MachineConfig config) => Make(ImmediateExits, value, config);

    /// <summary>Makes the I/O APIC's EOI policy.</summary>
    /// <exception cref="ScenarioException">It does not exist with this machine.</exception>
    public static IIoApicEoiPolicy MakeIoApicEoi(PolicyValue value, MachineConfig config) => Make(IoApicEois, value, config);

    private static string? NeedsPreemptionTimer(string name, MachineConfig config) =>
        config.Vendor == Engine.Configuration.CpuVendor.Intel ? null
        : $"{name} uses the VMX-preemption timer, which an AMD processor does not have; its immediate exit is a self-ipi";

    private static T Make<T>(PolicyEntry<T>[] table, PolicyValue value, MachineConfig config)
    {
        var entry = table.First(entry => entry.Info.Name == value.Name);
        return entry.Problem(config) is { } problem ? throw value.Mark.Error(problem) : entry.Make(value, config);
    }

    /// <summary>One value.</summary>
    /// <param name="Info">Its words.</param>
    /// <param name="Problem">Why it does not exist with a machine; null if it does.</param>
    /// <param name="Make">Makes it.</param>
    private sealed record PolicyEntry<T>(
        PolicyValueInfo Info,
        Func<MachineConfig, string?> Problem,
        Func<PolicyValue, MachineConfig, T> Make);
}
