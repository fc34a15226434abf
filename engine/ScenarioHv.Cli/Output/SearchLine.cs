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
        if (!IsTime(now))
        {
            return;
        }

        var seconds = Math.Max(TimeProvider.System.GetElapsedTime(_start, now).TotalSeconds, 0.001);
        _progress.Show($"{Prefix}{Wording.Number(progress.States)} states, {Wording.Number((long)(progress.States / seconds))} a second, "
            + $"depth {progress.Depth}, {Wording.Number(progress.Queue)} waiting, {Wording.Bytes(progress.Bytes)}");
    }

    /// <summary>How many walks there were.</summary>
    public void Show(int walks, int wanted)
    {
        if (IsTime(TimeProvider.System.GetTimestamp()))
        {
            _progress.Show($"{Prefix}{Wording.Number(walks)} of {Wording.Number(wanted)} walks");
        }
    }

    /// <summary>Something else is being done.</summary>
    public void Tell(string words) => _progress.Show($"without {words}");

    private bool IsTime(long now)
    {
        if (_last != 0 && TimeProvider.System.GetElapsedTime(_last, now) < s_pause)
        {
            return false;
        }

        _last = now;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _progress.Dispose();
}
