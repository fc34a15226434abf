using ScenarioHv.Cli.Output;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Descriptions;

/// <summary><c>describe policies</c>: every point, every value, every preset.</summary>
internal static class PolicyDescription
{
    /// <summary>Writes it.</summary>
    public static void Write(Page page)
    {
        foreach (var point in EngineVocabulary.Instance.PolicyPoints)
        {
            page.Heading(point.Name);
            page.Paragraph(point.Summary);
            foreach (var value in point.Values)
            {
                WriteValue(page, value);
            }
        }

        page.Heading("presets");
        page.Paragraph("'hypervisor' and 'userspace' of a scenario name a preset; 'policies' and '--set' replace what it chooses.");
        page.Terms([.. EngineVocabulary.PresetPolicies.Select(preset => (preset.Preset.Name, InWords(preset.Preset, preset.Policies)))]);
    }

    private static string InWords(PresetInfo preset, IReadOnlyList<(string Point, string Value)> policies)
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
