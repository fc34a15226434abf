using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Tests.State;

/// <summary>
/// A fork goes on as its original does, and neither knows of the other: on the machine of the thread, through every part of its loop.
/// </summary>
public sealed class ForkTests
{
    private const int Steps = 200;
    private const int Tail = 120;

    private static readonly Recording Whole = Record(new Bench(HypervMachine.Livelock), Steps + Tail);

    [Test]
    public void The_recorded_steps_reach_the_loop_and_every_actor_of_the_story()
    {
        var kinds = Whole.Events.Select(entry => entry.Kind).Distinct();

        Assert.That(kinds, Is.SupersetOf(new[]
        {
            TraceEventKind.LineChanged, TraceEventKind.KvmNestedVmexitInject, TraceEventKind.KvmEoi, TraceEventKind.KvmUserspaceExit,
            TraceEventKind.KvmMsiSetIrq,
        }));
        Assert.That(Whole.Events.Count(entry => entry.Kind == TraceEventKind.PolicyDecided), Is.GreaterThan(5));
    }

    [Test]
    public void A_fork_at_any_step_goes_on_through_the_same_states_and_events_as_its_original()
    {
        var bench = new Bench(HypervMachine.Livelock);
        for (var step = 0; step <= Steps; step++)
        {
            var fork = bench.Machine.Fork();
            var events = new Sink();
            var engine = new StepEngine(bench.Board, events);
            for (var i = 0; i < Tail; i++)
            {
                engine.Step(fork, engine.Next(fork)!);
                if (!Bench.StateOf(fork).AsSpan().SequenceEqual(Whole.States[step + i + 1]))
                {
                    Assert.Fail($"forked at step {step}: another state {i + 1} steps later");
                }
            }

            Assert.That(events.Events, Is.EqualTo(Whole.EventsBetween(step, step + Tail)), $"forked at step {step}");
            bench.Run(1);
        }
    }

    [Test]
    public void The_steps_of_a_fork_do_not_touch_its_original()
    {
        var bench = new Bench(HypervMachine.Livelock);
        for (var step = 0; step <= Steps; step++)
        {
            var before = bench.Machine.Bytes.ToArray();
            var fork = bench.Machine.Fork();
            for (var i = 0; i < 20; i++)
            {
                bench.Engine.Step(fork, bench.Engine.Next(fork)!);
            }

            Assert.That(bench.Machine.Bytes.SequenceEqual(before), Is.True, $"after step {step}");
            bench.Run(1);
        }
    }

    [Test]
    public void A_machine_takes_over_the_state_of_another_whatever_it_did_before()
    {
        var bench = new Bench(HypervMachine.Livelock).Run(90);
        var other = new StepEngine(bench.Board).Create();
        for (var i = 0; i < 300; i++)
        {
            bench.Engine.Step(other, bench.Engine.Next(other)!);
        }

        other.CopyFrom(bench.Machine);

        Assert.That(other.Bytes.ToArray(), Is.EqualTo(bench.Machine.Bytes.ToArray()));
        for (var i = 1; i <= Tail; i++)
        {
            bench.Engine.Step(other, bench.Engine.Next(other)!);
            Assert.That(Bench.StateOf(other), Is.EqualTo(Whole.States[90 + i]), $"{i} steps later");
        }
    }

    [Test]
    public void A_machine_of_another_layout_is_not_taken_over()
    {
        Bench left = new(HypervMachine.Livelock), right = new(HypervMachine.Livelock);

        Assert.That(() => left.Machine.CopyFrom(right.Machine), Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("same layout"));
    }

    [Test]
    public void A_machine_that_is_rebuilt_by_replay_has_the_hash_of_the_fork()
    {
        var bench = new Bench(HypervMachine.Livelock);
        for (var step = 0; step < Steps; step += 7)
        {
            var fork = bench.Machine.Fork();
            var replayed = new Bench(HypervMachine.Livelock).Run(step).Machine;

            Assert.That(Hash(replayed), Is.EqualTo(Hash(fork)), $"at step {step}");
            bench.Run(7);
        }
    }

    [Test]
    public void Forks_of_a_fork_are_independent()
    {
        var bench = new Bench(HypervMachine.Livelock).Run(100);
        var machines = Enumerable.Range(0, 5).Select(_ => bench.Machine.Fork()).ToArray();
        for (var i = 0; i < machines.Length; i++)
        {
            for (var step = 0; step < i * 11; step++)
            {
                bench.Engine.Step(machines[i], bench.Engine.Next(machines[i])!);
            }
        }

        for (var i = 0; i < machines.Length; i++)
        {
            Assert.That(Bench.StateOf(machines[i].Fork()), Is.EqualTo(Whole.States[100 + (i * 11)]));
        }
    }

    private static ulong Hash(Machine machine) => NormalForm.Of(machine.Layout).Hash(machine, new byte[machine.Layout.Size]);

    private static Recording Record(Bench bench, int steps)
    {
        var states = new List<byte[]> { Bench.StateOf(bench.Machine) };
        var counts = new List<int> { bench.Events.Count };
        for (var i = 0; i < steps; i++)
        {
            bench.Run(1);
            states.Add(Bench.StateOf(bench.Machine));
            counts.Add(bench.Events.Count);
        }

        return new Recording(states, counts, bench.Events);
    }

    /// <summary>A run from its first state: the state after each step, and how many events there were by then.</summary>
    private sealed record Recording(List<byte[]> States, List<int> Counts, IReadOnlyList<TraceEvent> Events)
    {
        public IEnumerable<TraceEvent> EventsBetween(int from, int to) => Events.Skip(Counts[from]).Take(Counts[to] - Counts[from]);
    }

    private sealed class Sink : ITraceSink
    {
        public List<TraceEvent> Events { get; } = [];

        public void Emit(in TraceEvent traceEvent) => Events.Add(traceEvent);
    }
}
