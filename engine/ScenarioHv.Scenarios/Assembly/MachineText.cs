using System.Collections;
using System.Globalization;
using System.Text;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>Everything that a scenario's run depends on, as text: two scenarios with the same text run alike.</summary>
internal static class MachineText
{
    /// <summary>The text of a scenario with one policy point left open.</summary>
    public static string Of(Scenario scenario, string openPoint)
    {
        var text = new StringBuilder();
        Append(text, scenario.Machine with { Policies = new Dictionary<string, PolicyValue>() });
        Append(text, scenario.Guests);
        Append(text, scenario.Timeline);
        Append(text, scenario.Goal);
        foreach (var (point, value) in PoliciesOf(scenario))
        {
            if (point != openPoint)
                text.Append(point).Append('=').Append(value).Append(';');
        }

        return text.ToString();
    }

    /// <summary>Every policy, named or not; a script by its full path.</summary>
    private static IEnumerable<PolicyChoice> PoliciesOf(Scenario scenario)
    {
        var named = scenario.Machine.Policies;
        var chosen = ControllerChoices.Of(scenario.Machine);
        var all = MachineAssembly.AllPoliciesOf(scenario)
            .Concat(ControllerPolicyTable.Points.Select(point => new PolicyChoice(point.Name, point.ValueIn(chosen).Name)));
        return all.Select(policy => policy with { Value = named.GetValueOrDefault(policy.Point)?.ScriptPath ?? policy.Value });
    }

    /// <summary>
    /// The model's records by their properties, so that what is added to them later is part of the text. Only the places where they were
    /// written are not.
    /// </summary>
    private static void Append(StringBuilder text, object? value)
    {
        switch (value)
        {
            case null or SourceMark:
                text.Append("- ");
                break;
            case string word:
                text.Append('"').Append(word).Append('"');
                break;
            case IEnumerable items:
                text.Append('[');
                foreach (var item in items)
                    Append(text, item);
                text.Append(']');
                break;
            case not null when HasParts(value.GetType()):
                foreach (var property in value.GetType().GetProperties())
                    Append(text.Append(property.Name).Append(':'), property.GetValue(value));
                break;
            default:
                text.Append(CultureInfo.InvariantCulture, $"{value} ");
                break;
        }
    }

    private static bool HasParts(Type type) =>
        (type.IsClass && type.Namespace == typeof(Scenario).Namespace)
        || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(KeyValuePair<,>));
}
