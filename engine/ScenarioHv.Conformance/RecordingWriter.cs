using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ScenarioHv.Conformance;

/// <summary>Writes recordings as <see cref="RecordingReader"/> reads them.</summary>
public static class RecordingWriter
{
    // '>' marks nesting in a log, and is to be read as itself.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One case as one line, without the line's end.</summary>
    /// <param name="recording">The case.</param>
    public static string Line(Recording recording)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Options))
        {
            json.WriteStartObject();
            json.WriteString("name", recording.Name);
            json.WriteStartObject("setup");
            json.WriteNumber("vcpus", recording.Cpus);
            json.WriteNumber("x2apic", recording.HasX2Apic ? 1 : 0);
            json.WriteEndObject();
            WriteStrings(json, "ops", recording.Ops.Select(op => op.Text));
            WriteStrings(json, "log", recording.Log);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
