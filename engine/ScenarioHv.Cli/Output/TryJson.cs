using System.Text.Json;
using ScenarioHv.Cli.Running;

namespace ScenarioHv.Cli.Output;

/// <summary>The JSON of <c>try</c>. The README documents each field.</summary>
internal static class TryJson
{
    /// <summary>Writes the object.</summary>
    public static void Write(TextWriter output, string script, string point, IReadOnlyList<TryScenarioEnd> scenarios) =>
        RunJson.Write(output, "try", json =>
        {
            json.WriteString("script", script);
            json.WriteString("point", point);
            json.WriteStartArray("scenarios");
            foreach (var scenario in scenarios)
            {
                WriteScenario(json, scenario);
            }

            json.WriteEndArray();
            json.WriteNumber("unusable", scenarios.Count(scenario => scenario.Scenario is null));
            WriteTotals(json, scenarios);
        });

    private static void WriteScenario(Utf8JsonWriter json, TryScenarioEnd end)
    {
        json.WriteStartObject();
        if (end.Scenario is { } scenario)
        {
            RunJson.WriteScenario(json, scenario);
            json.WriteStartArray("machines");
            foreach (var machine in end.Machines)
            {
                WriteMachine(json, machine);
            }

            json.WriteEndArray();
        }
        else
        {
            json.WriteString("file", end.Path);
            SurveyJson.WriteProblem(json, end.Problem!);
        }

        json.WriteEndObject();
    }

    private static void WriteMachine(Utf8JsonWriter json, TryMachineEnd machine)
    {
        json.WriteStartObject();
        json.WriteString("machine", machine.Machine.Name);
        json.WriteString("verdict", TryVerdicts.Word(machine.Verdict));
        json.WriteString("notApplicable", machine.NotApplicable);
        json.WriteString("usual", machine.Machine.Absence is null ? machine.Machine.Usual : null);
        json.WriteStartArray("values");
        foreach (var rival in machine.Rivals)
        {
            WriteValue(json, rival, machine.CostAgainst(rival));
        }

        json.WriteEndArray();
        if (machine.Script is { Impossible: null } script)
        {
            json.WritePropertyName("script");
            WriteValue(json, script, null);
        }
        else
        {
            json.WriteNull("script");
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, TryEnd end, double? cost)
    {
        json.WriteStartObject();
        json.WriteString("value", end.Value);
        if (end.Result is not { } result)
        {
            SurveyJson.WriteProblem(json, end.Problem!);
            json.WriteEndObject();
            return;
        }

        json.WriteString("outcome", result.OutcomeName);
        json.WriteString("property", result.Property);
        json.WriteString("reason", result.Run.Reason);
        json.WriteNumber("steps", result.Run.Steps);
        json.WriteNumber("cycles", result.Run.Cycles);
        json.WriteNumber("exits", end.Exits);
        json.WriteString("trace", result.ShortHash);
        if (cost is { } times)
        {
            json.WriteNumber("scriptTakes", Math.Round(times, 4));
        }
        else
        {
            json.WriteNull("scriptTakes");
        }

        json.WriteEndObject();
    }

    private static void WriteTotals(Utf8JsonWriter json, IReadOnlyList<TryScenarioEnd> scenarios)
    {
        var verdicts = scenarios.SelectMany(scenario => scenario.Machines).ToLookup(machine => machine.Verdict);
        json.WriteStartObject("totals");
        json.WriteNumber("cured", verdicts[TryVerdict.Cured].Count());
        json.WriteNumber("remains", verdicts[TryVerdict.Remains].Count());
        json.WriteNumber("broken", verdicts[TryVerdict.Broken].Count());
        json.WriteNumber("good", verdicts[TryVerdict.Good].Count());
        json.WriteNumber("noDifference", verdicts[TryVerdict.Same].Count());
        json.WriteNumber("notApplicable", verdicts[TryVerdict.NotApplicable].Count());
        json.WriteNumber("notKnown", verdicts[TryVerdict.Unknown].Count());
        json.WriteNumber("failed", verdicts[TryVerdict.Failed].Count());
        json.WriteEndObject();
    }
}
