using Microsoft.Extensions.Logging;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Scenarios;
using ScenarioHv.Scenarios.Assembly;
using ScenarioHv.Traces;

namespace ScenarioHv.Cli.Running;

/// <summary>A cell whose machine is built: it can be run.</summary>
internal sealed class CellRun
{
    private (Board Board, TraceNaming Naming)? _machine;

    /// <summary>Compiles the cell's scripts and lays out its machine.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="guests">Compiles scripts.</param>
    /// <param name="schedule">The history to be replayed, on the machine that a search takes; null for a run.</param>
    /// <exception cref="ScenarioException">Two settings do not go together.</exception>
    public CellRun(ScenarioCell cell, IGuestLoader guests, Schedule? schedule = null)
    {
        Cell = cell;
        Schedule = schedule;
        Policies = MachineAssembly.PoliciesOf(cell.Scenario);
        AllPolicies = MachineAssembly.AllPoliciesOf(cell.Scenario);
        var explored = schedule is null ? null : MachineAssembly.BuildForExploring(cell.Scenario, guests, timed: !schedule.IsInClasses);
        Config = explored?.Config ?? MachineAssembly.Build(cell.Scenario, guests);
        Bounds = explored?.Bounds ?? [];
        var board = new Board(Config);
        _machine = (board, new TraceNaming(board));
    }

    /// <summary>The cell.</summary>
    public ScenarioCell Cell { get; }

    /// <summary>The history to be replayed; null for a run.</summary>
    public Schedule? Schedule { get; }

    /// <summary>What was bounded or left open for a search, a phrase each; empty for a run.</summary>
    public IReadOnlyList<string> Bounds { get; }

    /// <summary>True if the clock stands still, so that the stamps of events count steps.</summary>
    public bool StandsStill => Config.Time is not null;

    /// <summary>The policies that reports name.</summary>
    public IReadOnlyList<PolicyChoice> Policies { get; }

    /// <summary>The policies of hypervisors and patches that it runs with.</summary>
    public IReadOnlyList<PolicyChoice> AllPolicies { get; }

    /// <summary>What its machine is made of.</summary>
    public MachineConfig Config { get; }

    /// <summary>Its machine.</summary>
    public Board Board => Machine.Board;

    /// <summary>Names for its events.</summary>
    public TraceNaming Naming => Machine.Naming;

    /// <summary>Where its runs begin; null for the machine's first state.</summary>
    public RunPoint? Start { get; set; }

    /// <summary>How its kernel prints tracepoints, unless the user says otherwise.</summary>
    public TraceDialect Dialect => TraceNaming.DialectOf(Board, Cell.Scenario.Machine.Hypervisor);

    /// <summary>Runs the machine to the end.</summary>
    /// <param name="limits">When to give up.</param>
    /// <param name="sink">Takes the events besides the hash; null for none.</param>
    /// <param name="progress">Told steps and cycles now and then.</param>
    /// <param name="logger">Told how it ended.</param>
    /// <exception cref="StepException">A guest or the laboratory failed.</exception>
    public CellResult Run(RunLimits limits, ITraceSink? sink = null, Action<long, long>? progress = null, ILogger? logger = null)
    {
        using var hash = new TraceHash();
        var latency = new LatencyMeter();
        List<ITraceSink> sinks = [hash, latency];
        if (sink is not null)
        {
            sinks.Add(sink);
        }

        if (TwiceStream.OfProcess is { } stream)
        {
            sinks.Add(stream);
            stream.Begin($"{Cell.Scenario.Name}: {Cell.Name}");
        }

        var start = TimeProvider.System.GetTimestamp();
        var (run, bytes, story) = Told(() => Take(limits, TraceSinks.Tee(sinks), progress));
        logger?.LogInformation(
            "{Cell}: {Outcome} after {Steps} steps, {Milliseconds:0} ms",
            Cell.Name, run.Outcome, run.Steps, TimeProvider.System.GetElapsedTime(start).TotalMilliseconds);
        return new CellResult(this, run, hash.Digest(), hash.Count, bytes)
        {
            Latencies = StandsStill ? [] : latency.Latencies,
            LastCollapse = latency.LastCollapse,
            Steps = story,
        };
    }

    /// <summary>What a step that fails leaves behind is told in the words of this machine.</summary>
    private T Told<T>(Func<T> run)
    {
        try
        {
            return run();
        }
        catch (StepException failure)
        {
            failure.LastLines = Naming.LinesOf(failure, Dialect);
            throw;
        }
    }

