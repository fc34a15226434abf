using System.Numerics;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Exploration.Schedules;

/// <summary>A step as a search knows it.</summary>
/// <param name="Actor">Whose step: its place in <see cref="Board.Actors"/>.</param>
/// <param name="Choice">Which of the ways in which it could go on.</param>
public readonly record struct ScheduledStep(int Actor, int Choice);

/// <summary>Finds the schedule of a history that is known step by step.</summary>
public static class ScheduleRecorder
{
    /// <summary>The schedule of a history that begins with the machine's first state.</summary>
    /// <param name="board">The machine's board.</param>
    /// <param name="prefix">Its steps: each one, chains taken apart.</param>
    /// <param name="period">The steps that lead back to the state behind the prefix; none for a history that ends.</param>
    /// <exception cref="ArgumentException">A step is not one that the machine can take.</exception>
    /// <exception cref="StepException">A step failed, and it is not the last.</exception>
    public static Schedule Record(Board board, IReadOnlyList<ScheduledStep> prefix, IReadOnlyList<ScheduledStep>? period = null)
    {
        var before = Open(board, prefix, period ?? [], out var round);
        var builder = new ScheduleBuilder(board.Config.Time is not null);
        Add(builder, before);
        // What repeats begins where there is something to choose: the steps up to there belong to the prefix, and come again at the end.
        var first = round.FindIndex(step => step is not null);
        if (first >= 0)
        {
            builder.BeginPeriod();
            Add(builder, round);
        }

        return builder.Build();
    }

    private static void Add(ScheduleBuilder builder, List<ScheduledStep?> steps)
    {
        foreach (var step in steps)
        {
            if (step is { } chosen)
            {
                builder.Add(chosen.Actor, chosen.Choice);
            }
        }
    }

    /// <summary>The steps before which there was something to choose; null for the others.</summary>
    private static List<ScheduledStep?> Open(
        Board board, IReadOnlyList<ScheduledStep> prefix, IReadOnlyList<ScheduledStep> period, out List<ScheduledStep?> round)
    {
        var engine = new StepEngine(board);
        var machine = engine.Create();
        var all = new List<ScheduledStep?>(prefix.Count + period.Count);
        foreach (var step in prefix.Concat(period))
        {
            var enabled = engine.Enabled(machine);
            if (step.Actor < 0 || step.Actor >= board.Actors.Count || (enabled >> step.Actor & 1) == 0)
            {
                throw new ArgumentException($"Step {all.Count + 1} is one of actor {step.Actor}, which cannot act there.", nameof(prefix));
            }

            var ways = Step(engine, machine, board.Actors[step.Actor], step.Choice, isLast: all.Count + 1 == prefix.Count + period.Count);
            all.Add(ways > 1 || !BitOperations.IsPow2(enabled) ? step : null);
        }

        round = all[prefix.Count..];
        return all[..prefix.Count];
    }

    /// <summary>A history can end with a step that fails: that is then what its search has found.</summary>
    private static int Step(StepEngine engine, Machine machine, Actor actor, int choice, bool isLast)
    {
        try
        {
            return engine.Step(machine, actor, choice);
        }
        catch (Exception problem) when (isLast && problem is not OutOfMemoryException)
        {
            return choice > 0 ? choice + 1 : 1;
        }
    }
}
