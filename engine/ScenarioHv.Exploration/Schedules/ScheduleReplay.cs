using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;
using static System.FormattableString;

namespace ScenarioHv.Exploration.Schedules;

/// <summary>What a replay found.</summary>
/// <param name="Run">
/// The outcome, as a run has it. Where the clock stands still every number of cycles is 0, and prefix and period are counted in steps.
/// </param>
/// <param name="StateBytes">How many bytes name the state that recurs and were compared; 0 if none does.</param>
/// <param name="Steps">The steps, those of the prefix and of one period; empty unless they were asked for.</param>
public sealed record ReplayResult(RunResult Run, int StateBytes, IReadOnlyList<ReplayStep> Steps);

/// <summary>
/// Goes the way of a schedule on a machine. The way is gone twice: first to find its end, then with the trace on. If the history repeats,
/// the whole states at both ends of the period are compared byte by byte before anything is said of it.
/// </summary>
/// <param name="board">The machine's board.</param>
/// <param name="schedule">The way.</param>
public sealed class ScheduleReplay(Board board, Schedule schedule)
{
    /// <summary>When to give up where there is nothing to choose. Cycles count only for a machine with time in cycles.</summary>
    public RunLimits Limits { get; init; } = new();

    /// <summary>True if the result has to hold each step.</summary>
    public bool KeepsSteps { get; init; }

    /// <summary>
    /// True if a search of this process has made the schedule: if it does not fit then, the laboratory is wrong and not its user.
    /// </summary>
    public bool IsOwn { get; init; }

    /// <summary>Called now and then with (steps, cycles): for a progress line. It must not touch the machine.</summary>
    public Action<long, long>? Progress { get; init; }

    /// <summary>Replays.</summary>
    /// <param name="sink">
    /// Takes the trace events, of the prefix and of one period. Where the clock stands still an event is stamped with the number of its
    /// step, from 1.
    /// </param>
    /// <exception cref="ScheduleException">The schedule does not fit the machine.</exception>
    /// <exception cref="StepException">A guest's code or an assertion failed; the sink has the events until then.</exception>
    /// <exception cref="InvalidOperationException">The schedule is <see cref="IsOwn"/> and does not fit, or two replays differ.</exception>
    public ReplayResult Run(ITraceSink? sink = null)
    {
        try
        {
            RequireClock();
            return Tell(Find(), sink);
        }
        catch (StepException failure)
        {
            failure.LastEvents = Repeat(failure, sink);
            throw;
        }
        catch (ScheduleException problem) when (IsOwn)
        {
            throw new InvalidOperationException($"The schedule {schedule} of a search cannot be replayed: {problem.Message}.", problem);
        }
    }

    private bool StandsStill => board.Config.Time is not null;

    private void RequireClock()
    {
        if (schedule.IsInClasses != StandsStill)
        {
            throw new ScheduleException(schedule.IsInClasses
                ? "the schedule is one of time in classes ('c:'), and the machine counts cycles"
                : "the schedule is one of time in cycles ('t:'), and the machine has time in classes");
        }
    }

    /// <summary>The first pass: where the way ends, or where it closes.</summary>
    private Path Find()
    {
        var walk = new ScheduleWalk(board, schedule);
        var memory = new StateMemory(board);
        byte[]? begin = null;
        long prefix = 0;
        while (true)
        {
            var place = walk.Look();
            if (place == WalkPlace.Open && schedule.Period.Count > 0 && !walk.IsInPeriod)
            {
                (begin, prefix) = (memory.Bytes(walk.Machine), walk.Steps);
                walk.BeginPeriod();
                place = walk.Look();
            }

            if (Stop(walk, place, begin, prefix, memory) is { } path)
            {
                return path;
            }

            walk.Step(place);
            if (place != WalkPlace.Forced)
            {
                memory.Forget();
            }

            if ((walk.Steps & 0xffff) == 0)
            {
                Progress?.Invoke(walk.Steps, walk.Machine.Now);
            }
        }
    }

    /// <summary>The path, if it ends at this place or closes here; null if it goes on.</summary>
    private Path? Stop(ScheduleWalk walk, WalkPlace place, byte[]? begin, long prefix, StateMemory memory)
    {
        switch (place)
        {
            case WalkPlace.End or WalkPlace.Rest:
                RequireUsed(walk, place == WalkPlace.Rest ? "nobody can act any more" : "the history ends");
                return new Path(walk.Steps, place == WalkPlace.Rest ? Close.Rest : Close.End, 0, 0);
            case WalkPlace.Open when begin is not null:
                return memory.Bytes(walk.Machine).AsSpan().SequenceEqual(begin)
                    ? new Path(walk.Steps, Close.Round, prefix, walk.Steps - prefix)
                    : throw new ScheduleException(Invariant(
                        $"the state behind step {walk.Steps} is not the one behind step {prefix}: what stands behind '@' does not repeat"));
            case WalkPlace.Open:
                return new Path(walk.Steps, Close.Open, 0, 0);
            case WalkPlace.Forced when memory.Recurs(walk.Machine) is { } period:
                RequireUsed(walk, "the state recurs, with nothing to choose in between,");
                return new Path(walk.Steps, Close.Round, Prefix(period), period);
            default:
                return walk.Steps >= Limits.Steps || (!StandsStill && walk.Machine.Now > Limits.Cycles)
                    ? new Path(walk.Steps, Close.Limit, 0, 0) : null;
        }
    }