    private (RunResult Run, int StateBytes, IReadOnlyList<ReplayStep> Steps) Take(
        RunLimits limits, ITraceSink sink, Action<long, long>? progress)
    {
        if (Schedule is null)
        {
            var run = new Runner(Board, limits) { Progress = progress, Start = Start }.Run(sink);
            return (run, run.Recurrence is { } recurrence ? ProvenBytes(recurrence) : 0, []);
        }

        var replay = new ScheduleReplay(Board, Schedule) { Limits = limits, Progress = progress, KeepsSteps = true }.Run(sink);
        return (replay.Run, replay.StateBytes, replay.Steps);
    }

    /// <summary>Lets go of the machine: nothing can be run any more, and no event named.</summary>
    public void Release() => _machine = null;

    /// <summary>The first place in the run with the clock at <paramref name="cycle"/> or later; null if the run ends before that.</summary>
    /// <exception cref="StepException">A guest or the laboratory failed.</exception>
    public RunPoint? StateAt(RunLimits limits, long cycle) => Told(() => new Runner(Board, limits) { Start = Start }.StateAt(cycle));

    /// <summary>
    /// Goes the way to the recurring state once more, with nothing of the search that found it, and compares the whole states one
    /// period apart.
    /// </summary>
    /// <returns>How many bytes name the state.</returns>
    private int ProvenBytes(Recurrence recurrence)
    {
        var engine = new StepEngine(Board);
        var normal = NormalForm.Of(Board.Layout);
        byte[] before = new byte[Board.Layout.Size], after = new byte[Board.Layout.Size];
        var machine = Start?.Machine.Fork() ?? engine.Create();
        Advance(engine, machine, recurrence.PrefixSteps - (Start?.Steps ?? 0));
        var length = normal.Write(machine, before);
        Advance(engine, machine, recurrence.Steps);
        return normal.Write(machine, after) == length && before.AsSpan(0, length).SequenceEqual(after.AsSpan(0, length))
            ? length
            : throw new InvalidOperationException("The states one period apart, which the search found equal, differ when compared again.");
    }

    private static void Advance(StepEngine engine, Machine machine, long steps)
    {
        for (long i = 0; i < steps; i++)
        {
            engine.Step(machine, engine.Next(machine)!);
        }
    }

    private (Board Board, TraceNaming Naming) Machine =>
        _machine ?? throw new InvalidOperationException($"The machine of cell {Cell.Name} is gone: its run is over.");
}

/// <summary>How a cell ended.</summary>
/// <param name="Source">What was run.</param>
/// <param name="Run">What the runner found.</param>
/// <param name="TraceHash">Digest of the events, 64 hexadecimal digits.</param>
/// <param name="TraceEvents">How many events there were.</param>
/// <param name="StateBytes">How many bytes name the state that recurs; 0 if none does.</param>
internal sealed record CellResult(CellRun Source, RunResult Run, string TraceHash, long TraceEvents, int StateBytes)
{
    /// <summary>How long each vector of an l1 took from its request to its handler; those that were taken at least once.</summary>
    public required IReadOnlyList<VectorLatency> Latencies { get; init; }

    /// <summary>The last request that found its bit in IRR set, where the trace tells; null if none did.</summary>
    public required Collapse? LastCollapse { get; init; }

    /// <summary>The steps of a replay, those of the prefix and of one period; empty for a run.</summary>
    public IReadOnlyList<ReplayStep> Steps { get; init; } = [];

    /// <summary>Whether a reproducer has done what it should; null for everything else.</summary>
    public ReproductionNote? Reproduces { get; init; }

    /// <summary>The first digits of the digest, which reports print.</summary>
    public string ShortHash => TraceHash[..16];

    /// <summary>What the machine is made of.</summary>
    public MachineConfig Config => Source.Config;

    /// <summary>The outcome in the scenario's word.</summary>
    public Outcome Outcome => Run.Outcome switch
    {
        RunOutcome.Reached => Outcome.Reached,
        RunOutcome.Livelock => Outcome.Livelock,
        RunOutcome.Stuck => Outcome.Stuck,
        RunOutcome.Violated => Outcome.Violated,
        _ => Outcome.Inconclusive,
    };

    /// <summary>The outcome as scenarios write it.</summary>
    public string OutcomeName => Expectation.OutcomeNames[(int)Outcome];

    /// <summary>The property that explains the outcome; null if none does.</summary>
    public string? Property => Run.Property;

