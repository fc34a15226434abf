using System.Globalization;
using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Schedules;
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

    /// <summary>Whether scripts are taken without checks.</summary>
    public bool Trust { get; init; }

    /// <summary>Whether the report is JSON.</summary>
    public bool Json { get; init; }

    /// <summary>When a snapshot is made: a duration or a cycle; null for never.</summary>
    public string? SaveAt { get; init; }

    /// <summary>Where the snapshot goes; null for a file in the working folder that is named after scenario and cycle.</summary>
    public string? Save { get; init; }

    /// <summary>The snapshot from which the run goes on; null to begin at the beginning.</summary>
    public string? Restore { get; init; }

    /// <summary>The history to be replayed; null to run.</summary>
    public string? Schedule { get; init; }

    /// <summary>The optional parts of the scenario that are left out.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary>When to give up.</summary>
    public long? MaximumSteps { get; init; }

    /// <summary>When to give up.</summary>
    public long? MaximumCycles { get; init; }
}

/// <summary><c>run</c>: one cell, from its beginning to its outcome.</summary>
internal sealed class RunCommand(Terminal terminal, LogLevel logLevel)
{
    private const string StandardOutput = "-";
    private const int LastEvents = 60;
    private const int StepsPerSecond = 1_000_000;

    /// <summary>Runs and reports.</summary>
    public ExitCode Run(RunRequest request)
    {
        RequireSense(request);
        var wanted = request.Dialect is { } name ? DialectOf(name) : null;
        using var logging = StderrLogging.Factory(terminal.Error, logLevel);
        var reproduction = ReproducerFile.IsOne(request.File) ? Reproduction.Of(request, logging) : null;
        var cell = reproduction?.Cell ?? Cell(request, logging);
        var dialect = wanted ?? cell.Dialect;
        var saveAt = request.SaveAt is { } at ? CycleOf(at, cell.Board.Config.TscHz) : (long?)null;
        var restored = request.Restore is { } snapshot ? Restore(cell, snapshot) : null;
        var last = new TraceRecorder(LastEvents);
        CellResult result;
        using (var trace = request.Trace is { } path and not StandardOutput ? new OutputFile("--trace", path) : null)
        {
            var output = request.Trace == StandardOutput ? terminal.Out : trace?.Writer;
            result = Run(cell, reproduction, request, Sink(cell, output, dialect, last), logging);
            trace?.Complete();
        }

        var snapshots = new SnapshotNotes(restored, saveAt is { } cycle ? Save(cell, request, cycle) : null);
        terminal.Out.Flush();
        var toError = request.Trace == StandardOutput;
        var report = toError ? terminal.Error : terminal.Out;
        if (request.Json)
        {
            RunJson.Write(report, result, dialect, snapshots);
        }
        else
        {
            var colour = new Colour(toError ? terminal.ErrorIsWatched : terminal.OutIsWatched);
            new RunText(report, colour, terminal.Width, dialect).Write(result, last, request.Verbose, snapshots);
        }

        return result.ExitCode;
    }

    private static void RequireSense(RunRequest request)
    {
        if (request is { Save: { } save, SaveAt: null })
        {
            throw new InputException($"--save {save}: say when with --save-at, a time such as 80us or a cycle");
        }

        if (request is { Schedule: not null, SaveAt: not null } or { Schedule: not null, Restore: not null })
        {
            throw new InputException(
                $"--schedule and {(request.Restore is null ? "--save-at" : "--restore")} exclude each other: "
                + "a schedule counts from the machine's first state, on the machine that a search takes");
        }

        if (request is { Schedule: null, Without.Count: > 0 })
        {
            throw new InputException($"--without '{request.Without[0]}': a run takes the whole scenario; this goes with --schedule");
        }
    }

    private static CellRun Cell(RunRequest request, ILoggerFactory? logging)
    {
        var schedule = request.Schedule is { } text ? ScheduleOf(text) : null;
        var cell = ScenarioFile.Read(request.File, request.Overrides).Cell(request.Cell);
        return new CellRun(SmallerCell.Of(cell, request.Without), new ScriptGuests(logging, trusted: request.Trust), schedule);
    }

