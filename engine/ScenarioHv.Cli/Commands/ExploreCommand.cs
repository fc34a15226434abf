using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Running;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Search;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Commands;

/// <summary>What the user asked <c>explore</c> for.</summary>
/// <param name="File">A path or the name of a shipped scenario.</param>
internal sealed record ExploreRequest(string File)
{
    /// <summary>What the command line sets.</summary>
    public IReadOnlyList<SettingOverride> Overrides { get; init; } = [];

    /// <summary>The cell; null for the scenario as written.</summary>
    public string? Cell { get; init; }

    /// <summary>Whether every cell is explored.</summary>
    public bool All { get; init; }

    /// <summary>Whether scripts are taken without checks.</summary>
    public bool Trust { get; init; }

    /// <summary>The values that are held against each other, <c>point=a,b,c</c>; null for none.</summary>
    public string? Compare { get; init; }

    /// <summary>How many threads search.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>When to give up.</summary>
    public long? MaximumStates { get; init; }

    /// <summary>When to give up.</summary>
    public int? MaximumDepth { get; init; }

    /// <summary>When to give up.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>When to give up, in bytes; null for what this machine has to spare.</summary>
    public long? Memory { get; init; }

    /// <summary>Whether a step and the private ones behind it are taken as one.</summary>
    public bool Chains { get; init; } = true;

    /// <summary>Whether steps cost cycles.</summary>
    public bool Timed { get; init; }

    /// <summary>How many walks at random take the place of the search; null for a search.</summary>
    public int? Random { get; init; }

    /// <summary>The seed of the walks; null if not said.</summary>
    public ulong? Seed { get; init; }

    /// <summary>How the walks pick whose step is next; null if not said.</summary>
    public string? Scheduler { get; init; }

    /// <summary>Where a reproducer of the failure goes; null for nowhere.</summary>
    public string? Save { get; init; }

    /// <summary>Whether the report is JSON.</summary>
    public bool Json { get; init; }

    /// <summary>Whether the report says what the search took, and tells each step of a failure.</summary>
    public bool Verbose { get; init; }

    /// <summary>How walks can pick whose step is next, the usual way first.</summary>
    public static IReadOnlyList<string> Schedulers { get; } = ["uniform", "pct"];

    /// <summary>How many steps a walk has if nothing else is said.</summary>
    public const int MostSteps = 10_000;

    /// <summary>An option that could have no effect.</summary>
    /// <exception cref="InputException">There is one.</exception>
    public void RequireEffect()
    {
        Refuse(All && Cell is not null, $"--all --cell {Cell}: explore every cell, or one");
        Refuse(All && Compare is not null, $"--all --compare {Compare}: explore every cell, or one with several values");
        var many = All ? "--all" : Compare is not null ? "--compare" : null;
        Refuse(Save is not null && many is not null, $"--save {Save}: one failure is saved, that of one cell: leave out {many}");
        Refuse(Verbose && many is not null, $"--verbose: tells one search, that of one cell: leave out {many}");
        Refuse(Random is null && Seed is not null, $"--seed {Seed}: there is nothing random without --random");
        Refuse(Random is null && Scheduler is not null, $"--scheduler {Scheduler}: this goes with --random");
        Refuse(Random is not null && Threads > 1, $"--threads {Threads}: walks at random are taken by one thread");
        Refuse(Random is not null && !Chains, "--no-chains: walks at random take each step alone anyway");
        Refuse(Random is not null && MaximumStates is not null, $"--max-states {MaximumStates}: walks at random remember no states");
        Refuse(Random is not null && Memory is not null, "--memory: walks at random remember no states");
        Refuse(Timed && !Chains, "--no-chains: with --timed each step has its moment and is taken alone anyway");
    }

    private static void Refuse(bool isSenseless, string message)
    {
        if (isSenseless)
        {
            throw new InputException(message);
        }
    }

