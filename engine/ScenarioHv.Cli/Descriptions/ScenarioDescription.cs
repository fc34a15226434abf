using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Descriptions;

/// <summary><c>describe FILE</c>: a scenario in words, with every preset resolved.</summary>
internal static class ScenarioDescription
{
    /// <summary>Writes it.</summary>
    public static void Write(Page page, ScenarioDocument document)
    {
        var scenario = document.Base;
        var config = MachineAssembly.Build(scenario, new NoGuests(new ScriptGuests(logging: null)));
        page.Heading($"{scenario.Name}: {scenario.Title}");
        page.Terms([("file", scenario.File), ("source", scenario.Source.Length == 0 ? "not given" : scenario.Source)]);
        page.Heading("machine");
        page.Paragraph(MachineInWords(scenario.Machine, config));
        page.Heading("policies");
        page.Terms([.. MachineAssembly.PoliciesOf(scenario).Select(
            policy => (policy.Point, policy.Value + Origin(scenario.Machine, policy.Point)))]);
        WriteDevices(page, scenario.Machine, config);
        page.Heading("guests");
        page.Terms([.. scenario.Guests.Select(guest => (NameOf(guest.Level), GuestInWords(guest)))]);
        WriteTimeline(page, scenario);
        page.Heading("goal");
        page.Paragraph($"{NameOf(scenario.Goal.Level)} reports \"{scenario.Goal.Report}\"");
        WriteExplore(page, scenario);
        WriteCells(page, document);
    }

    private static string MachineInWords(MachineSection machine, MachineConfig config)
    {
        var cpu = machine.Cpu;
        var timer = cpu.PreemptionTimerShift is { } shift ? $", VMX-preemption timer at TSC / {1L << shift}" : ", no VMX-preemption timer";
        var processor = config.Vendor == Engine.Configuration.CpuVendor.Amd
            ? $"AMD (SVM), {(cpu.Apicv ? "with" : "without")} AVIC{(cpu.Vnmi ? ", with V_NMI" : "")}"
            : $"Intel (VMX), {(cpu.Apicv ? "with" : "without")} APICv{(cpu.VirtualNmis ? "" : ", without virtual NMIs")}{timer}";
        var userspace = machine.Userspace is null ? "" : $" and {machine.Userspace}";
        var irqchip = config.Hypervisor != HypervisorKind.Kvm ? "" : machine.Irqchip == Irqchip.Split
            ? "; split irqchip: the local APICs are in the kernel, the I/O APIC is in userspace"
            : "; kernel irqchip: local APICs and I/O APIC are in the kernel";
        var tick = config.HostTickHz == 0 ? "no host tick" : $"host tick {new FrequencyHz(config.HostTickHz)}";
        var overrides = machine.TimingOverrides.Count == 0 ? ""
            : ", but " + string.Join(", ", machine.TimingOverrides.Select(cost => $"{cost.Key} {string.Join(" or ", cost.Value)}"));
        var offers = Offers(config);
        return $"{Wording.Count(machine.Vcpus, "vCPU", "vCPUs")}; {processor}{offers}; TSC {new FrequencyHz(machine.TscHz)}; "
            + $"under {machine.Hypervisor}{userspace}{irqchip}; {tick}; timing {machine.TimingProfile}{overrides}.";
    }

    private static string Offers(MachineConfig config) =>
        (config.X2Apic ? "; x2APIC mode offered" : "")
        + (config.Hyperv is { SynIc: true } ? "; a SynIC per vCPU" : "")
        + (config.Hyperv is { AutoEoiDeprecated: true } ? "; AutoEOI deprecated" : "")
        + (config.Hyperv is { Vapic: true } ? "; Hyper-V's APIC MSRs and assist page recommended" : "")
        + (config.VirtualWire ? "; an 8259A pair on LINT0 as ExtINT" : "");

    private static string Origin(MachineSection machine, string point)
    {
        var inUserspace = point == "ioapic-eoi" && machine.Irqchip == Irqchip.Split && machine.Userspace is not null;
        return machine.Policies.TryGetValue(point, out var value) ? value.ScriptPath is null ? " (set)" : " (a script)"
            : $" (from {(inUserspace ? machine.Userspace : machine.Hypervisor)})";
    }

    private static void WriteDevices(Page page, MachineSection machine, MachineConfig config)
    {
        page.Heading("devices");
        if (machine.Devices.Count == 0)
        {
            page.Paragraph("none");
        }

        page.Terms([.. machine.Devices.Zip(config.Devices, (section, device) => (section.Name, DeviceInWords(section, device)))]);
    }

    private static string DeviceInWords(DeviceSection section, DeviceConfig device)
    {
        var info = EngineVocabulary.Instance.DeviceTypes.First(type => type.Name == section.Type);
        var slot = section.Slot is null ? "" : $", slot {section.Slot}";
        if (device.Kind == DeviceKind.SynIc)
        {
            return $"{section.Type}, SINT{device.Sint} of vCPU {device.Destination}: {info.Summary}";
        }

        if (device.Kind == DeviceKind.Isa)
        {
            return $"{section.Type}, IRQ{device.Gsi}: {info.Summary}";
        }

        var gsi = device.Kind == DeviceKind.Msi ? "" : $", GSI {device.Gsi}";
        var ports = device.IoSize == 0 ? "" : $", ports 0x{device.IoBase:x}..0x{device.IoBase + device.IoSize - 1:x}";
        var message = $"vector 0x{device.Vector:x2} ({device.Vector}), destination {device.Destination}";
        var posted = device.IsPosted ? ", posted" : "";
        return $"{section.Type}{slot}{gsi}, {message}{posted}{ports}: {info.Summary}";
    }

