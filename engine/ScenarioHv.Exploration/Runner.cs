using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Exploration;

/// <summary>
/// Runs a machine: the actor with the smallest (cycle, order) takes each step. The run ends when the goal is met, when nobody can act, when
/// a limit is reached, or when the machine is in a state that it was in before. That is found with Brent's algorithm on whole normal forms,
/// never on fingerprints; prefix and period are then measured by two more runs from the start.
/// </summary>
public sealed class Runner
{
    private readonly Board _board;
    private readonly RunLimits _limits;

    /// <summary>Creates a runner for the machines of <paramref name="board"/>.</summary>
    public Runner(Board board, RunLimits? limits = null)
    {
        _board = board;
        _limits = limits ?? new RunLimits();
    }

    /// <summary>Called now and then with (steps, cycles): for a progress line. It must not touch the machine.</summary>
    public Action<long, long>? Progress { get; init; }

    /// <summary>
    /// Where the run begins; null for the machine's first state, from which steps and prefix are counted all the same.
    /// </summary>
    public RunPoint? Start { get; init; }

    /// <summary>Runs to the end.</summary>
    /// <param name="sink">
    /// Takes the trace events of the history, from a second run of it: all of it, or if the state recurs the prefix and exactly two
    /// periods. Null for none.
    /// </param>
    /// <exception cref="StepException">A guest's code or an assertion failed; the sink has the events until then.</exception>
    public RunResult Run(ITraceSink? sink = null)
    {
        try
        {
            var result = Search();
            var steps = result.Recurrence is { } recurrence ? recurrence.PrefixSteps + (2 * recurrence.Steps) : result.Steps;
            Replay(steps, sink, result.Recurrence is null ? result.Cycles : null);
            return result;
        }
        catch (StepException failure)
        {
            var last = new LastEvents(failure.Guest?.Vcpu, sink);
            Replay(failure.Steps, last, null);
            failure.LastEvents = last.Events;
            throw;
        }
    }

    /// <summary>The first state of the run with the clock at <paramref name="cycle"/> or later.</summary>
    /// <returns>Null if the run ends before that.</returns>
    /// <exception cref="StepException">A guest's code or an assertion failed.</exception>
    public RunPoint? StateAt(long cycle)
    {
        var engine = new StepEngine(_board);
        var machine = Create(engine);
        var steps = FirstStep;
        while (machine.Now < cycle)
        {
            var hasEnded = machine.Ref(_board.Check).GoalReached != 0 || machine.Ref(_board.Check).Violation.Exists;
            if (hasEnded || engine.Next(machine) is not { } actor || LimitReached(steps, actor.ReadyAt(machine).Cycle) is not null)
            {
                return null;
            }

            Step(engine, machine, actor, steps++);
        }

        return new RunPoint(machine, steps);
    }

    private long FirstStep => Start?.Steps ?? 0;

    /// <summary>Runs the same history again with the trace on.</summary>
    private void Replay(long steps, ITraceSink? sink, long? cycles)
    {
        if (sink is null || steps < 0)
        {
            return;
        }

        var engine = new StepEngine(_board, sink);
        var machine = Begin(engine);
        for (var i = FirstStep; i < steps; i++)
        {
            engine.Step(machine, engine.Next(machine)!);
        }

        if (cycles is { } expected && machine.Now != expected)
        {
            throw new InvalidOperationException(
                $"Two runs of one machine differ: after {steps} steps one is at cycle {expected}, the other at {machine.Now}.");
        }
    }

