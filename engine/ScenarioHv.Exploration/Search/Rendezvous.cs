namespace ScenarioHv.Exploration.Search;

/// <summary>
/// Where the threads of a search meet in the middle of a layer: when all are there or have left, one does what is to be done alone.
/// </summary>
/// <param name="threads">How many there are.</param>
internal sealed class Rendezvous(int threads)
{
    private readonly Lock _lock = new();
    private volatile bool _isCalled;
    private volatile int _meetings;
    private int _present;
    private int _left;

    /// <summary>True if everybody is wanted.</summary>
    public bool IsCalled => _isCalled;

    /// <summary>Wants everybody.</summary>
    public void Call() => _isCalled = true;

    /// <summary>Everybody is at work again.</summary>
    public void Open() => _left = 0;

    /// <summary>Waits until the rest is here or has left, and what is to be done is done.</summary>
    public void Join(Action alone)
    {
        int meeting;
        lock (_lock)
        {
            meeting = _meetings;
            _present++;
            Meet(alone);
        }

        var spin = new SpinWait();
        while (_meetings == meeting)
        {
            spin.SpinOnce();
        }
    }

    /// <summary>Has finished the layer.</summary>
    public void Leave(Action alone)
    {
        lock (_lock)
        {
            _left++;
            Meet(alone);
        }
    }

    private void Meet(Action alone)
    {
        if (!_isCalled || _present + _left < threads)
        {
            return;
        }

        try
        {
            alone();
        }
        finally
        {
            _present = 0;
            _isCalled = false;
            _meetings++;
        }
    }
}
