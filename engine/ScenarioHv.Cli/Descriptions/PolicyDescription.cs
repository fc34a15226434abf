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
        foreach (var (preset, policies) in EngineVocabulary.PresetPolicies)
        {
            var choices = string.Join("; ", policies.Select(policy => $"{policy.Point}: {policy.Value}"));
            page.Terms([(preset.Name, $"{preset.Summary}\n{choices}\nafter {preset.Source}")]);
        }
    }

    private static void WriteValue(Page page, PolicyValueInfo value)
    {
        page.Terms([(value.Signature, $"{value.Summary}\nsource: {value.Source}")]);
        foreach (var parameter in value.Parameters)
        {
            page.Terms(parameter.Kind == ParameterKind.Choice
                ? [.. parameter.Choices.Select(choice => ($"{parameter.Name}: {choice.Signature}", $"{choice.Summary} ({choice.Source})"))]
                : [(parameter.Name, parameter.Kind == ParameterKind.Count
                    ? $"a whole number, {parameter.Minimum}..{parameter.Maximum}"
                    : "a time with its unit")], indent: 6);
        }
    }
}
