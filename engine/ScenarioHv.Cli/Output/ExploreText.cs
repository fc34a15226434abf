using System.Globalization;
using ScenarioHv.Cli.Running;
using ScenarioHv.Cli.Stories;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Search;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Output;

/// <summary>
/// The report of <c>explore</c> about one cell: a few lines, each with a word of what it is about, and the story of a failure.
/// </summary>
internal sealed class ExploreText(TextWriter output, Colour colour, int width, ReplayCommand replay)
{
    private const int LabelWidth = 13;

    /// <summary>Writes the report.</summary>
    /// <param name="finding">What was found.</param>
    /// <param name="isVerbose">Whether the report says what the search took, and tells each step of a failure.</param>
    /// <param name="saved">Where a reproducer of the failure was saved; null if it was not asked for.</param>
    public void Write(CellFinding finding, bool isVerbose, string? saved)
    {
        var scenario = finding.Source.Cell.Scenario;
        Line("scenario", scenario.Title == scenario.Name ? scenario.Name : $"{scenario.Name}: {scenario.Title}");
        if (finding.Source.Cell.Name != ScenarioCell.BaseName)
        {
            Line("cell", finding.Source.Cell.Name);
        }

        Line("policies", string.Join("; ", finding.Source.Policies.Select(policy => $"{policy.Point}: {policy.Value}")));
        var property = finding.Found.Property is { } name ? " " + name : "";
        Line("verdict", $"{Coloured(finding)}{property}: {finding.Found.Reason}");
        WriteSize(finding, isVerbose);
        WriteLines("bounds", finding.Source.Bounds);
        if (finding.Outcome == Outcome.Holds)
        {
            WriteLines("assumed", Assumptions(finding));
        }

        if (finding.Told.Found.Failure is { } failure)
        {
            WriteFailure(finding, failure, isVerbose);
        }

        WriteExpectation(finding);
        if (saved is not null)
        {
            Line("saved", finding.Found.Failure is null
                ? "nothing: no failure was found"
                : $"{saved}: 'scenariohv run' with it replays the failure");
        }
    }

    private void WriteSize(CellFinding finding, bool saysEffort)
    {
        if (finding.Found.Sample is { } sample)
        {
            WriteSample(sample);
            return;
        }

        var (size, counts) = (finding.Found.Size, finding.Found.Counts);
        Line("searched", $"{Wording.Count(size.States, "state", "states")}, {Wording.Count(size.Transitions, "transition", "transitions")}"
            + (size.Steps == size.Transitions ? "" : $" of {Wording.Count(size.Steps, "step", "steps")}")
            + $", at most {Wording.Count(size.Depth, "transition", "transitions")} deep"
            + (counts.AreComplete ? "" : Unseen(finding.Found)));
        if (finding.Found.Broken.Count > 0)
        {
            Line("broken", string.Join(", ", finding.Found.Broken.Select(broken =>
                $"{broken.Property} in {Wording.Count(broken.States, "state", "states")}")));
        }

        if (counts.AreComplete && finding.Found.Failure is not null)
        {
            Line("ends", Ends(finding, counts));
        }

        if (finding.Found.Fault is { } fault)
        {
            Line("fault", $"a step of another history failed, and the search ended there: {fault}");
        }

        if (saysEffort)
        {
            var seconds = finding.Elapsed.TotalSeconds;
            Line("effort", string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s, ")
                + string.Create(CultureInfo.InvariantCulture, $"{size.States / Math.Max(seconds, 0.001):0} states a second, ")
                + $"{Wording.Bytes(size.Bytes)}, {Wording.Number(size.FrontierPeak)} states waiting at most");
        }
    }

    /// <summary>What a sample is is said before anything else that could be taken for a proof.</summary>
    private void WriteSample(ExplorationSample sample)
    {
        var wanted = sample.Walks < sample.Wanted ? $" of {Wording.Number(sample.Wanted)}" : "";
        Line("sampled", $"{Wording.Number(sample.Walks)}{wanted} walks at random, {Wording.Count(sample.Steps, "step", "steps")}, "
            + $"at most {Wording.Number(sample.Longest)} in one; other histories were not looked at");
        Line("ends", $"{Wording.Number(sample.Good)} good, {Wording.Number(sample.Violated)} violated, "
            + $"{Wording.Number(sample.Stuck)} stuck, "
            + $"{Wording.Number(sample.Cut)} cut off");
    }

    private static string Unseen(Exploration.Exploration found) => found.EndedBy == SearchLimit.AfterViolation
        ? $"; {Wording.Count(found.Counts.Unexpanded, "state was", "states were")} left when it was known long enough"
        : $"; {Wording.Count(found.Counts.Unexpanded, "state was", "states were")} not stepped from";

