using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ScenarioHv.Cli.Running;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Output;

/// <summary>
/// The JSON of <c>run</c> and <c>matrix</c>. The README documents each field; a field that changes its meaning raises the version.
/// </summary>
internal static class RunJson
{
    private const int SchemaVersion = 1;

    /// <summary>Writes the object of one run.</summary>
    public static void Write(TextWriter output, CellResult result, TraceDialect dialect, SnapshotNotes snapshots) =>
        Write(output, "run", json =>
        {
            WriteScenario(json, result.Source.Cell.Scenario);
            WriteCell(json, result);
            json.WriteString("dialect", dialect.Name);
            json.WriteString("schedule", result.Source.Schedule?.ToString());
            WriteReproduces(json, result.Reproduces);
            json.WritePropertyName("recurrence");
            WriteRecurrence(json, result, dialect);
            WriteSnapshot(json, "restored", snapshots.Restored);
            WriteSnapshot(json, "saved", snapshots.Saved);
        });

    /// <summary>Writes the object of a matrix.</summary>
    /// <param name="output">Takes the text.</param>
    /// <param name="scenario">The scenario as written.</param>
    /// <param name="results">Its cells.</param>
    /// <param name="leftOut">The cells that could not be run.</param>
    public static void Write(
        TextWriter output,
        Scenario scenario,
        IReadOnlyList<CellResult> results,
        IReadOnlyList<string> leftOut) => Write(output, "matrix", json =>
    {
        WriteScenario(json, scenario);
        json.WriteStartArray("cells");
        foreach (var result in results)
        {
            WriteElement(json, result);
        }

        json.WriteEndArray();
        WriteStrings(json, "leftOut", leftOut);
        json.WriteNumber("asExpected", results.Count(result => result.ExitCode == ExitCode.AsExpected));
        json.WriteNumber("notAsExpected", results.Count(result => result.ExitCode != ExitCode.AsExpected));
    });

