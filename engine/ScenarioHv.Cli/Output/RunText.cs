using ScenarioHv.Cli.Running;
using ScenarioHv.Cli.Stories;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Output;

/// <summary>The report of <c>run</c>: a few lines, each with a word of what it is about.</summary>
internal sealed class RunText(TextWriter output, Colour colour, int width, TraceDialect dialect)
{
    private const int LabelWidth = 13;
    private const int CycleWidth = 12;
    private const int MostPrinted = 60;
    private const int MostExplained = 600;
    private const int LastOfAll = 12;

    /// <summary>Writes the report.</summary>
    /// <param name="result">What was found.</param>
    /// <param name="last">The last events: shown if a property has failed or nobody can act, explained if that is wanted.</param>
    /// <param name="isExplained">Whether events are explained.</param>
    /// <param name="snapshots">The snapshots of the run.</param>
    public void Write(CellResult result, TraceRecorder last, bool isExplained, SnapshotNotes snapshots)
    {
        var scenario = result.Source.Cell.Scenario;
        Line("scenario", scenario.Title == scenario.Name ? scenario.Name : $"{scenario.Name}: {scenario.Title}");
        if (result.Source.Cell.Name != ScenarioCell.BaseName)
        {
            Line("cell", result.Source.Cell.Name);
        }

        Line("policies", string.Join("; ", result.Source.Policies.Select(policy => $"{policy.Point}: {policy.Value}")));
        WriteSnapshot("restored", snapshots.Restored, result);
        if (result.Source.Schedule is { } schedule)
        {
            Line("schedule", schedule.ToString());
            Line("bounds", string.Join("; ", result.Source.Bounds));
        }

        Line("outcome", $"{Coloured(result)}{(result.Property is { } property ? " " + property : "")}: {result.Run.Reason}");
        if (result.Run.Recurrence is { } recurrence)
        {
            WriteRecurrence(result, recurrence, isExplained);
        }
        else
        {
            WriteEnd(result);
            if (result.Source.Schedule is null)
            {
                WriteLast(result, last, isExplained);
            }
            else
            {
                WriteStory(result, isExplained);
            }
        }

        WriteLatencies(result);
        WriteExpectation(result);
        var since = snapshots.Restored is null ? "" : " since the restored state";
        Line("trace", $"{result.ShortHash}, {Wording.Count(result.TraceEvents, "event", "events")}{since}");
        WriteSnapshot("saved", snapshots.Saved, result);
        if (result.Reproduces is { } reproduces)
        {
            Line("reproduces", reproduces.IsSame ? colour.Good("yes: ") + reproduces.Words : colour.Bad("no: ") + reproduces.Words);
        }
    }

    private void WriteSnapshot(string label, SnapshotNote? snapshot, CellResult result)
    {
        if (snapshot is not null)
        {
            var cycles = Wording.Cycles(snapshot.Cycle, result.Config.TscHz);
            Line(label, $"{snapshot.File}: {cycles}, after {Wording.Count(snapshot.Steps, "step", "steps")}");
        }
    }

    /// <summary>Cycles from the request to the handler's first instruction, and where a request that got lost had been merged.</summary>
    private void WriteLatencies(CellResult result)
    {
        if (result is { Outcome: Outcome.Violated, LastCollapse: { } merged })
        {
            Line("collapsed", $"{Stamp(result)} {Wording.Number(merged.Cycle)}: vector 0x{merged.Vector:x2} of vCPU {merged.Vcpu} "
                + "was requested while its bit in IRR was still set");
        }

        foreach (var latency in result.Latencies)
        {
            Line("latency", $"vector 0x{latency.Vector:x2} of vCPU {latency.Vcpu}, request to handler, "
                + $"{Wording.Count(latency.Count, "time", "times")}: {Wording.Number(latency.Minimum)} to "
                + $"{Wording.Number(latency.Maximum)} cycles, median {Wording.Number(latency.Median)}");
        }
    }

    private void WriteRecurrence(CellResult result, Recurrence recurrence, bool isExplained)
    {
        var hz = result.Config.TscHz;
        var isTimed = !result.Source.StandsStill;
        Line("prefix", Wording.Count(recurrence.PrefixSteps, "step", "steps")
            + (isTimed ? $", {Wording.Cycles(recurrence.PrefixCycles, hz)}" : ""));
        Line("period", Wording.Count(recurrence.Steps, "step", "steps") + (isTimed ? $", {Wording.Cycles(recurrence.Cycles, hz)}" : ""));
        Line("proof", $"the state after the prefix and the state one period later are the same {result.StateBytes} bytes");
        Line("progress", Progress(result, recurrence.Work));
        if (recurrence.IsFed)
        {
            Line("fed", $"{Wording.Count(recurrence.Work.Stimuli, "stimulus comes", "stimuli come")} from outside in the period: "
                + "a storm that lasts as long as it is fed");
        }

        WriteRearmings(result);
        if (result.Source.Schedule is not null)
        {
            WriteStory(result, isExplained);
            return;
        }

        WriteEvents("events", recurrence.Events, isPeriod: true, isExplained, result);
    }

    private static string Stamp(CellResult result) => result.Source.StandsStill ? "step" : "cycle";

    private static string Progress(CellResult result, Engine.Scheduling.Statistics work)
    {
        var l1 = $"L1 retired {Wording.Count(work.L1Retired, "instruction", "instructions")}";
        return result.Config.L2 is null
            ? l1 + " in the period"
            : $"L2 retired {Wording.Count(work.L2Retired, "instruction", "instructions")} in the period, {l1}; {Entries(work)}";
    }

