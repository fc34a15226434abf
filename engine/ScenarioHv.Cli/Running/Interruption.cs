namespace ScenarioHv.Cli.Running;

/// <summary>
/// Ctrl-C as something that the work can look at: the first asks it to end and to tell what it knows, the second ends the process.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();

    /// <summary>Listens from now on.</summary>
    public Interruption() => Console.CancelKeyPress += OnCancel;

    /// <summary>Set by the first Ctrl-C.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        Console.CancelKeyPress -= OnCancel;
        _source.Dispose();
    }

    private void OnCancel(object? sender, ConsoleCancelEventArgs e)
    {
        e.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }
}
