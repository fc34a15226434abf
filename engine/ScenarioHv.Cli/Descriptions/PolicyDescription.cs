using ScenarioHv.Cli.Output;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Descriptions;

/// <summary><c>describe policies</c>: every point, every value, every preset.</summary>
internal static class PolicyDescription
{
    /// <summary>What stands where a script is described.</summary>
    private const string Script = "FILE.csx";

    /// <summary>Writes it.</summary>
    public static void Write(Page page)
    {
        foreach (var point in EngineVocabulary.Instance.PolicyPoints.Where(point => ControllerPolicyTable.Find(point.Name) is null))
        {
            page.Heading(point.Name);
            page.Paragraph(point.Summary);
            foreach (var value in point.Values)
            {
                WriteValue(page, value);
            }

            if (point.Script is { } script)
            {
                page.Paragraph(Script);
                page.Terms([("script", script.Kind), ("asked", script.Asked), ("remembers for", script.ScopeWords)], indent: 6);
            }
        }

        WriteControllers(page, ControllerKind.LocalApic, "local APIC");
        WriteControllers(page, ControllerKind.IoApic, "I/O APIC");
        WriteControllers(page, ControllerKind.Msi, "message-signalled interrupts");
        WriteControllers(page, ControllerKind.Cpu, "CPU");
        WriteControllers(page, ControllerKind.Pic, "8259A pair (virtual-wire: true)");
        WriteControllers(page, ControllerKind.Pit, "8254 (no machine of a scenario has one yet)");
        WriteControllers(page, ControllerKind.SynIc, "SynIC (with hyperv: { synic: true } it is KVM's; nothing can be chosen yet)");
        WriteControllers(page, ControllerKind.SyntheticTimers, "synthetic timers (no machine of a scenario has them yet)");
        WriteControllers(page, ControllerKind.Hyperv, "Hyper-V's interfaces to the local APIC (hyperv: { vapic: true })");
        page.Heading("implementations of interrupt controllers");
        page.Paragraph("They stand in brackets at the values that they have, as far as their sources say.");
        page.Terms([.. ControllerPolicyTable.Presets.Select(preset => (preset.Name, preset.Source))]);
        page.Heading("presets");
        page.Paragraph("'hypervisor' and 'userspace' of a scenario name a preset; 'policies' and '--set' replace what it chooses.");
        page.Terms([.. EngineVocabulary.PresetPolicies.Select(preset => (preset.Preset.Name, InWords(preset.Preset, preset.Policies)))]);
        page.Paragraph("Their interrupt controllers:");
        page.Terms(
        [
            ("kvm@..., irqchip: kernel", InWords(ControllerPolicies.Usual(HypervisorKind.Kvm, IrqchipKind.Kernel))),
            ("kvm@..., irqchip: split, qemu@...", InWords(ControllerPolicies.Usual(HypervisorKind.Kvm, IrqchipKind.Split))),
            ("bhyve@...", InWords(ControllerPolicies.Usual(HypervisorKind.Bhyve, IrqchipKind.Kernel))),
            ("bare-metal", InWords(ControllerPolicies.Usual(HypervisorKind.BareMetal, IrqchipKind.Kernel))),
        ]);
    }

    private static string InWords(ControllerPolicies policies) =>
        $"lapic-...: {NearestTo(ControllerKind.LocalApic, policies)}\nioapic-...: {NearestTo(ControllerKind.IoApic, policies)}"
        + $"\ncpu-...: {NearestTo(ControllerKind.Cpu, policies)}";

    /// <summary>The implementation with the fewest differences at one controller, and what they are: <c>kvm, but ...</c>.</summary>
    private static string NearestTo(ControllerKind controller, ControllerPolicies policies)
    {
        var points = ControllerPolicyTable.Points.Where(point => point.Controller == controller).ToList();
        var nearest = ControllerPolicyTable.Presets.MinBy(preset => points.Count(point => Differs(point, preset, policies)))!;
        var differences = points.Where(point => Differs(point, nearest, policies))
            .Select(point => $"{point.Name}: {point.ValueIn(policies).Name}")
            .ToList();
        return nearest.Name + (differences.Count == 0 ? "" : $", but {string.Join(", ", differences)}");
    }

    private static bool Differs(ControllerPolicyPoint point, ControllerPreset preset, in ControllerPolicies policies) =>
        point.ValueIn(preset.Policies) != point.ValueIn(policies);

    private static void WriteControllers(Page page, ControllerKind controller, string title)
    {
        page.Heading(title);
        foreach (var point in ControllerPolicyTable.Points.Where(point => point.Controller == controller))
        {
            page.Paragraph($"{point.Name}: {point.Summary}");
            page.Terms([.. point.Values.Select(value => (value.Name, InWords(point, value))), .. ScriptOf(point.Name)], indent: 6);
        }
    }

    private static IEnumerable<(string, string)> ScriptOf(string point) =>
        from info in EngineVocabulary.Instance.PolicyPoints
        where info.Name == point && info.Script is not null
        select (Script, $"{info.Script!.Kind}\nasked {info.Script.Asked}; remembers for {info.Script.ScopeWords}");

    private static string InWords(ControllerPolicyPoint point, ControllerPolicyValue value)
    {
        var presets = string.Join(", ", ControllerPolicyTable.PresetsWith(point, value).Select(preset => preset.Name));
        return $"{value.Meaning}\n{(presets.Length == 0 ? "" : $"[{presets}] ")}source: {value.Source}";
    }

    private static string InWords(PresetInfo preset, IReadOnlyList<PolicyChoice> policies)
    {
        var choices = policies.Count == 0 ? "" : "\n" + string.Join("; ", policies.Select(policy => $"{policy.Point}: {policy.Value}"));
        return $"{preset.Summary}{choices}{(policies.Count == 0 ? "" : $"\nsource: {preset.Source}")}";
    }

    private static void WriteValue(Page page, PolicyValueInfo value)
    {
        page.Paragraph(value.Signature);
        page.Terms([("meaning", value.Summary), .. value.Parameters.SelectMany(InWords), ("source", value.Source)], indent: 6);
    }

    private static IEnumerable<(string, string)> InWords(ParameterInfo parameter) => parameter.Kind switch
    {
        ParameterKind.Choice => parameter.Choices.Select(
            choice => ($"{parameter.Name}: {choice.Signature}", $"{choice.Summary} ({choice.Source})")),
        ParameterKind.Count => [(parameter.Name, $"a whole number, {parameter.Minimum}..{parameter.Maximum}")],
        _ => [(parameter.Name, "a time with its unit")],
    };
}
