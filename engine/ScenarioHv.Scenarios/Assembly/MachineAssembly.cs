using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Time;
using ScenarioHv.Scenarios.Binding;
using ScenarioHv.Scenarios.Yaml;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>Turns scripts into guests and policies. Scenarios know no compiler.</summary>
public interface IGuestLoader
{
    /// <summary>Loads the script at <paramref name="path"/> with its parameters.</summary>
    GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters);

    /// <summary>Loads the policy script at <paramref name="path"/>.</summary>
    /// <exception cref="NotSupportedException">This loader is for scenarios without policy scripts.</exception>
    PolicyProgram LoadPolicy(string path) => throw new NotSupportedException($"{path}: this loader knows guests only.");
}

/// <summary>
/// Makes the engine's configuration of a scenario: presets become policies, names become numbers, and what does not go together is refused.
/// </summary>
public static partial class MachineAssembly
{
    private const int UsualHostTick = 250;
    private const int FirstIoBase = 0xc040;
    private const int IoStride = 0x20;
    private const int IntD = 3;

    private static readonly GuestProgram NoGuest = new("none", _ => throw new InvalidOperationException("This guest is a placeholder."));

    /// <summary>Builds the configuration.</summary>
    /// <exception cref="ScenarioException">Two settings do not go together.</exception>
    public static MachineConfig Build(Scenario scenario, IGuestLoader loader)
    {
        var machine = scenario.Machine;
        RequirePossible(scenario);
        var devices = Devices(machine);
        var config = Hardware(machine) with
        {
            Timing = Timing(machine),
            Devices = devices,
            Timeline = Timeline(scenario, devices),
            L1 = Guest(scenario, GuestLevel.L1, loader)!,
            L2 = Guest(scenario, GuestLevel.L2, loader),
            Goal = Report(scenario.Goal),
        };
        config = WithPolicies(config, machine, loader);
        RequireNmiWindows(scenario, config);
        return config;
    }

    /// <summary>
    /// The policies that a report names, by point: those that the scenario names and those that its matrix compares; without a matrix a
    /// few more.
    /// </summary>
    public static IReadOnlyList<PolicyChoice> PoliciesOf(Scenario scenario)
    {
        var policies = new List<PolicyChoice>();
        foreach (var (rule, value) in Chosen(scenario.Machine))
        {
            if (scenario.Machine.Policies.ContainsKey(rule.Name)
                || (scenario.Compared.Count == 0 ? rule.IsAlwaysReported : scenario.Compared.Contains(rule.Name)))
            {
                policies.Add(new PolicyChoice(rule.Name, value.ToString()));
            }
        }

        foreach (var (point, value) in scenario.Machine.Policies)
        {
            if (ControllerChoices.IsOne(point))
            {
                policies.Add(new PolicyChoice(point, value.ToString()));
            }
        }

        return policies;
    }

    /// <summary>The policies of hypervisors and patches that a scenario runs with, named or not.</summary>
    public static IReadOnlyList<PolicyChoice> AllPoliciesOf(Scenario scenario)
    {
        var policies = new List<PolicyChoice>();
        foreach (var (rule, value) in Chosen(scenario.Machine))
        {
            policies.Add(new PolicyChoice(rule.Name, value.ToString()));
        }

        return policies;
    }

    /// <summary>Whether two scenarios run with the same policies, named or not.</summary>
    public static bool HaveSamePolicies(Scenario one, Scenario other) =>
        Chosen(one.Machine).SequenceEqual(Chosen(other.Machine))
        && ControllerChoices.Of(one.Machine) == ControllerChoices.Of(other.Machine);

