using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Conformance;

namespace ScenarioHv.Cli.Commands;

/// <summary>What became of the lists of one file, or of the random ones.</summary>
/// <param name="Name">The file, or what the random lists are called.</param>
/// <param name="Same">How many lists showed the same to their end.</param>
/// <param name="Partly">Those that could be followed only so far, each with the reason.</param>
/// <param name="Differences">Those that differ, shrunk if random.</param>
internal sealed record LiveFileResult(
    string Name, int Same, IReadOnlyList<LiveResult> Partly, IReadOnlyList<LiveResult> Differences);

/// <summary><c>conform --live</c>: the same operations on a witness and on the model, side by side.</summary>
internal static class LiveConformCommand
{
    // Shrinking executes a list some hundred times. Whoever has more differences than this mends the first ones first.
    private const int MaxShrunk = 20;

    /// <summary>Executes and reports.</summary>
    public static ExitCode Run(Terminal terminal, ConformRequest request, string live, ConformancePreset? preset)
    {
        if (request.Paths.Count == 0 && request.Random is null)
        {
            throw new InputException("conform --live needs lists of operations: expected a file, a folder, or --random");
        }

        var files = RecordingReader.Read(request.Paths);
        using var source = LiveWitnesses.Open(live);
        preset = ConformCommand.WithOverrides(preset ?? source.Preset, request.Overrides);
        var run = new LiveRun(source, preset, new Comparison(request.IsStrict));
        var results = Execute(terminal, run, files, request);
        if (request.Json)
        {
            LiveConformJson.Write(terminal.Out, source, preset, request.IsStrict, results);
        }
        else
        {
            LiveConformText.Write(terminal.Out, source, preset, results);
        }

        return results.All(result => result.Differences.Count == 0) ? ExitCode.AsExpected : ExitCode.NotAsExpected;
    }

    private static List<LiveFileResult> Execute(
        Terminal terminal, LiveRun run, IReadOnlyList<RecordingFile> files, ConformRequest request)
    {
        using var progress = new Progress(terminal);
        var results = new List<LiveFileResult>();
        foreach (var file in files)
        {
            results.Add(Execute(file.Path, file.Recordings, run.Execute, progress, file.Recordings.Count));
        }

        if (request.Random is { } count)
        {
            var lists = Enumerable.Range(0, count).Select(number => OperationGenerator.Generate(request.Seed, number));
            var shrunk = 0;
            results.Add(Execute($"random, seed {request.Seed}", lists, list => Shrunk(run, list, ref shrunk), progress, count));
        }

        return results;
    }

    private static LiveFileResult Execute(
        string name, IEnumerable<Recording> lists, Func<Recording, LiveResult> execute, Progress progress, int count)
    {
        var partly = new List<LiveResult>();
        var differences = new List<LiveResult>();
        var done = 0;
        foreach (var list in lists)
        {
            var result = execute(list);
            if (result.Difference is not null)
            {
                differences.Add(result);
            }
            else if (result.Limit is not null)
            {
                partly.Add(result);
            }

            done++;
            progress.Show($"{name}: {Wording.Number(done)} of {Wording.Count(count, "list", "lists")}");
        }

        return new LiveFileResult(name, done - partly.Count - differences.Count, partly, differences);
    }

    private static LiveResult Shrunk(LiveRun run, Recording list, ref int shrunk)
    {
        var result = run.Execute(list);
        return result.Difference is null || shrunk++ >= MaxShrunk ? result : run.Shrink(result);
    }
}
