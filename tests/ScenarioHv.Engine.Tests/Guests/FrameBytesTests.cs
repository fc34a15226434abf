using System.Runtime.CompilerServices;
using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tests.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Engine.Tests.Guests;

/// <summary>A suspended frame is bytes of the machine: which of them count, and that no other is ever set.</summary>
public sealed class FrameBytesTests
{
    [TestCase(false)]
    [TestCase(true)]
    public void Every_frame_byte_outside_the_fields_is_zero_during_a_whole_run(bool throttled)
    {
        var bench = new Bench(throttled ? HypervMachine.Throttled : HypervMachine.Livelock);
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        for (var step = 0; step < 20_000 && bench.Engine.Next(bench.Machine) is { } actor; step++)
        {
            bench.Engine.Step(bench.Machine, actor);
            foreach (var frame in FrameWalk.All(bench.Board, bench.Machine).Where(frame => frame.Type != FrameTypes.InterruptRecord))
            {
                seen.Add(FrameTypes.Name(frame.Type));
                RequireBlank(bench.Machine, frame, step);
            }
        }

        Assert.That(seen, Has.Count.GreaterThanOrEqualTo(12), "the run has met frames of both guests and of the hypervisor");
        Assert.That(seen, Has.Some.Contains("EoiBroadcast").And.Some.Contains("Dispatch").And.Some.Contains("LineChanged"));
    }

    [Test]
    public void A_frame_with_holes_between_its_fields_has_them_blank()
    {
        var bench = Bench.BareMetal(Holes.Run);
        var masked = 0;
        for (var step = 0; step < 200; step++)
        {
            bench.Engine.Step(bench.Machine, bench.Engine.Next(bench.Machine)!);
            foreach (var frame in FrameWalk.All(bench.Board, bench.Machine))
            {
                masked += FrameTypes.Mask(frame.Type).Count(mask => mask == 0);
                RequireBlank(bench.Machine, frame, step);
            }
        }

        Assert.That(masked, Is.Positive, "the frame does have holes");
    }

    [Test]
    public void Dirty_holes_of_a_state_machine_are_blanked_before_its_first_step()
    {
        // The runtime clears locals, so that holes are zero anyway; nothing promises it (SkipLocalsInit). Here they are not.
        Bench.BareMetal(StartsHandMade.Run).Run(1);

        Assert.That(HandMade.Seen, Is.EqualTo(0x0807060504030201L));
        Assert.That(HandMade.Dirty, Is.Zero);
    }

    [Test]
    public void Frames_lie_one_on_the_other_and_fill_the_part_that_is_in_use()
    {
        var bench = new Bench(HypervMachine.Livelock);
        for (var step = 0; step < 2000; step++)
        {
            bench.Run(1);
            foreach (var (name, slot) in bench.Board.Layout.Fibers)
            {
                var frames = FrameWalk.Of(bench.Machine, slot);
                Assert.That(frames.Sum(frame => frame.Size + 8), Is.EqualTo(bench.Machine.Fiber(slot).Used), name);
                Assert.That(bench.Machine.Fiber(slot).Used, Is.LessThanOrEqualTo(slot.Arena), name);
            }
        }
    }

    [Test]
    public void A_time_in_a_suspended_frame_is_relative_to_now() => RequireRelative(Deadlines.Local);

    [Test]
    public void A_time_inside_a_struct_in_a_suspended_frame_is_relative_to_now() => RequireRelative(Deadlines.InStruct);

    [Test]
    public void Times_in_an_inline_array_in_a_suspended_frame_are_relative_to_now() => RequireRelative(Deadlines.InArray);

    [Test]
    public void A_time_that_is_kept_as_a_plain_number_is_not()
    {
        var states = StatesAtEveryReport(Deadlines.AsNumber);

        Assert.That(states.Distinct().Count(), Is.EqualTo(states.Count));
    }