    private static string GuestInWords(GuestSection guest) => guest.With.Count == 0 ? guest.Script
        : $"{guest.Script} with " + string.Join(", ", guest.With.Select(pair => $"{pair.Key} = {Parameter(pair.Value)}"));

    private static string Parameter(GuestParameter parameter) => parameter.IsBoolean ? parameter.Value == 0 ? "false" : "true"
        : parameter.Value > 255 ? $"0x{(ulong)parameter.Value:x}" : Wording.Number((long)parameter.Value);

    private static void WriteTimeline(Page page, Scenario scenario)
    {
        page.Heading("timeline");
        if (scenario.Timeline.Count == 0)
        {
            page.Paragraph("nothing happens from outside");
        }

        page.Terms([.. scenario.Timeline.Select(entry => (
            $"at {entry.At} (cycle {entry.At.ToCycles(scenario.Machine.TscHz)})",
            ActionInWords(entry)
                + (entry.After is { } after ? $", not before {NameOf(after.Level)} has reported \"{after.Report}\"" : "")
                + (entry.Every is null ? "" : $", then every {entry.Every}, {HowOften(entry.Count)}")))]);
    }

    private static string HowOften(int? count) => count is null ? "for ever" : $"{count} times in all";

    private static string ActionInWords(TimelineEntry entry) => entry.Action switch
    {
        TimelineAction.Raise => $"{entry.Device} has an event and raises its line",
        TimelineAction.Lower => $"{entry.Device} lowers its line",
        TimelineAction.Nmi => $"the monitor sends an NMI to vCPU {entry.Vcpu}",
        TimelineAction.NmiWindow => $"the monitor has an NMI for vCPU {entry.Vcpu}, and sends it when KVM says that the guest can take it",
        TimelineAction.Pause => $"the monitor keeps vCPU {entry.Vcpu} out of KVM_RUN",
        TimelineAction.Resume => $"the monitor lets vCPU {entry.Vcpu} run again",
        TimelineAction.Save => $"the monitor saves the local APIC of vCPU {entry.Vcpu}",
        TimelineAction.Restore => $"the monitor restores the local APIC of vCPU {entry.Vcpu}"
            + (entry.TimerCount is { } left ? $", with {left} as the timer's current count" : "") + " and lets it run",
        TimelineAction.Preempt => $"the host takes the CPU of vCPU {entry.Vcpu}'s thread for something else",
        TimelineAction.Schedule => $"the host gives vCPU {entry.Vcpu}'s thread a CPU again",
        TimelineAction.PageOut => $"the host takes away the page with the IDT of vCPU {entry.Vcpu}",
        TimelineAction.SetMsr => $"the monitor writes 0x{entry.Value:x} to MSR 0x{entry.Msr:x} of vCPU {entry.Vcpu}",
        TimelineAction.Inhibit => $"there is a reason against APICv: {entry.Reason}",
        TimelineAction.Lift => $"the reason against APICv has gone: {entry.Reason}",
        _ => $"{entry.Device} sends its message",
    };

    private static void WriteExplore(Page page, Scenario scenario)
    {
        var explore = scenario.Explore;
        var optional = OptionalParts.Of(scenario);
        page.Heading("explore");
        page.Terms(
        [
            ("later", $"what is armed {explore.Later} or more ahead"),
            ("repeat", $"policies count to {explore.Repeat} at most"),
            ("outside", $"what has no end comes {Wording.Count(explore.Outside, "time", "times")}"),
            ("optional", optional.Count == 0 ? "nothing" : string.Join("; ", optional.Select(part => part.Words))),
        ]);
    }

    private static void WriteCells(Page page, ScenarioDocument document)
    {
        page.Heading("cells");
        foreach (var cell in document.Cells)
        {
            var expected = cell.Expect.Count == 0 ? "nothing in particular" : string.Join(" or ", cell.Expect);
            var found = cell.Scenario.Explore.Expect;
            page.Paragraph($"{cell.Name}: expected {expected}" + (found.Count == 0 ? "" : $", exploring {string.Join(" or ", found)}"));
            if (cell.Note.Length > 0)
            {
                page.Paragraph(cell.Note, indent: 6);
            }
        }
    }

    private static string NameOf(GuestLevel level) => level == GuestLevel.L1 ? "l1" : "l2";

    /// <summary>Guests without code: a description needs none compiled. A policy's script may say what the machine is made of.</summary>
    private sealed class NoGuests(ScriptGuests scripts) : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => new(path, _ => default);

        public PolicyProgram LoadPolicy(string path) => scripts.LoadPolicy(path);
    }
}