    private static Schedule ScheduleOf(string text)
    {
        try
        {
            return Schedule.Parse(text);
        }
        catch (ScheduleException problem)
        {
            throw new InputException($"--schedule: {problem.Message}");
        }
    }

    private CellResult Run(
        CellRun cell, Reproduction? reproduction, RunRequest request, ITraceSink? sink, ILoggerFactory? logging)
    {
        using var progress = new Progress(terminal);
        var tscHz = cell.Board.Config.TscHz;
        try
        {
            var result = cell.Run(
                Limits(request),
                sink,
                (steps, cycles) => progress.Show(cell.StandsStill ? $"{Wording.Number(steps)} steps"
                    : $"{Wording.Number(steps)} steps, {Wording.Time(cycles, tscHz)} of the machine's time"),
                logging?.CreateLogger("run"));
            return result with { Reproduces = reproduction?.Note(result) };
        }
        catch (Exception problem) when (reproduction?.Explain(problem) is { } explained)
        {
            throw explained;
        }
        catch (ScheduleException problem)
        {
            throw new InputException($"--schedule {cell.Schedule} does not fit {cell.Cell.Scenario.Name}: {problem.Message}");
        }
    }

    private static RunLimits Limits(RunRequest request)
    {
        var limits = new RunLimits();
        return limits with { Steps = request.MaximumSteps ?? limits.Steps, Cycles = request.MaximumCycles ?? limits.Cycles };
    }

    private static SnapshotNote Restore(CellRun cell, string path)
    {
        (cell.Start, var note) = SnapshotFile.Restore(cell, path);
        return note;
    }

    private static SnapshotNote Save(CellRun cell, RunRequest request, long cycle) =>
        cell.StateAt(Limits(request), cycle) is { } point
            ? SnapshotFile.Save(cell, point, request.Save)
            : throw new InputException(
                $"--save-at {request.SaveAt}: the run ends, or reaches a limit, before cycle {cycle}; nothing is saved");

    /// <summary>A cycle, or a duration from the scenario's beginning.</summary>
    private static long CycleOf(string text, long tscHz)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var cycle))
        {
            return cycle;
        }

        try
        {
            return Duration.TryParse(text, out var duration, out var error) ? duration.ToCycles(tscHz)
                : throw new InputException($"--save-at {text}: {error}, or a cycle as a whole number");
        }
        catch (OverflowException problem)
        {
            throw new InputException($"--save-at {text}: {problem.Message}");
        }
    }

    private static ITraceSink Sink(CellRun cell, TextWriter? output, TraceDialect dialect, TraceRecorder last)
    {
        List<ITraceSink> sinks = [last];
        if (output is not null)
        {
            sinks.Add(Writer(cell, output, dialect));
        }

        return cell.Naming.Before(TraceSinks.Tee(sinks));
    }

    private static ITraceSink Writer(CellRun cell, TextWriter output, TraceDialect dialect)
    {
        if (cell.StandsStill)
        {
            output.Write("# no time passes: a stamp is the number of a step, " + (dialect.IsKtr ? "1" : "0.000001") + " is the first\n");
        }

        return dialect.IsKtr
            ? new KtrWriter(output, dialect, cell.Naming.Actors)
            : new TraceCmdWriter(output, new TraceCmdOptions
            {
                Dialect = dialect,
                TscHz = cell.StandsStill ? StepsPerSecond : cell.Board.Config.TscHz,
                Actors = cell.Naming.Actors,
                Names = cell.Naming.Names,
                // Bare metal has no kernel whose tracepoints could be printed.
                LaboratoryEvents = !cell.Board.HasHypervisor,
            });
    }

    private static TraceDialect DialectOf(string name)
    {
        if (TraceDialects.TryGet(name, out var dialect))
        {
            return dialect;
        }

        var hint = NearestName.Hint(name, TraceDialects.Names);
        throw new InputException($"--dialect {name}: expected {string.Join(" or ", TraceDialects.Names)}{hint}");
    }
}
