using System.Globalization;

namespace ScenarioHv.Witnesses;

/// <summary>The deliveries of one operation.</summary>
/// <param name="max">How many a window takes.</param>
internal sealed class Deliveries(int max)
{
    private readonly List<string> taken = [];
    private int room = max;

    /// <summary>True if a window may take another one.</summary>
    public bool HasRoom => !IsOver && taken.Count < room;

    /// <summary>True once a fault has ended the operation.</summary>
    public bool IsOver { get; private set; }

    public bool Any => taken.Count > 0;

    public string Text => string.Join(' ', taken);

    public void Add(int vector, int depth) =>
        taken.Add(string.Create(CultureInfo.InvariantCulture, $"{new string('>', depth)}{vector:x2}"));

    /// <summary>Lets one more in.</summary>
    public void MakeRoom() => room = Math.Max(room, taken.Count + 1);

    public void Fault(int vector, int depth)
    {
        taken.Add(string.Create(CultureInfo.InvariantCulture, $"{new string('>', depth)}#{vector:x2}"));
        IsOver = true;
    }
}
