using System.Text.Json;
using ScenarioHv.Cli.Running;

namespace ScenarioHv.Cli.Output;

/// <summary>The JSON of <c>matrix</c> about several scenarios. The README documents each field.</summary>
internal static class SurveyJson
{
    /// <summary>Writes the object.</summary>
    public static void Write(TextWriter output, IReadOnlyList<ScenarioEnd> scenarios) => RunJson.Write(output, "matrix", json =>
    {
        json.WriteStartArray("scenarios");
        foreach (var scenario in scenarios)
        {
            WriteScenario(json, scenario);
        }

        json.WriteEndArray();
        json.WriteNumber("unusable", scenarios.Count(scenario => scenario.Scenario is null));
        WriteCounts(json, MatrixCounts.Of(scenarios));
    });

    private static void WriteScenario(Utf8JsonWriter json, ScenarioEnd end)
    {
        json.WriteStartObject();
        if (end.Scenario is not { } scenario)
        {
            json.WriteString("file", end.Path);
            WriteProblem(json, end.Problem!);
            json.WriteEndObject();
            return;
        }

        RunJson.WriteScenario(json, scenario);
        json.WriteStartArray("cells");
        foreach (var cell in end.Cells.Where(cell => !cell.IsLeftOut))
        {
            WriteCell(json, cell);
        }

        json.WriteEndArray();
        RunJson.WriteStrings(json, "leftOut", end.LeftOut);
        WriteCounts(json, MatrixCounts.Of(end));
        json.WriteEndObject();
    }

    private static void WriteCell(Utf8JsonWriter json, CellEnd end)
    {
        if (end.Result is { } result)
        {
            RunJson.WriteElement(json, result);
            return;
        }

        json.WriteStartObject();
        json.WriteString("cell", end.Cell.Name);
        json.WriteString("note", end.Cell.Note);
        WriteProblem(json, end.Problem!);
        json.WriteEndObject();
    }

    internal static void WriteProblem(Utf8JsonWriter json, Exception problem)
    {
        var (code, message) = FailureReport.Classify(problem);
        json.WriteString("error", message);
        json.WriteNumber("exitCode", (int)code);
    }

    private static void WriteCounts(Utf8JsonWriter json, MatrixCounts counts)
    {
        json.WriteStartObject("totals");
        json.WriteNumber("cells", counts.Cells);
        json.WriteNumber("asExpected", counts.AsExpected);
        json.WriteNumber("notAsExpected", counts.NotAsExpected);
        json.WriteNumber("inconclusive", counts.Inconclusive);
        json.WriteNumber("failed", counts.Failed);
        json.WriteEndObject();
    }
}