    private static RandomScheduler SchedulerOf(string name) => name switch
    {
        "uniform" => RandomScheduler.Uniform,
        "pct" => RandomScheduler.Pct,
        _ => throw new InputException(
            $"--scheduler {name}: expected {string.Join(" or ", Schedulers)}{NearestName.Hint(name, Schedulers)}"),
    };

    /// <summary>How each search is done.</summary>
    public SearchSettings Settings(CancellationToken cancelled)
    {
        var none = new SearchLimits();
        return new SearchSettings
        {
            Limits = none with
            {
                MaxStates = MaximumStates ?? none.MaxStates,
                MaxDepth = MaximumDepth ?? none.MaxDepth,
                MemoryBytes = Memory ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3,
            },
            Time = Time,
            Threads = Threads,
            Chains = Chains,
            IsTimed = Timed,
            Random = Random is not { } walks ? null : new RandomOptions
            {
                Walks = walks,
                Seed = Seed ?? 1,
                Scheduler = SchedulerOf(Scheduler ?? Schedulers[0]),
                MaxSteps = MaximumDepth ?? MostSteps,
            },
            Cancelled = cancelled,
        };
    }
}

/// <summary><c>explore</c>: every order of the steps of one cell, of all cells, or of one cell with several values of a policy.</summary>
internal sealed class ExploreCommand(Terminal terminal, LogLevel logLevel)
{
    /// <summary>Explores and reports.</summary>
    public ExitCode Run(ExploreRequest request)
    {
        request.RequireEffect();
        using var logging = StderrLogging.Factory(terminal.Error, logLevel);
        using var interruption = new Interruption();
        var settings = request.Settings(interruption.Token);
        return request.All ? new ExploreAll(terminal, logging, logLevel, request.Trust).Run(request, settings)
            : request.Compare is null ? One(request, settings, logging)
            : new ExploreCompare(terminal, logging).Run(request, settings);
    }

    private ExitCode One(ExploreRequest request, SearchSettings settings, ILoggerFactory? logging)
    {
        var guests = new ScriptGuests(logging, trusted: request.Trust);
        var file = ScenarioFile.Read(request.File, request.Overrides);
        var replay = new ReplayCommand(request.File) { Cell = request.Cell, Overrides = request.Overrides, Trust = request.Trust };
        var cell = new CellExploration(file.Cell(request.Cell), guests, request.Timed);
        CellFinding finding;
        using (var progress = new SearchLine(terminal))
        {
            finding = Replayable(replay, () => cell.Explore(settings, progress, logging?.CreateLogger("explore")));
            if (finding.Found.Failure is not null)
            {
                finding = new Smaller(guests, settings) { Tries = progress.Tell }.Of(finding);
            }
        }

        if (request.Save is { } path && finding.Found.Failure is not null)
        {
            Save(path, file, finding);
        }

        if (request.Json)
        {
            ExploreJson.Write(terminal.Out, finding, replay);
        }
        else
        {
            new ExploreText(terminal.Out, new Colour(terminal.OutIsWatched), terminal.Width, replay)
                .Write(finding, request.Verbose, request.Save);
        }

        return finding.ExitCode;
    }

    private static void Save(string path, ScenarioFile file, CellFinding finding)
    {
        var shows = new Expectation(finding.Outcome, finding.Found.Property);
        var schedule = finding.Told.Found.Failure!.Schedule;
        var cell = finding.Source.Cell.Name;
        ReproducerFile.Write(path, Reproducer.Of(file, cell, finding.Without, shows, schedule, finding.Told.TraceHash));
    }

    /// <summary>A guest that fails in some history is told with the command that shows it.</summary>
    internal static CellFinding Replayable(ReplayCommand replay, Func<CellFinding> search)
    {
        try
        {
            return search();
        }
        catch (ExplorationException problem) when (problem.Schedule is { } schedule)
        {
            throw new HistoryException(replay.For(schedule), problem.Step);
        }
        catch (ExplorationException problem)
        {
            throw problem.Step;
        }
    }
}

/// <summary>A step of one history failed.</summary>
internal sealed class HistoryException(string replay, StepException step) : Exception($"shown by: {replay}", step);
