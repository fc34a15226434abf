namespace ScenarioHv.Exploration.Search;

/// <summary>
/// What a <see cref="LayeredSearch"/> has seen. States are numbered in the order of discovery, so that each is at least as far from the
/// first one as those with smaller numbers; with several threads that order differs from run to run within a layer. It holds memory
/// outside the garbage collector's, until it is disposed of or collected. For one thread at a time.
/// </summary>
public sealed unsafe class SearchGraph : IStateGraph, IDisposable
{
    private readonly MemoryMeter _meter = new();
    private readonly List<(nint Memory, int Bytes)> _chunks = [];
    private readonly List<(int State, int Run)> _layers = [];
    private readonly NativeWords _runs;
    private readonly NativeWords _fingerprints;
    private GraphEdge[] _edges = new GraphEdge[64];

    // Where the last answer ended: what follows it in the run is read on from there.
    private (nint Run, int State, nint At, int Next) _cursor;
    private bool _isDisposed;

    internal SearchGraph()
    {
        _runs = new NativeWords(_meter);
        Visited = new VisitedStates(_meter);
        _fingerprints = Visited.Fingerprints;
    }

    /// <summary>Gives the memory back.</summary>
    ~SearchGraph() => Free();

    /// <inheritdoc/>
    public int States { get; private set; }

    /// <summary>How many layers of states there are: the states of layer n are n steps from the first one, by a shortest path.</summary>
    public int Layers => _layers.Count;

    /// <summary>Bytes held.</summary>
    public long Bytes => _meter.Bytes;

    internal MemoryMeter Meter => _meter;

    internal VisitedStates Visited { get; }

    /// <inheritdoc/>
    public StateKind Kind(int state) => Head(state) is var kind and not EdgeWriter.Unexpanded ? (StateKind)kind : StateKind.Open;

    /// <inheritdoc/>
    /// <remarks>True also of goals and violations, which have no steps in the graph.</remarks>
    public bool IsExpanded(int state) => Head(state) != EdgeWriter.Unexpanded;

    /// <inheritdoc/>
    public ReadOnlySpan<GraphEdge> Edges(int state)
    {
        var run = Run(state, out var before);
        if (run != _cursor.Run || before < _cursor.State)
        {
            _cursor = (run, 0, run + sizeof(int), *(int*)run + 1);
        }

        // What a step says is relative to those before it in the run.
        var at = (byte*)_cursor.At;
        var (next, count) = (_cursor.Next, 0);
        for (var read = _cursor.State; read <= before; read++)
        {
            count = ReadSteps(ref at, ref next);
        }

        _cursor = (run, before + 1, (nint)at, next);
        GC.KeepAlive(this);
        return _edges.AsSpan(0, count);
    }

    /// <summary>The layer of a state: the length of a shortest path to it.</summary>
    public int Layer(int state)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(state);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(state, States);
        var (low, high) = (0, _layers.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = _layers[middle].State <= state ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <summary>The fingerprint of a state, as its system has given it.</summary>
    public ulong Fingerprint(int state)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(state);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(state, States);
        var fingerprint = _fingerprints.Get(state);
        GC.KeepAlive(this);
        return fingerprint;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes down that a layer begins, and makes room for the runs of its states.</summary>
    /// <param name="first">Its first state.</param>
    /// <param name="end">The first state of the next.</param>
    internal void AddLayer(int first, int end)
    {
        var run = 0;
        if (_layers.Count > 0)
        {
            var last = _layers[^1];
            run = last.Run + RunsOf(first - last.State);
        }

        _layers.Add((first, run));
        _runs.Reserve(run + (long)RunsOf(end - first));
        States = end;
    }

    /// <summary>A writer of runs, for one thread.</summary>
    internal EdgeWriter NewWriter(MemoryMeter scratch) => new(_meter, scratch, _chunks);

    /// <summary>Writes down where a run of the newest layer is.</summary>
    /// <param name="first">Its first state.</param>
    /// <param name="run">Its place.</param>
    internal void SetRun(int first, byte* run)
    {
        var layer = _layers[^1];
        _runs.Set(layer.Run + ((first - layer.State) / EdgeWriter.RunStates), (ulong)run);
    }

    private static int RunsOf(int states) => (states + EdgeWriter.RunStates - 1) / EdgeWriter.RunStates;

    /// <summary>The place of a run and where a state is in it.</summary>
    private nint Run(int state, out int before)
    {
        var layer = _layers[Layer(state)];
        var (run, states) = Math.DivRem(state - layer.State, EdgeWriter.RunStates);
        before = states;
        return (nint)_runs.Get(layer.Run + run);
    }

    private int Head(int state)
    {
        var at = (byte*)Run(state, out var before) + sizeof(int);
        var bytes = EdgeWriter.ReadHead(ref at, out var kind);
        for (; before > 0; before--)
        {
            at += bytes;
            bytes = EdgeWriter.ReadHead(ref at, out kind);
        }

        GC.KeepAlive(this);
        return kind;
    }

    private int ReadSteps(ref byte* at, ref int next)
    {
        var bytes = EdgeWriter.ReadHead(ref at, out _);
        var (count, actor, choice) = (0, -1, 0);
        for (var end = at + bytes; at < end; count++)
        {
            if (count == _edges.Length)
            {
                Array.Resize(ref _edges, 2 * count);
            }

            var target = EdgeWriter.ReadStep(ref at, ref actor, ref choice, ref next, out var retires);
            _edges[count] = new GraphEdge(target, (byte)actor, (byte)choice, retires);
        }

        return count;
    }

    private void Free()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        Visited.FreeTable();
        _fingerprints.Free();
        _runs.Free();
        foreach (var (memory, bytes) in _chunks)
        {
            _meter.Give((void*)memory, bytes);
        }

        _chunks.Clear();
    }
}
