using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Cli.Output;

/// <summary>The progress of a search as one line on standard error, for a person who waits; nothing otherwise.</summary>
internal sealed class SearchLine(Terminal terminal) : IDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private readonly Progress _progress = new(terminal);
    private long _start = TimeProvider.System.GetTimestamp();
    private long _last;
    private long _states;

    /// <summary>What stands before the numbers.</summary>
    public string Prefix { get; set; } = "";

    /// <summary>How far the search is. A search with fewer states than the one before is another one.</summary>
    public void Show(SearchProgress progress)
    {
        var now = TimeProvider.System.GetTimestamp();
        if (progress.States < _states)
        {
            _start = now;
        }

        _states = progress.States;
        if (_last != 0 && TimeProvider.System.GetElapsedTime(_last, now) < s_pause)
        {
            return;
        }

        _last = now;
        var seconds = Math.Max(TimeProvider.System.GetElapsedTime(_start, now).TotalSeconds, 0.001);
        _progress.Show($"{Prefix}{Wording.Number(progress.States)} states, {Wording.Number((long)(progress.States / seconds))} a second, "
            + $"depth {progress.Depth}, {Wording.Number(progress.Queue)} waiting, {Wording.Bytes(progress.Bytes)}");
    }

    /// <summary>Something else is being done.</summary>
    public void Tell(string words) => _progress.Show($"without {words}");

    /// <inheritdoc/>
    public void Dispose() => _progress.Dispose();
}