    private void RequireUsed(ScheduleWalk walk, string what)
    {
        if (schedule.Period.Count > 0)
        {
            throw new ScheduleException(Invariant($"{what} behind step {walk.Steps}: what stands behind '@' does not repeat"));
        }

        if (walk.Left > 0)
        {
            throw new ScheduleException(Invariant($"{what} behind step {walk.Steps}, and the schedule has {walk.Left} more ")
                + (walk.Left == 1 ? "choice" : "choices"));
        }
    }

    /// <summary>How many steps lead to the first state of a period without choices: two walks, a period apart, until they meet.</summary>
    private long Prefix(long period)
    {
        ScheduleWalk behind = new(board, schedule), ahead = new(board, schedule);
        for (long i = 0; i < period; i++)
        {
            ahead.Step(ahead.Look());
        }

        var memory = new StateMemory(board);
        while (!memory.Bytes(behind.Machine).AsSpan().SequenceEqual(memory.Bytes(ahead.Machine)))
        {
            behind.Step(behind.Look());
            ahead.Step(ahead.Look());
        }

        return behind.Steps;
    }

    /// <summary>The second pass: the same way with the trace on.</summary>
    private ReplayResult Tell(Path path, ITraceSink? sink)
    {
        var teller = new ReplayTeller(board, schedule, sink, KeepsSteps);
        var end = path.Close == Close.Round ? path.Prefix : path.Steps;
        teller.GoTo(end);
        if (path.Close != Close.Round)
        {
            return new ReplayResult(EndOf(path, teller), 0, teller.Steps);
        }

        var recurrence = teller.GoRound(path.Period, out var watch, out var neglected, out var bytes);
        var run = RunEnding.Recurs(board, teller.Machine, teller.Walked, recurrence, teller.HasRetired, watch);
        return new ReplayResult(neglected.Length == 0 ? run : Unfair(run, neglected), bytes, teller.Steps);
    }

    private RunResult EndOf(Path path, ReplayTeller teller) => path.Close switch
    {
        Close.End => RunEnding.Of(board, teller.Machine, path.Steps)
            ?? throw new InvalidOperationException($"Two replays of {schedule} differ: the second does not end at step {path.Steps}."),
        Close.Rest => RunEnding.AtRest(board, teller.Machine, path.Steps),
        Close.Open => RunEnding.Finish(
            board, RunOutcome.Inconclusive, $"the schedule ends where {teller.Names} can act", path.Steps, teller.Machine),
        _ => RunEnding.Finish(
            board,
            RunOutcome.Inconclusive,
            $"the limit of {(path.Steps >= Limits.Steps ? $"{Limits.Steps} steps" : $"{Limits.Cycles} cycles")} was reached",
            path.Steps,
            teller.Machine),
    };

    /// <summary>A cycle in which somebody could act all the while and never does proves nothing.</summary>
    private RunResult Unfair(RunResult run, string neglected) => IsOwn
        ? throw new InvalidOperationException($"The schedule {schedule} of a search repeats, and neglects {neglected}.")
        : run with
        {
            Outcome = RunOutcome.Inconclusive,
            Property = null,
            Reason = $"the machine's state recurs, but {neglected} could act all the while and never does: nothing is proven",
        };

    /// <summary>The events up to a step that fails, and the last of them.</summary>
    private IReadOnlyList<TraceEvent> Repeat(StepException failure, ITraceSink? sink)
    {
        var last = new LastEvents(failure.Guest?.Vcpu, sink);
        if (failure.Steps >= 0)
        {
            new ReplayTeller(board, schedule, last, keepsSteps: false).GoTo(failure.Steps);
        }

        return last.Events;
    }

    /// <summary>Why a path goes no further.</summary>
    private enum Close
    {
        End,
        Rest,
        Open,
        Limit,
        Round,
    }

    private sealed record Path(long Steps, Close Close, long Prefix, long Period);

    /// <summary>Finds a state that recurs where there is nothing to choose: Brent's algorithm on whole normal forms.</summary>
    private sealed class StateMemory(Board board)
    {
        private readonly NormalForm _normal = NormalForm.Of(board.Layout);
        private readonly byte[] _scratch = new byte[board.Layout.Size];
        private byte[]? _anchor;
        private long _power;
        private long _since;

        /// <summary>The machine's state.</summary>
        public byte[] Bytes(Machine machine) => _scratch[.._normal.Write(machine, _scratch)];

        /// <summary>There was something to choose: what was before cannot recur without it.</summary>
        public void Forget() => _anchor = null;

        /// <summary>The length of the period if this state is one that was seen; null if not.</summary>
        public long? Recurs(Machine machine)
        {
            var length = _normal.Write(machine, _scratch);
            if (_anchor is null)
            {
                (_anchor, _power, _since) = (_scratch[..length], 1, 0);
                return null;
            }

            _since++;
            if (_scratch.AsSpan(0, length).SequenceEqual(_anchor))
            {
                return _since;
            }

            if (_since == _power)
            {
                (_anchor, _power, _since) = (_scratch[..length], _power * 2, 0);
            }

            return null;
        }
    }
}
