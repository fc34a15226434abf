using System.Globalization;
using ScenarioHv.Cli.Running;
using ScenarioHv.Scenarios;

namespace ScenarioHv.Cli.Output;

/// <summary>One line of the table of <c>try</c>: everything as text.</summary>
/// <param name="Columns">Value, outcome, cycles, exits, and how many times these cycles the script takes.</param>
/// <param name="Outcome">How it ended; null if it was not run to its end.</param>
/// <param name="IsScript">True for the script's.</param>
internal sealed record TryRow(IReadOnlyList<string> Columns, Outcome? Outcome, bool IsScript)
{
    private const string Nothing = "-";

    /// <summary>The headings, in the order of the columns.</summary>
    public static IReadOnlyList<string> Headings { get; } = ["value", "outcome", "cycles", "exits", "script takes"];

    /// <summary>The lines of a machine: its cells' values, then the script.</summary>
    public static IReadOnlyList<TryRow> Of(TryMachineEnd machine) =>
    [
        .. machine.Rivals.Select(rival => Of(rival, machine.CostAgainst(rival), isScript: false)),
        .. machine.Script is { } script ? [Of(script, null, isScript: true)] : Array.Empty<TryRow>(),
    ];

    private static TryRow Of(TryEnd end, double? cost, bool isScript)
    {
        if (end.Result is not { } result)
        {
            return new TryRow([end.Value, end.Impossible is null ? "failed" : Nothing, Nothing, Nothing, ""], null, isScript);
        }

        var cycles = result.Run.Recurrence is { } recurrence
            ? $"{Wording.Number(recurrence.PrefixCycles)} + {Wording.Number(recurrence.Cycles)}"
            : Wording.Number(result.Run.Cycles);
        var exits = result.Run.Recurrence is null ? Wording.Number(end.Exits) : Nothing;
        return new TryRow(
            [end.Value, result.OutcomeWithProperty, cycles, exits, cost is { } times ? TryReport.Times(times) : ""],
            result.Outcome,
            isScript);
    }
}

/// <summary>What <c>try</c> says besides the table, and which machines are in that.</summary>
internal static class TryReport
{
    /// <summary>Whether a machine stands in the table: all but those on which the script changes nothing, or could not.</summary>
    public static bool IsListed(TryMachineEnd machine) =>
        machine.Verdict is not (TryVerdict.Same or TryVerdict.NotApplicable) || (machine.Machine.IsAbout && machine.Rivals.Count > 0);

    /// <summary>Whether a scenario has a part of the table.</summary>
    public static bool IsListed(TryScenarioEnd scenario) => scenario.Machines.Any(IsListed);

    /// <summary>The line above a machine's values.</summary>
    public static string Heading(TryMachineEnd machine) => $"{machine.Machine.Name}: {TryVerdicts.Word(machine.Verdict)}";

    /// <summary>Name and title of a scenario.</summary>
    public static string Heading(TryScenarioEnd scenario) =>
        scenario.Scenario is not { } known || known.Title == known.Name ? scenario.Name : $"{known.Name}: {known.Title}";

    /// <summary>A proportion with two decimals: <c>1.02 x</c>.</summary>
    public static string Times(double times) => Decimal(times) + " x";

    /// <summary>The lines below the table: a label, and what there is of it.</summary>
    public static IEnumerable<(string Label, string Text)> Summary(IReadOnlyList<TryScenarioEnd> scenarios)
    {
        (TryScenarioEnd Scenario, TryMachineEnd Machine)[] all =
            [.. scenarios.SelectMany(scenario => scenario.Machines, (scenario, machine) => (scenario, machine))];
        var byVerdict = all.ToLookup(one => one.Machine.Verdict);
        yield return ("cured", Wording.Number(byVerdict[TryVerdict.Cured].Count()));
        yield return ("remains", Named(byVerdict[TryVerdict.Remains], machine => Remaining(machine)));
        yield return ("broken", Named(byVerdict[TryVerdict.Broken], machine => machine.Script!.Result!.OutcomeWithProperty));
        yield return ("good", Wording.Number(byVerdict[TryVerdict.Good].Count()));
        if (byVerdict.Contains(TryVerdict.Unknown))
        {
            yield return ("not known", Named(byVerdict[TryVerdict.Unknown], machine => machine.Script!.Result!.Run.Reason));
        }

        if (byVerdict.Contains(TryVerdict.Failed))
        {
            yield return ("failed", Wording.Number(byVerdict[TryVerdict.Failed].Count()));
        }

        if (byVerdict.Contains(TryVerdict.Same))
        {
            yield return ("no difference", Machines(byVerdict[TryVerdict.Same].Select(one => one.Scenario))
                + ": not about this point, and no different with the script");
        }

        foreach (var reason in byVerdict[TryVerdict.NotApplicable].GroupBy(one => one.Machine.NotApplicable!))
        {
            yield return ("not applicable", $"{Machines(reason.Select(one => one.Scenario))}: {reason.Key}");
        }

        if (Costs([.. all.Select(one => one.Machine)]) is { } costs)
        {
            yield return ("cost", costs);
        }
    }

    /// <summary>What is left, and which value does better.</summary>
    private static string Remaining(TryMachineEnd machine)
    {
        var better = machine.Rivals.Where(rival => rival.Outcome == Outcome.Reached).Select(rival => rival.Value).ToArray();
        return machine.Script!.Result!.OutcomeWithProperty
            + (better.Length == 0 ? "" : $", which {Wording.And(better)} {(better.Length == 1 ? "cures" : "cure")}");
    }

    private static string Named(
        IEnumerable<(TryScenarioEnd Scenario, TryMachineEnd Machine)> ends, Func<TryMachineEnd, string> how)
    {
        var names = ends.Select(end => $"{end.Scenario.Name}, {end.Machine.Machine.Name}: {how(end.Machine)}").ToArray();
        return names.Length == 0 ? "0" : $"{Wording.Number(names.Length)}\n{string.Join('\n', names)}";
    }

    private static string Machines(IEnumerable<TryScenarioEnd> ofMachines)
    {
        var scenarios = ofMachines.ToArray();
        return $"{Wording.Count(scenarios.Length, "machine", "machines")} of "
            + Wording.Count(scenarios.Distinct().Count(), "scenario", "scenarios");
    }

    /// <summary>Against the quickest of the other values on each machine.</summary>
    private static string? Costs(IReadOnlyList<TryMachineEnd> machines)
    {
        var costs = machines.Where(machine => machine.Verdict != TryVerdict.Same)
            .Select(machine => machine.Rivals.Max(machine.CostAgainst)).OfType<double>().ToArray();
        if (costs.Length == 0)
        {
            return null;
        }

        var (least, most) = (Decimal(costs.Min()), Decimal(costs.Max()));
        return (least == most ? least : $"{least} to {most}") + " times the cycles of the quickest other value that reaches the goal, on "
            + Wording.Count(costs.Length, "machine", "machines");
    }

    private static string Decimal(double times) => times.ToString("0.00", CultureInfo.InvariantCulture);
}
