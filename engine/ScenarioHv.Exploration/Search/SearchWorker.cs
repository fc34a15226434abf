using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace ScenarioHv.Exploration.Search;

/// <summary>One thread's part of a <see cref="LayeredSearch"/>.</summary>
internal sealed unsafe class SearchWorker : IDisposable
{
    private readonly SearchSpace _space;
    private readonly ITransitionSystem _system;
    private readonly EdgeWriter _edges;
    private readonly FrontierWriter _found;
    private readonly FrontierReader _queued;
    private PendingStep[] _pending = new PendingStep[64];
    private int _pendingCount;
    private int _result;
    private ulong _own;
    private bool _isShared;
    private bool _isTaking;
    private int _state;
    private int _actor;
    private int _choice;

    /// <param name="space">What the threads share.</param>
    /// <param name="system">This thread's own.</param>
    /// <param name="number">This thread's number.</param>
    /// <param name="threads">How many there are.</param>
    public SearchWorker(SearchSpace space, ITransitionSystem system, int number, int threads)
    {
        (_space, _system) = (space, system);
        _edges = space.Graph.NewWriter(space.Scratch);
        _found = new FrontierWriter(space.Frontier, number);
        _queued = new FrontierReader(space.Frontier, threads);
    }

    /// <summary>Steps taken.</summary>
    public long Transitions { get; private set; }

    /// <summary>Links of the chains that these steps were.</summary>
    public long Links { get; private set; }

    /// <summary>Goals found.</summary>
    public int Goals { get; private set; }

    /// <summary>Violations found.</summary>
    public int Violations { get; private set; }

    /// <summary>Called between claims: for clocks and progress.</summary>
    public Action? Poll { get; init; }

    /// <summary>The step of the layer that threw, from the state with the smallest fingerprint; null if none did.</summary>
    public StepFailure? Failure { get; private set; }

    /// <summary>What was thrown elsewhere than in a step; null without.</summary>
    public ExceptionDispatchInfo? Error { get; private set; }

    public void Dispose() => _edges.Dispose();

    /// <summary>Adds the first state.</summary>
    public void Begin()
    {
        var step = _system.Begin();
        _space.Visited.Add(step.Fingerprint);
        Queue(0, step.Kind);
        _found.Seal();
    }