    /// <summary>Writes an object with the version, the name of the command and its own fields.</summary>
    internal static void Write(TextWriter output, string command, Action<Utf8JsonWriter> fields)
    {
        using var buffer = new MemoryStream();
        // The text goes to a terminal, a file or another program, never into a web page: quotes and angle brackets need no escapes.
        var options = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(buffer, options))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", SchemaVersion);
            json.WriteString("command", command);
            fields(json);
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)));
    }

    internal static void WriteScenario(Utf8JsonWriter json, Scenario scenario)
    {
        json.WriteString("scenario", scenario.Name);
        json.WriteString("title", scenario.Title);
        json.WriteString("source", scenario.Source);
        json.WriteString("file", scenario.File);
    }

    /// <summary>The object of one cell of a matrix.</summary>
    internal static void WriteElement(Utf8JsonWriter json, CellResult result)
    {
        json.WriteStartObject();
        WriteCell(json, result);
        json.WritePropertyName("recurrence");
        WriteRecurrence(json, result, dialect: null);
        json.WriteEndObject();
    }

    private static void WriteCell(Utf8JsonWriter json, CellResult result)
    {
        json.WriteString("cell", result.Source.Cell.Name);
        json.WriteString("note", result.Source.Cell.Note);
        json.WriteStartObject("policies");
        foreach (var (point, value) in result.Source.Policies)
        {
            json.WriteString(point, value);
        }

        json.WriteEndObject();
        json.WriteNumber("tscHz", result.Config.TscHz);
        json.WriteString("outcome", result.OutcomeName);
        json.WriteString("property", result.Property);
        json.WriteString("reason", result.Run.Reason);
        WriteStrings(json, "expected", result.Expected);
        WriteMet(json, result);
        json.WriteNumber("exitCode", (int)result.ExitCode);
        json.WriteNumber("steps", result.Run.Steps);
        json.WriteNumber("cycles", result.Run.Cycles);
        WriteStatistics(json, "totals", result.Run.Totals);
        WriteLatencies(json, result);
        json.WriteStartObject("trace");
        json.WriteString("hash", result.ShortHash);
        json.WriteString("sha256", result.TraceHash);
        json.WriteNumber("events", result.TraceEvents);
        json.WriteEndObject();
    }

    private static void WriteReproduces(Utf8JsonWriter json, ReproductionNote? note)
    {
        if (note is null)
        {
            json.WriteNull("reproduces");
        }
        else
        {
            json.WriteBoolean("reproduces", note.IsSame);
        }
    }

    private static void WriteSnapshot(Utf8JsonWriter json, string name, SnapshotNote? snapshot)
    {
        if (snapshot is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteString("file", snapshot.File);
        json.WriteNumber("steps", snapshot.Steps);
        json.WriteNumber("cycles", snapshot.Cycle);
        json.WriteEndObject();
    }

    private static void WriteLatencies(Utf8JsonWriter json, CellResult result)
    {
        json.WriteStartArray("latencies");
        foreach (var latency in result.Latencies)
        {
            json.WriteStartObject();
            json.WriteNumber("vcpu", latency.Vcpu);
            json.WriteNumber("vector", latency.Vector);
            json.WriteNumber("count", latency.Count);
            json.WriteNumber("minimum", latency.Minimum);
            json.WriteNumber("median", latency.Median);
            json.WriteNumber("maximum", latency.Maximum);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (result.LastCollapse is not { } collapse)
        {
            json.WriteNull("lastCollapse");
            return;
        }

        json.WriteStartObject("lastCollapse");
        json.WriteNumber("cycle", collapse.Cycle);
        json.WriteNumber("vcpu", collapse.Vcpu);
        json.WriteNumber("vector", collapse.Vector);
        json.WriteEndObject();
    }

    internal static void WriteStrings(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void WriteMet(Utf8JsonWriter json, CellResult result)
    {
        if (result.IsMet is not { } met || (!met && result.Outcome == Outcome.Inconclusive))
        {
            json.WriteNull("met");
        }
        else
        {
            json.WriteBoolean("met", met);
        }
    }

    private static void WriteStatistics(Utf8JsonWriter json, string name, in Statistics statistics)
    {
        json.WriteStartObject(name);
        json.WriteNumber("l1Retired", statistics.L1Retired);
        json.WriteNumber("l2Retired", statistics.L2Retired);
        json.WriteNumber("l2Entries", statistics.L2Entries);
        json.WriteNumber("l2WastedEntries", statistics.L2WastedEntries);
        json.WriteNumber("resent", statistics.Resent);
        json.WriteNumber("delayed", statistics.Delayed);
        json.WriteNumber("stimuli", statistics.Stimuli);
        json.WriteEndObject();
    }

    private static void WriteRecurrence(Utf8JsonWriter json, CellResult result, TraceDialect? dialect)
    {
        if (result.Run.Recurrence is not { } recurrence)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("prefixSteps", recurrence.PrefixSteps);
        json.WriteNumber("prefixCycles", recurrence.PrefixCycles);
        json.WriteNumber("periodSteps", recurrence.Steps);
        json.WriteNumber("periodCycles", recurrence.Cycles);
        json.WriteNumber("stateBytes", result.StateBytes);
        json.WriteBoolean("isFed", recurrence.IsFed);
        WriteStatistics(json, "work", recurrence.Work);
        WriteRearmings(json, result);
        WriteActors(json, recurrence);
        if (dialect is not null)
        {
            WriteEvents(json, result, recurrence, dialect);
        }

        json.WriteEndObject();
    }

    private static void WriteRearmings(Utf8JsonWriter json, CellResult result)
    {
        json.WriteStartArray("rearmedBy");
        foreach (var rearming in result.Rearmings)
        {
            json.WriteStartObject();
            json.WriteString("point", rearming.Point);
            json.WriteString("value", rearming.Value);
            json.WriteStartArray("decisions");
            foreach (var (decision, times) in rearming.Decisions)
            {
                json.WriteStartObject();
                json.WriteString("text", decision);
                json.WriteNumber("times", times);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteActors(Utf8JsonWriter json, Recurrence recurrence)
    {
        json.WriteStartArray("actors");
        foreach (var (actor, steps) in recurrence.Actors)
        {
            json.WriteStartObject();
            json.WriteString("name", actor);
            json.WriteNumber("steps", steps);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteEvents(Utf8JsonWriter json, CellResult result, Recurrence recurrence, TraceDialect dialect)
    {
        json.WriteStartArray("events");
        foreach (var e in recurrence.Events)
        {
            var named = result.Source.Naming.Named(e);
            if (!TraceText.IsPrinted(named.Kind, dialect))
            {
                continue;
            }

            json.WriteStartObject();
            json.WriteNumber("cycle", named.Cycle);
            json.WriteString("actor", result.Source.Naming.Actors[named.Actor].Comm);
            json.WriteString("text", TraceEventText.Format(named, dialect, result.Source.Naming.Names));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
