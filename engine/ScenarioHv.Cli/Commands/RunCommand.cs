using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Commands;

/// <summary>What the user asked <c>run</c> for.</summary>
/// <param name="File">A path or the name of a shipped scenario.</param>
internal sealed record RunRequest(string File)
{
    /// <summary>The policies of the command line.</summary>
    public IReadOnlyList<SettingOverride> Overrides { get; init; } = [];

    /// <summary>The cell; null for the scenario as written.</summary>
    public string? Cell { get; init; }

    /// <summary>Where the trace goes; null for nowhere, "-" for standard output.</summary>
    public string? Trace { get; init; }

    /// <summary>The trace dialect's name; null for the one of the scenario's kernel.</summary>
    public string? Dialect { get; init; }

    /// <summary>Whether events are explained.</summary>
    public bool Verbose { get; init; }

    /// <summary>Whether the report is JSON.</summary>
    public bool Json { get; init; }

    /// <summary>When to give up.</summary>
    public long? MaximumSteps { get; init; }

    /// <summary>When to give up.</summary>
    public long? MaximumCycles { get; init; }
}

/// <summary><c>run</c>: one cell, from its beginning to its outcome.</summary>
internal sealed class RunCommand(Terminal terminal, LogLevel logLevel)
{
    private const string StandardOutput = "-";
    private const int ExplainedEvents = 60;

    /// <summary>Runs and reports.</summary>
    public ExitCode Run(RunRequest request)
    {
        var wanted = request.Dialect is { } name ? DialectOf(name) : null;
        using var logging = StderrLogging.Factory(terminal.Error, logLevel);
        var file = ScenarioFile.Read(request.File, request.Overrides);
        var cell = new CellRun(file.Cell(request.Cell), new ScriptGuests(logging));
        var dialect = wanted ?? cell.Dialect;
        var last = request.Verbose ? new TraceRecorder(ExplainedEvents) : null;
        CellResult result;
        using (var trace = request.Trace is { } path and not StandardOutput ? new TraceFile(path) : null)
        {
            var output = request.Trace == StandardOutput ? terminal.Out : trace?.Writer;
            result = Run(cell, request, Sink(cell, output, dialect, last), logging);
            trace?.Complete();
        }

        terminal.Out.Flush();
        var toError = request.Trace == StandardOutput;
        var report = toError ? terminal.Error : terminal.Out;
        if (request.Json)
        {
            RunJson.Write(report, result, dialect);
        }
        else
        {
            var colour = new Colour(toError ? terminal.ErrorIsWatched : terminal.OutIsWatched);
            new RunText(report, colour, terminal.Width, dialect).Write(result, last);
        }

        return result.ExitCode;
    }

    private CellResult Run(CellRun cell, RunRequest request, ITraceSink? sink, ILoggerFactory? logging)
    {
        using var progress = new Progress(terminal);
        var tscHz = cell.Board.Config.TscHz;
        var limits = new RunLimits();
        limits = limits with { Steps = request.MaximumSteps ?? limits.Steps, Cycles = request.MaximumCycles ?? limits.Cycles };
        return cell.Run(
            limits,
            sink,
            (steps, cycles) => progress.Show($"{Wording.Number(steps)} steps, {Wording.Time(cycles, tscHz)} of the machine's time"),
            logging?.CreateLogger("run"));
    }

    private static ITraceSink? Sink(CellRun cell, TextWriter? output, TraceDialect dialect, TraceRecorder? last)
    {
        List<ITraceSink> sinks = [];
        if (output is not null)
        {
            sinks.Add(new TraceCmdWriter(output, new TraceCmdOptions
            {
                Dialect = dialect,
                TscHz = cell.Board.Config.TscHz,
                Actors = cell.Naming.Actors,
                Names = cell.Naming.Names,
                // Bare metal has no kernel whose tracepoints could be printed.
                LaboratoryEvents = !cell.Board.IsKvm,
            }));
        }

        if (last is not null)
        {
            sinks.Add(last);
        }

        return sinks.Count == 0 ? null : cell.Naming.Before(TraceSinks.Tee(sinks));
    }

    private static TraceDialect DialectOf(string name)
    {
        if (TraceDialects.TryGet(name, out var dialect))
        {
            return dialect;
        }

        var hint = NearestName.Hint(name, TraceDialects.All.Select(known => known.Name));
        throw new InputException($"--dialect {name}: expected {string.Join(" or ", TraceDialects.All)}{hint}");
    }
}