    /// <summary>Takes the steps out of states of the layer, until nobody has begun with none.</summary>
    /// <param name="isShared">True if other threads do the same.</param>
    public void ExpandLayer(bool isShared)
    {
        _isShared = isShared;
        try
        {
            Poll?.Invoke();
            while (_space.Claim(out var first, out var end))
            {
                for (; first < end; first += EdgeWriter.RunStates)
                {
                    ExpandRun(first, Math.Min(end, first + EdgeWriter.RunStates));
                }

                Poll?.Invoke();
            }

            _found.Seal();
            _queued.End();
        }
#pragma warning disable CA1031 // It is thrown again on the thread that searches.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Error = ExceptionDispatchInfo.Capture(error);
            _space.EndWith(SearchLimit.Failure);
        }
        finally
        {
            if (isShared)
            {
                _space.Meeting.Leave(_space.Grow);
            }
        }
    }

    /// <summary>Writes down the states of the layer with which nobody has begun.</summary>
    public void LeaveUnclaimed()
    {
        for (var first = _space.End - _space.Unclaimed; first < _space.End; first += EdgeWriter.RunStates)
        {
            _edges.BeginRun(_space.End - 1);
            for (var state = first; state < Math.Min(_space.End, first + EdgeWriter.RunStates); state++)
            {
                var word = _space.Queue.Get(state);
                _edges.BeginState();
                _edges.EndState(SearchSpace.IsOpen(word) ? EdgeWriter.Unexpanded : (int)word);
            }

            _space.Graph.SetRun(first, _edges.EndRun());
        }
    }

    private void ExpandRun(int first, int end)
    {
        _edges.BeginRun(_space.Visited.Count - 1);
        for (_state = first; _state < end; _state++)
        {
            var word = _space.Queue.Get(_state);
            _edges.BeginState();
            if (!SearchSpace.IsOpen(word))
            {
                _edges.EndState((int)word);
                continue;
            }

            _own = _space.Visited.Fingerprints.Get(_state);
            _system.Load(_queued.Read((byte*)word));
            try
            {
                TakeSteps();
            }
            catch (Exception cause) when (_isTaking)
            {
                (_isTaking, _result) = (false, -1);
                var failure = new StepFailure(_own, _state, _actor, _choice, cause);
                Failure = StepFailure.First(Failure, failure);
            }

            FindTargets();
            _edges.EndState((int)StateKind.Open);
        }

        _space.Graph.SetRun(first, _edges.EndRun());
    }

    private void TakeSteps()
    {
        var (transitions, links) = (0, 0);
        for (var enabled = _system.Enabled; enabled != 0; enabled &= enabled - 1)
        {
            var actor = BitOperations.TrailingZeroCount(enabled);
            var choices = 1;
            var choice = 0;
            do
            {
                (_actor, _choice, _isTaking) = (actor, choice, true);
                var step = _system.Take(actor, choice);
                _isTaking = false;
                choices = Math.Max(choices, step.Choices);
                transitions++;
                links += step.Links;
                Await(step, actor, choice);
            }
            while (++choice < choices);

            if (choices > byte.MaxValue + 1)
            {
                throw new InvalidOperationException($"A step can go on in {choices} ways; a graph tells at most 256 from one another.");
            }
        }

        Transitions += transitions;
        Links += links;
    }

    /// <summary>
    /// The table is mostly not in the cache: what is looked for in it is asked for ahead, and met when all steps of the state are taken.
    /// </summary>
    private void Await(in TakenStep step, int actor, int choice)
    {
        if (_pendingCount == _pending.Length)
        {
            Array.Resize(ref _pending, 2 * _pendingCount);
        }

        var visited = _space.Visited;
        visited.PrefetchSlot(step.Fingerprint);
        if (_pendingCount > 0)
        {
            Guess(ref _pending[_pendingCount - 1]);
        }

        _result = _pendingCount;
        _pending[_pendingCount++] = new PendingStep(step.Fingerprint, -1, choice, (byte)actor, step.Kind, step.Retires);
    }

    /// <summary>A step that has changed nothing has led to its own state; others are looked for, and found a moment later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Guess(ref PendingStep step) =>
        step.Guess = step.Fingerprint == _own ? _state : _space.Visited.Guess(step.Fingerprint);

    /// <summary>Finds where the steps of a state have led, in their order.</summary>
    private void FindTargets()
    {
        var visited = _space.Visited;
        var pending = _pending.AsSpan(0, _pendingCount);
        _pendingCount = 0;
        var middle = pending.Length / 2;
        for (var i = 0; i < pending.Length; i++)
        {
            if (i == middle)
            {
                // The slot of the last one was asked for just now.
                Guess(ref pending[^1]);
            }

            ref var step = ref pending[i];
            var target = step.Guess;
            if (target < 0 || visited.Fingerprints.Get(target) != step.Fingerprint)
            {
                target = _isShared ? TargetShared(step, i) : Target(step, i);
            }

            _edges.Add(step.Actor, target, step.Retires);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Target(in PendingStep step, int index)
    {
        var visited = _space.Visited;
        var known = visited.Count;
        var target = visited.Add(step.Fingerprint);
        if (target == known)
        {
            QueueTarget(target, step, index);
            if (visited.IsFull)
            {
                _space.Grow();
            }
        }

        return target;
    }

    private int TargetShared(in PendingStep step, int index)
    {
        var visited = _space.Visited;
        if (_space.Meeting.IsCalled)
        {
            _space.Meeting.Join(_space.Grow);
        }

        var target = visited.AddShared(step.Fingerprint, out var isNew);
        if (isNew)
        {
            QueueTarget(target, step, index);
            if (target >= visited.Capacity - 1)
            {
                _space.Meeting.Call();
            }
        }

        return target;
    }

    private void QueueTarget(int target, in PendingStep step, int index)
    {
        if (index != _result && step.Kind == StateKind.Open)
        {
            _system.Again(index, step.Actor, step.Choice);
            _result = index;
        }

        Queue(target, step.Kind);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Queue(int state, StateKind kind)
    {
        if (kind == StateKind.Open)
        {
            _space.Queue.Set(state, (ulong)_found.Write(_system.Result));
            return;
        }

        _space.Queue.Set(state, (ulong)kind);
        if (kind == StateKind.Goal)
        {
            Goals++;
        }
        else
        {
            Violations++;
        }
    }
}

/// <summary>A step that was taken, and whose target is not known yet.</summary>
internal record struct PendingStep(ulong Fingerprint, int Guess, int Choice, byte Actor, StateKind Kind, bool Retires);

/// <summary>A step that threw.</summary>
internal sealed record StepFailure(ulong Fingerprint, int State, int Actor, int Choice, Exception Cause)
{
    /// <summary>The one from the state with the smaller fingerprint.</summary>
    public static StepFailure? First(StepFailure? one, StepFailure? other) =>
        one is null || (other is not null && other.Fingerprint < one.Fingerprint) ? other : one;
}
