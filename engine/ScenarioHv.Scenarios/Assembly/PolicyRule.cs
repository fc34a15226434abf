using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <summary>
/// A rule at which hypervisors or patches differ: its values with their words, which machines have it, and what a value does to a machine's
/// configuration.
/// </summary>
internal sealed record PolicyRule
{
    /// <summary>Name in scenarios: <c>immediate-exit</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What it decides, one line.</summary>
    public required string Summary { get; init; }

    /// <summary>The values.</summary>
    public required PolicyEntry[] Values { get; init; }

    /// <summary>Why a machine does not have this point, so that naming it is an error; null if it has it.</summary>
    public required Func<MachineConfig, string?> Absence { get; init; }

    /// <summary>Makes <see cref="Script"/>, which few scenarios need.</summary>
    public required Func<PolicyShape> MakeScript { private get; init; }

    /// <summary>How a script fills the point.</summary>
    public PolicyShape Script => MakeScript();

    /// <summary>The value of a machine whose preset chooses none and whose scenario names none.</summary>
    public Func<MachineSection, string>? Usual { get; init; }

    /// <summary>True if reports name its value although the scenario, which has no matrix, does not.</summary>
    public bool IsAlwaysReported { get; init; }

    /// <summary>The point in words, for the reader and for <c>describe policies</c>.</summary>
    public PolicyPointInfo Info => new(Name, Summary, Array.ConvertAll(Values, value => value.Info), () => Script.Info);

    /// <summary>The configuration with a value of this point.</summary>
    /// <exception cref="ScenarioException">The value does not exist with this machine.</exception>
    public MachineConfig Apply(PolicyValue value, MachineConfig config)
    {
        var entry = Values.First(entry => entry.Info.Name == value.Name);
        return entry.Problem(config) is { } problem ? throw value.Mark.Error(problem) : entry.Apply(value, config);
    }

    /// <summary>The configuration with a script in the point. A plan is asked for its steps.</summary>
    /// <param name="program">The script.</param>
    /// <param name="mark">Where the point is given it.</param>
    /// <param name="config">A machine that has the point.</param>
    /// <exception cref="ScenarioException">The script is made for another point.</exception>
    /// <exception cref="PolicyException">The script failed when it was asked.</exception>
    public MachineConfig Apply(PolicyProgram program, SourceMark mark, MachineConfig config)
    {
        Script.Info.Require(program, Name, mark);
        return Script.Fill(this, program, config);
    }
}

/// <summary>One value of a <see cref="PolicyRule"/>.</summary>
/// <param name="Info">Its words.</param>
/// <param name="Problem">Why it does not exist with a machine that has the point; null if it does.</param>
/// <param name="Apply">The configuration with it.</param>
internal sealed record PolicyEntry(
    PolicyValueInfo Info, Func<MachineConfig, string?> Problem, Func<PolicyValue, MachineConfig, MachineConfig> Apply)
{
    /// <summary>A value without parameters that exists with every machine that has the point.</summary>
    public static PolicyEntry Plain(string name, string summary, string source, Func<MachineConfig, MachineConfig> apply) =>
        new(new PolicyValueInfo(name, [], summary, source), _ => null, (_, config) => apply(config));
}
