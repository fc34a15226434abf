using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Exploration.Tests;

/// <summary>
/// A search that shares nothing with the real one but the steps: breadth first over whole normal forms, with a machine for each state and
/// the definition of a chain written down once more.
/// </summary>
internal static class NaiveSearch
{
    /// <summary>Counts the states of a machine and the transitions between them.</summary>
    public static (int States, long Transitions) Count(Board board, bool chains)
    {
        var engine = new StepEngine(board);
        var first = engine.Create();
        var seen = new HashSet<string> { Name(first) };
        var queue = new Queue<Machine>([first]);
        long transitions = 0;
        while (queue.TryDequeue(out var machine))
        {
            foreach (var actor in board.Actors.Where(actor => (engine.Enabled(machine) >> actor.Index & 1) != 0))
            {
                var ways = 1;
                for (var choice = 0; choice < ways; choice++)
                {
                    var next = machine.Fork();
                    ways = Math.Max(ways, engine.Step(next, actor, choice));
                    GoOn(engine, next, actor, chains);
                    transitions++;
                    if (seen.Add(Name(next)) && IsOpen(engine, next))
                    {
                        queue.Enqueue(next);
                    }
                }
            }
        }

        return (seen.Count, transitions);
    }

    private static void GoOn(StepEngine engine, Machine machine, Actor actor, bool chains)
    {
        var labels = new HashSet<ulong>();
        while (chains && IsOpen(engine, machine) && engine.IsPrivate(machine, actor, out var label) && labels.Add(label))
        {
            engine.Step(machine, actor);
        }
    }

    private static bool IsOpen(StepEngine engine, Machine machine) =>
        machine.Ref(engine.Board.Check).GoalReached == 0 && !machine.Ref(engine.Board.Check).Violation.Exists;

    private static string Name(Machine machine)
    {
        var scratch = new byte[machine.Layout.Size];
        return Convert.ToBase64String(scratch.AsSpan(0, NormalForm.Of(machine.Layout).Write(machine, scratch)));
    }
}
