using System.Numerics;
using ScenarioHv.Cli.Running;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Exploration.Schedules;
using ScenarioHv.Scenarios.Assembly;

namespace ScenarioHv.Cli.Tests;

/// <summary>The shortest history in which a safety property fails: breadth first, with whole normal forms.</summary>
internal static class FailureSearch
{
    /// <summary>Of a shipped scenario as written.</summary>
    public static Schedule InScenario(string name)
    {
        var cell = ScenarioFile.Read(name).Cell(null);
        return In(new Board(MachineAssembly.BuildForExploring(cell.Scenario, new ScriptGuests(null), timed: false).Config));
    }

    /// <summary>Of a machine.</summary>
    public static Schedule In(Board board)
    {
        var engine = new StepEngine(board);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var queue = new Queue<(Machine Machine, int Place)>();
        var steps = new List<(int Before, ScheduledStep Step)>();
        var failure = Add(engine.Create(), -1, default);
        while (failure < 0 && queue.TryDequeue(out var state))
        {
            for (var left = engine.Enabled(state.Machine); failure < 0 && left != 0; left &= left - 1)
            {
                failure = Take(state.Machine, state.Place, BitOperations.TrailingZeroCount(left));
            }
        }

        var path = new List<ScheduledStep>();
        for (var place = failure; steps[place].Before >= 0; place = steps[place].Before)
        {
            path.Add(steps[place].Step);
        }

        path.Reverse();
        return ScheduleRecorder.Record(board, path);

        int Take(Machine from, int place, int actor)
        {
            for (int choice = 0, ways = 1; choice < ways; choice++)
            {
                var machine = from.Fork();
                ways = engine.Step(machine, board.Actors[actor], choice);
                if (Add(machine, place, new ScheduledStep(actor, choice)) is var found && found >= 0)
                {
                    return found;
                }
            }

            return -1;
        }

        int Add(Machine machine, int before, ScheduledStep step)
        {
            var bytes = new byte[board.Layout.Size];
            if (!seen.Add(Convert.ToBase64String(bytes.AsSpan(0, NormalForm.Of(board.Layout).Write(machine, bytes)))))
            {
                return -1;
            }

            steps.Add((before, step));
            if (machine.Ref(board.Check).Violation.Exists)
            {
                return steps.Count - 1;
            }

            if (machine.Ref(board.Check).GoalReached == 0)
            {
                queue.Enqueue((machine, steps.Count - 1));
            }

            return -1;
        }
    }
}
