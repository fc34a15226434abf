using System.Text.Json;
using ScenarioHv.Cli.Commands;
using ScenarioHv.Conformance;

namespace ScenarioHv.Cli.Output;

/// <summary>The JSON of <c>conform --live</c>. The README documents each field.</summary>
internal static class LiveConformJson
{
    /// <summary>Writes the object.</summary>
    public static void Write(
        TextWriter output, IWitnessSource witness, ConformancePreset model, bool isStrict, IReadOnlyList<LiveFileResult> results) =>
        RunJson.Write(output, "conform", json =>
        {
            json.WriteString("witness", witness.Name);
            json.WriteString("preset", model.Name);
            json.WriteBoolean("strict", isStrict);
            json.WriteStartArray("lists");
            foreach (var result in results)
            {
                WriteFile(json, result);
            }

            json.WriteEndArray();
            json.WriteNumber("same", results.Sum(result => result.Same));
            json.WriteNumber("different", results.Sum(result => result.Differences.Count));
            json.WriteNumber("partly", results.Sum(result => result.Partly.Count));
        });

    private static void WriteFile(Utf8JsonWriter json, LiveFileResult result)
    {
        json.WriteStartObject();
        json.WriteString("name", result.Name);
        json.WriteNumber("same", result.Same);
        json.WriteStartArray("differences");
        foreach (var item in result.Differences)
        {
            WriteDifference(json, item);
        }

        json.WriteEndArray();
        json.WriteStartArray("partly");
        foreach (var item in result.Partly)
        {
            json.WriteStartObject();
            json.WriteString("case", item.Recording.Name);
            json.WriteString("limit", item.Limit);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteDifference(Utf8JsonWriter json, LiveResult item)
    {
        json.WriteStartObject();
        json.WriteString("case", item.Recording.Name);
        json.WriteString("source", item.Recording.Source);
        json.WriteNumber("op", item.Difference!.Op);
        json.WriteString("text", item.Difference.Text);
        json.WriteString("witness", item.Difference.Expected);
        json.WriteString("model", item.Difference.Found);
        json.WritePropertyName("recording");
        json.WriteRawValue(RecordingWriter.Line(item.Recording));
        json.WriteEndObject();
    }
}
