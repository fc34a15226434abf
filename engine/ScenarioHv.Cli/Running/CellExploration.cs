using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Cli.Stories;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Search;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Running;

/// <summary>How a cell is searched.</summary>
internal sealed record SearchSettings
{
    /// <summary>Where a search ends at the latest, but for <see cref="Time"/>.</summary>
    public SearchLimits Limits { get; init; } = new();

    /// <summary>How long a search may take; null for as long as it takes.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>How many threads search.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Whether a step and the private ones behind it are taken as one.</summary>
    public bool Chains { get; init; } = true;

    /// <summary>Whether steps cost cycles, and only ties and costs that vary are explored.</summary>
    public bool IsTimed { get; init; }

    /// <summary>The walks at random that take the place of the search; null for a search.</summary>
    public RandomOptions? Random { get; init; }

    /// <summary>Set when the user will not wait any longer.</summary>
    public CancellationToken Cancelled { get; init; }
}

/// <summary>A cell whose machine is built for a search.</summary>
internal sealed class CellExploration
{
    private Board? _board;
    private TraceNaming? _naming;

    /// <summary>Compiles the cell's scripts and lays out its machine.</summary>
    /// <exception cref="ScenarioException">Two settings do not go together.</exception>
    public CellExploration(ScenarioCell cell, IGuestLoader guests, bool isTimed)
    {
        Cell = cell;
        IsTimed = isTimed;
        Policies = MachineAssembly.PoliciesOf(cell.Scenario);
        (Config, Bounds) = MachineAssembly.BuildForExploring(cell.Scenario, guests, isTimed);
        _board = new Board(Config);
        _naming = new TraceNaming(_board);
    }

    /// <summary>The cell.</summary>
    public ScenarioCell Cell { get; }

    /// <summary>Whether steps cost cycles.</summary>
    public bool IsTimed { get; }

    /// <summary>The policies that reports name.</summary>
    public IReadOnlyList<PolicyChoice> Policies { get; }

    /// <summary>What was bounded or left open for the search, a phrase each.</summary>
    public IReadOnlyList<string> Bounds { get; }

    /// <summary>What its machine is made of.</summary>
    public MachineConfig Config { get; }

    /// <summary>Its machine.</summary>
    public Board Board => _board ?? throw Gone();

    /// <summary>Names for its events.</summary>
    public TraceNaming Naming => _naming ?? throw Gone();

    /// <summary>
    /// What exploring it is expected to find, any of these. With time in cycles what a run is expected to do will do as well: its history
    /// is one of those that are looked at.
    /// </summary>
    public IReadOnlyList<Expectation> Expect => IsTimed
        ? [.. Cell.ExpectExploring.Concat(Cell.Expect.Select(expectation => expectation.OfExploring)).Distinct()]
        : Cell.ExpectExploring;

    /// <summary>Explores the machine.</summary>
    /// <param name="settings">How.</param>
    /// <param name="progress">Told now and then how far it is; null for nobody.</param>
    /// <param name="logger">Told how it ended.</param>
    /// <exception cref="ExplorationException">A guest or the laboratory failed.</exception>
    public CellFinding Explore(SearchSettings settings, SearchLine? progress = null, ILogger? logger = null)
    {
        using var hash = new TraceHash();
        var start = TimeProvider.System.GetTimestamp();
        var explorer = new Explorer(Board)
        {
            Limits = settings.Limits with { Stop = IsOver },
            Threads = settings.Threads,
            Chains = settings.Chains,
            Progress = progress is null ? null : progress.Show,
            Trace = hash,
        };
        var found = Told(() => settings.Random is { } random
            ? explorer.Sample(random with { Stop = IsOver }, progress is null ? null : progress.Show)
            : explorer.Explore());
        var elapsed = TimeProvider.System.GetElapsedTime(start);
        if (found is { Outcome: GraphOutcome.Inconclusive, EndedBy: SearchLimit.Stop })
        {
            var why = settings.Cancelled.IsCancellationRequested ? "interrupted" : "the limit of time was reached";
            found = found with { Reason = found.Sample is null ? why : $"{why}; {found.Reason}" };
        }

        logger?.LogInformation(
            "{Cell}: {Outcome}, {States} states, {Milliseconds:0} ms",
            Cell.Name,
            found.Outcome,
            found.Size.States,
            elapsed.TotalMilliseconds);
        return new CellFinding(this, found, elapsed) { TraceHash = hash.Digest(), TraceEvents = hash.Count };

        bool IsOver() => settings.Cancelled.IsCancellationRequested
            || (settings.Time is { } time && TimeProvider.System.GetElapsedTime(start) > time);
    }

