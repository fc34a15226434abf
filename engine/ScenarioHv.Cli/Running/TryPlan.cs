using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Running;

/// <summary>One value of the tried point on a machine of a scenario.</summary>
/// <param name="Value">The value, as reports name it.</param>
/// <param name="Cell">The cell that is run.</param>
internal sealed record TryValue(string Value, ScenarioCell Cell);

/// <summary>
/// A machine of a scenario: what its cells have in common that differ at the tried point only. It is run once with each of their values,
/// and once with the script.
/// </summary>
/// <param name="Name">What is special about it, as the scenario's cells say.</param>
/// <param name="Rivals">The values that the scenario's cells have, in their order; none of a machine that has not the point.</param>
/// <param name="Script">The script in their place; null for a machine that has not the point.</param>
/// <param name="Usual">The value that the machine's preset chooses.</param>
/// <param name="Absence">Why the machine has not the point; null if it has.</param>
internal sealed record TryMachine(string Name, IReadOnlyList<TryValue> Rivals, TryValue? Script, string Usual, string? Absence)
{
    /// <summary>True if the scenario is about this point: its matrix compares values of it, or its cells name different ones.</summary>
    public required bool IsAbout { get; init; }
}

/// <summary>The machines of a scenario on which a script is tried.</summary>
/// <param name="point">The policy point.</param>
/// <param name="script">The script as its value.</param>
internal sealed class TryPlan(string point, PolicyValue script)
{
    private const string AsWritten = "as written";

    /// <summary>What errors name that are about the script as a value.</summary>
    public string ScriptFile => script.Mark.File;

    /// <summary>The machines, in the order in which the scenario's cells come to them.</summary>
    public IReadOnlyList<TryMachine> Of(ScenarioDocument document)
    {
        var named = document.Cells.Select(cell => cell.Scenario.Machine.Policies.GetValueOrDefault(point)).Distinct();
        var isAbout = document.Base.Compared.Contains(point) || named.Count() > 1;
        return
        [
            .. document.Cells
                .GroupBy(cell => MachineAssembly.TextWithout(cell.Scenario, point), StringComparer.Ordinal)
                .Select(cells => MachineOf([.. cells], isAbout)),
        ];
    }

    private TryMachine MachineOf(ScenarioCell[] cells, bool isAbout)
    {
        var scenario = cells[0].Scenario;
        var name = NameOf(cells);
        if (MachineAssembly.AbsenceOf(scenario, point) is { } absence)
        {
            return new TryMachine(name, [], null, "", absence) { IsAbout = isAbout };
        }

        var rivals = cells.Where(cell => !IsScript(cell.Scenario))
            .Select(cell => new TryValue(MachineAssembly.ValueOf(cell.Scenario, point), cell))
            .DistinctBy(rival => rival.Value, StringComparer.Ordinal);
        var tried = new ScenarioCell(name, "", MachineAssembly.WithPolicy(scenario, point, script));
        var usual = MachineAssembly.UsualOf(scenario, point);
        return new TryMachine(name, [.. rivals], new TryValue(script.ToString(), tried), usual, null) { IsAbout = isAbout };
    }

    private bool IsScript(Scenario scenario) =>
        scenario.Machine.Policies.TryGetValue(point, out var value) && value == script;

    /// <summary>A cell of the matrix is named after its values; one of them is what is being tried.</summary>
    private string NameOf(ScenarioCell[] cells)
    {
        var ofMatrix = cells.FirstOrDefault(cell => cell.Name == ValuesOf(cell.Scenario, _ => true));
        var name = ofMatrix is null ? cells[0].Name : ValuesOf(ofMatrix.Scenario, other => other != point);
        return name is "" or ScenarioCell.BaseName ? AsWritten : name;
    }

    private static string ValuesOf(Scenario scenario, Func<string, bool> isNamed) => string.Join(
        ", ",
        scenario.Compared.Where(isNamed).Select(compared =>
            $"{compared}={(scenario.Machine.Policies.TryGetValue(compared, out var value) ? value : "")}"));
}
