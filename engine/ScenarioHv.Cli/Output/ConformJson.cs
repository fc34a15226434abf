using System.Text.Json;
using ScenarioHv.Conformance;

namespace ScenarioHv.Cli.Output;

/// <summary>The JSON of <c>conform</c>. The README documents each field; a field that changes its meaning raises the version.</summary>
internal static class ConformJson
{
    /// <summary>Writes the object.</summary>
    public static void Write(TextWriter output, ConformancePreset preset, bool isStrict, IReadOnlyList<FileResult> results) =>
        RunJson.Write(output, "conform", json =>
        {
            json.WriteString("preset", preset.Name);
            json.WriteBoolean("strict", isStrict);
            json.WriteStartArray("files");
            foreach (var result in results)
            {
                WriteFile(json, result);
            }

            json.WriteEndArray();
            json.WriteNumber("passed", results.Sum(result => result.Passed));
            json.WriteNumber("failed", results.Sum(result => result.Failed));
        });

    private static void WriteFile(Utf8JsonWriter json, FileResult result)
    {
        json.WriteStartObject();
        json.WriteString("file", result.Path);
        json.WriteNumber("passed", result.Passed);
        json.WriteNumber("failed", result.Failed);
        json.WriteStartArray("differences");
        foreach (var item in result.Cases.Where(item => !item.Passed))
        {
            json.WriteStartObject();
            json.WriteString("case", item.Recording.Name);
            json.WriteString("source", item.Recording.Source);
            json.WriteNumber("op", item.Difference!.Op);
            json.WriteString("text", item.Difference.Text);
            json.WriteString("expected", item.Difference.Expected);
            json.WriteString("found", item.Difference.Found);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