    /// <summary>What policies look at to see whether a machine has them: everything but devices, guests and policies.</summary>
    private static MachineConfig Hardware(MachineSection machine)
    {
        var hypervisor = Presets.KindOf(machine.Hypervisor);
        return new MachineConfig
        {
            TscHz = machine.TscHz,
            Vendor = machine.Cpu.Vendor == CpuVendor.Intel ? Engine.Configuration.CpuVendor.Intel : Engine.Configuration.CpuVendor.Amd,
            Apicv = machine.Cpu.Apicv,
            VirtualNmis = machine.Cpu.VirtualNmis,
            Vnmi = machine.Cpu.Vnmi,
            PreemptionTimerShift = machine.Cpu.PreemptionTimerShift ?? 0,
            Hypervisor = hypervisor,
            Irqchip = machine.Irqchip == Irqchip.Split ? IrqchipKind.Split : IrqchipKind.Kernel,
            HostTickHz = machine.HostTick?.Hertz ?? (hypervisor == HypervisorKind.BareMetal ? 0 : UsualHostTick),
            Vcpus = machine.Vcpus,
            X2Apic = machine.Cpu.X2Apic,
            Hyperv = machine.Hyperv is { } hyperv ? new HypervConfig(hyperv.SynIc, hyperv.AutoEoiDeprecated, hyperv.Vapic) : null,
            VirtualWire = machine.VirtualWire,
            L1 = NoGuest,
            Kvm = new KvmPolicies { TracesApicvAccept = !Presets.IsKernelBefore(machine.Hypervisor, "5.17") },
        };
    }

    private static IEnumerable<ChosenValue> Chosen(MachineSection machine)
    {
        var config = Hardware(machine);
        foreach (var rule in PolicyTable.Rules)
        {
            if (rule.Absence(config) is null)
            {
                yield return new ChosenValue(rule, Choose(machine, rule));
            }
        }
    }

    private sealed record ChosenValue(PolicyRule Rule, PolicyValue Value);

    private static MachineConfig WithPolicies(MachineConfig config, MachineSection machine, IGuestLoader loader)
    {
        foreach (var rule in PolicyTable.Rules)
        {
            if (rule.Absence(config) is null)
            {
                var value = Choose(machine, rule);
                config = value.ScriptPath is null ? rule.Apply(value, config) : WithScript(rule.Name, value, config, loader);
            }
            else if (machine.Policies.TryGetValue(rule.Name, out var named))
            {
                throw named.Mark.Error(rule.Absence(config)!);
            }
        }

        config = config with { Controllers = ControllerChoices.Of(machine, config) };
        foreach (var (point, value) in machine.Policies)
        {
            if (value.ScriptPath is not null && ControllerChoices.IsOne(point))
            {
                config = WithScript(point, value, config, loader);
            }
        }

        return config;
    }

    private static MachineConfig WithScript(string point, PolicyValue value, MachineConfig config, IGuestLoader loader) =>
        PolicyTable.Apply(point, loader.LoadPolicy(value.ScriptPath!), value.Mark, config);

    /// <summary>The scenario's own choice, else the preset's of whom the point belongs to, else the usual one.</summary>
    private static PolicyValue Choose(MachineSection machine, PolicyRule rule)
    {
        if (machine.Policies.TryGetValue(rule.Name, out var chosen))
        {
            return chosen;
        }

        var inUserspace = rule.Name == PolicyTable.IoApicEoi && machine.Irqchip == Irqchip.Split
            && Presets.KindOf(machine.Hypervisor) == HypervisorKind.Kvm;
        var preset = inUserspace ? machine.Userspace : machine.Hypervisor;
        if (preset is null or Presets.NoUserspace)
        {
            throw machine.Mark.Error(
                "with 'irqchip: split' the I/O APIC is the monitor's: say which with 'userspace' (for example qemu@3.1), "
                + "or set ioapic-eoi");
        }

        var text = Presets.Choice(preset, rule.Name, machine) ?? rule.Usual!(machine);
        var binder = new PolicyBinder(EngineVocabulary.Instance, machine.TscHz, "");
        return binder.Value(rule.Info, new YamlScalar(machine.Mark, text));
    }

