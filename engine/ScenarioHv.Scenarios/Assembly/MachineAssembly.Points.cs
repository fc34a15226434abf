using ScenarioHv.Engine.Policies;

namespace ScenarioHv.Scenarios.Assembly;

/// <content>One policy point of a scenario's machine: whether it has it, what is there, and what is around it.</content>
public static partial class MachineAssembly
{
    /// <summary>The names of the points that a script is made for.</summary>
    public static IReadOnlyList<string> PointsFor(PolicyProgram program) => PolicyTable.PointsFor(program);

    /// <summary>Why the scenario's machine does not have a policy point; null if it has it.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="point">A point of the vocabulary.</param>
    public static string? AbsenceOf(Scenario scenario, string point)
    {
        var hardware = Hardware(scenario.Machine);
        return RuleOf(point) is { } rule
            ? rule.Absence(hardware)
            : ControllerChoices.Absence(point, scenario.Machine, hardware);
    }

    /// <summary>The value of a policy point with which the scenario runs, named or not.</summary>
    /// <inheritdoc cref="AbsenceOf"/>
    /// <exception cref="ScenarioException">The machine does not say whose the point is.</exception>
    public static string ValueOf(Scenario scenario, string point) =>
        scenario.Machine.Policies.TryGetValue(point, out var named) ? named.ToString()
        : RuleOf(point) is { } rule ? Choose(scenario.Machine, rule).ToString()
        : ControllerChoices.UsualOf(point, scenario.Machine);

    /// <summary>The value with which it would run if it named none.</summary>
    /// <inheritdoc cref="ValueOf"/>
    public static string UsualOf(Scenario scenario, string point)
    {
        var others = scenario.Machine.Policies.Where(policy => policy.Key != point);
        var policies = new OrderedDictionary<string, PolicyValue>(others, StringComparer.Ordinal);
        return ValueOf(scenario with { Machine = scenario.Machine with { Policies = policies } }, point);
    }

    /// <summary>The scenario with another value at a policy point; it expects nothing.</summary>
    /// <inheritdoc cref="AbsenceOf"/>
    /// <param name="scenario">The scenario.</param>
    /// <param name="point">A point of the vocabulary.</param>
    /// <param name="value">The value.</param>
    public static Scenario WithPolicy(Scenario scenario, string point, PolicyValue value)
    {
        var policies = new OrderedDictionary<string, PolicyValue>(scenario.Machine.Policies, StringComparer.Ordinal) { [point] = value };
        return scenario with { Machine = scenario.Machine with { Policies = policies }, Expect = [] };
    }

    /// <summary>
    /// Everything that a run of the scenario depends on but one policy point: two scenarios with the same text differ in that point's value
    /// at most.
    /// </summary>
    /// <inheritdoc cref="AbsenceOf"/>
    public static string TextWithout(Scenario scenario, string point) => MachineText.Of(scenario, point);

    private static PolicyRule? RuleOf(string point) => PolicyTable.Rules.FirstOrDefault(rule => rule.Name == point);
}
