using ScenarioHv.Cli.Running;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Schedules;
using static System.FormattableString;

namespace ScenarioHv.Cli.Stories;

/// <summary>A line of a story.</summary>
/// <param name="First">The number of its first step, from 1.</param>
/// <param name="Last">The number of its last: several steps of one actor are one line if all but one say little.</param>
/// <param name="Actor">Whose steps.</param>
/// <param name="Text">What they do, clauses separated by semicolons.</param>
/// <param name="Mark">What is to be said about the moment behind them, a line for each thing; null for nothing.</param>
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
        var inevitable = step.Number == Inevitable ? "<- inevitable from here" : null;
        var broken = step.Property is null ? null : $"<- {step.Property}: {step.Violation}";
        return inevitable is null ? broken : broken is null ? inevitable : $"{inevitable}\n{broken}";
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

        foreach (var words in step.Events.Select(e => Event(e, step.Level)).OfType<string>()
            .Concat(Stimuli(step))
            .Concat(EffectWords.Of(Effects(step), vcpu)))
        {
            clauses.Add(words);
            isQuiet = false;
        }

        if (step.Level == 0 && vcpu < 0 && step.Reached == At.None)
        {
            var (words, says) = ActorWords.Of(step.Actor.Name);
            clauses.InsertRange(0, says && clauses.Count > 0 ? [] : [words]);
            isQuiet &= says;
        }
        else if (step.Level == 0 && (clauses.Count == 0 || step.Reached is At.ModeRead or At.LockAwaited || Sleeps(step, vcpu)))
        {
            var (words, says) = PointWords.Of(step.Reached);
            var isRead = step.Reached == At.ModeRead;
            clauses.Insert(isRead ? 0 : clauses.Count, words + (isRead ? ModeOfTarget(step) : ""));
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

    /// <summary>That a vCPU's thread sleeps matters to others; the monitor's sleeps whenever it has nothing to do.</summary>
    private static bool Sleeps(ReplayStep step, int vcpu) => step.Reached == At.Sleeping && vcpu >= 0;

    private string? Event(in TraceEvent e, int level) =>
        EventWords.Of(_naming.Named(e), _naming.Names) is not { } words ? null
        : e.Kind is TraceEventKind.GuestInterrupt or TraceEventKind.GuestReported && level > 0 ? $"{_levels[(int)e.B]}: {words}"
        : words;

    /// <summary>What comes from outside, or is done about it unless an event tells that.</summary>
    private IEnumerable<string> Stimuli(ReplayStep step) =>
        from effect in step.Effects
        where effect.Kind == EffectKind.Stimulus
        let stimulus = _board.Config.Timeline[effect.Number]
        where effect.Value != 0
            || (!StimulusWords.IsTold(stimulus.Action) && !step.Effects.Any(other => other.Kind == EffectKind.Wish))
        select (effect.Value != 0 ? "comes: " : "is done: ") + StimulusWords.Of(stimulus, _board.Config.Devices);

    /// <summary>The changes that neither the step's events nor its actor's name tell.</summary>
    private static StepEffect[] Effects(ReplayStep step) => [.. step.Effects.Where(effect => effect.Kind switch
    {
        EffectKind.Line => !step.Events.Any(e => e.Kind == TraceEventKind.LineChanged && e.C == (ulong)effect.Number),
        EffectKind.Timer => !step.Actor.Name.StartsWith("apic-timer", StringComparison.Ordinal),
        _ => true,
    })];

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