    private RunResult Search()
    {
        var engine = new StepEngine(_board);
        var machine = Create(engine);
        var normal = NormalForm.Of(_board.Layout);
        var size = _board.Layout.Size;
        byte[] anchor = new byte[size], scratch = new byte[size];
        var anchorLength = normal.Write(machine, anchor);
        long steps = FirstStep, power = 1, since = 0;
        while (true)
        {
            if (RunEnding.Of(_board, machine, steps) is { } end)
            {
                return end;
            }

            if (engine.Next(machine) is not { } actor)
            {
                return RunEnding.AtRest(_board, machine, steps);
            }

            if (LimitReached(steps, actor.ReadyAt(machine).Cycle) is { } limit)
            {
                return RunEnding.Finish(_board, RunOutcome.Inconclusive, limit, steps, machine);
            }

            Step(engine, machine, actor, steps);
            steps++;
            since++;
            var length = normal.Write(machine, scratch);
            if (length == anchorLength && scratch.AsSpan(0, length).SequenceEqual(anchor.AsSpan(0, anchorLength)))
            {
                return Recurs(steps, since, machine);
            }

            if (since == power)
            {
                (anchor, scratch) = (scratch, anchor);
                anchorLength = length;
                power *= 2;
                since = 0;
            }

            if ((steps & 0xffff) == 0)
            {
                Progress?.Invoke(steps, machine.Now);
            }
        }
    }

    private Machine Begin(StepEngine engine) => Start?.Machine.Fork() ?? engine.Create();

    private Machine Create(StepEngine engine)
    {
        try
        {
            return Begin(engine);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            throw StepException.OfFirst(engine, problem);
        }
    }

    private static void Step(StepEngine engine, Machine machine, Actor actor, long steps)
    {
        try
        {
            engine.Step(machine, actor);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            throw StepException.Of(engine, machine, steps, actor, problem);
        }
    }

    private string? LimitReached(long steps, long cycle) =>
        steps >= _limits.Steps ? $"the limit of {_limits.Steps} steps was reached"
        : cycle > _limits.Cycles ? $"the limit of {_limits.Cycles} cycles was reached"
        : null;

    /// <summary>The state recurs with a period that divides nothing smaller: Brent's count since the anchor is the period.</summary>
    private RunResult Recurs(long steps, long period, Machine machine)
    {
        var watch = new LivenessWatch(_board);
        var recurrence = Measure(period, watch);
        var moves = recurrence.Work.L1Retired + recurrence.Work.L2Retired > 0;
        return RunEnding.Recurs(_board, machine, steps, recurrence, moves, watch);
    }

    /// <summary>
    /// Second pass: two machines, one a period ahead, walk together until they are in the same state; then one more period is recorded.
    /// </summary>
    private Recurrence Measure(long period, LivenessWatch watch)
    {
        var engine = new StepEngine(_board);
        Machine behind = Begin(engine), ahead = Begin(engine);
        for (long i = 0; i < period; i++)
        {
            engine.Step(ahead, engine.Next(ahead)!);
        }

        var normal = NormalForm.Of(_board.Layout);
        byte[] left = new byte[_board.Layout.Size], right = new byte[_board.Layout.Size];
        var prefix = FirstStep;
        while (!left.AsSpan(0, normal.Write(behind, left)).SequenceEqual(right.AsSpan(0, normal.Write(ahead, right))))
        {
            engine.Step(behind, engine.Next(behind)!);
            engine.Step(ahead, engine.Next(ahead)!);
            prefix++;
        }

        return Record(behind, prefix, period, watch);
    }

    private Recurrence Record(Machine machine, long prefix, long period, LivenessWatch watch)
    {
        var events = new List<TraceEvent>();
        var engine = new StepEngine(_board, new EventList(events));
        var before = machine.Ref(_board.Statistics);
        var start = machine.Now;
        var counts = new long[_board.Actors.Count];
        for (long i = 0; i < period; i++)
        {
            var actor = engine.Next(machine)!;
            counts[actor.Index]++;
            engine.Step(machine, actor);
            watch.Observe(machine);
        }

        return new Recurrence(prefix, start, period, machine.Now - start, RunEnding.Difference(before, machine.Ref(_board.Statistics)))
        {
            Events = events,
            Actors = ActorSteps.Of(_board.Actors, counts),
        };
    }
}
