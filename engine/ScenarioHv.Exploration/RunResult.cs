using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Exploration;

/// <summary>How a run ended.</summary>
public enum RunOutcome
{
    /// <summary>The goal was met, or without a goal everything came to rest; every property held.</summary>
    Reached,

    /// <summary>The machine's state recurs, guest operations retire in the period, and the goal is not among them.</summary>
    Livelock,

    /// <summary>No guest operation will ever retire again and the goal is unmet.</summary>
    Stuck,

    /// <summary>A safety property failed.</summary>
    Violated,

    /// <summary>A limit came first.</summary>
    Inconclusive,
}

/// <summary>
/// The proof of a run without end: after the prefix the machine is in a state that the period leads back to, byte for byte.
/// </summary>
/// <param name="PrefixSteps">Steps before the recurring state is entered first.</param>
/// <param name="PrefixCycles">Cycles until then.</param>
/// <param name="Steps">Steps of the period.</param>
/// <param name="Cycles">Cycles of the period.</param>
/// <param name="Work">What happened in one period.</param>
public sealed record Recurrence(long PrefixSteps, long PrefixCycles, long Steps, long Cycles, Statistics Work)
{
    /// <summary>The period's trace events.</summary>
    public required IReadOnlyList<TraceEvent> Events { get; init; }

    /// <summary>The names of the actors that took a step in the period, each with the number of its steps.</summary>
    public required IReadOnlyList<ActorSteps> Actors { get; init; }

    /// <summary>Stimuli from outside in the period: such a run is fed, not self-sustained.</summary>
    public bool IsFed => Work.Stimuli > 0;
}

/// <summary>An actor, and how many steps it takes in a period.</summary>
/// <param name="Actor">Its name.</param>
/// <param name="Steps">The number.</param>
public sealed record ActorSteps(string Actor, long Steps)
{
    /// <summary>The actors of a board that have taken a step.</summary>
    /// <param name="actors">All its actors.</param>
    /// <param name="steps">The steps of each.</param>
    internal static List<ActorSteps> Of(IReadOnlyList<Actor> actors, long[] steps)
    {
        var all = new List<ActorSteps>();
        for (var i = 0; i < steps.Length; i++)
        {
            if (steps[i] > 0)
            {
                all.Add(new ActorSteps(actors[i].Name, steps[i]));
            }
        }

        return all;
    }
}

/// <summary>A place in a run, between two steps.</summary>
/// <param name="Machine">The machine there; whoever goes on from it copies it.</param>
/// <param name="Steps">Steps from the machine's first state.</param>
public sealed record RunPoint(Machine Machine, long Steps);

/// <summary>What a run found.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">In words: which limit, or why nothing moves.</param>
/// <param name="Steps">Steps taken, from the machine's first state.</param>
/// <param name="Cycles">The clock at the end.</param>
/// <param name="Totals">Counters over the whole run.</param>
/// <param name="Recurrence">The proof, for <see cref="RunOutcome.Livelock"/> and for a <see cref="RunOutcome.Stuck"/> in which something
/// moves.</param>
public sealed record RunResult(RunOutcome Outcome, string Reason, long Steps, long Cycles, Statistics Totals, Recurrence? Recurrence)
{
    /// <summary>
    /// The property that explains the outcome, by its name: what a step broke, for <see cref="RunOutcome.Violated"/>; what stands still,
    /// for a <see cref="RunOutcome.Stuck"/> or <see cref="RunOutcome.Livelock"/>. Null if none does.
    /// </summary>
    public string? Property { get; init; }
}