    private void WriteRearmings(CellResult result)
    {
        if (result.Rearmings.Count == 0)
        {
            Line("re-armed by", "no policy: none decided in the period");
            return;
        }

        Line("re-armed by", Wording.And([.. result.Rearmings.Select(rearming => $"{rearming.Point}: {rearming.Value}")]));
        foreach (var rearming in result.Rearmings)
        {
            foreach (var (decision, times) in rearming.Decisions)
            {
                Line("", $"{rearming.Point}: {decision}{(times == 1 ? "" : $" ({Wording.Number(times)} times)")}");
            }
        }
    }

    private void WriteEnd(CellResult result)
    {
        var steps = $"after {Wording.Count(result.Run.Steps, "step", "steps")}";
        Line("at", result.Source.StandsStill ? steps : $"{Wording.Cycles(result.Run.Cycles, result.Config.TscHz)}, {steps}");
        var totals = result.Run.Totals;
        var sent = $"{Wording.Count(totals.Resent, "re-injection", "re-injections")}, {Wording.Number(totals.Delayed)} put off";
        Line("counts", result.Config.L2 is null ? sent : $"{Entries(totals)}; {sent}");
    }

    private static string Entries(Engine.Scheduling.Statistics work) =>
        $"{Wording.Count(work.L2Entries, "L2 entry", "L2 entries")}, {Wording.Number(work.L2WastedEntries)} wasted";

    /// <summary>What led to the end: all that was recorded if it is to be explained, else a few lines if the end is a failure.</summary>
    private void WriteLast(CellResult result, TraceRecorder last, bool isExplained)
    {
        TraceEvent[] events = isExplained ? [.. last]
            : result.Outcome is Outcome.Violated or Outcome.Stuck
                ? [.. last.Where(e => e.Kind != TraceEventKind.PolicyDecided && TraceText.IsPrinted(e.Kind, dialect)).TakeLast(LastOfAll)]
                : [];
        if (events.Length > 0)
        {
            WriteEvents($"last {events.Length}", events, isPeriod: false, isExplained, result);
        }
    }

    /// <summary>
    /// Events, one per line with its cycle. What the policies decided is shown only among explained ones: the report has said it.
    /// </summary>
    private void WriteEvents(string label, IReadOnlyList<TraceEvent> events, bool isPeriod, bool isExplained, CellResult result)
    {
        var named = new TraceEvent[events.Count];
        for (var i = 0; i < named.Length; i++)
        {
            named[i] = isPeriod ? result.Source.Naming.Named(events[i]) : events[i];
        }

        var names = result.Source.Naming.Names;
        var contexts = new EventContexts(named, isPeriod, names);
        Line(label, $"{(isPeriod ? $"of the period, with the {Stamp(result)}" : "events before the end")} (printed as by {dialect.Name})");
        var left = isExplained ? MostExplained : MostPrinted;
        for (var i = 0; i < named.Length; i++)
        {
            var e = named[i];
            if ((e.Kind == TraceEventKind.PolicyDecided && !isExplained) || !TraceText.IsPrinted(e.Kind, dialect))
            {
                continue;
            }

            if (left-- == 0)
            {
                var rest = Wording.Number(named.Length - i);
                output.WriteLine($"{new string(' ', CycleWidth)} ... and {rest} more; --trace writes all of them");
                return;
            }

            var cycle = Wording.Number(e.Cycle).PadLeft(CycleWidth);
            output.WriteLine($"{colour.Faint(cycle)} {TraceEventText.Format(e, dialect, names)}");
            if (isExplained)
            {
                WriteExplanation(TraceExplainer.Explain(e, contexts.Of(i)));
            }
        }
    }

    /// <summary>What happens in a history that was replayed, from its beginning.</summary>
    private void WriteStory(CellResult result, bool isVerbose)
    {
        Line("story", Wording.Count(result.Steps.Count, "step", "steps") + (isVerbose ? "" : "; --verbose has a line for each"));
        new StoryTable(output, colour, width).Write(
            new Story(result.Source.Board, result.Source.Naming, result.Run, result.Steps, inevitable: null, isVerbose));
    }

    private void WriteExplanation(string sentence)
    {
        var indent = new string(' ', CycleWidth + 3);
        foreach (var line in Wording.Wrap(sentence, width - indent.Length))
        {
            output.WriteLine(indent + colour.Faint(line));
        }
    }

    private void WriteExpectation(CellResult result)
    {
        var expected = string.Join(" or ", result.Expected);
        Line("expected", result.IsMet switch
        {
            null => "nothing in particular",
            true => $"{expected}: {colour.Good("met")}",
            _ when result.Outcome == Outcome.Inconclusive => $"{expected}: {colour.Doubtful("not known")}",
            _ => $"{expected}: {colour.Bad("not met")}",
        });
    }

    private string Coloured(CellResult result) => result.Outcome switch
    {
        Outcome.Reached => colour.Good(result.OutcomeName),
        Outcome.Inconclusive => colour.Doubtful(result.OutcomeName),
        _ => colour.Bad(result.OutcomeName),
    };

    private void Line(string label, string text) =>
        output.WriteLine($"{colour.Faint(label.PadRight(LabelWidth))}{text}");
}
