using ScenarioHv.Exploration.Schedules;

namespace ScenarioHv.Exploration.Search;

/// <summary>How a <see cref="RandomSearch"/> picks whose step comes next.</summary>
public enum RandomScheduler
{
    /// <summary>Each enabled actor is as likely as any other.</summary>
    Uniform,

    /// <summary>Probabilistic concurrency testing: random priorities, which change at a few random steps.</summary>
    Pct,
}

/// <summary>What a <see cref="RandomSearch"/> does. Where a step can go on in several ways, each is as likely as any other.</summary>
public sealed record RandomOptions
{
    /// <summary>How many walks, 1 or more.</summary>
    public required int Walks { get; init; }

    /// <summary>The seed: another one gives other walks.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Who is next.</summary>
    public RandomScheduler Scheduler { get; init; } = RandomScheduler.Uniform;

    /// <summary>A walk of so many steps, 1 or more, is cut.</summary>
    public int MaxSteps { get; init; } = 10_000;

    /// <summary>For <see cref="RandomScheduler.Pct"/>, d: one more than priority changes in a walk, 1 or more.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>
    /// For <see cref="RandomScheduler.Pct"/>, k: among how many first steps of a walk the changes are, 1 or more. Null for as many as
    /// the longest walk before it had.
    /// </summary>
    public int? Steps { get; init; }

    /// <summary>For <see cref="RandomScheduler.Pct"/>: after so many steps in a row, 1 or more, an actor goes last.</summary>
    public int Patience { get; init; } = 500;

    /// <summary>Asked before each walk: true ends the search.</summary>
    public Func<bool>? Stop { get; init; }
}

/// <summary>How a walk ended.</summary>
public enum WalkOutcome : byte
{
    /// <summary>The goal was met.</summary>
    Goal,

    /// <summary>A step broke a safety property.</summary>
    Violated,

    /// <summary>Nobody could take a step, and the goal was not met.</summary>
    Stuck,

    /// <summary>It took as many steps as it was given, and says nothing.</summary>
    Cut,
}

/// <summary>A walk.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Steps">Of how many steps it was.</param>
public readonly record struct Walk(WalkOutcome Outcome, int Steps);

/// <summary>A walk that failed.</summary>
/// <param name="Walk">Its number, from 0.</param>
/// <param name="Outcome">How: violated or stuck.</param>
/// <param name="Schedule">All its steps.</param>
public sealed record RandomFailure(int Walk, WalkOutcome Outcome, IReadOnlyList<ScheduledStep> Schedule);

/// <summary>What a <see cref="RandomSearch"/> has found: a sample, never a proof.</summary>
public sealed class RandomResult
{
    internal RandomResult(IReadOnlyList<Walk> walks, RandomFailure? failure, int wanted) =>
        (Walks, Failure, IsCutShort) = (walks, failure, walks.Count < wanted);

    /// <summary>The walks.</summary>
    public IReadOnlyList<Walk> Walks { get; }

    /// <summary>The first one that failed; null if none did.</summary>
    public RandomFailure? Failure { get; }

    /// <summary>True if <see cref="RandomOptions.Stop"/> ended it before there were as many walks as were wanted.</summary>
    public bool IsCutShort { get; }

    /// <summary>Steps in all walks.</summary>
    public long Steps => Walks.Sum(walk => (long)walk.Steps);

    /// <summary>How many walks ended in a way.</summary>
    public int Count(WalkOutcome outcome) => Walks.Count(walk => walk.Outcome == outcome);
}

/// <summary>A step of a random walk threw an exception.</summary>
public sealed class WalkException : Exception
{
    /// <summary>A step of a random walk threw an exception.</summary>
    /// <param name="walk">The walk's number, from 0.</param>
    /// <param name="schedule">Its steps, with the one that threw as the last.</param>
    /// <param name="cause">What was thrown.</param>
    public WalkException(int walk, IReadOnlyList<ScheduledStep> schedule, Exception cause)
        : base(cause.Message, cause) => (Walk, Schedule) = (walk, schedule);

    /// <summary>The walk's number, from 0.</summary>
    public int Walk { get; }

    /// <summary>Its steps, with the one that threw as the last.</summary>
    public IReadOnlyList<ScheduledStep> Schedule { get; }
}
