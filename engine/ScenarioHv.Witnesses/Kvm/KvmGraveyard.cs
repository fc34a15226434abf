namespace ScenarioHv.Witnesses;

/// <summary>
/// Frees VMs in the background: the kernel waits for an RCU grace period (some 15 ms at 250 Hz) as it destroys one. A few at a time, so
/// that what is not freed yet has a bound.
/// </summary>
internal sealed class KvmGraveyard : IDisposable
{
    private const int MaxWaiting = 8;

    private readonly SemaphoreSlim places = new(MaxWaiting);
    private bool isClosed;

    public void Close(KvmMachine machine)
    {
        if (isClosed)
        {
            machine.Dispose();
            return;
        }

        places.Wait();
        _ = Task.Run(() =>
        {
            try
            {
                machine.Dispose();
            }
            finally
            {
                places.Release();
            }
        });
    }

    public void Dispose()
    {
        if (isClosed)
            return;
        isClosed = true;
        for (int i = 0; i < MaxWaiting; i++)
            places.Wait();
        places.Dispose();
    }
}
