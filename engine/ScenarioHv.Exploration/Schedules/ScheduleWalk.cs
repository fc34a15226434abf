using System.Numerics;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;
using static System.FormattableString;

namespace ScenarioHv.Exploration.Schedules;

/// <summary>What a walk finds before its next step.</summary>
internal enum WalkPlace
{
    /// <summary>One actor can act in one way: the step is <see cref="ScheduleWalk.Actor"/>'s.</summary>
    Forced,

    /// <summary>The schedule has chosen <see cref="ScheduleWalk.Actor"/>.</summary>
    Chosen,

    /// <summary>There is something to choose, and the schedule has no more choices.</summary>
    Open,

    /// <summary>Nobody can act.</summary>
    Rest,

    /// <summary>The goal is met or a property broken.</summary>
    End,
}

/// <summary>
/// A machine that goes the way of a schedule, step by step. Where one actor alone can act, a copy tries its step first: it tells whether
/// there are several ways to go on, so that the schedule has chosen one.
/// </summary>
internal sealed class ScheduleWalk
{
    private readonly Board _board;
    private readonly Schedule _schedule;
    private readonly StepEngine _engine;
    private readonly StepEngine _probe;
    private readonly Machine _copy;
    private int _run;
    private int _used;

    /// <summary>A walk that has not begun: the machine is in its first state.</summary>
    /// <exception cref="StepException">A guest's code failed before its first operation.</exception>
    public ScheduleWalk(Board board, Schedule schedule, ITraceSink? sink = null)
    {
        (_board, _schedule) = (board, schedule);
        _engine = new StepEngine(board, sink);
        _probe = new StepEngine(board);
        _copy = new Machine(board.Layout);
        try
        {
            Machine = _engine.Create();
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            throw StepException.OfFirst(_engine, problem);
        }
    }

    /// <summary>The machine between two steps.</summary>
    public Machine Machine { get; }

    /// <summary>Steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>How many choices were taken from the schedule, its period counted once.</summary>
    public long Choices { get; private set; }

    /// <summary>The actors that can act: known after <see cref="Look"/>.</summary>
    public ulong Enabled { get; private set; }

    /// <summary>Whose step comes.</summary>
    public Actor? Actor { get; private set; }

    /// <summary>Which of its ways.</summary>
    public int Choice { get; private set; }

    /// <summary>In how many ways the last step could have gone on.</summary>
    public int Ways { get; private set; }

    /// <summary>True if an operation of a guest has retired in the last step.</summary>
    public bool HasRetired => _engine.HasRetired;

    /// <summary>Finds out whose step comes next. It can be asked once between two steps.</summary>
    /// <exception cref="ScheduleException">The schedule's actor cannot act here.</exception>
    public WalkPlace Look()
    {
        (Actor, Choice) = (null, 0);
        if (machineHasEnded())
        {
            return WalkPlace.End;
        }

        Enabled = _engine.Enabled(Machine);
        if (Enabled == 0)
        {
            return WalkPlace.Rest;
        }

        if (!IsOpen())
        {
            Actor = _board.Actors[BitOperations.TrailingZeroCount(Enabled)];
            return WalkPlace.Forced;
        }

        if (Turn() is not { } turn)
        {
            return WalkPlace.Open;
        }

        RequireEnabled(turn);
        (Actor, Choice) = (_board.Actors[turn.Actor], turn.Choice);
        return WalkPlace.Chosen;

        bool machineHasEnded() => Machine.Ref(_board.Check).Violation.Exists || Machine.Ref(_board.Check).GoalReached != 0;
    }

    /// <summary>Takes the step that <see cref="Look"/> has found.</summary>
    /// <param name="place">What it has found.</param>
    /// <exception cref="ScheduleException">The step cannot go on in the way that the schedule wants.</exception>
    /// <exception cref="StepException">The step failed.</exception>
    public void Step(WalkPlace place)
    {
        try
        {
            Ways = _engine.Step(Machine, Actor!, Choice);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            throw StepException.Of(_engine, Machine, Steps, Actor!, problem);
        }

        if (Choice >= Ways)
        {
            throw new ScheduleException(Invariant(
                $"at step {Steps + 1} the schedule takes way {Choice} of actor '{Actor!.Name}': {(Ways == 1 ? "there is one way only"
                    : $"there are {Ways}, numbered from 0")}"));
        }

        Steps++;
        if (place == WalkPlace.Chosen)
        {
            Choices++;
            _used++;
            if (_used == Runs[_run].Count)
            {
                (_run, _used) = (_run + 1, 0);
            }
        }
    }

    /// <summary>From the next choice on, the choices of the period are taken.</summary>
    public void BeginPeriod() => (IsInPeriod, _run, _used) = (true, 0, 0);

    /// <summary>True once the choices of the period are taken.</summary>
    public bool IsInPeriod { get; private set; }

    /// <summary>How many choices of the schedule are left, with one period.</summary>
    public long Left => _schedule.PrefixChoices + _schedule.PeriodChoices - Choices;

    private IReadOnlyList<ScheduleRun> Runs => IsInPeriod ? _schedule.Period : _schedule.Prefix;

    private ScheduleRun? Turn() => _run < Runs.Count ? Runs[_run] : null;

    /// <summary>Whether there is something to choose. A step that fails when tried fails as well when taken, and is told then.</summary>
    private bool IsOpen()
    {
        if (!BitOperations.IsPow2(Enabled))
        {
            return true;
        }

        _copy.CopyFrom(Machine);
        try
        {
            return _probe.Step(_copy, _board.Actors[BitOperations.TrailingZeroCount(Enabled)]) > 1;
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            return false;
        }
    }

    private void RequireEnabled(ScheduleRun turn)
    {
        if (turn.Actor >= _board.Actors.Count)
        {
            throw new ScheduleException(Invariant(
                $"at step {Steps + 1} the schedule names actor {Schedule.LetterOf(turn.Actor)}, and the machine has the actors a to ")
                + Schedule.LetterOf(_board.Actors.Count - 1));
        }

        if ((Enabled >> turn.Actor & 1) == 0)
        {
            throw new ScheduleException(Invariant(
                $"at step {Steps + 1} actor '{_board.Actors[turn.Actor].Name}' cannot act: {NamesOf(Enabled)} can"));
        }
    }

    private string NamesOf(ulong actors)
    {
        var names = _board.Actors.Where(actor => (actors >> actor.Index & 1) != 0).Select(actor => actor.Name).ToArray();
        return names.Length == 1 ? $"only {names[0]}" : string.Join(", ", names.SkipLast(1)) + " and " + names[^1];
    }
}
