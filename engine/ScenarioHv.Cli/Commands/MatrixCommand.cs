using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Commands;

/// <summary>What the user asked <c>matrix</c> for.</summary>
/// <param name="Paths">Scenario files, names of shipped scenarios, folders.</param>
internal sealed record MatrixRequest(IReadOnlyList<string> Paths)
{
    /// <summary>The policies of the command line.</summary>
    public IReadOnlyList<SettingOverride> Overrides { get; init; } = [];

    /// <summary>Whether scripts are taken without checks.</summary>
    public bool Trust { get; init; }

    /// <summary>Whether the report is JSON.</summary>
    public bool Json { get; init; }

    /// <summary>Where the JUnit XML goes; null for nowhere.</summary>
    public string? JUnit { get; init; }
}

/// <summary><c>matrix</c>: every cell of one or more scenarios, on all cores, reported in the scenarios' order.</summary>
internal sealed class MatrixCommand(Terminal terminal, LogLevel logLevel)
{
    // A defect of the laboratory makes everything else doubtful; what could not be used says nothing of the cells that it has.
    private static readonly ExitCode[] Precedence = [ExitCode.Defect, ExitCode.BadInput, ExitCode.NotAsExpected, ExitCode.Inconclusive];

    /// <summary>Runs and reports.</summary>
    public ExitCode Run(MatrixRequest request)
    {
        using var logging = StderrLogging.Factory(terminal.Error, logLevel);
        var paths = ScenarioPaths.Find(request.Paths);
        using var junit = request.JUnit is { } path ? new OutputFile("--junit", path) : null;
        var scenarios = new MatrixRun(terminal, logging, request.Trust).Run(paths, request.Overrides);
        junit?.Complete(JUnitXml.Write(scenarios));
        if (ScenarioPaths.IsOne(request.Paths))
        {
            Report(scenarios[0], request.Json);
        }
        else
        {
            Report(scenarios, request.Json);
        }

        return First(scenarios.SelectMany(CodesOf));
    }

    /// <summary>What the process returns for several results: the worst, as the precedence has it.</summary>
    internal static ExitCode First(IEnumerable<ExitCode> codes)
    {
        var all = codes.ToHashSet();
        return Precedence.FirstOrDefault(all.Contains, ExitCode.AsExpected);
    }

    /// <summary>One scenario: what is wrong with it is the one thing that is said.</summary>
    private void Report(ScenarioEnd scenario, bool asJson)
    {
        if (scenario.Problems.FirstOrDefault() is { } problem)
        {
            ExceptionDispatchInfo.Throw(problem);
        }

        if (asJson)
        {
            RunJson.Write(terminal.Out, scenario.Scenario!, scenario.Results, scenario.LeftOut);
        }
        else
        {
            MatrixText.Write(terminal, scenario.Scenario!, scenario.Results, scenario.LeftOut);
        }
    }

    /// <summary>Several scenarios: each problem is a message, and the others are reported as if it were not there.</summary>
    private void Report(IReadOnlyList<ScenarioEnd> scenarios, bool asJson)
    {
        foreach (var scenario in scenarios)
        {
            foreach (var problem in scenario.Problems)
            {
                var named = problem is CellException cell ? cell.Of(scenario.Name) : problem;
                FailureReport.Write(terminal, named, logLevel <= LogLevel.Debug);
            }
        }

        if (asJson)
        {
            SurveyJson.Write(terminal.Out, scenarios);
        }
        else
        {
            SurveyText.Write(terminal, scenarios);
        }
    }

    private static IEnumerable<ExitCode> CodesOf(ScenarioEnd scenario) => scenario.Results.Select(result => result.ExitCode)
        .Concat(scenario.Problems.Select(problem => FailureReport.Classify(problem).Code));
}
