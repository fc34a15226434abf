namespace ScenarioHv.Cli.Output;

/// <summary>
/// One line on standard error that is written over, for a person who waits; nothing otherwise. Safe for use by several threads.
/// </summary>
internal sealed class Progress(Terminal terminal) : IDisposable
{
    private readonly Lock _gate = new();
    private bool _isShown;

    /// <summary>Shows <paramref name="text"/> in place of what was shown.</summary>
    public void Show(string text)
    {
        if (!terminal.ErrorIsWatched)
        {
            return;
        }

        lock (_gate)
        {
            terminal.Error.Write($"\r\e[K{text}");
            _isShown = true;
        }
    }

    /// <summary>Removes the line.</summary>
    public void Dispose()
    {
        if (_isShown)
        {
            terminal.Error.Write("\r\e[K");
        }
    }
}
