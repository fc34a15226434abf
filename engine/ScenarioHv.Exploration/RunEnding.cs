using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Exploration;

/// <summary>What the ways mean in which a history can end, whoever has chosen its steps.</summary>
internal static class RunEnding
{
    /// <summary>The goal or a violation, if the machine's last step has led there; null if it goes on.</summary>
    public static RunResult? Of(Board board, Machine machine, long steps)
    {
        if (machine.Ref(board.Check).Violation is { Exists: true } violation)
        {
            var words = violation.Property switch
            {
                SafetyProperty.Lock => KernelLockWords.Describe(board, machine, violation),
                SafetyProperty.Assert => board.Assertions.Text(violation.Expected) ?? ViolationText.Of(violation),
                _ => ViolationText.Of(violation),
            };
            return Finish(board, RunOutcome.Violated, words, steps, machine) with { Property = PropertyTable.NameOf(violation.Property) };
        }

        return machine.Ref(board.Check).GoalReached != 0 ? Finish(board, RunOutcome.Reached, "the goal was met", steps, machine) : null;
    }

    /// <summary>Nobody can take another step.</summary>
    public static RunResult AtRest(Board board, Machine machine, long steps)
    {
        if (board.Config.Goal is null)
        {
            return Finish(board, RunOutcome.Reached, "everything has come to rest", steps, machine);
        }

        var watch = new LivenessWatch(board);
        watch.Observe(machine);
        return Explain(Finish(board, RunOutcome.Stuck, "nobody can take another step", steps, machine), watch);
    }

    /// <summary>The machine's state recurs.</summary>
    /// <param name="board">The board.</param>
    /// <param name="machine">The machine one period behind the prefix.</param>
    /// <param name="steps">Steps until the recurrence was seen.</param>
    /// <param name="recurrence">Prefix and period.</param>
    /// <param name="moves">Whether an operation of a guest retires in the period.</param>
    /// <param name="watch">Has seen the states of the period.</param>
    public static RunResult Recurs(Board board, Machine machine, long steps, Recurrence recurrence, bool moves, LivenessWatch watch)
    {
        var outcome = moves ? RunOutcome.Livelock : RunOutcome.Stuck;
        var words = moves ? "the machine's state recurs" : "the machine's state recurs and no guest operation retires in the period";
        return Explain(Finish(board, outcome, words, steps, machine) with { Recurrence = recurrence }, watch);
    }

    /// <summary>The result of a history that ends here.</summary>
    public static RunResult Finish(Board board, RunOutcome outcome, string reason, long steps, Machine machine) =>
        new(outcome, reason, steps, board.Config.Time is null ? machine.Now : 0, machine.Ref(board.Statistics), null);

    /// <summary>What happened between two moments.</summary>
    public static Statistics Difference(in Statistics from, in Statistics to) => new()
    {
        L2Entries = to.L2Entries - from.L2Entries,
        L2WastedEntries = to.L2WastedEntries - from.L2WastedEntries,
        L2Retired = to.L2Retired - from.L2Retired,
        L1Retired = to.L1Retired - from.L1Retired,
        Resent = to.Resent - from.Resent,
        Delayed = to.Delayed - from.Delayed,
        Stimuli = to.Stimuli - from.Stimuli,
    };

    /// <summary>Names the property of liveness that explains why a run goes nowhere.</summary>
    private static RunResult Explain(RunResult result, LivenessWatch watch) =>
        watch.Explain(out var words) is var property && property == LivenessProperty.None ? result
            : result with { Reason = $"{result.Reason}; {words}", Property = PropertyTable.NameOf(property) };
}

/// <summary>Keeps every event.</summary>
internal sealed class EventList(List<TraceEvent> events) : ITraceSink
{
    /// <inheritdoc/>
    public void Emit(in TraceEvent traceEvent) => events.Add(traceEvent);
}
