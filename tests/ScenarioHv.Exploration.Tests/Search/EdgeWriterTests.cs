using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Exploration.Search;

namespace ScenarioHv.Exploration.Tests.Search;

/// <summary>What is written of a graph is what is read.</summary>
public sealed unsafe class EdgeWriterTests
{
    private static readonly int[] Spans = [1, 4, 5, 1_000, 1_100, 260_000, 270_000, 66_000_000, 68_000_000, 1_700_000_000];

    [TestCase(1ul)]
    [TestCase(2ul)]
    [TestCase(3ul)]
    public void Steps_are_read_as_they_were_written_over_any_distance(ulong seed)
    {
        var random = new SplitMix(seed);
        var meter = new MemoryMeter();
        var chunks = new List<(nint Memory, int Bytes)>();
        using var writer = new EdgeWriter(meter, meter, chunks);
        for (var run = 0; run < 500; run++)
        {
            var newest = random.Below(VisitedStates.MostStates);
            var states = Enumerable.Range(0, 1 + random.Below(EdgeWriter.RunStates)).Select(_ => SomeState(random, newest)).ToList();
            writer.BeginRun(newest);
            foreach (var (kind, steps) in states)
            {
                writer.BeginState();
                steps.ForEach(step => writer.Add(step.Actor, step.Target, step.Retires));
                writer.EndState(kind);
            }

            var read = Read(writer.EndRun(), states.Count);
            Assert.That(read.Select(state => state.Kind), Is.EqualTo(states.Select(state => state.Kind)));
            Assert.That(read.Select(state => state.Steps), Is.EqualTo(states.Select(state => state.Steps)));
        }

        chunks.ForEach(chunk => meter.Give((void*)chunk.Memory, chunk.Bytes));
    }

    [Test]
    public void A_step_to_a_state_that_is_new_takes_one_byte_and_the_state_one_more()
    {
        var meter = new MemoryMeter();
        var chunks = new List<(nint Memory, int Bytes)>();
        using var writer = new EdgeWriter(meter, meter, chunks);
        byte* Run(int states)
        {
            writer.BeginRun(41);
            for (var state = 0; state < states; state++)
            {
                writer.BeginState();
                writer.Add(0, 42 + (2 * state), retires: false);
                writer.Add(1, 43 + (2 * state), retires: true);
                writer.EndState((int)StateKind.Open);
            }

            return writer.EndRun();
        }

        var first = Run(10);
        Assert.That(Run(1) - first, Is.EqualTo(sizeof(int) + (10 * (1 + 2))));
        chunks.ForEach(chunk => meter.Give((void*)chunk.Memory, chunk.Bytes));
    }

    private static (int Kind, List<(int Target, int Actor, int Choice, bool Retires)> Steps) SomeState(SplitMix random, int newest)
    {
        var steps = new List<(int Target, int Actor, int Choice, bool Retires)>();
        var most = random.OneIn(40) ? 64 : random.Below(6);
        for (var actor = 0; actor < 64 && steps.Count < most; actor++)
        {
            var choices = random.OneIn(3) && most < 64 ? 0 : random.OneIn(4) ? 1 + random.Below(5) : 1;
            for (var choice = 0; choice < choices; choice++)
            {
                var span = random.Of<int>(Spans);
                var target = newest + (long)random.Below(span) - (random.OneIn(2) ? span : 0);
                steps.Add(((int)Math.Clamp(target, 0, VisitedStates.MostStates), actor, choice, random.OneIn(2)));
            }
        }

        return (steps.Count > 0 ? 0 : random.Below(4), steps);
    }

    private static List<(int Kind, List<(int Target, int Actor, int Choice, bool Retires)> Steps)> Read(byte* at, int states)
    {
        var read = new List<(int Kind, List<(int Target, int Actor, int Choice, bool Retires)> Steps)>();
        var next = *(int*)at + 1;
        at += sizeof(int);
        while (read.Count < states)
        {
            var steps = new List<(int Target, int Actor, int Choice, bool Retires)>();
            var bytes = EdgeWriter.ReadHead(ref at, out var kind);
            var (actor, choice) = (-1, 0);
            for (var end = at + bytes; at < end;)
            {
                var target = EdgeWriter.ReadStep(ref at, ref actor, ref choice, ref next, out var retires);
                steps.Add((target, actor, choice, retires));
            }

            read.Add((kind, steps));
        }

        return read;
    }
}