    private static void RequirePossible(Scenario scenario)
    {
        var machine = scenario.Machine;
        var hypervisor = Presets.KindOf(machine.Hypervisor);
        RequireKvmParts(machine, hypervisor == HypervisorKind.Kvm);
        if (Presets.IsKernelBefore(machine.Hypervisor, "3.9") && machine.Cpu.Apicv)
        {
            throw machine.Cpu.Mark.Error($"{machine.Hypervisor} cannot use APICv, which came with Linux 3.9: write 'apicv: false'");
        }

        if (Presets.IsKernelBefore(machine.Hypervisor, "2.6.30") && machine.Cpu.Vendor == CpuVendor.Amd)
        {
            throw machine.Cpu.Mark.Error($"{machine.Hypervisor} is modelled on Intel processors only: its SVM could not inject NMIs yet");
        }

        if (hypervisor == HypervisorKind.BareMetal && machine.Userspace is not (null or Presets.NoUserspace))
        {
            throw machine.Mark.Error("a bare-metal machine has no userspace monitor");
        }

        if (hypervisor == HypervisorKind.Bhyve)
        {
            RequirePossibleUnderBhyve(scenario);
        }

        if (machine.VirtualWire && scenario.Guests.FirstOrDefault(guest => guest.Level == GuestLevel.L2) is { } nested)
        {
            throw nested.Mark.Error("an 8259A while an l2 runs is not modelled: leave out 'virtual-wire' or l2");
        }

        if (hypervisor == HypervisorKind.BareMetal && machine.HostTick is { IsOff: false })
        {
            throw machine.Mark.Error("a bare-metal machine has no host below it that ticks");
        }
    }

    /// <summary>request_nmi_window was read by the path of a local APIC in userspace only, and went with it.</summary>
    private static void RequireNmiWindows(Scenario scenario, MachineConfig config)
    {
        var entry = scenario.Timeline.FirstOrDefault(entry => entry.Action == TimelineAction.NmiWindow);
        var isScript = scenario.Machine.Policies.TryGetValue(PolicyTable.ChooseEvent, out var chosen) && chosen.ScriptPath is not null;
        if (entry is not null && config.Kvm.EventChoice != EventChoice.EveryEntryNmiFirst && !isScript)
        {
            throw entry.Mark.Error(
                "'nmi-window' is request_nmi_window of Linux 2.6.29 with a local APIC in userspace: "
                + "it needs choose-event: every-entry-nmi-first");
        }
    }

    private static void RequirePossibleUnderBhyve(Scenario scenario)
    {
        var machine = scenario.Machine;
        if (machine.Cpu.Vendor != CpuVendor.Amd)
        {
            throw machine.Cpu.Mark.Error($"{machine.Hypervisor} is modelled on AMD processors only: write 'vendor: amd'");
        }

        if (machine.Userspace is not (null or Presets.NoUserspace))
        {
            throw machine.Mark.Error(
                $"{machine.Userspace} is a monitor of KVM; {machine.Hypervisor} brings its own monitor, bhyve(8): leave 'userspace' out");
        }

        if (machine.IrqchipMark is { } irqchip)
        {
            throw irqchip.Error("'irqchip' is KVM's; bhyve's local APICs and I/O APIC are always in the kernel (vmm): leave it out");
        }

        if (scenario.Guests.FirstOrDefault(guest => guest.Level == GuestLevel.L2) is { } nested)
        {
            throw nested.Mark.Error("bhyve has no nested virtualization: its guest cannot run an l2");
        }
    }

    /// <summary>Parts that are modelled around KVM alone.</summary>
    private static void RequireKvmParts(MachineSection machine, bool isKvm)
    {
        if (!isKvm && machine.Hyperv is { } hyperv)
        {
            throw hyperv.Mark.Error($"Hyper-V's interfaces are modelled under KVM only, and this is {machine.Hypervisor}");
        }

        if (!isKvm && machine.Cpu.X2Apic)
        {
            throw machine.Cpu.Mark.Error($"x2APIC mode is modelled for guests of KVM only, and this is {machine.Hypervisor}");
        }

        if (machine.VirtualWire && (!isKvm || machine.Irqchip != Irqchip.Kernel))
        {
            throw machine.Mark.Error("virtual-wire is the in-kernel 8259A pair: it exists only under KVM with 'irqchip: kernel'");
        }
    }

