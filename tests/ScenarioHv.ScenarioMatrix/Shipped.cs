using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Scripting;

namespace ScenarioHv.ScenarioMatrix;

/// <summary>The scenarios that the project ships, read and run as the command does.</summary>
internal static class Shipped
{
    private static readonly ScriptLoader Scripts = new(new ScriptCache(null));

    public static string Folder => Path.Combine(TestContext.CurrentContext.TestDirectory, "scenarios");

    public static IEnumerable<string> Files =>
        Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "scenarios"), "*.yaml", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal);

    public static ScenarioDocument Read(string file) => ScenarioReader.Read(file, EngineVocabulary.Instance);

    public static Scenario Cell(string name, string cell) =>
        Read(Path.Combine(Folder, name + ".yaml")).Cells.Single(candidate => candidate.Name == cell).Scenario;

    public static Board BoardOf(Scenario scenario) => new(MachineAssembly.Build(scenario, new Loader()));

    public static Board ExploredBoardOf(Scenario scenario, bool timed = false) =>
        new(MachineAssembly.BuildForExploring(scenario, new Loader(), timed).Config);

    public static (RunResult Result, Board Board) Run(Scenario scenario, ITraceSink? sink = null)
    {
        var board = BoardOf(scenario);
        return (new Runner(board).Run(sink), board);
    }

    private sealed class Loader : IGuestLoader
    {
        public GuestProgram Load(string path, IReadOnlyDictionary<string, long> parameters) => Scripts.Load(path, parameters);

        public PolicyProgram LoadPolicy(string path) => Scripts.LoadPolicy(path);
    }
}
