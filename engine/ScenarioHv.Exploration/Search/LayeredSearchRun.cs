namespace ScenarioHv.Exploration.Search;

/// <summary>One run of a <see cref="LayeredSearch"/>.</summary>
internal sealed class LayeredSearchRun : IDisposable
{
    // A clock is looked at once in so many claims, and progress is told once in so many of these looks.
    private const int ClaimsPerPoll = 4;
    private const int PollsPerReport = 16;

    // A layer with fewer states for each thread is done before the others are awake.
    private const int StatesPerThread = 128;

    private const int FurtherStates = 200_000;

    private readonly SearchLimits _limits;
    private readonly SearchSpace _space;
    private readonly List<SearchWorker> _workers = [];
    private readonly WorkerTeam? _team;
    private int _claims = ClaimsPerPoll;
    private int _polls;
    private int _open;
    private int _goals;
    private int _violations;
    private int? _firstViolatedLayer;
    private long _mostStates;
    private int _frontierPeak;
    private StepFailure? _failure;

    /// <param name="graph">What is seen goes there.</param>
    /// <param name="systems">One for each thread.</param>
    /// <param name="limits">Where it ends at the latest.</param>
    public LayeredSearchRun(SearchGraph graph, List<ITransitionSystem> systems, SearchLimits limits)
    {
        _limits = limits;
        _space = new SearchSpace(graph, limits, systems[0], systems.Count);
        foreach (var system in systems)
        {
            var number = _workers.Count;
            _workers.Add(new SearchWorker(_space, system, number, systems.Count) { Poll = number == 0 ? Poll : null });
        }

        _team = systems.Count > 1 ? new WorkerTeam(_workers) : null;
    }

    public Action<SearchProgress>? Progress { get; init; }

    private long Transitions => _workers.Sum(worker => worker.Transitions);

    private SearchGraph Graph => _space.Graph;

    public void Dispose()
    {
        _team?.Dispose();
        _workers.ForEach(worker => worker.Dispose());
        _space.Free();
    }

    public SearchResult Run()
    {
        _workers[0].Begin();
        SearchLimit? ended = null;
        do
        {
            BeginLayer();
            ended ??= _open > 0 ? Limit() : null;
            if (_open > 0 && ended is null)
            {
                Expand();
                ended = _space.Unclaimed > 0 ? _space.Ended : null;
            }

            _workers[0].LeaveUnclaimed();
        }
        while (_space.Visited.Count > _space.End);
        return Result(ended);
    }

    private void BeginLayer()
    {
        _space.BeginLayer();
        var (goals, violations) = (_workers.Sum(worker => worker.Goals), _workers.Sum(worker => worker.Violations));
        _open = _space.End - _space.First - (goals - _goals) - (violations - _violations);
        (_goals, _violations) = (goals, violations);
        _frontierPeak = Math.Max(_frontierPeak, _open);
        if (violations > 0 && _firstViolatedLayer is null)
        {
            _firstViolatedLayer = Graph.Layers - 1;
            _mostStates = _space.End + (_limits.AfterViolation ?? _space.End + FurtherStates);
        }
    }

    private SearchLimit? Limit()
    {
        if (_failure is not null)
        {
            return SearchLimit.Failure;
        }

        if (_space.Ended is { } ended)
        {
            return ended;
        }

        if (_firstViolatedLayer is not null && _space.End >= _mostStates)
        {
            return SearchLimit.AfterViolation;
        }

        if (_space.End >= _limits.MaxStates)
        {
            return SearchLimit.States;
        }

        return Graph.Layers > _limits.MaxDepth ? SearchLimit.Depth : null;
    }

    private void Expand()
    {
        if (_team is not null && _open >= StatesPerThread * _workers.Count)
        {
            _space.Meeting.Open();
            _team.ExpandLayer();
        }
        else
        {
            _workers[0].ExpandLayer(isShared: false);
        }

        foreach (var worker in _workers)
        {
            worker.Error?.Throw();
            _failure = StepFailure.First(_failure, worker.Failure);
        }
    }

    /// <summary>Called on the thread that searches, between its claims.</summary>
    private void Poll()
    {
        if (++_claims < ClaimsPerPoll)
        {
            return;
        }

        _claims = 0;
        if (_limits.Stop?.Invoke() == true)
        {
            _space.EndWith(SearchLimit.Stop);
        }

        if (_space.Bytes > _limits.MemoryBytes)
        {
            _space.EndWith(SearchLimit.Memory);
        }

        if (Progress is not null && ++_polls >= PollsPerReport)
        {
            _polls = 0;
            var queue = _space.Visited.Count - _space.End + _space.Unclaimed;
            Progress(new SearchProgress(_space.Visited.Count, Transitions, Graph.Layers - 1, queue, _space.Bytes));
        }
    }

    private SearchResult Result(SearchLimit? ended)
    {
        var bytes = Graph.Meter.Peak;
        var exception = _failure is { } failure
            ? new SearchException(Graph, failure.State, failure.Actor, failure.Choice, failure.Cause)
            : null;
        if (exception is not null && _violations == 0)
        {
            throw exception;
        }

        return new SearchResult(Graph)
        {
            Transitions = Transitions,
            Links = _workers.Sum(worker => worker.Links),
            Goals = _goals,
            Violations = _violations,
            FirstViolatedLayer = _firstViolatedLayer,
            FrontierPeak = _frontierPeak,
            BytesHeld = bytes,
            FrontierBytes = _space.Scratch.Peak + _space.SystemBytes,
            EndedBy = exception is null ? ended : SearchLimit.Failure,
            Failure = exception,
        };
    }
}
