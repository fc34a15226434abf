using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Exploration.Search;
using static System.FormattableString;

namespace ScenarioHv.Exploration;

/// <summary>
/// Explores a machine: visits the states to which any order of its actors' steps can lead, and judges what it has seen. A failure is told
/// only once it has been replayed on a machine from its first state, with whole states compared.
/// </summary>
/// <param name="board">The machine's board; its time has classes, or cycles whose ties are explored.</param>
public sealed class Explorer(Board board)
{
    /// <summary>Where the search ends at the latest.</summary>
    public SearchLimits Limits { get; init; } = new();

    /// <summary>How many threads search, 1..64.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Whether a step and the private ones behind it are taken as one; never where the clock moves.</summary>
    public bool Chains { get; init; } = true;

    /// <summary>Called now and then on the thread that searches: for a progress line.</summary>
    public Action<SearchProgress>? Progress { get; init; }

    /// <summary>Takes the trace events of the failure's history, its prefix and one period; null for nobody.</summary>
    public ITraceSink? Trace { get; init; }

    private bool HasGoal => board.Config.Goal is not null;

    /// <summary>Explores.</summary>
    /// <exception cref="ExplorationException">
    /// A guest's code or an assertion failed in a history, and no violation was found before.
    /// </exception>
    public Exploration Explore()
    {
        RequireFirstState();
        var systems = new MachineSystems(board, Chains);
        var census = new List<ViolationCensus>();
        var search = new LayeredSearch(NewSystem, Limits) { Threads = Threads, Progress = Progress };
        try
        {
            var result = search.Run();
            using var graph = result.Graph;
            return Judge(systems, result, GraphVerdict.Of(graph, HasGoal), ViolationCensus.Count(census));
        }
        catch (SearchException fault)
        {
            using var graph = fault.Graph;
            throw Fault(systems, fault);
        }

        ViolationCensus NewSystem()
        {
            census.Add(new ViolationCensus(board, systems.NewSystem()));
            return census[^1];
        }
    }

    /// <summary>
    /// Walks at random instead, one step at a time. A failure that is found so is a real one; where none is found, nothing is known.
    /// </summary>
    /// <param name="options">How, how often and how far.</param>
    /// <param name="progress">Called with how many walks there were and how many there will be.</param>
    /// <exception cref="ExplorationException">A guest's code or an assertion failed on a walk.</exception>
    public Exploration Sample(RandomOptions options, Action<int, int>? progress = null)
    {
        RequireFirstState();
        try
        {
            var system = new MachineSystems(board, chains: false).NewSystem();
            return Judge(new RandomSearch(system, options) { Progress = progress }.Run(), options);
        }
        catch (WalkException fault)
        {
            List<ScheduledStep> steps = [.. fault.Schedule.SkipLast(1)];
            throw Told(GoToFault(steps, fault.Schedule[^1])!, fault.Schedule);
        }
    }

    private Exploration Judge(RandomResult result, RandomOptions options)
    {
        var sample = new ExplorationSample(result.Walks.Count, options.Walks, result.Steps, result.Walks.Max(walk => (int?)walk.Steps) ?? 0)
        {
            Good = result.Count(WalkOutcome.Goal) + (HasGoal ? 0 : result.Count(WalkOutcome.Stuck)),
            Violated = result.Count(WalkOutcome.Violated),
            Stuck = HasGoal ? result.Count(WalkOutcome.Stuck) : 0,
            Cut = result.Count(WalkOutcome.Cut),
        };
        var size = new ExplorationSize
        {
            States = 0,
            Transitions = result.Steps,
            Steps = result.Steps,
            Depth = sample.Longest,
            FrontierPeak = 0,
            Bytes = 0,
        };
        var walks = sample.Walks == 1 ? "1 walk" : Invariant($"{sample.Walks} walks");
        var found = new Exploration(GraphOutcome.Inconclusive, $"no failure in {walks} at random, which proves nothing", size)
        {
            EndedBy = result.IsCutShort ? SearchLimit.Stop : null,
            Sample = sample,
        };
        return result.Failure is { } failure && (HasGoal || failure.Outcome == WalkOutcome.Violated)
            ? WithFailure(found with { Outcome = OutcomeOf(failure.Outcome) }, Shrunk(failure), [], default)
            : found;
    }

    private IReadOnlyList<ScheduledStep> Shrunk(RandomFailure failure) => new WalkShrinker(board, failure.Outcome).Shrink(failure.Schedule);

    private static GraphOutcome OutcomeOf(WalkOutcome outcome) =>
        outcome == WalkOutcome.Violated ? GraphOutcome.Violated : GraphOutcome.Stuck;

    private Exploration Judge(
        MachineSystems systems, SearchResult result, GraphVerdict verdict, IReadOnlyList<(string Property, long States)> broken)
    {
        var exploration = new Exploration(verdict.Outcome, ReasonOf(verdict.Outcome, result), new ExplorationSize
        {
            States = result.States,
            Transitions = result.Transitions,
            Steps = result.Links,
            Depth = result.Depth,
            FrontierPeak = result.FrontierPeak,
            Bytes = result.BytesHeld + result.FrontierBytes,
        })
        {
            Counts = verdict.Counts,
            EndedBy = result.EndedBy,
            Broken = broken,
            CollisionProbability = result.CollisionProbability,
            Fault = result.Failure is { } fault ? Fault(systems, fault).Message : null,
        };
        if (verdict.Outcome is GraphOutcome.Holds or GraphOutcome.Inconclusive)
        {
            return exploration;
        }

        var unfolding = new Unfolding(systems, result.Graph);
        var prefix = unfolding.Add(verdict.Path);
        var period = unfolding.Add(verdict.Period);
        var inevitable = verdict.Inevitable with { Steps = unfolding.StepsBehind(verdict.Inevitable.Steps) };
        return WithFailure(exploration, prefix, period, inevitable);
    }

