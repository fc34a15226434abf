namespace ScenarioHv.Exploration.Search;

/// <summary>The threads of a search: the one that searches, and one for each other worker, which sleep between the layers.</summary>
internal sealed class WorkerTeam : IDisposable
{
    private readonly IReadOnlyList<SearchWorker> _workers;
    private readonly List<Thread> _threads = [];
    private readonly Barrier _gate;
    private volatile bool _isOver;

    public WorkerTeam(IReadOnlyList<SearchWorker> workers)
    {
        _workers = workers;
        _gate = new Barrier(workers.Count);
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
        _gate.SignalAndWait();
        _workers[0].ExpandLayer(isShared: true);
        _gate.SignalAndWait();
    }

    public void Dispose()
    {
        _isOver = true;
        _gate.SignalAndWait();
        _threads.ForEach(thread => thread.Join());
        _gate.Dispose();
    }

    private void Serve(SearchWorker worker)
    {
        while (true)
        {
            _gate.SignalAndWait();
            if (_isOver)
            {
                return;
            }

            worker.ExpandLayer(isShared: true);
            _gate.SignalAndWait();
        }
    }
}
