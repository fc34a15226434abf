using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>
/// The choices of a scenario's interrupt controllers: the usual ones of its hypervisor, and over them those that it names. What could have
/// no effect in its machine is refused.
/// </summary>
internal static class ControllerChoices
{
    private const string NoPic = "this machine has no 8259A (virtual-wire: true)";
    private const string NoX2Apic = "this machine offers no x2APIC mode (cpu: { x2apic: true })";
    private const string NoApicBase = "guests of a scenario write IA32_APIC_BASE only to switch to x2APIC mode (cpu: { x2apic: true })";

    /// <summary>The points, for the reader and for <c>describe policies</c>.</summary>
    public static IEnumerable<PolicyPointInfo> Points { get; } =
    [
        .. ControllerPolicyTable.Points.Select(point => new PolicyPointInfo(
            point.Name,
            point.Summary,
            [.. point.Values.Select(value => new PolicyValueInfo(value.Name, [], value.Meaning, value.Source))],
            () => ScriptOf(point))),
    ];

    /// <summary>Whether a policy point is a controller's.</summary>
    public static bool IsOne(string point) => Find(point) is not null;

    /// <summary>What the controllers of a machine are.</summary>
    /// <exception cref="ScenarioException">A choice is one that could have no effect in this machine.</exception>
    public static ControllerPolicies Of(MachineSection machine, MachineConfig config)
    {
        var chosen = Of(machine);
        foreach (var (name, value) in machine.Policies)
        {
            if (Find(name) is { } point && Problem(point, value.Name, config, chosen) is { } problem)
            {
                throw value.Mark.Error($"{name} can have no effect here: {problem}");
            }
        }

        return chosen;
    }

    /// <summary>The same without asking whether the machine can show it.</summary>
    public static ControllerPolicies Of(MachineSection machine)
    {
        var chosen = ControllerPolicies.Usual(
            Presets.KindOf(machine.Hypervisor),
            machine.Irqchip == Irqchip.Split ? IrqchipKind.Split : IrqchipKind.Kernel);
        foreach (var (name, value) in Presets.PoliciesOf(machine.Hypervisor))
        {
            Find(name)?.TrySet(ref chosen, value);
        }

        foreach (var (name, value) in machine.Policies)
        {
            Find(name)?.TrySet(ref chosen, value.Name);
        }

        return chosen;
    }

    /// <summary>The configuration, which has its controllers' choices, with a script in a point.</summary>
    /// <inheritdoc cref="PolicyTable.Apply" path="/param|/exception"/>
    public static MachineConfig Apply(string point, PolicyProgram program, SourceMark mark, MachineConfig config)
    {
        var rule = ControllerPolicyTable.Find(point)!;
        var chosen = config.Controllers ?? ControllerPolicies.Usual(config.Hypervisor, config.Irqchip);
        ScriptOf(rule).Require(program, point, mark);
        return Problem(rule, "", config, chosen) is { } problem
            ? throw mark.Error($"{point} can have no effect here: {problem}")
            : rule.WithScript(program, value => Problem(rule, value, config, chosen), config);
    }

    private static PolicyScriptInfo ScriptOf(ControllerPolicyPoint point) => new(
        point.Answer,
        IsPlan: false,
        PolicyScope.Vm,
        point.IsOfMaking ? "once, when the machine is made, of its boot processor" : "at the beginning of each step");

    /// <summary>Why no value of a point could have an effect in a machine; null if one could.</summary>
    public static string? Absence(string name, MachineSection machine, MachineConfig config) =>
        Problem(ControllerPolicyTable.Find(name)!, value: "", config, Of(machine)) is { } problem
            ? $"{name} can have no effect here: {problem}"
            : null;

    /// <summary>The value of a point in a machine.</summary>
    public static string UsualOf(string name, MachineSection machine) => ControllerPolicyTable.Find(name)!.ValueIn(Of(machine)).Name;

    private static ControllerPolicyPoint? Find(string point) => PolicyTable.HasRule(point) ? null : ControllerPolicyTable.Find(point);

    private static string? Problem(ControllerPolicyPoint point, string value, MachineConfig config, in ControllerPolicies chosen) =>
        point.Controller switch
        {
            ControllerKind.Pic => config.VirtualWire ? null : NoPic,
            ControllerKind.SynIc => ProblemOfSynIc(config),
            ControllerKind.SyntheticTimers => "no machine of a scenario has synthetic timers yet",
            ControllerKind.Hyperv => config.Hyperv is { Vapic: true } ? null
                : "this machine has not Hyper-V's interfaces to the local APIC (hyperv: { vapic: true })",
            ControllerKind.Pit => "no machine of a scenario has an 8254 yet",
            ControllerKind.Cpu => config.Hypervisor == HypervisorKind.Kvm ? null : $"NMIs are not modelled {Where(config)}",
            ControllerKind.Msi => "the MSIs of its devices are assertions to FEExxxxxh, which everybody reads alike",
            ControllerKind.IoApic => ProblemOfIoApic(point.Property, config, chosen),
            _ => ProblemOfLocalApic(point.Property, config) ?? ProblemOfValue(point.Property, value, config),
        };

