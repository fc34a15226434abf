using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>How the two policies of the first thread are named: the immediate exit, and the EOI that finds a line still high.</summary>
internal static class LevelStormPolicies
{
    private const int MostOperations = 1_000_000;

    private static readonly PolicyEntry[] ImmediateExits =
    [
        new(
            new PolicyValueInfo(
                "zero-timer", [], "load the VMX-preemption timer with 0: the exit comes before the first instruction",
                "KVM vmx.c:vmx_update_hv_timer, 4.19 and later"),
            config => NeedsPreemptionTimer("zero-timer", config),
            (_, config) => config with { ImmediateExit = new ZeroTimer() }),
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
            (value, config) => config with
            {
                ImmediateExit = new Throttle((uint)value.CountAt(0), (uint)value.CountAt(1)),
            }),
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
                                "after", [new ParameterInfo("operations", ParameterKind.Count, 1, MostOperations)],
                                "arrives after so many retired guest operations", "L0 itself nested: no guarantee (13d83045cb61)"),
                        ],
                    },
                ],
                "the host CPU sends itself a reschedule interrupt before the entry",
                "KVM VMX before 4.19 (replaced by 13d83045cb61), KVM SVM always"),
            _ => null,
            (value, config) => config with
            {
                ImmediateExit = new SelfIpi(value.ChoiceAt(0) is { Name: "after" } after ? (uint)after.CountAt(0) : 0),
            }),
    ];

    private static readonly PolicyEntry[] IoApicEois =
    [
        new(
            new PolicyValueInfo(
                "reinject", [],
                "a line that is still high is sent again at once, inside the EOI", "82093AA 3.2.4; KVM before 3.18; QEMU before 4.1"),
            _ => null,
            (_, config) => config with { IoApicEoi = new Reinject() }),
        new(
            new PolicyValueInfo(
                "delay-after",
                [new ParameterInfo("count", ParameterKind.Count, 1, int.MaxValue), new ParameterInfo("time", ParameterKind.Duration, 1)],
                "QEMU's: each count-th EOI in a row that finds the line high arms one timer for all pins instead of sending",
                "QEMU hw/intc/ioapic.c:ioapic_eoi_broadcast, 958a01dab8e0, 4.1 and later: count 10000, time 10 ms"),
            config => config is { Hypervisor: HypervisorKind.Kvm, Irqchip: IrqchipKind.Split } ? null
                : "delay-after is the userspace I/O APIC's: it exists only under KVM with 'irqchip: split'; "
                    + "the kernel's own is delay-after-kvm",
            (value, config) => config with
            {
                IoApicEoi = new QemuDelayAfter((uint)value.CountAt(0), value.DurationAt(1).ToCycles(config.TscHz)),
            }),
        new(
            new PolicyValueInfo(
                "delay-after-kvm",
                [new ParameterInfo("count", ParameterKind.Count, 1, int.MaxValue), new ParameterInfo("time", ParameterKind.Duration, 1)],
                "KVM's: when the count of EOIs in a row that find the line high is exactly count, work is scheduled instead of sending",
                "KVM ioapic.c:kvm_ioapic_update_eoi_one, 184564efae4d, 3.18 and later: count 10000, time 10 ms"),
            config => config is { Hypervisor: HypervisorKind.Kvm, Irqchip: IrqchipKind.Kernel } ? null
                : "delay-after-kvm is the in-kernel I/O APIC's: it exists only under KVM with 'irqchip: kernel'; "
                    + "the userspace one's is delay-after",
            (value, config) => config with
            {
                IoApicEoi = new KvmDelayAfter((uint)value.CountAt(0), value.DurationAt(1).ToCycles(config.TscHz)),
            }),
    ];

    /// <summary>How an immediate exit is forced.</summary>
    public static PolicyRule ImmediateExit { get; } = new()
    {
        Name = PolicyTable.ImmediateExit,
        MakeScript = () => PolicyShape.Of<ImmediateExitDecision>(
            PolicyScope.Vmcs,
            "at each entry that has to be left at once",
            ProblemOf,
            (config, script) => config with { ImmediateExit = new ScriptedImmediateExit(script) }),
        Summary =
            "how the processor is made to come back right after an entry, because an event waits that cannot be delivered before it",
        Values = ImmediateExits,
        Absence = config => config.Hypervisor == HypervisorKind.BareMetal
            ? "immediate-exit is a hypervisor's; on bare-metal there is none below the guest" : null,
        Usual = machine => machine.Cpu.Vendor == CpuVendor.Amd ? "self-ipi(before-entry)" : "zero-timer",
        IsAlwaysReported = true,
    };

    /// <summary>What an EOI does that finds a line still high.</summary>
    public static PolicyRule IoApicEoi { get; } = new()
    {
        Name = PolicyTable.IoApicEoi,
        MakeScript = () => PolicyShape.Of<IoApicEoiDecision>(
            PolicyScope.Pin,
            "at each EOI that reaches a pin, when its remote IRR has been cleared",
            ProblemOf,
            (config, script) => config with { IoApicEoi = new ScriptedIoApicEoi(script) }),
        Summary = "what an EOI does that reaches a level pin whose line is still asserted",
        Values = IoApicEois,
        Absence = _ => null,
        IsAlwaysReported = true,
    };

    private static string? ProblemOf(MachineConfig config, ImmediateExitDecision decision) =>
        decision.Mechanism == ImmediateExitMechanism.PreemptionTimer ? NeedsPreemptionTimer("PreemptionTimer", config)
        : decision.Argument > MostOperations ? $"a self-ipi arrives after 0..{MostOperations} operations" : null;

    private static string? ProblemOf(MachineConfig config, IoApicEoiDecision decision) =>
        decision.Action == IoApicEoiAction.Delay && config.Hypervisor != HypervisorKind.Kvm
            ? "Delay is of KVM and its monitors; nothing looks at the pins of this I/O APIC later" : null;

    private static string? NeedsPreemptionTimer(string name, MachineConfig config) =>
        config.Vendor == Engine.Configuration.CpuVendor.Intel ? null
        : $"{name} uses the VMX-preemption timer, which an AMD processor does not have; its immediate exit is a self-ipi";
}
