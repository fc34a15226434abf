namespace ScenarioHv.Scenarios;

/// <summary>What stands at a policy point.</summary>
/// <param name="Point">The policy point.</param>
/// <param name="Value">Its value, written as in a scenario.</param>
public sealed record PolicyChoice(string Point, string Value);
