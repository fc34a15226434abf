using ScenarioHv.Engine.Properties;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration;

/// <summary>A machine's system that counts in how many different states each property is found broken.</summary>
internal sealed class ViolationCensus(Board board, MachineSystem system) : ITransitionSystem
{
    private readonly Dictionary<ulong, SafetyProperty> _broken = [];

    /// <inheritdoc/>
    public int Actors => system.Actors;

    /// <inheritdoc/>
    public int MaxStateBytes => system.MaxStateBytes;

    /// <inheritdoc/>
    public long HeldBytes => system.HeldBytes;

    /// <inheritdoc/>
    public ulong Enabled => system.Enabled;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Result => system.Result;

    /// <inheritdoc/>
    public TakenStep Begin() => Counted(system.Begin());

    /// <inheritdoc/>
    public void Load(ReadOnlySpan<byte> state) => system.Load(state);

    /// <inheritdoc/>
    public TakenStep Take(int actor, int choice) => Counted(system.Take(actor, choice));

    /// <summary>What several have counted together, by the properties' order.</summary>
    public static IReadOnlyList<(string Property, long States)> Count(IReadOnlyList<ViolationCensus> all)
    {
        var states = new Dictionary<ulong, SafetyProperty>();
        foreach (var (fingerprint, property) in all.SelectMany(census => census._broken))
        {
            states.TryAdd(fingerprint, property);
        }

        return
        [
            .. states.Values.GroupBy(property => property).OrderBy(group => group.Key)
                .Select(group => (PropertyTable.NameOf(group.Key)!, group.LongCount())),
        ];
    }

    private TakenStep Counted(TakenStep step)
    {
        if (step.Kind == StateKind.Violated)
        {
            _broken.TryAdd(step.Fingerprint, system.Machine.Ref(board.Check).Violation.Property);
        }

        return step;
    }
}