    private static TimingProfile Timing(MachineSection machine)
    {
        var profile = TimingProfile.Shipped.First(profile => profile.Name == machine.TimingProfile);
        foreach (var (name, cycles) in machine.TimingOverrides)
        {
            profile = profile.With(TimingProfile.Costs.First(cost => cost.Name == name).Cost, [.. cycles]);
        }

        return profile;
    }

    private static List<DeviceConfig> Devices(MachineSection machine)
    {
        var devices = new List<DeviceConfig>();
        foreach (var section in machine.Devices)
        {
            var config = new DeviceConfig(section.Name, EngineVocabulary.KindOf(section.Type))
            {
                Slot = section.Slot?.Device ?? 0,
                Gsi = section.Slot is { } slot ? Ich9PirqRouting.Reset.Gsi(slot.Device, IntD) : section.Gsi ?? Number(section, "irq"),
                Vector = section.Vector ?? 0,
                Destination = section.Destination ?? (byte)Number(section, "vcpu"),
                Sint = (byte)Number(section, "sint"),
                IsPosted = Number(section, "posted") != 0,
                IoBase = (ushort)IoBaseOf(section, devices.Count),
            };
            RequireRoutedGsi(section, config, machine);
            RequireController(section, config, machine);
            RequirePosting(section, config, machine);
            RequireOwnPorts(section, config, devices);
            RequireOneEntry(section, config, devices);
            devices.Add(config);
        }

        return devices;
    }

    /// <summary>
    /// QEMU routes GSI 0 of the in-kernel irqchip to pin 2 (kvm_pc_setup_irq_routing), where the PIT is; that is not modelled.
    /// </summary>
    private static void RequireRoutedGsi(DeviceSection section, DeviceConfig config, MachineSection machine)
    {
        var isKernel = Presets.KindOf(machine.Hypervisor) == HypervisorKind.Kvm && machine.Irqchip == Irqchip.Kernel;
        if (config.Gsi == 0 && config.HasEntry && isKernel)
        {
            throw section.Mark.Error($"{section.Name} is on GSI 0, which 'irqchip: kernel' routes to the timer's pin: choose 1..23");
        }
    }

    /// <summary>A device's first port: what the file says, or what follows from the device's place among the machine's.</summary>
    internal static long IoBaseOf(DeviceSection section, int place) =>
        section.Settings.TryGetValue("io", out var io) ? io.Number : FirstIoBase + (place * IoStride);

    private static int Number(DeviceSection section, string key) =>
        section.Settings.TryGetValue(key, out var setting) ? (int)setting.Number : 0;

    /// <summary>What a device is wired to has to be there.</summary>
    private static void RequireController(DeviceSection section, DeviceConfig config, MachineSection machine)
    {
        if (config.Kind == DeviceKind.Isa && !machine.VirtualWire)
        {
            throw section.Mark.Error($"{section.Name} is on IRQ{config.Gsi} of an 8259A, which this machine has not: virtual-wire: true");
        }

        if (config.Kind == DeviceKind.Isa && config.Gsi == Pic8259Pair.CascadeIrq)
        {
            throw section.Mark.Error($"{section.Name}: IRQ2 is where the slave 8259A is, no device can have it");
        }

        if (config.Kind == DeviceKind.SynIc && machine.Hyperv is not { SynIc: true })
        {
            throw section.Mark.Error($"{section.Name} needs a SynIC: hyperv: {{ synic: true }}");
        }

        if (config.Kind == DeviceKind.SynIc && config.Destination >= machine.Vcpus)
        {
            throw section.Mark.Error($"{section.Name}: there is no vCPU {config.Destination} (vcpus: {machine.Vcpus})");
        }
    }

