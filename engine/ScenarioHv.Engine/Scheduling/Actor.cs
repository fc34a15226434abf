using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Scheduling;

/// <summary>
/// One of those whose steps make history: a vCPU, a host thread, a timer, the outside world. Actors are immutable; their state is in the
/// machine.
/// </summary>
public abstract class Actor
{
    /// <summary>Its name in traces and messages.</summary>
    public abstract string Name { get; }

    /// <summary>Its place in the order that breaks ties.</summary>
    public byte Index { get; internal set; }

    /// <summary>True if its steps come from outside the machine: they do not count as the machine's own progress.</summary>
    public virtual bool IsOutside => false;

    /// <summary>When its next step can be taken; <see cref="Instant.Never"/> if it waits for another actor.</summary>
    public abstract Instant ReadyAt(Machine machine);

    /// <summary>Takes its next step.</summary>
    public abstract void Step(StepContext context);

    /// <summary>What kind of moment it waits for, where the clock stands still: see <see cref="Configuration.ClassTime"/>.</summary>
    internal virtual MomentKind Moment => MomentKind.None;

    /// <summary>The vCPU whose next step comes after this actor's as soon as this one's moment has come; -1 for none.</summary>
    internal virtual int HoldsUp => -1;

    /// <summary>The number of its <see cref="LaterGate"/>; -1 if it has none.</summary>
    internal int Gate { get; set; } = -1;

    /// <summary>Where the clock stands still: the moment comes for which the actor waits.</summary>
    internal virtual void Come(StepContext context)
    {
    }
}

/// <summary>What an actor's <see cref="Actor.ReadyAt"/> means where the clock stands still.</summary>
internal enum MomentKind
{
    /// <summary>It waits for others, or its code goes on.</summary>
    None,

    /// <summary>Something is under way to it, and has arrived before anything comes that was armed later.</summary>
    UnderWay,

    /// <summary>A timer, which is soon or later by its delay.</summary>
    Armed,

    /// <summary>The outside world, which can act at any moment.</summary>
    Outside,
}
