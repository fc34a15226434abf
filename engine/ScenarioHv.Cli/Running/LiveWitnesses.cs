using ScenarioHv.Conformance;
using ScenarioHv.Witnesses;

namespace ScenarioHv.Cli.Running;

/// <summary>The witnesses that a machine may have, by their names on the command line.</summary>
internal static class LiveWitnesses
{
    private static readonly Dictionary<string, Func<IWitnessSource>> Sources = new(StringComparer.Ordinal)
    {
        ["kvm"] = () => KvmWitnessSource.Open(),
        ["qemu"] = () => new QemuWitnessSource(),
    };

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Sources.Keys];

    /// <summary>Opens one.</summary>
    /// <exception cref="InputException">There is none of this name.</exception>
    /// <exception cref="WitnessUnavailableException">This machine does not have it.</exception>
    public static IWitnessSource Open(string name)
    {
        if (Sources.TryGetValue(name, out var open))
        {
            return open();
        }

        var advice = NearestName.Of(name, Names) is { } nearest ? $"did you mean '{nearest}'?" : $"expected {string.Join(" or ", Names)}";
        throw new InputException($"--live {name}: there is no such witness; {advice}");
    }
}
