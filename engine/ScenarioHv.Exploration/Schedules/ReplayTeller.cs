using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;
using static System.FormattableString;

namespace ScenarioHv.Exploration.Schedules;

/// <summary>The second pass of a replay: steps with their events.</summary>
internal sealed class ReplayTeller
{
    private readonly Board _board;
    private readonly ScheduleWalk _walk;
    private readonly List<TraceEvent> _events = [];
    private readonly List<ReplayStep> _steps = [];
    private readonly ITraceSink? _sink;
    private readonly StepObserver? _observer;
    private readonly long[] _counts;

    public ReplayTeller(Board board, Schedule schedule, ITraceSink? sink, bool keepsSteps)
    {
        (_board, _sink) = (board, sink);
        _observer = keepsSteps ? new StepObserver(board) : null;
        _counts = new long[board.Actors.Count];
        _walk = new ScheduleWalk(board, schedule, new EventList(_events));
        Pass(0);
    }

    public Machine Machine => _walk.Machine;

    public long Walked => _walk.Steps;

    public IReadOnlyList<ReplayStep> Steps => _steps;

    /// <summary>True if an operation of a guest has retired in the period.</summary>
    public bool HasRetired { get; private set; }

    /// <summary>Who can act here.</summary>
    public string Names
    {
        get
        {
            _ = _walk.Look();
            var names = _board.Actors.Where(actor => (_walk.Enabled >> actor.Index & 1) != 0).Select(actor => actor.Name).ToArray();
            return names.Length == 1 ? $"{names[0]} in several ways" : string.Join(", ", names.SkipLast(1)) + " and " + names[^1];
        }
    }

    public void GoTo(long steps)
    {
        while (_walk.Steps < steps)
        {
            Step();
        }
    }

    /// <summary>One period, whose two ends are compared.</summary>
    /// <param name="period">Its steps.</param>
    /// <param name="watch">Has seen its states.</param>
    /// <param name="neglected">The actors that could act in all its states and never do; empty for none.</param>
    /// <param name="bytes">How many bytes name the state.</param>
    public Recurrence GoRound(long period, out LivenessWatch watch, out string neglected, out int bytes)
    {
        var normal = NormalForm.Of(_board.Layout);
        byte[] left = new byte[_board.Layout.Size], right = new byte[_board.Layout.Size];
        bytes = normal.Write(Machine, left);
        var (steps, start, before) = (_walk.Steps, Machine.Now, Machine.Ref(_board.Statistics));
        var all = new List<TraceEvent>();
        watch = new LivenessWatch(_board);
        var always = ulong.MaxValue;
        Array.Clear(_counts);
        for (long i = 0; i < period; i++)
        {
            var actor = Step(all);
            always &= _walk.Enabled;
            _counts[actor.Index]++;
            HasRetired |= _walk.HasRetired;
            watch.Observe(Machine);
        }

        if (!left.AsSpan(0, bytes).SequenceEqual(right.AsSpan(0, normal.Write(Machine, right))))
        {
            throw new InvalidOperationException("The states one period apart, which a first replay found equal, differ in the second.");
        }

        neglected = string.Join(" and ", _board.Actors.Where(actor => (always >> actor.Index & 1) != 0 && _counts[actor.Index] == 0)
            .Select(actor => actor.Name));
        return new Recurrence(
            steps,
            _board.Config.Time is null ? start : 0,
            period,
            Machine.Now - start,
            RunEnding.Difference(before, Machine.Ref(_board.Statistics)))
        {
            Events = all,
            Actors = ActorSteps.Of(_board.Actors, _counts),
        };
    }

    private Actor Step(List<TraceEvent>? all = null)
    {
        var place = _walk.Look();
        if (place == WalkPlace.Open && !_walk.IsInPeriod)
        {
            _walk.BeginPeriod();
            place = _walk.Look();
        }

        var actor = _walk.Actor
            ?? throw new InvalidOperationException(Invariant($"Two replays differ at step {_walk.Steps + 1}: nobody acts in the second."));
        _events.Clear();
        _observer?.Begin(Machine);
        _walk.Step(place);
        Pass(_walk.Steps, all);
        if (_observer is not null)
        {
            _steps.Add(_observer.End(_walk, actor, [.. _events], RunEnding.Of(_board, Machine, _walk.Steps)));
        }

        return actor;
    }

    /// <summary>Hands the events of a step on, stamped with its number where the clock stands still.</summary>
    private void Pass(long step, List<TraceEvent>? all = null)
    {
        for (var i = 0; i < _events.Count; i++)
        {
            if (_board.Config.Time is not null)
            {
                var e = _events[i];
                _events[i] = new TraceEvent(step, e.Kind, e.Actor, e.Vcpu, e.A, e.B, e.C, e.D, e.E, e.F);
            }

            var stamped = _events[i];
            _sink?.Emit(stamped);
            all?.Add(stamped);
        }
    }
}
