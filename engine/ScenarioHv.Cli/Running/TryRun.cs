using Microsoft.Extensions.Logging;
using ScenarioHv.Cli.Output;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Running;

/// <summary>What became of one value on one machine.</summary>
/// <param name="Value">The value.</param>
/// <param name="Result">How it ended; null if it did not.</param>
/// <param name="Exits">VM exits until then.</param>
/// <param name="Problem">Why it could not be run; null if it could.</param>
internal sealed record TryEnd(string Value, CellResult? Result, long Exits, Exception? Problem)
{
    /// <summary>What the script wants and its machine cannot do, in words; null if there is nothing of the kind.</summary>
    public string? Impossible { get; init; }

    /// <summary>How it ended.</summary>
    public Outcome? Outcome => Result?.Outcome;
}

/// <summary>What became of one machine.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Rivals">Its cells' values.</param>
/// <param name="Script">The script; null if it was not run.</param>
internal sealed record TryMachineEnd(TryMachine Machine, IReadOnlyList<TryEnd> Rivals, TryEnd? Script)
{
    /// <summary>What the script makes of it.</summary>
    public TryVerdict Verdict =>
        NotApplicable is not null ? TryVerdict.NotApplicable
        : Problems.Any() ? TryVerdict.Failed
        : IsSame ? TryVerdict.Same
        : TryVerdicts.Of(Script!.Result!.Outcome, Reference?.Outcome, Rivals.Select(rival => rival.Result!.Outcome));

    /// <summary>Why the script says nothing about it; null if it does.</summary>
    public string? NotApplicable => Machine.Absence ?? Script?.Impossible;

    /// <summary>The usual value if a cell has it, else the first one that a cell has.</summary>
    public TryEnd? Reference => Rivals.FirstOrDefault(rival => rival.Value == Machine.Usual) ?? (Rivals.Count > 0 ? Rivals[0] : null);

    /// <summary>What went wrong with it.</summary>
    public IEnumerable<CellException> Problems => Rivals.Append(Script)
        .Where(end => end?.Problem is not null)
        .Select(end => new CellException($"{Machine.Name}, {end!.Value}", end.Problem!));

    /// <summary>
    /// How many times the cycles of another value the script takes to the goal; null if it does not get there, or the other does not.
    /// </summary>
    public double? CostAgainst(TryEnd rival) => rival.Outcome == Outcome.Reached && Script?.Outcome == Outcome.Reached
        ? (double)Script.Result!.Run.Cycles / Math.Max(1, rival.Result!.Run.Cycles)
        : null;

    /// <summary>A bug of another point is no business of the script, even if the script changes events on the way to it.</summary>
    private bool IsSame => !Machine.IsAbout && Reference?.Result is { } usual && Script?.Result is { } script
        && (usual.TraceHash == script.TraceHash
            || (TryVerdicts.IsBad(script.Outcome) && usual.OutcomeWithProperty == script.OutcomeWithProperty));
}

/// <summary>What became of one scenario.</summary>
/// <param name="Path">The file or name that the user gave, or the file that was found.</param>
/// <param name="Scenario">The scenario as written; null if it cannot be read.</param>
/// <param name="Problem">Why it cannot be read; null if it can.</param>
/// <param name="Machines">Its machines.</param>
internal sealed record TryScenarioEnd(string Path, Scenario? Scenario, Exception? Problem, IReadOnlyList<TryMachineEnd> Machines)
{
    /// <summary>What it is called: its name, or its path if it cannot be read.</summary>
    public string Name => Scenario?.Name ?? Path;

    /// <summary>Everything that went wrong with it.</summary>
    public IEnumerable<Exception> Problems =>
        Problem is null ? Machines.SelectMany(machine => machine.Problems).Select(problem => problem.Of(Name)) : [Problem];
}

/// <summary>Runs scenarios with a script in place of a policy, on every machine that has the point, and with their own values.</summary>
internal sealed class TryRun(Terminal terminal, ILogger? logger, ScriptGuests guests, TryPlan plan)
{
    /// <summary>When to give up on a run.</summary>
    public RunLimits Limits { get; init; } = new();

    /// <summary>Runs all of them. Nothing that is wrong with one keeps the others from running.</summary>
    public IReadOnlyList<TryScenarioEnd> Run(IReadOnlyList<string> paths)
    {
        var scenarios = paths.Select(Read).ToArray();
        Job[] jobs = [.. scenarios.SelectMany(scenario => scenario.Machines.SelectMany(machine => machine.Jobs))];
        ParallelRuns.Of(terminal, jobs, "runs", job => job.End = Run(job.Value));
        return [.. scenarios.Select(scenario => scenario.End())];
    }

    private Plan Read(string path)
    {
        try
        {
            var document = ScenarioFile.Read(path).Document;
            return new Plan(path, document.Base, null, [.. plan.Of(document).Select(machine => new MachinePlan(machine))]);
        }
        catch (Exception problem) when (problem is ScenarioException or InputException)
        {
            return new Plan(path, null, problem, []);
        }
    }

    private TryEnd Run(TryValue value)
    {
        try
        {
            var exits = new ExitMeter();
            var result = new CellRun(value.Cell, guests).Run(Limits, exits, logger: logger).WithoutMachine();
            return new TryEnd(value.Value, result, exits.Count, null);
        }
        catch (ScenarioException problem) when (problem.Diagnostic.File == plan.ScriptFile)
        {
            return new TryEnd(value.Value, null, 0, null) { Impossible = problem.Diagnostic.Message };
        }
        catch (Exception problem)
        {
            return ImpossiblePolicy.ReasonOf(problem) is { } reason
                ? new TryEnd(value.Value, null, 0, null) { Impossible = reason }
                : new TryEnd(value.Value, null, 0, problem);
        }
    }

    private sealed class Job(TryValue value)
    {
        public TryValue Value { get; } = value;

        public TryEnd? End { get; set; }
    }

    private sealed class MachinePlan(TryMachine machine)
    {
        private readonly Job[] _rivals = [.. machine.Rivals.Select(rival => new Job(rival))];
        private readonly Job? _script = machine.Script is { } script ? new Job(script) : null;

        public IEnumerable<Job> Jobs => _script is null ? _rivals : [.. _rivals, _script];

        public TryMachineEnd End() => new(machine, [.. _rivals.Select(rival => rival.End!)], _script?.End);
    }

    private sealed record Plan(string Path, Scenario? Scenario, Exception? Problem, MachinePlan[] Machines)
    {
        public TryScenarioEnd End() => new(Path, Scenario, Problem, [.. Machines.Select(machine => machine.End())]);
    }

    /// <summary>Counts VM exits.</summary>
    private sealed class ExitMeter : ITraceSink
    {
        public long Count { get; private set; }

        public void Emit(in TraceEvent traceEvent)
        {
            if (traceEvent.Kind is TraceEventKind.KvmExit or TraceEventKind.VmExit
                || (traceEvent.Kind == TraceEventKind.Ktr && (KtrMessage)traceEvent.A == KtrMessage.VmExit))
            {
                Count++;
            }
        }
    }
}
