using System.Numerics;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration.Schedules;

namespace ScenarioHv.Exploration.Search;

/// <summary>
/// Walks at random from the first state of a <see cref="ITransitionSystem"/>, for what is too large to be searched: what it finds is
/// real, and what it does not find may be there. The same options give the same walks.
/// </summary>
/// <param name="system">What is walked in.</param>
/// <param name="options">How, how often and how far.</param>
public sealed class RandomSearch(ITransitionSystem system, RandomOptions options)
{
    private readonly List<Walk> _walks = [];
    private readonly List<ScheduledStep> _schedule = [];
    private readonly byte[] _state = new byte[system.MaxStateBytes];
    private RandomFailure? _failure;
    private int _longest;

    /// <summary>Called after each walk with how many there were and how many there will be: for a progress line.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>Walks.</summary>
    /// <exception cref="WalkException">A step threw an exception.</exception>
    public RandomResult Run()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Walks, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxSteps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Depth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Patience, 1);
        (_failure, _longest) = (null, 0);
        _walks.Clear();
        while (_walks.Count < options.Walks && options.Stop?.Invoke() != true)
        {
            var outcome = WalkOnce(SplitMix.Of(options.Seed, (ulong)_walks.Count));
            if (_failure is null && outcome is WalkOutcome.Violated or WalkOutcome.Stuck)
            {
                _failure = new RandomFailure(_walks.Count, outcome, [.. _schedule]);
            }

            _walks.Add(new Walk(outcome, _schedule.Count));
            _longest = Math.Max(_longest, _schedule.Count);
            Progress?.Invoke(_walks.Count, options.Walks);
        }

        return new RandomResult([.. _walks], _failure, options.Walks);
    }

    private WalkOutcome WalkOnce(SplitMix random)
    {
        var scheduler = options.Scheduler == RandomScheduler.Pct
            ? new PriorityScheduler(random, system.Actors, options, options.Steps ?? (_longest > 0 ? _longest : options.MaxSteps))
            : null;
        _schedule.Clear();
        var kind = system.Begin().Kind;
        while (kind == StateKind.Open)
        {
            var bytes = system.Result.Length;
            system.Result.CopyTo(_state);
            system.Load(_state.AsSpan(0, bytes));
            var enabled = system.Enabled;
            if (enabled == 0)
            {
                return WalkOutcome.Stuck;
            }

            if (_schedule.Count == options.MaxSteps)
            {
                return WalkOutcome.Cut;
            }

            kind = Take(scheduler?.Pick(enabled) ?? AnyOf(enabled, random), random).Kind;
        }

        return kind == StateKind.Goal ? WalkOutcome.Goal : WalkOutcome.Violated;
    }

    private TakenStep Take(int actor, SplitMix random)
    {
        _schedule.Add(new ScheduledStep(actor, 0));
        try
        {
            var step = system.Take(actor, 0);
            if (step.Choices > 1 && random.Below(step.Choices) is var choice and > 0)
            {
                _schedule[^1] = new ScheduledStep(actor, choice);
                step = system.Take(actor, choice);
            }

            return step;
        }
        catch (Exception cause)
        {
            throw new WalkException(_walks.Count, [.. _schedule], cause);
        }
    }

    private static int AnyOf(ulong enabled, SplitMix random)
    {
        for (var skip = random.Below(BitOperations.PopCount(enabled)); skip > 0; skip--)
        {
            enabled &= enabled - 1;
        }

        return BitOperations.TrailingZeroCount(enabled);
    }
}
