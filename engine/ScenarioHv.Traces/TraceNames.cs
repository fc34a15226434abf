using static System.FormattableString;

namespace ScenarioHv.Traces;

/// <summary>
/// Names for the numbers in the laboratory's own events, as the scenario gives them. A number without a name stays a number.
/// </summary>
public sealed class TraceNames
{
    /// <summary>No names at all.</summary>
    public static TraceNames None { get; } = new();

    /// <summary>Devices by index.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Reports by index: what the guests say.</summary>
    public IReadOnlyList<string> Reports { get; init; } = [];

    /// <summary>Policy points by index.</summary>
    public IReadOnlyList<string> PolicyPoints { get; init; } = [];

    /// <summary>Labels of hypervisor code by index.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    internal string Device(ulong index) => Find(Devices, index, "device");

    internal string Report(ulong index) => index < (ulong)Reports.Count ? $"\"{Reports[(int)index]}\"" : Invariant($"report {index}");

    internal string PolicyPoint(ulong index) => Find(PolicyPoints, index, "policy");

    internal string Label(ulong index) => Find(Labels, index, "point");

    private static string Find(IReadOnlyList<string> names, ulong index, string kind) =>
        index < (ulong)names.Count ? names[(int)index] : Invariant($"{kind} {index}");
}