    /// <summary>An IOMMU posts into the descriptor of one vCPU, for which KVM has written the remapping entry.</summary>
    private static void RequirePosting(DeviceSection section, DeviceConfig config, MachineSection machine)
    {
        if (!config.IsPosted)
        {
            return;
        }

        var mark = section.Settings["posted"].Mark;
        var posts = Presets.KindOf(machine.Hypervisor) == HypervisorKind.Kvm && machine.Cpu is { Vendor: CpuVendor.Intel, Apicv: true };
        if (!posts)
        {
            throw mark.Error(
                "'posted: true' has the IOMMU write into a vCPU's posted-interrupt descriptor: "
                + "that needs KVM on an Intel processor with 'apicv: true'");
        }

        if (Presets.IsKernelBefore(machine.Hypervisor, "4.4"))
        {
            throw mark.Error($"{machine.Hypervisor} cannot have the IOMMU post, which came with Linux 4.4");
        }

        if (config.Destination >= machine.Vcpus)
        {
            throw mark.Error(
                $"a posted message is for one vCPU, 0..{machine.Vcpus - 1}, and the destination of {section.Name} is {config.Destination}");
        }
    }

    private static void RequireOwnPorts(DeviceSection section, DeviceConfig config, List<DeviceConfig> others)
    {
        var (start, end) = (config.IoBase, config.IoBase + config.IoSize);
        if (others.Find(other => start < other.IoBase + other.IoSize && other.IoBase < end) is { } clash)
        {
            throw section.Mark.Error(
                $"the ports of {section.Name} (0x{config.IoBase:x}) overlap those of {clash.Name} (0x{clash.IoBase:x})");
        }
    }

    /// <summary>Devices that share a GSI share its redirection entry, and so its vector and destination.</summary>
    private static void RequireOneEntry(DeviceSection section, DeviceConfig config, List<DeviceConfig> others)
    {
        var clash = !config.HasEntry ? null : others.Find(other =>
            other.HasEntry
            && other.Gsi == config.Gsi
            && (other.Vector != config.Vector || other.Destination != config.Destination));
        if (clash is not null)
        {
            throw section.Mark.Error(
                $"{section.Name} and {clash.Name} share GSI {config.Gsi} and so one redirection entry: "
                + "give them the same vector and destination");
        }
    }

    private static List<StimulusConfig> Timeline(Scenario scenario, List<DeviceConfig> devices)
    {
        var timeline = new List<StimulusConfig>();
        foreach (var entry in scenario.Timeline)
        {
            timeline.Add(Stimulus(entry, devices, scenario));
        }

        return timeline;
    }

    private static StimulusConfig Stimulus(TimelineEntry entry, List<DeviceConfig> devices, Scenario scenario) => new(
        entry.At.ToCycles(scenario.Machine.TscHz),
        entry.Action switch
        {
            TimelineAction.Raise => StimulusAction.Raise,
            TimelineAction.Lower => StimulusAction.Lower,
            TimelineAction.Fire => StimulusAction.Fire,
            var action => MonitorActions.Of(action, entry, scenario),
        },
        entry.Vcpu ?? Math.Max(0, devices.FindIndex(device => device.Name == entry.Device)))
    {
        Msr = entry.Msr,
        Value = entry.Reason.Length > 0 ? (ulong)EngineVocabulary.ReasonOf(entry.Reason) : entry.Value,
        Every = entry.Every?.ToCycles(scenario.Machine.TscHz) ?? 0,
        Count = entry.Count ?? (entry.Every is null ? 1 : 0),
        TimerCount = entry.TimerCount,
        After = entry.After is { } after ? Report(after) : null,
    };

    private static GoalConfig Report(Goal goal) => new(goal.Level == GuestLevel.L1 ? 1 : 2, goal.Report);

    private static GuestProgram? Guest(Scenario scenario, GuestLevel level, IGuestLoader loader) =>
        scenario.Guests.FirstOrDefault(guest => guest.Level == level) is { } section
            ? loader.Load(section.ScriptPath, Parameters(section))
            : null;

    /// <summary>In the order of their names, whatever the order written.</summary>
    private static Dictionary<string, long> Parameters(GuestSection section)
    {
        string[] names = [.. section.With.Keys];
        Array.Sort(names, StringComparer.Ordinal);
        var parameters = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            parameters.Add(name, section.With[name].Word);
        }

        return parameters;
    }
}
