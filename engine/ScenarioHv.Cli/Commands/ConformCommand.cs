using ScenarioHv.Cli.Output;
using ScenarioHv.Conformance;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Commands;

/// <summary>What the user asked <c>conform</c> for.</summary>
/// <param name="Paths">Files and folders.</param>
/// <param name="Preset">The name of the preset.</param>
/// <param name="IsStrict">Compare KVM's internals as well.</param>
/// <param name="Json">Write JSON.</param>
internal sealed record ConformRequest(IReadOnlyList<string> Paths, string Preset, bool IsStrict, bool Json);

/// <summary><c>conform</c>: the model held against recordings of a real kernel.</summary>
internal static class ConformCommand
{
    /// <summary>Replays and reports.</summary>
    public static ExitCode Run(Terminal terminal, ConformRequest request)
    {
        var preset = ConformancePreset.Find(request.Preset) ?? throw new InputException(NoPreset(request.Preset));
        var run = new ConformanceRun(preset, new Comparison(request.IsStrict));
        FileResult[] results = [.. RecordingReader.Read(request.Paths).Select(run.Replay)];
        if (request.Json)
        {
            ConformJson.Write(terminal.Out, preset, request.IsStrict, results);
        }
        else
        {
            ConformText.Write(terminal.Out, results);
        }

        return results.All(result => result.Failed == 0) ? ExitCode.AsExpected : ExitCode.NotAsExpected;
    }

    private static string NoPreset(string name)
    {
        string[] names = [.. ConformancePreset.All.Select(preset => preset.Name)];
        var advice = NearestName.Of(name, names) is { } nearest ? $"did you mean '{nearest}'?" : $"expected {string.Join(" or ", names)}";
        return $"--preset {name}: there is no such preset; {advice}";
    }
}
