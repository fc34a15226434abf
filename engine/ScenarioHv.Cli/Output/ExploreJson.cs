using System.Text.Json;
using ScenarioHv.Cli.Commands;
using ScenarioHv.Cli.Running;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Search;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Output;

/// <summary>The JSON of <c>explore</c>. The README documents each field.</summary>
internal static class ExploreJson
{
    /// <summary>Writes the object of one cell.</summary>
    public static void Write(TextWriter output, CellFinding finding, ReplayCommand replay) => RunJson.Write(output, "explore", json =>
    {
        RunJson.WriteScenario(json, finding.Source.Cell.Scenario);
        WriteCell(json, finding, replay);
        WriteStory(json, finding);
    });

    /// <summary>Writes the object of a comparison.</summary>
    public static void Write(TextWriter output, string point, IReadOnlyList<ComparedValue> rows) => RunJson.Write(output, "explore", json =>
    {
        RunJson.WriteScenario(json, rows[0].Finding.Source.Cell.Scenario);
        json.WriteString("compared", point);
        json.WriteStartArray("values");
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("value", row.Value);
            WriteCell(json, row.Finding, row.Replay);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>Writes the object of all cells of a scenario.</summary>
    public static void Write(TextWriter output, Scenario scenario, IReadOnlyList<ExploredCell> ends) =>
        RunJson.Write(output, "explore", json =>
    {
        RunJson.WriteScenario(json, scenario);
        json.WriteStartArray("cells");
        foreach (var end in ends.Where(end => !end.IsLeftOut))
        {
            json.WriteStartObject();
            if (end.Finding is { } finding)
            {
                WriteCell(json, finding, end.Replay);
            }
            else
            {
                var (code, message) = FailureReport.Classify(end.Problem!);
                json.WriteString("cell", end.Cell.Name);
                json.WriteString("error", message);
                json.WriteNumber("exitCode", (int)code);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteStrings(json, "leftOut", ends.Where(end => end.IsLeftOut).Select(end => end.Cell.Name));
        var explored = ends.Where(end => !end.IsLeftOut).ToArray();
        var met = explored.Count(end => end.Finding?.ExitCode == ExitCode.AsExpected);
        json.WriteNumber("asExpected", met);
        json.WriteNumber("notAsExpected", explored.Length - met);
    });

    private static void WriteCell(Utf8JsonWriter json, CellFinding finding, ReplayCommand replay)
    {
        var (found, size) = (finding.Found, finding.Found.Size);
        json.WriteString("cell", finding.Source.Cell.Name);
        json.WriteStartObject("policies");
        foreach (var (point, value) in finding.Source.Policies)
        {
            json.WriteString(point, value);
        }

        json.WriteEndObject();
        json.WriteBoolean("timed", finding.Source.IsTimed);
        json.WriteString("outcome", finding.OutcomeName);
        json.WriteString("property", found.Property);
        json.WriteString("reason", found.Reason);
        WriteStrings(json, "expected", finding.Expected);
        WriteMet(json, finding);
        json.WriteNumber("exitCode", (int)finding.ExitCode);
        WriteStrings(json, "bounds", finding.Source.Bounds);
        WriteSample(json, found.Sample);
        json.WriteBoolean("complete", found.Sample is null && found.Counts.AreComplete);
        json.WriteNumber("states", size.States);
        json.WriteNumber("transitions", size.Transitions);
        json.WriteNumber("steps", size.Steps);
        json.WriteNumber("depth", size.Depth);
        json.WriteNumber("frontierPeak", size.FrontierPeak);
        json.WriteNumber("bytes", size.Bytes);
        json.WriteNumber("seconds", finding.Elapsed.TotalSeconds);
        json.WriteNumber("collisionProbability", found.CollisionProbability);
        WriteEnds(json, found);
        json.WritePropertyName("failure");
        WriteFailure(json, finding, replay);
    }

    private static void WriteSample(Utf8JsonWriter json, ExplorationSample? sample)
    {
        if (sample is null)
        {
            json.WriteNull("sample");
            return;
        }

        json.WriteStartObject("sample");
        json.WriteNumber("walks", sample.Walks);
        json.WriteNumber("good", sample.Good);
        json.WriteNumber("violated", sample.Violated);
        json.WriteNumber("stuck", sample.Stuck);
        json.WriteNumber("cut", sample.Cut);
        json.WriteEndObject();
    }

    private static void WriteMet(Utf8JsonWriter json, CellFinding finding)
    {
        if (finding.IsMet is not { } met || (!met && finding.Outcome == Outcome.Inconclusive))
        {
            json.WriteNull("met");
        }
        else
        {
            json.WriteBoolean("met", met);
        }
    }

    private static void WriteEnds(Utf8JsonWriter json, Exploration.Exploration found)
    {
        json.WriteStartObject("ends");
        json.WriteNumber("goals", found.Counts.Goals);
        json.WriteNumber("terminals", found.Counts.Terminals);
        json.WriteNumber("stuckCycles", found.Counts.StuckCycles);
        json.WriteNumber("livelockCycles", found.Counts.LivelockCycles);
        json.WriteNumber("unfairCycles", found.Counts.UnfairCycles);
        json.WriteNumber("unexpanded", found.Counts.Unexpanded);
        json.WriteStartObject("broken");
        foreach (var (property, states) in found.Broken)
        {
            json.WriteNumber(property, states);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteFailure(Utf8JsonWriter json, CellFinding finding, ReplayCommand replay)
    {
        if (finding.Told.Found.Failure is not { } failure)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("steps", failure.Replay.Steps.Count);
        json.WriteNumber("switches", failure.Switches);
        if (failure.Replay.Run.Recurrence is { } recurrence)
        {
            json.WriteNumber("prefixSteps", recurrence.PrefixSteps);
            json.WriteNumber("periodSteps", recurrence.Steps);
            json.WriteNumber("stateBytes", failure.Replay.StateBytes);
        }

        if (failure.Inevitable.Kind == InevitableKind.After)
        {
            json.WriteNumber("inevitableAfter", failure.Inevitable.Steps);
        }
        else
        {
            json.WriteNull("inevitableAfter");
        }

        WriteStrings(json, "without", finding.Without);
        json.WriteString("schedule", failure.Schedule.ToString());
        json.WriteString("replay", replay.For(finding));
        json.WriteStartObject("trace");
        json.WriteString("hash", finding.Told.ShortHash);
        json.WriteString("sha256", finding.Told.TraceHash);
        json.WriteNumber("events", finding.Told.TraceEvents);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteStory(Utf8JsonWriter json, CellFinding finding)
    {
        json.WriteStartArray("story");
        foreach (var line in finding.Story(isVerbose: true)?.Lines ?? [])
        {
            json.WriteStartObject();
            json.WriteNumber("step", line.First);
            json.WriteString("actor", line.Actor.Name);
            json.WriteString("text", line.Text);
            json.WriteString("mark", line.Mark);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
