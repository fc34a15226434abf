using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;
using static System.FormattableString;

namespace ScenarioHv.Exploration;

/// <summary>A step could not be taken: a guest's code failed, or the machine reached a state that cannot be.</summary>
public sealed class StepException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="steps">How many steps were taken before it; -1 if the machine could not be made.</param>
    /// <param name="cycle">The clock; null where it stands still.</param>
    /// <param name="actor">Whose step it was; null before the first.</param>
    /// <param name="problem">What was thrown.</param>
    public StepException(long steps, long? cycle, Actor? actor, Exception problem)
        : base($"{Time(steps, cycle)}{(actor is null ? "" : $", {actor.Name}")}: {problem.Message}", problem)
    {
        Steps = steps;
        Cycle = cycle;
        Actor = actor;
    }

    /// <summary>How many steps were taken before it; -1 if the machine could not be made.</summary>
    public long Steps { get; }

    /// <summary>The clock; null where it stands still.</summary>
    public long? Cycle { get; }

    /// <summary>Whose step it was; null before the first.</summary>
    public Actor? Actor { get; }

    /// <summary>The guest whose code the step was in, or had come from; null if there was none.</summary>
    public GuestPlace? Guest { get; private init; }

    /// <summary>
    /// The last events of that guest's vCPU, or of the machine if it was no guest's. Where the clock stands still they are stamped with the
    /// numbers of their steps, from 1.
    /// </summary>
    public IReadOnlyList<TraceEvent> LastEvents { get; internal set; } = [];

    /// <summary>The same events as text; set by whoever has names for them.</summary>
    public IReadOnlyList<string> LastLines { get; set; } = [];

    /// <summary>When it was, in words: cycle and step.</summary>
    public string When => Time(Steps, Cycle);

    /// <summary>The exception about a step that an engine could not take.</summary>
    /// <param name="engine">The engine, before it takes another step.</param>
    /// <param name="machine">The machine, as the step has left it.</param>
    /// <param name="steps">How many steps were taken before.</param>
    /// <param name="actor">Whose step it was.</param>
    /// <param name="problem">What was thrown.</param>
    public static StepException Of(StepEngine engine, Machine machine, long steps, Actor actor, Exception problem) =>
        new(steps, engine.Board.Config.Time is null ? machine.Now : null, actor, problem) { Guest = engine.FailedGuest };

    /// <summary>The exception about a machine that could not be made.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="problem">What was thrown.</param>
    public static StepException OfFirst(StepEngine engine, Exception problem) =>
        new(-1, null, null, problem) { Guest = engine.FailedGuest };

    private static string Time(long steps, long? cycle) => steps < 0 ? "before the first step"
        : cycle is { } now ? Invariant($"cycle {now}, step {steps + 1}") : Invariant($"step {steps + 1}");
}

/// <summary>Keeps the last events of one vCPU, or of all, and hands every event on.</summary>
/// <param name="vcpu">The vCPU; null for all.</param>
/// <param name="next">Takes every event; null for nobody.</param>
internal sealed class LastEvents(int? vcpu, ITraceSink? next) : ITraceSink
{
    private const int Kept = 8;

    private readonly Queue<TraceEvent> _events = new();

    /// <summary>Those that are kept, the oldest first.</summary>
    public IReadOnlyList<TraceEvent> Events => [.. _events];

    /// <inheritdoc/>
    public void Emit(in TraceEvent traceEvent)
    {
        next?.Emit(traceEvent);
        if (traceEvent.Kind == TraceEventKind.PolicyDecided || (vcpu is { } number && traceEvent.Vcpu != number))
        {
            return;
        }

        _events.Enqueue(traceEvent);
        if (_events.Count > Kept)
        {
            _events.Dequeue();
        }
    }
}
