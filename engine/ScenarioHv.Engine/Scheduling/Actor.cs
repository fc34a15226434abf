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
}
