using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Running;

/// <summary>A scenario file as one command sees it: with the policies of the command line.</summary>
/// <param name="Document">Base and cells.</param>
/// <param name="Overrides">The policies of the command line.</param>
internal sealed record ScenarioFile(ScenarioDocument Document, IReadOnlyList<SettingOverride> Overrides)
{
    /// <summary>Reads a file or a shipped scenario.</summary>
    /// <exception cref="ScenarioException">It cannot be used.</exception>
    /// <exception cref="InputException">There is no such file or scenario.</exception>
    public static ScenarioFile Read(string name, IReadOnlyList<SettingOverride>? overrides = null)
    {
        overrides ??= [];
        var path = ShippedScenarios.Resolve(name);
        var document = ScenarioReader.Read(path, EngineVocabulary.Instance, overrides);
        return new ScenarioFile(overrides.Count == 0 ? document : WithExpectation(document, path), overrides);
    }

    /// <summary>The cell of a name, blanks not counting; the scenario as written if there is none.</summary>
    /// <exception cref="InputException">There is no cell of that name.</exception>
    public ScenarioCell Cell(string? name)
    {
        if (name is null)
        {
            return Document.Cells[0];
        }

        return Document.Cells.FirstOrDefault(cell => Dense(cell.Name) == Dense(name)) ?? throw NoCell(name);
    }

    /// <summary>
    /// What the file expects of the scenario as written says nothing about other policies. With policies of the command line that change
    /// it, the matrix cell with the same policies says what is expected; without such a cell nothing is.
    /// </summary>
    private static ScenarioDocument WithExpectation(ScenarioDocument document, string path)
    {
        var written = ScenarioReader.Read(path, EngineVocabulary.Instance);
        if (MachineAssembly.HaveSamePolicies(document.Base, written.Base))
        {
            return document;
        }

        var twin = document.Cells.Skip(1).FirstOrDefault(cell =>
            IsSameMachine(cell.Scenario, document.Base) && MachineAssembly.HaveSamePolicies(cell.Scenario, document.Base));
        var scenario = document.Base with
        {
            Expect = twin?.Expect ?? [],
            Explore = document.Base.Explore with { Expect = twin?.Scenario.Explore.Expect ?? [] },
        };
        return new ScenarioDocument(scenario, [document.Cells[0] with { Scenario = scenario }, .. document.Cells.Skip(1)]);
    }

    /// <summary>True if the two differ in policies at most: a cell of the matrix shares every other part with the scenario.</summary>
    private static bool IsSameMachine(Scenario cell, Scenario scenario) =>
        ReferenceEquals(cell.Machine.Devices, scenario.Machine.Devices)
        && ReferenceEquals(cell.Timeline, scenario.Timeline)
        && ReferenceEquals(cell.Guests, scenario.Guests);

    private InputException NoCell(string name)
    {
        var names = Document.Cells.Select(cell => cell.Name).ToArray();
        var nearest = NearestName.Of(name, names);
        return new InputException($"{Document.Base.Name} has no cell '{name}'"
            + (nearest is null ? $"; it has {string.Join("; ", names)}" : $"; did you mean '{nearest}'?"));
    }

    private static string Dense(string text) => string.Concat(text.Where(character => !char.IsWhiteSpace(character)));
}