    private string ReasonOf(GraphOutcome outcome, SearchResult result) => outcome switch
    {
        GraphOutcome.Holds => HasGoal
            ? "no step breaks a property, and every fair path reaches the goal"
            : "no step breaks a property, and every fair path comes to rest",
        GraphOutcome.Inconclusive => result.EndedBy switch
        {
            SearchLimit.States => Invariant($"the limit of {Limits.MaxStates} states was reached"),
            SearchLimit.Depth => Invariant($"the limit of {Limits.MaxDepth} transitions from the first state was reached"),
            SearchLimit.Memory => Invariant($"the limit of {Limits.MemoryBytes} bytes was reached"),
            _ => "the search was stopped",
        },
        _ => "",
    };

    /// <summary>The same with the failure, once a machine has confirmed it.</summary>
    private Exploration WithFailure(
        Exploration found, IReadOnlyList<ScheduledStep> prefix, IReadOnlyList<ScheduledStep> period, Inevitable inevitable)
    {
        var schedule = ScheduleRecorder.Record(board, prefix, period);
        var replay = new ScheduleReplay(board, schedule) { IsOwn = true, KeepsSteps = true }.Run(Trace);
        return replay.Run.Outcome == OutcomeOf(found.Outcome)
            ? found with
            {
                Reason = replay.Run.Reason,
                Property = replay.Run.Property,
                Failure = new ExploredFailure(schedule, replay) { Inevitable = inevitable },
            }
            : throw new InvalidOperationException(
                $"The search has found the schedule {schedule} as {found.Outcome}, and its replay ends as {replay.Run.Outcome}.");
    }

    private static RunOutcome OutcomeOf(GraphOutcome outcome) => outcome switch
    {
        GraphOutcome.Violated => RunOutcome.Violated,
        GraphOutcome.Livelock => RunOutcome.Livelock,
        GraphOutcome.Stuck => RunOutcome.Stuck,
        _ => RunOutcome.Inconclusive,
    };

    /// <summary>A machine that cannot be made is told as such.</summary>
    private void RequireFirstState()
    {
        var engine = new StepEngine(board);
        try
        {
            engine.Create();
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            throw new ExplorationException(StepException.OfFirst(engine, problem), null);
        }
    }

    /// <summary>The history that leads to the step that failed, and its exception as a run would have it.</summary>
    private ExplorationException Fault(MachineSystems systems, SearchException fault)
    {
        var path = new GraphPaths(fault.Graph).To(fault.State, fault.Actor)
            ?? throw new InvalidOperationException("The search has stepped from a state to which no path leads.");
        var steps = new Unfolding(systems, fault.Graph).Add(path).ToList();
        var problem = GoToFault(steps, new ScheduledStep(fault.Actor, fault.Choice))
            ?? throw new InvalidOperationException("A step failed in the search, and does not when it is taken again.", fault);
        return Told(problem, steps);
    }

    /// <summary>The exception with the history that leads to it, and with its last events.</summary>
    private ExplorationException Told(StepException problem, IReadOnlyList<ScheduledStep> steps)
    {
        var schedule = ScheduleRecorder.Record(board, steps);
        try
        {
            new ScheduleReplay(board, schedule).Run();
        }
        catch (StepException again)
        {
            problem.LastEvents = again.LastEvents;
        }

        return new ExplorationException(problem, schedule);
    }

    /// <summary>The step that fails may be any of a chain: each is added to the history until one does.</summary>
    private StepException? GoToFault(List<ScheduledStep> steps, ScheduledStep next)
    {
        var engine = new StepEngine(board);
        var machine = engine.Create();
        foreach (var (actor, choice) in steps)
        {
            engine.Step(machine, board.Actors[actor], choice);
        }

        for (var link = 0; link < MachineSystem.LongestChain; link++)
        {
            var step = link == 0 ? next : next with { Choice = 0 };
            steps.Add(step);
            try
            {
                engine.Step(machine, board.Actors[step.Actor], step.Choice);
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                return StepException.Of(engine, machine, steps.Count - 1, board.Actors[step.Actor], problem);
            }
        }

        return null;
    }
}

/// <summary>
/// Takes the transitions of a path apart into steps, on a system of its own that has to see the states that the search saw.
/// </summary>
internal sealed class Unfolding(MachineSystems systems, SearchGraph graph)
{
    private readonly MachineSystem _system = systems.NewSystem();
    private readonly List<int> _ends = [0];
    private byte[]? _state;

    /// <summary>Goes on along a path.</summary>
    /// <returns>Its steps.</returns>
    public IReadOnlyList<ScheduledStep> Add(IReadOnlyList<GraphStep> path)
    {
        var steps = new List<ScheduledStep>();
        if (_state is null)
        {
            _system.Begin();
            _state = _system.Result.ToArray();
        }

        foreach (var (_, edge) in path)
        {
            _system.Load(_state);
            var taken = _system.Take(edge.Actor, edge.Choice);
            if (taken.Fingerprint != graph.Fingerprint(edge.Target))
            {
                throw new InvalidOperationException("Going along a path of the search leads to another state than the search has seen.");
            }

            _state = _system.Result.ToArray();
            for (var link = 0; link < taken.Links; link++)
            {
                steps.Add(new ScheduledStep(edge.Actor, link == 0 ? edge.Choice : 0));
            }

            _ends.Add(_ends[^1] + taken.Links);
        }

        return steps;
    }

    /// <summary>How many steps the first transitions have.</summary>
    public int StepsBehind(int transitions) => _ends[transitions];
}
