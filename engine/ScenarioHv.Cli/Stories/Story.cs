using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Cli.Running;
using static System.FormattableString;

namespace ScenarioHv.Cli.Stories;

/// <summary>A line of a story.</summary>
/// <param name="First">The number of its first step, from 1.</param>
/// <param name="Last">The number of its last: several steps of one actor are one line if all but one say little.</param>
/// <param name="Actor">Whose steps.</param>
/// <param name="Text">What they do, clauses separated by semicolons.</param>
/// <param name="Mark">What is to be said about the moment behind them; null for nothing.</param>
internal sealed record StoryLine(long First, long Last, Actor Actor, string Text, string? Mark);

/// <summary>A history that was replayed, told in lines.</summary>
internal sealed class Story
{
    private readonly Board _board;
    private readonly TraceNaming _naming;
    private readonly Dictionary<int, int> _targets = [];
    private readonly string[] _levels;

    /// <summary>Tells a history.</summary>
    /// <param name="board">The machine's board.</param>
    /// <param name="naming">Names for its events.</param>
    /// <param name="run">Its outcome.</param>
    /// <param name="steps">Its steps, those of the prefix and of one period.</param>
    /// <param name="inevitable">After how many steps its end could not be avoided any more; null if that is not known, or never.</param>
    /// <param name="isVerbose">True for a line for each step.</param>
    public Story(Board board, TraceNaming naming, RunResult run, IReadOnlyList<ReplayStep> steps, int? inevitable, bool isVerbose)
    {
        (_board, _naming) = (board, naming);
        _levels = board.L2 is null ? ["", "guest", ""] : ["", "L1", "L2"];
        Inevitable = inevitable;
        PrefixSteps = run.Recurrence?.PrefixSteps;
        Lines = [.. Tell(steps, isVerbose)];
        Actors = [.. board.Actors.Where(actor => Lines.Any(line => line.Actor == actor))];
    }

    /// <summary>The lines.</summary>
    public IReadOnlyList<StoryLine> Lines { get; }

    /// <summary>The actors that take part.</summary>
    public IReadOnlyList<Actor> Actors { get; }

    /// <summary>After how many steps the end could not be avoided any more; null if that is not known, or never.</summary>
    public int? Inevitable { get; }

    /// <summary>After how many steps what follows repeats for ever; null if the history ends.</summary>
    public long? PrefixSteps { get; }

    private IEnumerable<StoryLine> Tell(IReadOnlyList<ReplayStep> steps, bool isVerbose)
    {
        StoryLine? open = null;
        var isOpenQuiet = false;
        foreach (var step in steps)
        {
            var (text, isQuiet) = Words(step);
            var isSplit = open is not null && (open.Mark is not null || open.Last == PrefixSteps);
            if (open is not null && !isVerbose && !isSplit && open.Actor == step.Actor && (isQuiet || isOpenQuiet))
            {
                open = open with { Last = step.Number, Text = isOpenQuiet ? text : open.Text, Mark = Mark(step) };
                isOpenQuiet &= isQuiet;
                continue;
            }

            if (open is not null)
            {
                yield return open;
            }

            (open, isOpenQuiet) = (new StoryLine(step.Number, step.Number, step.Actor, text, Mark(step)), isQuiet);
        }

        if (open is not null)
        {
            yield return open;
        }
    }

    private string? Mark(ReplayStep step)
    {
        string[] marks =
        [
            .. step.Property is null ? Array.Empty<string>() : [$"<- {step.Property}: {step.Violation}"],
            .. step.Number == Inevitable ? new[] { "<- inevitable from here" } : [],
        ];
        return marks.Length == 0 ? null : string.Join("; ", marks.Reverse());
    }

    /// <summary>What a step does, and whether that is little.</summary>
    private (string Text, bool IsQuiet) Words(ReplayStep step)
    {
        var vcpu = step.Actor.Index < _board.Config.Vcpus ? step.Actor.Index : -1;
        List<string> clauses = [];
        var isQuiet = true;
        if (step is { Level: > 0, Executes: true } && step.Operation.Kind != OperationKind.Report)
        {
            clauses.Add($"{_levels[step.Level]}: {OperationWords.Of(step)}");
            isQuiet = step.Operation.Kind == OperationKind.Work;
        }

        foreach (var words in step.Events.Select(e => Event(e, step.Level)).OfType<string>().Concat(EffectWords.Of(Effects(step), vcpu)))
        {
            clauses.Add(words);
            isQuiet = false;
        }

        if (step.Level == 0 && (clauses.Count == 0 || step.Reached is At.ModeRead or At.Sleeping or At.LockAwaited))
        {
            var (words, says) = vcpu < 0 && step.Reached == At.None ? ActorWords.Of(step.Actor.Name) : PointWords.Of(step.Reached);
            clauses.Insert(0, words + (step.Reached == At.ModeRead ? ModeOfTarget(step) : ""));
            isQuiet &= says;
        }
        else if (clauses.Count == 0)
        {
            clauses.Add(step.Exits ? "leaves the guest" : $"{_levels[step.Level]}: goes on");
            isQuiet = !step.Exits;
        }

        Remember(step);
        return (string.Join("; ", clauses), isQuiet && step.Ways == 1);
    }

    private string? Event(in TraceEvent e, int level) =>
        EventWords.Of(_naming.Named(e), _naming.Names) is not { } words ? null
        : e.Kind is TraceEventKind.GuestInterrupt or TraceEventKind.GuestReported && level > 0 ? $"{_levels[(int)e.B]}: {words}"
        : words;

    /// <summary>The changes that the step's events do not tell.</summary>
    private static StepEffect[] Effects(ReplayStep step) =>
        [.. step.Effects.Where(effect => effect.Kind != EffectKind.Line
            || !step.Events.Any(e => e.Kind == TraceEventKind.LineChanged && e.C == (ulong)effect.Number))];

    /// <summary>To which vCPU an actor has posted last: it is its mode that the actor reads then.</summary>
    private void Remember(ReplayStep step)
    {
        foreach (var effect in step.Effects.Where(effect => effect is { Kind: EffectKind.Irr or EffectKind.Pir, Value: 1 }))
        {
            _targets[step.Actor.Index] = effect.Number;
        }
    }

    private string ModeOfTarget(ReplayStep step) =>
        _targets.TryGetValue(step.Actor.Index, out var target) && target < step.Modes.Count
            ? Invariant($" of vCPU {target}: {EffectWords.Mode(step.Modes[target])}") : "";
}

/// <summary>What an actor does that runs no code.</summary>
internal static class ActorWords
{
    /// <summary>The words for the actor of a name, a number behind it not counting, and whether they say little.</summary>
    public static (string Words, bool IsQuiet) Of(string name) => name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7') switch
    {
        "ipi" => ("the interrupt of the host arrives", false),
        "preemption-timer" => ("the VMX-preemption timer reaches 0", false),
        "doorbell" => ("the doorbell arrives", false),
        "vnmi-clock" => ("the time is over that KVM allows an NMI handler", false),
        "deadline" or "deadline0-l" => ("a deadline of the guest passes", false),
        "eoi-delay" => ("the delayed service is due", false),
        "outside" => ("something happens outside", false),
        "apic-timer" => ("the timer of the local APIC expires", false),
        "host-tick" => ("the host's tick", false),
        "bus" => ("a message arrives", false),
        _ => ("goes on", true),
    };
}
