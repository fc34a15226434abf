namespace ScenarioHv.Exploration.Search;

/// <summary>
/// The threads of a search: the one that searches, and one for each other worker. Between layers they spin for a while, since the next
/// layer is mostly close, and then sleep.
/// </summary>
internal sealed class WorkerTeam : IDisposable
{
    // Some tenths of a millisecond in all: what another thread can be behind at the end of a layer.
    private const int Spins = 400;
    private const int SpinLength = 20;

    private readonly IReadOnlyList<SearchWorker> _workers;
    private readonly List<Thread> _threads = [];
    private readonly object _gate = new();
    private volatile int _layer;
    private volatile bool _isOver;
    private int _finished;

    public WorkerTeam(IReadOnlyList<SearchWorker> workers)
    {
        _workers = workers;
        foreach (var worker in workers.Skip(1))
        {
            var thread = new Thread(() => Serve(worker)) { IsBackground = true, Name = "search" };
            thread.Start();
            _threads.Add(thread);
        }
    }

    /// <summary>Lets all workers expand the layer, and waits for them.</summary>
    public void ExpandLayer()
    {
        Volatile.Write(ref _finished, 0);
        BeginLayer();
        _workers[0].ExpandLayer(isShared: true);
        var spin = new SpinWait();
        while (Volatile.Read(ref _finished) < _threads.Count)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    public void Dispose()
    {
        _isOver = true;
        BeginLayer();
        _threads.ForEach(thread => thread.Join());
    }

    private void BeginLayer()
    {
        lock (_gate)
        {
            _layer++;
            Monitor.PulseAll(_gate);
        }
    }

    private void Serve(SearchWorker worker)
    {
        for (var layer = 0; ; layer++)
        {
            AwaitLayerAfter(layer);
            if (_isOver)
            {
                return;
            }

            worker.ExpandLayer(isShared: true);
            Interlocked.Increment(ref _finished);
        }
    }

    private void AwaitLayerAfter(int layer)
    {
        for (var spin = 0; spin < Spins && _layer == layer; spin++)
        {
            Thread.SpinWait(SpinLength);
        }

        lock (_gate)
        {
            while (_layer == layer)
            {
                Monitor.Wait(_gate);
            }
        }
    }
}