    private static string? ProblemOfSynIc(MachineConfig config) =>
        config.Hyperv is not { SynIc: true } ? "this machine has no SynIC (hyperv: { synic: true })"
        : "the SynICs of scenarios are KVM's, without messages and event flags; when KVM inhibits APICv for them is apicv-inhibit-on-synic";

    private static string? ProblemOfLocalApic(string property, MachineConfig config) => property switch
    {
        nameof(LocalApicPolicies.DeviceBroadcast) or nameof(LocalApicPolicies.X2ApicReservedBits)
            or nameof(LocalApicPolicies.IcrAcrossModes) => config.X2Apic ? null : NoX2Apic,
        nameof(LocalApicPolicies.RemoteReads) => "no HLT of a scenario's machine waits for it",
        nameof(LocalApicPolicies.HardwareDisable) or nameof(LocalApicPolicies.ApicBaseWrites)
            or nameof(PlatformPolicies.MmioHole) => NoApicBase,
        nameof(PlatformPolicies.DestinationMap) =>
            "a scenario begins when all CPUs have long been there, and so KVM's map is complete",
        nameof(LocalApicPolicies.PicGate) => config.VirtualWire ? null : NoPic,
        nameof(LocalApicPolicies.ExtIntMessages) => "the 8259A of a scenario's machine, if it has one, is on LINT0 and not behind messages",
        nameof(LocalApicPolicies.LintInputs) => "the LINT inputs of a scenario's machine carry the 8259A's ExtINT at most",
        nameof(LocalApicPolicies.SpuriousVector) => "in a scenario's machine INTR and INTA are one step, so that no request is missing",
        nameof(LocalApicPolicies.EoiBroadcast) => config.Hypervisor == HypervisorKind.Kvm
            ? "under KVM it is eoi-suppression that says what SVR bit 12 does"
            : "the local APICs of this machine have no SVR bit 12 (bit 24 of the version register is 0)",
        nameof(LocalApicPolicies.PendingWhileDisabled) when DeliversItself(config) => ByRvi,
        _ => null,
    };

    private static string? ProblemOfValue(string property, string value, MachineConfig config) => property switch
    {
        nameof(LocalApicPolicies.IllegalVectors) when Is(value, IllegalVectorsPolicy.Delivered) && DeliversItself(config) => ByRvi,
        nameof(LocalApicPolicies.LowestPriority)
            when Is(value, LowestPriorityPolicy.Counters) || Is(value, LowestPriorityPolicy.LowestPprRoundRobin) =>
            $"{value} needs a memory of earlier messages, which a scenario's machine does not keep",
        _ => null,
    };

    private static string? ProblemOfIoApic(string property, MachineConfig config, in ControllerPolicies chosen) => property switch
    {
        nameof(IoApicPolicies.EdgeDetection) => "the lines of a scenario are driven only when they change",
        nameof(IoApicPolicies.WindowAccess) => "guests of a scenario access the window with 4 bytes",
        nameof(PlatformPolicies.EoiVectors) => "under KVM it is eoi-forward-set that says of which EOIs the I/O APIC is told",
        nameof(PlatformPolicies.Window) => "the machines of scenarios decode the whole page",
        nameof(IoApicPolicies.Reset) => "a scenario's machine begins behind its reset, and has no other",
        nameof(IoApicPolicies.Rtc) => "no machine of a scenario has an RTC yet",
        nameof(IoApicPolicies.PinZero) when config is { Hypervisor: HypervisorKind.Kvm, Irqchip: IrqchipKind.Kernel } =>
            "with 'irqchip: kernel' it is the kernel's routing of GSIs that says where GSI 0 goes",
        nameof(IoApicPolicies.EdgeModes) when config.Hypervisor != HypervisorKind.Kvm =>
            $"SMI, NMI, INIT and ExtINT from the I/O APIC are not modelled {Where(config)}",
        nameof(IoApicPolicies.EoiValue) when chosen.IoApic.EoiRegister == IoApicEoiRegister.Absent =>
            "the I/O APIC has no EOI register (ioapic-eoi-register: absent)",
        _ => null,
    };

    private static string Where(MachineConfig config) =>
        config.Hypervisor == HypervisorKind.BareMetal ? "on bare metal" : "under bhyve";

    private static bool DeliversItself(MachineConfig config) =>
        config is { Hypervisor: HypervisorKind.Kvm, Apicv: true };

    private static string ByRvi =>
        "with 'apicv: true' the processor delivers what RVI or vIRR holds, whatever the local APIC's model would do";

    private static bool Is<T>(string value, T member)
        where T : struct, Enum => value == ControllerPolicyName.Kebab(member.ToString());
}
