using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration;

/// <summary>
/// Makes the history of a failed walk shorter: stretches of it are left out, and actors' stretches put together, for as long as what is
/// left fails in the same way. What it gives is small, and need not be the smallest: for that all histories have to be searched.
/// </summary>
/// <param name="board">The board.</param>
/// <param name="outcome">How the walk failed: violated or stuck.</param>
internal sealed class WalkShrinker(Board board, WalkOutcome outcome)
{
    private const int MostReplays = 20_000;

    private readonly MachineSystem _system = new MachineSystems(board, chains: false).NewSystem();
    private SafetyProperty _property;
    private int _replays;

    /// <summary>Shrinks a history.</summary>
    /// <param name="history">All steps of the walk.</param>
    /// <exception cref="InvalidOperationException">It does not fail as it is said to.</exception>
    public IReadOnlyList<ScheduledStep> Shrink(IReadOnlyList<ScheduledStep> history)
    {
        var best = Replay(history, isFirst: true)
            ?? throw new InvalidOperationException("A walk that has failed does not fail when it is walked again.");
        for (var isSmaller = true; isSmaller && _replays < MostReplays;)
        {
            var before = best;
            for (var length = best.Count / 2; length > 0; length /= 2)
            {
                best = WithoutStretches(best, length);
            }

            best = WithFewerSwitches(best);
            isSmaller = IsSmaller(best, before);
        }

        return best;
    }

    private List<ScheduledStep> WithoutStretches(List<ScheduledStep> best, int length)
    {
        for (var at = 0; at + length <= best.Count && _replays < MostReplays;)
        {
            var rest = Replay([.. best.Take(at), .. best.Skip(at + length)]);
            if (rest is not null && rest.Count < best.Count)
            {
                best = rest;
            }
            else
            {
                at += length;
            }
        }

        return best;
    }

    /// <summary>A stretch of one actor goes behind that actor's stretch before, or before its stretch behind.</summary>
    private List<ScheduledStep> WithFewerSwitches(List<ScheduledStep> best)
    {
        for (var at = 1; at < best.Count && _replays < MostReplays; at++)
        {
            if (best[at].Actor == best[at - 1].Actor)
            {
                continue;
            }

            var end = EndOfStretch(best, at);
            var stretch = best[at..end];
            var earlier = best.FindLastIndex(at - 1, step => step.Actor == stretch[0].Actor);
            var later = best.FindIndex(end, step => step.Actor == stretch[0].Actor);
            best = Better(best, earlier < 0 ? null : [.. best[..(earlier + 1)], .. stretch, .. best[(earlier + 1)..at], .. best[end..]]);
            best = Better(best, later < 0 ? null : [.. best[..at], .. best[end..later], .. stretch, .. best[later..]]);
        }

        return best;
    }

    private List<ScheduledStep> Better(List<ScheduledStep> best, List<ScheduledStep>? candidate) =>
        candidate is not null && candidate.Count == best.Count && Replay(candidate) is { } found && IsSmaller(found, best) ? found : best;

    private static int EndOfStretch(List<ScheduledStep> history, int at)
    {
        var end = at + 1;
        while (end < history.Count && history[end].Actor == history[at].Actor)
        {
            end++;
        }

        return end;
    }

    private static bool IsSmaller(List<ScheduledStep> one, List<ScheduledStep> other) =>
        (one.Count, Switches(one)).CompareTo((other.Count, Switches(other))) < 0;

    private static int Switches(List<ScheduledStep> history) =>
        Enumerable.Range(1, Math.Max(0, history.Count - 1)).Count(at => history[at].Actor != history[at - 1].Actor);

    /// <summary>Walks as a history says; steps of actors that cannot act are left out.</summary>
    /// <returns>The steps that were taken up to the failure; null if it does not fail in the same way.</returns>
    private List<ScheduledStep>? Replay(IReadOnlyList<ScheduledStep> history, bool isFirst = false)
    {
        _replays++;
        var taken = new List<ScheduledStep>();
        var kind = _system.Begin().Kind;
        _system.Load(_system.Result.ToArray());
        foreach (var step in history)
        {
            if ((_system.Enabled >> step.Actor & 1) == 0)
            {
                continue;
            }

            var (choice, found) = Take(step);
            taken.Add(step with { Choice = choice });
            kind = found.Kind;
            if (kind != StateKind.Open)
            {
                break;
            }

            _system.Load(_system.Result.ToArray());
        }

        return Fails(kind, isFirst) ? taken : null;
    }

    private (int Choice, TakenStep Found) Take(ScheduledStep step)
    {
        var found = _system.Take(step.Actor, step.Choice);
        return step.Choice < found.Choices ? (step.Choice, found) : (0, _system.Take(step.Actor, 0));
    }

    private bool Fails(StateKind kind, bool isFirst)
    {
        if (outcome == WalkOutcome.Stuck)
        {
            return kind == StateKind.Open && _system.Enabled == 0;
        }

        var property = _system.Machine.Ref(board.Check).Violation.Property;
        _property = isFirst ? property : _property;
        return kind == StateKind.Violated && property == _property;
    }
}