    [Test]
    public void The_time_in_an_interrupt_record_is_relative_to_now()
    {
        var bench = new Bench(Bench.BareMetalConfig(Handlers.Run, Handlers.OnInterrupt) with
        {
            Devices = [new DeviceConfig("msi", DeviceKind.Msi) { Vector = 0x60 }],
            Timeline = [new StimulusConfig(10_000, StimulusAction.Fire, 0)],
        });
        while (FrameWalk.All(bench.Board, bench.Machine).All(frame => frame.Type != FrameTypes.InterruptRecord))
        {
            bench.Run(1);
        }

        var record = FrameWalk.All(bench.Board, bench.Machine).Single(frame => frame.Type == FrameTypes.InterruptRecord);
        ref var deadline = ref InterruptedDeadline(bench.Machine, record);
        deadline = new Instant(bench.Machine.Now + 70);
        var state = Bench.StateOf(bench.Machine);
        deadline += 1;
        Assert.That(Bench.StateOf(bench.Machine), Is.Not.EqualTo(state));

        deadline = new Instant(bench.Machine.Now + 1070);
        bench.Machine.Ref(bench.Board.Layout.Clock).Now += 1000;
        StateStructs.ShiftInstants(bench.Board, bench.Machine, 1000);
        foreach (var (_, slot) in bench.Board.Layout.Fibers)
        {
            bench.Machine.Fiber(slot).Op.Deadline += 1000;
        }

        Assert.That(Bench.StateOf(bench.Machine), Is.EqualTo(state));
    }

    [Test]
    public void Bytes_of_the_arena_beyond_the_frames_do_not_name_the_state()
    {
        var bench = new Bench(HypervMachine.Livelock).Run(150);
        var before = Bench.StateOf(bench.Machine);
        foreach (var (_, slot) in bench.Board.Layout.Fibers)
        {
            var used = FiberHeadBytes + bench.Machine.Fiber(slot).Used;
            bench.Machine.Bytes.Slice(slot.Offset + used, slot.Arena + FiberHeadBytes - used).Fill(0xa5);
        }

        Assert.That(Bench.StateOf(bench.Machine), Is.EqualTo(before));
        bench.Run(300);
        Assert.That(Bench.StateOf(bench.Machine), Is.EqualTo(Bench.StateOf(new Bench(HypervMachine.Livelock).Run(450).Machine)),
            "nor do they decide anything");
    }

    private static unsafe int FiberHeadBytes => sizeof(FiberHead);

    private static void RequireBlank(Machine machine, FramePlace frame, int step)
    {
        var mask = FrameTypes.Mask(frame.Type);
        var bytes = machine.Bytes.Slice(frame.Offset, frame.Size);
        for (var i = 0; i < bytes.Length; i++)
        {
            if ((bytes[i] & ~mask[i]) != 0)
            {
                Assert.Fail($"step {step}: byte {i} of {FrameTypes.Name(frame.Type)} is no field and not zero");
            }
        }
    }

    private static void RequireRelative(Func<Cpu, GuestTask> main)
    {
        var states = StatesAtEveryReport(main);

        Assert.That(states, Has.Count.GreaterThan(3));
        Assert.That(states.Skip(1).Distinct().Count(), Is.EqualTo(1), "the same distance at different moments is the same state");
    }

    /// <summary>The state each time that the guest is about to report; nothing else happens on the machine.</summary>
    private static List<string> StatesAtEveryReport(Func<Cpu, GuestTask> main)
    {
        var bench = Bench.BareMetal(main);
        var states = new List<string>();
        for (var step = 0; step < 80; step++)
        {
            bench.Engine.Step(bench.Machine, bench.Engine.Next(bench.Machine)!);
            if (bench.Machine.Fiber(bench.Board.GuestFiber(0, 1)).Op.Kind == OperationKind.Report)
            {
                states.Add(Convert.ToHexString(Bench.StateOf(bench.Machine)));
            }
        }

        return states;
    }