    /// <summary>What else there is, if everything was seen: how many ways lead to a good end, and to a bad one.</summary>
    private static string Ends(CellFinding finding, GraphCounts counts)
    {
        var ends = new List<string>();
        Add(counts.Goals, "the goal is met in {0}", "state", "states");
        Add(counts.Terminals, "nobody can act in {0}", "state", "states");
        Add(counts.StuckCycles, "nothing retires on {0}", "fair cycle", "fair cycles");
        Add(counts.LivelockCycles, "guests run on in {0}", "fair cycle", "fair cycles");
        return finding.Source.Config.Goal is not null && counts.Goals == 0
            ? string.Join("; ", ends.Prepend("the goal is never met"))
            : string.Join("; ", ends);

        void Add(long count, string words, string one, string many)
        {
            if (count > 0)
            {
                ends.Add(string.Format(CultureInfo.InvariantCulture, words, Wording.Count(count, one, many)));
            }
        }
    }

    /// <summary>What a verdict that something holds takes for granted.</summary>
    private static IEnumerable<string> Assumptions(CellFinding finding)
    {
        yield return "weak fairness: who can act all the while acts in the end";
        yield return "memory: each step sees what the steps before it have written; a barrier that is missing is a policy";
        yield return "no two states have one fingerprint of 64 bits: the probability that two have is below "
            + Above(finding.Found.CollisionProbability);
    }

    /// <summary>The power of ten above a probability: more digits say nothing.</summary>
    private static string Above(double probability) =>
        probability <= 0
            ? "1e-19"
            : $"1e{Math.Min(0, (int)Math.Floor(Math.Log10(probability)) + 1).ToString(CultureInfo.InvariantCulture)}";

    private void WriteFailure(CellFinding finding, ExploredFailure failure, bool isVerbose)
    {
        var run = failure.Replay.Run;
        var steps = run.Recurrence is { } recurrence
            ? $"after {Wording.Count(recurrence.PrefixSteps, "step", "steps")} it goes round for ever in {Wording.Number(recurrence.Steps)}"
            : Wording.Count(failure.Replay.Steps.Count, "step", "steps");
        Line("failure", $"{steps}, with {Wording.Count(failure.Switches, "context switch", "context switches")}");
        if (run.Recurrence is { } period)
        {
            Line("proof", $"the state after the prefix and the state one period later are the same {failure.Replay.StateBytes} bytes");
            Line("period", Period(finding, period));
        }

        Line("inevitable", failure.Inevitable switch
        {
            _ when finding.Found.Sample is not null => "not known: other histories were not looked at",
            { Kind: InevitableKind.Unknown } => "not known: not everything was seen",
            { Kind: InevitableKind.Never } => "never: each round could still end well",
            { Steps: 0 } => "from the first state on",
            var after => $"after step {Wording.Number(after.Steps)}",
        });
        if (finding.Without.Count > 0)
        {
            Line("without", string.Join("; ", finding.Without) + ": the failure needs none of these");
        }

        output.WriteLine();
        new StoryTable(output, colour, width).Write(finding.Story(isVerbose)!);
        output.WriteLine();
        Line("schedule", failure.Schedule.ToString());
        Line("replay", replay.For(finding));
        Line("trace", $"{finding.Told.ShortHash}, {Wording.Count(finding.Told.TraceEvents, "event", "events")}");
    }

    /// <summary>Who acts in a period, and what the guests do in it.</summary>
    private static string Period(CellFinding finding, Recurrence period)
    {
        var l1 = $"L1 retires {Wording.Count(period.Work.L1Retired, "instruction", "instructions")}";
        var work = finding.Source.Config.L2 is null
            ? l1
            : $"L2 retires {Wording.Count(period.Work.L2Retired, "instruction", "instructions")}, {l1}";
        return $"{work}; steps of {Wording.And([.. period.Actors.Select(actor => actor.Actor)])}";
    }

    private void WriteExpectation(CellFinding finding)
    {
        var expected = string.Join(" or ", finding.Expected);
        Line("expected", finding.IsMet switch
        {
            null => "nothing in particular",
            true => $"{expected}: {colour.Good("met")}",
            _ when finding.Outcome == Outcome.Inconclusive => $"{expected}: {colour.Doubtful("not known")}",
            _ => $"{expected}: {colour.Bad("not met")}",
        });
    }

    private string Coloured(CellFinding finding) => finding.Outcome switch
    {
        Outcome.Holds => colour.Good(finding.OutcomeName),
        Outcome.Inconclusive => colour.Doubtful(finding.OutcomeName),
        _ => colour.Bad(finding.OutcomeName),
    };

    private void WriteLines(string label, IEnumerable<string> texts)
    {
        foreach (var text in texts)
        {
            foreach (var line in Wording.Wrap(text, width - LabelWidth))
            {
                Line(label, line);
                label = "";
            }
        }
    }

    private void Line(string label, string text) =>
        output.WriteLine($"{colour.Faint(label.PadRight(LabelWidth))}{text}".TrimEnd());
}
