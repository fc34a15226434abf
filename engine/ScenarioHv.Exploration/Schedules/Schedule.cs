namespace ScenarioHv.Exploration.Schedules;

/// <summary>A choice of the scheduler, and how many times in a row it is the same.</summary>
/// <param name="Actor">Whose step: its place in <see cref="Engine.Scheduling.Board.Actors"/>, 0..63.</param>
/// <param name="Choice">Which of the ways in which that step can go on, 0..255.</param>
/// <param name="Count">How many choices, 1 or more.</param>
public readonly record struct ScheduleRun(int Actor, int Choice, int Count);

/// <summary>
/// The scheduler's choices of one history, from the machine's first state on. A state in which one actor alone can act, in one way alone,
/// leaves nothing to choose, and the schedule says nothing about it. So it is short, and it stays the same as long as an edit of machine,
/// guests or code brings no new choice. Behind the last choice the history goes on as long as there is nothing to choose.
/// <para>
/// As text: <c>c:</c> for time in classes or <c>t:</c> for time in cycles, then the choices. An actor is a letter (a to z, A to Z, then _a
/// to _l), a number behind it says how many times in a row, and a dot with a number which of the step's ways is taken, if that is not the
/// first. What stands behind an <c>@</c> repeats for ever. No character means anything to a shell.
/// </para>
/// </summary>
public sealed class Schedule : IEquatable<Schedule>
{
    internal const int MaximumActors = 64;
    internal const int MaximumChoice = byte.MaxValue;

    internal Schedule(bool isInClasses, IReadOnlyList<ScheduleRun> prefix, IReadOnlyList<ScheduleRun> period) =>
        (IsInClasses, Prefix, Period) = (isInClasses, prefix, period);

    /// <summary>True for a machine whose clock stands still, false for one that counts cycles.</summary>
    public bool IsInClasses { get; }

    /// <summary>The choices up to the end, or up to what repeats; no two neighbours are alike.</summary>
    public IReadOnlyList<ScheduleRun> Prefix { get; }

    /// <summary>The choices that repeat for ever; empty if the history ends, or if there is nothing to choose in what repeats.</summary>
    public IReadOnlyList<ScheduleRun> Period { get; }

    /// <summary>How many choices there are in the prefix.</summary>
    public long PrefixChoices => Prefix.Sum(run => (long)run.Count);

    /// <summary>How many choices there are in one period.</summary>
    public long PeriodChoices => Period.Sum(run => (long)run.Count);

    /// <summary>Reads the text form.</summary>
    /// <exception cref="ScheduleException">It is not a schedule; the message says where and why.</exception>
    public static Schedule Parse(string text) => new ScheduleParser(text).Parse();

    /// <summary>The text form.</summary>
    public override string ToString() =>
        (IsInClasses ? "c:" : "t:")
        + string.Concat(Prefix.Select(Text))
        + (Period.Count == 0 ? "" : "@" + string.Concat(Period.Select(Text)));

    /// <summary>The letter of an actor.</summary>
    /// <param name="actor">Its place, 0..63.</param>
    public static string LetterOf(int actor) => actor switch
    {
        < 0 or >= MaximumActors => throw new ArgumentOutOfRangeException(nameof(actor), actor, "A machine has at most 64 actors."),
        < 26 => ((char)('a' + actor)).ToString(),
        < 52 => ((char)('A' + actor - 26)).ToString(),
        _ => "_" + (char)('a' + actor - 52),
    };

    /// <inheritdoc/>
    public bool Equals(Schedule? other) =>
        other is not null && IsInClasses == other.IsInClasses && Prefix.SequenceEqual(other.Prefix) && Period.SequenceEqual(other.Period);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Schedule);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(IsInClasses, PrefixChoices, PeriodChoices);

    private static string Text(ScheduleRun run) =>
        LetterOf(run.Actor)
        + (run.Count == 1 ? "" : FormattableString.Invariant($"{run.Count}"))
        + (run.Choice == 0 ? "" : FormattableString.Invariant($".{run.Choice}"));
}

/// <summary>Puts a schedule together, choice by choice.</summary>
/// <param name="isInClasses">True for a machine whose clock stands still.</param>
public sealed class ScheduleBuilder(bool isInClasses)
{
    private readonly List<ScheduleRun> _prefix = [];
    private readonly List<ScheduleRun> _period = [];
    private bool _repeats;

    /// <summary>The next choice, at a state where there is one.</summary>
    /// <param name="actor">Whose step, 0..63.</param>
    /// <param name="choice">Which of its ways, 0..255.</param>
    /// <param name="count">How many times in a row, 1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number outside its range.</exception>
    public void Add(int actor, int choice = 0, int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(actor);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(actor, Schedule.MaximumActors);
        ArgumentOutOfRangeException.ThrowIfNegative(choice);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(choice, Schedule.MaximumChoice);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var runs = _repeats ? _period : _prefix;
        if (runs.Count > 0 && runs[^1] is var last && last.Actor == actor && last.Choice == choice && last.Count <= int.MaxValue - count)
        {
            runs[^1] = last with { Count = last.Count + count };
        }
        else
        {
            runs.Add(new ScheduleRun(actor, choice, count));
        }
    }

    /// <summary>What is added from here on repeats for ever.</summary>
    public void BeginPeriod() => _repeats = true;

    /// <summary>The schedule.</summary>
    public Schedule Build() => new(isInClasses, [.. _prefix], [.. _period]);
}

/// <summary>A schedule cannot be read, or does not fit the machine. The message is for people.</summary>
public sealed class ScheduleException(string message) : Exception(message);
