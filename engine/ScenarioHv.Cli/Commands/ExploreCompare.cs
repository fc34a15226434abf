using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Commands;

/// <summary><c>explore --compare</c>: the same search once for each value of a policy.</summary>
internal sealed class ExploreCompare(Terminal terminal, ILoggerFactory? logging)
{
    /// <summary>Explores and reports. A comparison expects nothing: it has failed only if one of its searches has no answer.</summary>
    public ExitCode Run(ExploreRequest request, SearchSettings settings)
    {
        var (point, values) = Split(request.Compare!);
        var guests = new ScriptGuests(logging, trusted: request.Trust);

        // Every machine is built before the first search: a value that cannot be is told at once.
        var columns = values.Select(value => Build(request, new SettingOverride(point, value), guests)).ToArray();
        var rows = new List<ComparedValue>();
        using (var progress = new SearchLine(terminal))
        {
            foreach (var (value, cell, replay) in columns)
            {
                progress.Prefix = $"{value}: ";
                var finding = ExploreCommand.Replayable(
                    replay, () => cell.Explore(settings, progress, logging?.CreateLogger("explore")));
                rows.Add(new ComparedValue(value, finding.WithoutMachine(), replay));
            }
        }

        if (request.Json)
        {
            ExploreJson.Write(terminal.Out, point, rows);
        }
        else
        {
            ExploreTables.Write(terminal, point, rows);
        }

        return rows.Exists(row => row.Finding.Outcome == Outcome.Inconclusive) ? ExitCode.Inconclusive : ExitCode.AsExpected;
    }

    private static (string Value, CellExploration Cell, ReplayCommand Replay) Build(
        ExploreRequest request, SettingOverride setting, ScriptGuests guests)
    {
        SettingOverride[] overrides = [.. request.Overrides, setting];
        var cell = ScenarioFile.Read(request.File, overrides).Cell(request.Cell);
        var replay = new ReplayCommand(request.File) { Cell = request.Cell, Overrides = overrides, Trust = request.Trust };
        return (setting.Value, new CellExploration(cell, guests, request.Timed), replay);
    }

    /// <summary>Commas between arguments of one value separate no values.</summary>
    private static (string Point, IReadOnlyList<string> Values) Split(string text)
    {
        var end = text.IndexOf('=', StringComparison.Ordinal);
        if (end <= 0 || end == text.Length - 1)
        {
            throw new InputException($"--compare {text}: expected point=a,b,c: a policy and the values to compare");
        }

        var values = new List<string>();
        var (depth, start) = (0, end + 1);
        for (var at = start; at <= text.Length; at++)
        {
            if (at == text.Length || (text[at] == ',' && depth == 0))
            {
                values.Add(text[start..at].Trim());
                start = at + 1;
            }
            else
            {
                depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
            }
        }

        return values.Contains("") ? throw new InputException($"--compare {text}: one of the values is empty")
            : values.Distinct().Count() < values.Count ? throw new InputException($"--compare {text}: one of the values is there twice")
            : (text[..end].Trim(), values);
    }
}

/// <summary>One value of a comparison.</summary>
/// <param name="Value">The value.</param>
/// <param name="Finding">What was found.</param>
/// <param name="Replay">Replays its failure.</param>
internal sealed record ComparedValue(string Value, CellFinding Finding, ReplayCommand Replay);