    /// <summary>What a step that fails leaves behind is told in the words of this machine.</summary>
    private Exploration.Exploration Told(Func<Exploration.Exploration> search)
    {
        try
        {
            return search();
        }
        catch (ExplorationException failure)
        {
            failure.Step.LastLines = Naming.LinesOf(
                failure.Step, TraceNaming.DialectOf(Board, Cell.Scenario.Machine.Hypervisor));
            throw;
        }
    }

    /// <summary>Lets go of the machine: nothing can be explored any more, and no event named.</summary>
    public void Release() => (_board, _naming) = (null, null);

    private InvalidOperationException Gone() => new($"The machine of cell {Cell.Name} is gone: its search is over.");
}

/// <summary>What exploring a cell has found.</summary>
/// <param name="Source">What was explored.</param>
/// <param name="Found">What was found.</param>
/// <param name="Elapsed">How long that took.</param>
internal sealed record CellFinding(CellExploration Source, Exploration.Exploration Found, TimeSpan Elapsed)
{
    /// <summary>The digest over the events of the failure's history, 64 hexadecimal digits.</summary>
    public required string TraceHash { get; init; }

    /// <summary>The first digits of the digest, which reports print.</summary>
    public string ShortHash => TraceHash[..16];

    /// <summary>How many events there are in it.</summary>
    public required long TraceEvents { get; init; }

    /// <summary>The same failure without some of the scenario's optional parts; null if it needs all of them, or there are none.</summary>
    public SmallerFailure? Smallest { get; init; }

    /// <summary>The words of the optional parts without which the failure is told.</summary>
    public IReadOnlyList<string> Without => [.. Smallest?.Without.Select(part => part.Words) ?? []];

    /// <summary>The story of the failure that is told; null without a failure.</summary>
    /// <param name="isVerbose">True for a line for each step.</param>
    public Story? Story(bool isVerbose) => Told.Found.Failure is not { } failure ? null : new Story(
        Told.Source.Board,
        Told.Source.Naming,
        failure.Replay.Run,
        failure.Replay.Steps,
        failure.Inevitable.Kind == InevitableKind.After ? failure.Inevitable.Steps : null,
        isVerbose);

    /// <summary>The finding whose failure is told.</summary>
    public CellFinding Told => Smallest?.Finding ?? this;

    /// <summary>The outcome in the scenario's word.</summary>
    public Outcome Outcome => Found.Outcome switch
    {
        GraphOutcome.Holds => Outcome.Holds,
        GraphOutcome.Violated => Outcome.Violated,
        GraphOutcome.Livelock => Outcome.Livelock,
        GraphOutcome.Stuck => Outcome.Stuck,
        _ => Outcome.Inconclusive,
    };

    /// <summary>The outcome as scenarios write it.</summary>
    public string OutcomeName => Expectation.OutcomeNames[(int)Outcome];

    /// <summary>Outcome and property as a scenario can expect them: <c>violated(custody)</c>.</summary>
    public string OutcomeWithProperty => new Expectation(Outcome, Found.Property).ToString();

    /// <summary>The expected outcomes as scenarios write them.</summary>
    public IReadOnlyList<string> Expected => [.. Source.Expect.Select(expectation => expectation.ToString())];

    /// <summary>Whether the expectation is met; null if there is none.</summary>
    public bool? IsMet =>
        Source.Expect.Count == 0 ? null : Source.Expect.Any(expectation => expectation.IsMetBy(Outcome, Found.Property));

    /// <summary>
    /// What the process returns for this cell alone. A search that a limit ended has met no expectation and missed none; a failure that
    /// nobody expects is never passed over.
    /// </summary>
    public ExitCode ExitCode => IsMet == true ? ExitCode.AsExpected
        : Outcome == Outcome.Inconclusive ? ExitCode.Inconclusive
        : IsMet is null && Outcome == Outcome.Holds ? ExitCode.AsExpected
        : ExitCode.NotAsExpected;

    /// <summary>Steps of the failure, those of one period among them; null without a failure.</summary>
    public int? FailureSteps => Found.Failure?.Replay.Steps.Count;

    /// <summary>The same without the machine and without the steps: what a table needs of each of a thousand cells.</summary>
    public CellFinding WithoutMachine()
    {
        Source.Release();
        return this;
    }
}
