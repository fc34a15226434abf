using System.Globalization;

namespace ScenarioHv.Witnesses;

/// <summary>The deliveries of one operation.</summary>
/// <param name="max">How many a window takes.</param>
internal sealed class Deliveries(int max)
{
    /// <summary>For operations that open no window. An NMI's handler may, and what then comes may never end.</summary>
    public const int NoMax = int.MaxValue;

    // What handlers add after the last window has closed, and all of an operation without a maximum.
    private const int Slack = 1000;

    private readonly List<string> taken = [];
    private readonly int limit = max == NoMax ? Slack : max + Slack;
    private int room = max;

    /// <summary>True if a window may take another one.</summary>
    public bool HasRoom => !IsOver && taken.Count < room;

    /// <summary>True once a fault has ended the operation.</summary>
    public bool IsOver { get; private set; }

    public bool Any => taken.Count > 0;

    public string Text => string.Join(' ', taken);

    /// <exception cref="NotSupportedException">There is no end to them.</exception>
    public void Add(int vector, int depth)
    {
        if (taken.Count >= limit)
            throw new NotSupportedException($"more than {taken.Count} deliveries in one operation");
        taken.Add(string.Create(CultureInfo.InvariantCulture, $"{new string('>', depth)}{vector:x2}"));
    }

    /// <summary>Lets one more in.</summary>
    public void MakeRoom() => room = Math.Max(room, taken.Count + 1);

    public void Fault(int vector, int depth)
    {
        taken.Add(string.Create(CultureInfo.InvariantCulture, $"{new string('>', depth)}#{vector:x2}"));
        IsOver = true;
    }
}
