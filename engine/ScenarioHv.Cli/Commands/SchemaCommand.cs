using ScenarioHv.Cli.Output;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Scenarios.Schema;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>schema</c>: what a scenario file may say, for editors.</summary>
internal static class SchemaCommand
{
    /// <summary>Writes the JSON Schema.</summary>
    public static ExitCode Run(Terminal terminal)
    {
        terminal.Out.Write(ScenarioSchema.Text(EngineVocabulary.Instance));
        return ExitCode.AsExpected;
    }
}
