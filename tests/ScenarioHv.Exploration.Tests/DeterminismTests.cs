using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tests.Guests;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Traces;

namespace ScenarioHv.Exploration.Tests;

/// <summary>The same configuration makes the same history, event for event, whatever else the process does.</summary>
public sealed class DeterminismTests
{
    private const int Steps = 4_200;

    private static readonly string Expected = new Stepper(HypervMachine.Livelock).Run(Steps);

    [Test]
    public void Two_machines_make_the_same_history() => Assert.That(new Stepper(HypervMachine.Livelock).Run(Steps), Is.EqualTo(Expected));

    [Test]
    public void Another_policy_makes_another_history() =>
        Assert.That(new Stepper(HypervMachine.Throttled).Run(Steps), Is.Not.EqualTo(Expected));

    [Test]
    public void Two_machines_of_one_board_make_the_same_history()
    {
        var board = new Board(HypervMachine.Livelock);

        Assert.That(new Stepper(board).Run(Steps), Is.EqualTo(Expected));
        Assert.That(new Stepper(board).Run(Steps), Is.EqualTo(Expected));
    }

    [Test]
    public void Collections_between_the_steps_change_nothing()
    {
        var stepper = new Stepper(HypervMachine.Livelock);
        for (var step = 0; step < Steps; step++)
        {
            stepper.Step();
            if (step % 50 == 0)
            {
                GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
            }
        }

        Assert.That(stepper.Digest, Is.EqualTo(Expected));
    }

    [TestCase(System.Runtime.GCLatencyMode.Batch)]
    [TestCase(System.Runtime.GCLatencyMode.SustainedLowLatency)]
    public void Another_mode_of_the_collector_changes_nothing(System.Runtime.GCLatencyMode mode)
    {
        var before = System.Runtime.GCSettings.LatencyMode;
        try
        {
            System.Runtime.GCSettings.LatencyMode = mode;
            Assert.That(new Stepper(HypervMachine.Livelock).Run(Steps), Is.EqualTo(Expected));
        }
        finally
        {
            System.Runtime.GCSettings.LatencyMode = before;
        }
    }

    [Test]
    public void Another_machine_stepped_in_between_on_the_same_thread_changes_nothing()
    {
        Stepper first = new(HypervMachine.Livelock), other = new(HypervMachine.Throttled),
            small = new(SmallMachines.BareMetal(Guests.Works, ("a", 3)));
        for (var step = 0; step < Steps; step++)
        {
            first.Step();
            other.Step();
            small.Step();
        }

        Assert.That(first.Digest, Is.EqualTo(Expected));
        Assert.That(other.Digest, Is.EqualTo(new Stepper(HypervMachine.Throttled).Run(Steps)));
    }

    [Test]
    public void Two_machines_that_take_turns_with_one_engine_do_not_disturb_each_other()
    {
        var board = new Board(HypervMachine.Livelock);
        var engine = new StepEngine(board);
        Machine left = engine.Create(), right = engine.Create();
        var scratch = new byte[board.Layout.Size];
        for (var step = 0; step < 500; step++)
        {
            engine.Step(left, engine.Next(left)!);
            engine.Step(right, engine.Next(right)!);
            Assert.That(NormalForm.Of(board.Layout).Hash(left, scratch), Is.EqualTo(NormalForm.Of(board.Layout).Hash(right, scratch)));
        }
    }

    [Test]
    public void Threads_at_once_make_the_same_history_each([Values] bool oneBoard)
    {
        var board = new Board(HypervMachine.Livelock);
        var digests = new string[4];
        var threads = Enumerable.Range(0, digests.Length)
            .Select(i => new Thread(() => digests[i] = (oneBoard ? new Stepper(board) : new Stepper(HypervMachine.Livelock)).Run(Steps)))
            .ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        Assert.That(digests, Has.All.EqualTo(Expected));
    }

    [Test]
    public void A_machine_that_goes_from_thread_to_thread_makes_the_same_history()
    {
        var stepper = new Stepper(HypervMachine.Livelock);
        for (var turn = 0; turn < 30; turn++)
        {
            var thread = new Thread(() => stepper.Run(Steps / 30));
            thread.Start();
            thread.Join();
        }

        Assert.That(stepper.Digest, Is.EqualTo(Expected));
    }

    [Test]
    public void A_history_that_goes_on_in_forks_is_the_same()
    {
        var stepper = new Stepper(HypervMachine.Livelock);
        for (var step = 0; step < Steps; step++)
        {
            if (step % 7 == 0)
            {
                stepper.GoOnInAFork();
            }

            stepper.Step();
        }

        Assert.That(stepper.Digest, Is.EqualTo(Expected));
    }

    [Test]
    public void Two_runs_have_the_same_result_and_the_same_trace_hash()
    {
        var (first, second) = (RunOf(HypervMachine.Throttled), RunOf(HypervMachine.Throttled));

        Assert.That(second.Digest, Is.EqualTo(first.Digest));
        Assert.That(second.Result, Is.EqualTo(first.Result));
    }

    private static (string Digest, RunResult Result) RunOf(MachineConfig config)
    {
        using var hash = new TraceHash();
        var result = new Runner(new Board(config)).Run(hash);
        return (hash.Digest(), result);
    }

    /// <summary>A machine under way, and the hash of its history.</summary>
    private sealed class Stepper : ITraceSink
    {
        private readonly StepEngine _engine;
        private readonly List<TraceEvent> _events = [];
        private Machine _machine;

        public Stepper(MachineConfig config)
            : this(new Board(config))
        {
        }

        public Stepper(Board board)
        {
            _engine = new StepEngine(board, this);
            _machine = _engine.Create();
        }

        public string Digest
        {
            get
            {
                using var hash = new TraceHash();
                foreach (var entry in _events)
                {
                    hash.Emit(entry);
                }

                return hash.Digest();
            }
        }

        public string Run(int steps)
        {
            for (var i = 0; i < steps; i++)
            {
                Step();
            }

            return Digest;
        }

        public void Step()
        {
            if (_engine.Next(_machine) is { } actor)
            {
                _engine.Step(_machine, actor);
            }
        }

        public void Emit(in TraceEvent traceEvent) => _events.Add(traceEvent);

        public void GoOnInAFork() => _machine = _machine.Fork();
    }
}
