using ScenarioHv.Engine.Scheduling;

namespace ScenarioHv.Exploration.Search;

/// <summary>
/// Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees
/// of Finding Bugs", ASPLOS 2010): the enabled actor with the highest priority takes the step. The priorities are d and more, in a random
/// order; d - 1 of the first k steps are changes, and the actor that takes the i-th one has the priority i from then on. A failure that d
/// ordering constraints bring about is met by a walk with a probability of at least 1 / (n k^(d-1)), for n actors.
/// </summary>
/// <remarks>
/// The paper's actors end; ours may spin on what only another one can change. So an actor that has taken very many steps in a row falls
/// below everybody, which costs the guarantee only for failures that need such a long time of one actor's alone.
/// </remarks>
internal sealed class PriorityScheduler
{
    private readonly int[] _priorities;
    private readonly int[] _changes;
    private readonly int _patience;
    private int _lowest;
    private int _step;
    private int _last = -1;
    private int _inARow;

    /// <param name="random">Where the priorities and the changes come from.</param>
    /// <param name="actors">How many actors there are.</param>
    /// <param name="options">d and the patience.</param>
    /// <param name="steps">k: among how many steps the changes are.</param>
    public PriorityScheduler(SplitMix random, int actors, RandomOptions options, int steps)
    {
        _priorities = [.. Enumerable.Range(options.Depth, actors)];
        for (var unshuffled = actors; unshuffled > 1; unshuffled--)
        {
            var other = random.Below(unshuffled);
            (_priorities[unshuffled - 1], _priorities[other]) = (_priorities[other], _priorities[unshuffled - 1]);
        }

        _changes = new int[options.Depth - 1];
        foreach (ref var change in _changes.AsSpan())
        {
            change = 1 + random.Below(steps);
        }

        _patience = options.Patience;
    }

    /// <summary>Whose step comes, which is then taken to be taken.</summary>
    /// <param name="enabled">Who can take a step: bit n for actor n, at least one.</param>
    public int Pick(ulong enabled)
    {
        var picked = -1;
        for (var actor = 0; actor < _priorities.Length; actor++)
        {
            if ((enabled >> actor & 1) != 0 && (picked < 0 || _priorities[actor] > _priorities[picked]))
            {
                picked = actor;
            }
        }

        _step++;
        _inARow = picked == _last ? _inARow + 1 : 1;
        _last = picked;
        for (var change = 0; change < _changes.Length; change++)
        {
            if (_changes[change] == _step)
            {
                _priorities[picked] = change + 1;
            }
        }

        if (_inARow == _patience)
        {
            _priorities[picked] = _lowest--;
            _inARow = 0;
        }

        return picked;
    }
}