    private static unsafe ref Instant InterruptedDeadline(Machine machine, FramePlace record)
    {
        fixed (byte* bytes = &machine.Bytes[record.Offset])
        {
            return ref ((InterruptRecord*)bytes)->Interrupted.Deadline;
        }
    }

    private static class Holes
    {
        public static async GuestTask Run(Cpu cpu)
        {
            byte small = 1;
            for (long large = 0; ; large++)
            {
                short middle = (short)large;
                await cpu.Work(1 + small);
                await Deeper(cpu, middle, small);
                small ^= 3;
            }
        }

        private static async GuestTask Deeper(Cpu cpu, short middle, byte small)
        {
            await cpu.Work(10 + (middle & 1));
            await cpu.Work(10 + small);
        }
    }

    /// <summary>A state machine as the compiler could make it, one byte and one word, with every byte between them set.</summary>
    private unsafe struct HandMade : IAsyncStateMachine
    {
        [ThreadStatic]
        private static long s_seen;

        [ThreadStatic]
        private static int s_dirty;

        private byte _small;
        private long _large;

        public static long Seen => s_seen;

        public static int Dirty => s_dirty;

        public void MoveNext()
        {
            s_seen = _large;
            fixed (byte* small = &_small)
            {
                var self = (byte*)Unsafe.AsPointer(ref this);
                s_dirty = *small == 0xa5 ? 0 : 1;
                for (var i = 0; i < sizeof(HandMade); i++)
                {
                    var inLarge = self + i - (byte*)Unsafe.AsPointer(ref _large);
                    var isField = self + i == small || inLarge is >= 0 and < 8;
                    s_dirty += !isField && self[i] != 0 ? 1 : 0;
                }
            }

            FrameRunner.Complete();
        }

        public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => throw new NotSupportedException();

        public static void Start()
        {
            HandMade machine;
            Unsafe.InitBlock(&machine, 0xa5, (uint)sizeof(HandMade));
            machine._large = 0x0807060504030201;
            FrameRunner.Start(ref machine);
            FrameRunner.TakeCompleted();
        }
    }

    private static class StartsHandMade
    {
        public static async GuestTask Run(Cpu cpu)
        {
            HandMade.Start();
            await cpu.Work(1);
        }
    }

    private static class Deadlines
    {
        public static async GuestTask Local(Cpu cpu)
        {
            while (true)
            {
                var deadline = cpu.Deadline(500);
                await cpu.Report("here");
                while (!cpu.Expired(deadline))
                    await cpu.Work(100);
            }
        }

        public static async GuestTask InStruct(Cpu cpu)
        {
            while (true)
            {
                var timer = new Timer { Number = 7, Deadline = cpu.Deadline(500) };
                await cpu.Report("here");
                await cpu.Work(100 + timer.Number);
                if (cpu.Expired(timer.Deadline))
                    await cpu.Cli();
            }
        }

        public static async GuestTask InArray(Cpu cpu)
        {
            var timers = default(ThreeTimers);
            while (true)
            {
                for (var i = 0; i < 3; i++)
                    timers[i] = new Timer { Number = i, Deadline = cpu.Deadline(100 * i) };
                await cpu.Report("here");
                await cpu.Work(1000);
            }
        }

        public static async GuestTask AsNumber(Cpu cpu)
        {
            while (true)
            {
                var number = cpu.Deadline(500).Cycle;
                await cpu.Report("here");
                await cpu.Work(100 + (number & 0));
            }
        }

        private struct Timer
        {
            public int Number;
            public Instant Deadline;
        }

        [InlineArray(3)]
        private struct ThreeTimers
        {
            private Timer _first;
        }
    }

    private static class Handlers
    {
        public static async GuestTask Run(Cpu cpu)
        {
            await cpu.Sti();
            while (true)
                await cpu.Work(50_000);
        }

        public static async GuestTask OnInterrupt(Cpu cpu, byte vector)
        {
            await cpu.Work(vector);
            await cpu.Eoi();
        }
    }
}
