using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Commands;

/// <summary>What the user asked <c>try</c> for.</summary>
/// <param name="Script">The policy script.</param>
internal sealed record TryRequest(string Script)
{
    /// <summary>Scenario files, names of shipped scenarios, folders; all shipped scenarios if empty.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>The policy point; null for the one that the script's answers belong to.</summary>
    public string? Point { get; init; }

    /// <summary>When to give up on a run.</summary>
    public long? MaximumSteps { get; init; }

    /// <summary>Whether scripts are taken without checks.</summary>
    public bool Trust { get; init; }

    /// <summary>Whether the report is JSON.</summary>
    public bool Json { get; init; }
}

/// <summary><c>try</c>: a policy script on every machine that has its point, beside the values that scenarios compare there.</summary>
internal sealed class TryCommand(Terminal terminal, LogLevel logLevel)
{
    /// <summary>One script that throws does so on most of the machines.</summary>
    private const int MostProblems = 10;

    /// <summary>Runs and reports.</summary>
    public ExitCode Run(TryRequest request)
    {
        using var logging = StderrLogging.Factory(terminal.Error, logLevel);
        var guests = new ScriptGuests(logging, trusted: request.Trust);
        var script = ScriptOf(request.Script);
        var point = PointOf(guests.LoadPolicy(request.Script), request);
        var paths = request.Paths.Count > 0
            ? ScenarioPaths.Find(request.Paths)
            : [.. ShippedScenarios.All.Select(scenario => scenario.Path)];
        var limits = new RunLimits();
        var run = new TryRun(terminal, logging?.CreateLogger("try"), guests, new TryPlan(point, script))
        {
            Limits = limits with { Steps = request.MaximumSteps ?? limits.Steps },
        };
        return Report(request, point, run.Run(paths));
    }

    private ExitCode Report(TryRequest request, string point, IReadOnlyList<TryScenarioEnd> scenarios)
    {
        var problems = scenarios.SelectMany(scenario => scenario.Problems).ToArray();
        foreach (var problem in problems.Take(MostProblems))
        {
            FailureReport.Write(terminal, problem, logLevel <= LogLevel.Debug);
        }

        if (problems.Length > MostProblems)
        {
            var more = Wording.Count(problems.Length - MostProblems, "more problem", "more problems");
            terminal.Error.WriteLine($"{FailureReport.Prefix}and {more}");
        }

        if (request.Json)
        {
            TryJson.Write(terminal.Out, request.Script, point, scenarios);
        }
        else
        {
            TryText.Write(terminal, request.Script, point, scenarios);
        }

        return MatrixCommand.First(
        [
            .. problems.Select(problem => FailureReport.Classify(problem).Code),
            .. scenarios.SelectMany(scenario => scenario.Machines).Select(machine => TryVerdicts.CodeOf(machine.Verdict)),
        ]);
    }

    /// <summary>The script as a policy's value.</summary>
    private static PolicyValue ScriptOf(string path) => File.Exists(path)
        ? PolicyValue.OfScript(path, Path.GetFullPath(path), new SourceMark(path, 0, 0))
        : throw new InputException(Directory.Exists(path)
            ? $"{path} is a folder, expected a policy script"
            : $"there is no policy script '{path}'");

    /// <summary>The point that a program is for: the one that is asked for, or the only one that takes its answers.</summary>
    private static string PointOf(PolicyProgram program, TryRequest request)
    {
        var points = MachineAssembly.PointsFor(program);
        if (request.Point is { } wanted)
        {
            return points.Contains(wanted) ? wanted
                : throw new InputException(
                    $"--as {wanted}: {program.Name} is for {Wording.Or([.. points])}{NearestName.Hint(wanted, points)}");
        }

        return points.Count == 1
            ? points[0]
            : throw new InputException($"{request.Script} can stand at {Wording.Or([.. points])}: say with --as at which point to try it");
    }
}
