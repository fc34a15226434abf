using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Exploration;
using ScenarioHv.Traces;

namespace ScenarioHv.ScenarioMatrix;

/// <summary>
/// The property <c>snapshot</c>: a run is the same as to save in its middle, restore, and run on. Of every cell of every scenario, at
/// several places, each time on a machine that is built anew from the file.
/// </summary>
public sealed class SnapshotProperty
{
    private const long ManySteps = 50_000;

    private static IEnumerable<TestCaseData> Cells =>
        from file in Shipped.Files
        let document = Shipped.Read(file)
        from cell in document.Cells
        select new TestCaseData(file, cell.Name).SetName($"A snapshot does not show in {document.Base.Name}: {cell.Name}");

    [TestCaseSource(nameof(Cells))]
    public void Run_is_save_restore_and_run(string file, string cell)
    {
        var board = BoardOf(file, cell);
        var whole = new Runner(board).Run();
        var steps = whole.Recurrence is { } found ? found.PrefixSteps + (2 * found.Steps) : whole.Steps;
        long[] places = steps < ManySteps ? [0, 1, steps / 3, steps / 2, steps - 1, steps] : [1, steps / 2];
        foreach (var place in places)
        {
            var (bytes, rest) = SaveAt(board, place, steps);
            var other = BoardOf(file, cell);
            var snapshot = Snapshot.Read(bytes);
            var start = new RunPoint(snapshot.Restore(other), snapshot.Steps);

            using var events = new TraceHash();
            var again = new Runner(other) { Start = start }.Run();
            Follow(other, start, steps, events);
            Assert.That((events.Digest(), events.Count), Is.EqualTo(rest), $"events after step {place} of {steps}");
            RequireSame(again, whole, place);
        }
    }

    /// <summary>
    /// The search for a recurrence sees only what comes after its beginning: that a state recurs is noticed at another step, and a prefix
    /// is at least as long as what was left out.
    /// </summary>
    private static void RequireSame(RunResult again, RunResult whole, long place)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That((again.Outcome, again.Property, again.Reason), Is.EqualTo((whole.Outcome, whole.Property, whole.Reason)));
            if (whole.Recurrence is not { } recurrence)
            {
                Assert.That((again.Steps, again.Cycles, again.Totals), Is.EqualTo((whole.Steps, whole.Cycles, whole.Totals)));
                return;
            }

            Assert.That(again.Recurrence!.PrefixSteps, Is.EqualTo(Math.Max(recurrence.PrefixSteps, place)));
            Assert.That(
                (again.Recurrence.Steps, again.Recurrence.Cycles), Is.EqualTo((recurrence.Steps, recurrence.Cycles)));
        }
    }

    /// <summary>The snapshot at a place of the unbroken run, and its events from there to the end.</summary>
    private static (byte[] Bytes, (string Hash, long Count) After) SaveAt(Board board, long place, long steps)
    {
        using var rest = new TraceHash();
        var first = new StepEngine(board);
        var machine = first.Create();
        for (long i = 0; i < place; i++)
        {
            first.Step(machine, first.Next(machine)!);
        }

        var bytes = Snapshot.Write(board, machine, place, []);
        Follow(board, new RunPoint(machine, place), steps, rest);
        return (bytes, (rest.Digest(), rest.Count));
    }

    private static void Follow(Board board, RunPoint start, long steps, ITraceSink sink)
    {
        var engine = new StepEngine(board, sink);
        var machine = start.Machine.Fork();
        for (var i = start.Steps; i < steps; i++)
        {
            engine.Step(machine, engine.Next(machine)!);
        }
    }

    private static Board BoardOf(string file, string cell) =>
        Shipped.BoardOf(Shipped.Read(file).Cells.Single(candidate => candidate.Name == cell).Scenario);
}