    /// <summary>Outcome and property as a scenario can expect them: <c>violated(custody)</c>.</summary>
    public string OutcomeWithProperty => new Expectation(Outcome, Property).ToString();

    /// <summary>The expected outcomes as scenarios write them: of a replay, what exploring is expected to find.</summary>
    public IReadOnlyList<string> Expected => [.. Expectations.Select(expectation => expectation.ToString())];

    /// <summary>Whether the expectation is met; null if there is none. One history that reaches the goal is what holding expects.</summary>
    public bool? IsMet => Expectations.Count == 0 ? null
        : Expectations.Any(expectation =>
            expectation.IsMetBy(Outcome == Outcome.Reached && Source.Schedule is not null ? Outcome.Holds : Outcome, Property));

    private IReadOnlyList<Expectation> Expectations => Source.Schedule is null ? Source.Cell.Expect : Source.Cell.ExpectExploring;

    /// <summary>What the process returns for this cell alone: a run that a limit ended has met no expectation and missed none.</summary>
    public ExitCode ExitCode => IsMet == true && Reproduces is { IsSame: false } ? ExitCode.NotAsExpected
        : IsMet == true ? ExitCode.AsExpected
        : Outcome == Outcome.Inconclusive ? ExitCode.Inconclusive
        : IsMet == false ? ExitCode.NotAsExpected
        : ExitCode.AsExpected;

    /// <summary>What the policies decided in the period: the rules that bring the state back.</summary>
    public IReadOnlyList<Rearming> Rearmings { get; private init; } =
        Run.Recurrence is { } found ? Rearming.Of(found.Events, Source.AllPolicies) : [];

    /// <summary>The same without the machine and without the period's events: what a table needs of each of a thousand cells.</summary>
    public CellResult WithoutMachine()
    {
        Source.Release();
        return this with
        {
            Steps = [],
            Run = Run with { Recurrence = Run.Recurrence is { } recurrence ? recurrence with { Events = [] } : null },
        };
    }
}

/// <summary>The same decision of a policy, as often as it was taken.</summary>
/// <param name="Words">The decision in words.</param>
/// <param name="Times">How often.</param>
internal sealed record PolicyDecisions(string Words, int Times);

/// <summary>A policy that decided inside a recurrence's period.</summary>
/// <param name="Point">The policy point.</param>
/// <param name="Value">Its value.</param>
/// <param name="Decisions">What it decided.</param>
internal sealed record Rearming(string Point, string Value, IReadOnlyList<PolicyDecisions> Decisions)
{
    /// <summary>The policies that decided among <paramref name="events"/>, in the order of their points.</summary>
    public static IReadOnlyList<Rearming> Of(IReadOnlyList<TraceEvent> events, IReadOnlyList<PolicyChoice> policies)
    {
        var found = new List<DecisionsOfPoint>();
        for (var i = 0; i < events.Count; i++)
        {
            var e = events[i];
            if (e.Kind == TraceEventKind.PolicyDecided && !LetsRest(e))
            {
                var point = (PolicyPoint)e.A;
                var decisions = found.Find(known => known.Point == point);
                if (decisions is null)
                {
                    found.Add(decisions = new DecisionsOfPoint(point));
                }

                decisions.Add(PolicyDecisionText.Of(e));
            }
        }

        found.Sort((one, other) => one.Point.CompareTo(other.Point));
        return found.ConvertAll(decisions => new Rearming(
            TraceNaming.NameOf(decisions.Point),
            policies.First(policy => policy.Point == TraceNaming.NameOf(decisions.Point)).Value,
            decisions.All));
    }

    /// <summary>What was decided at one point.</summary>
    private sealed class DecisionsOfPoint(PolicyPoint point)
    {
        private readonly List<PolicyDecisions> _all = [];

        public PolicyPoint Point { get; } = point;

        /// <summary>In the order in which each was first decided.</summary>
        public IReadOnlyList<PolicyDecisions> All => _all;

        public void Add(string words)
        {
            var index = _all.FindIndex(known => known.Words == words);
            if (index < 0)
            {
                _all.Add(new PolicyDecisions(words, 1));
            }
            else
            {
                _all[index] = new PolicyDecisions(words, _all[index].Times + 1);
            }
        }
    }

    /// <summary>True for the decision to do nothing: it re-arms nothing.</summary>
    private static bool LetsRest(in TraceEvent e) =>
        (PolicyPoint)e.A == PolicyPoint.IoApicEoi && (IoApicEoiAction)e.B == IoApicEoiAction.Nothing;
}
