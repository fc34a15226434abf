using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.State;

namespace ScenarioHv.Engine.Tests.Guests;

/// <summary>Guest code as suspended frames in the machine: calls, results, exceptions, and what is refused.</summary>
public sealed partial class FiberTests
{
    private static Cpu s_leaked;

    [TestCase(1)]
    [TestCase(5)]
    [TestCase(8)]
    public void Calls_nest_and_unwind_in_order(int depth)
    {
        var bench = WithParameter("depth", depth, Nested.Run).Run();

        var down = Enumerable.Range(1, depth).Reverse().Select(level => $"down {level}");
        var up = Enumerable.Range(1, depth).Select(level => $"up {level}");
        Assert.That(bench.Reports, Is.EqualTo(down.Concat(up)));
    }

    [Test]
    public void One_frame_for_each_call_that_is_suspended()
    {
        var bench = WithParameter("depth", 5, Nested.Run);
        var depths = new List<int>();
        for (var actor = bench.Engine.Next(bench.Machine); actor is not null; actor = bench.Engine.Next(bench.Machine))
        {
            depths.Add(bench.Machine.Fiber(bench.Board.GuestFiber(0, 1)).Depth);
            bench.Engine.Step(bench.Machine, actor);
        }

        // Each level awaits two reports of one step; the main line stands below the five.
        Assert.That(depths[..10], Is.EqualTo(new[] { 2, 3, 4, 5, 6, 6, 5, 4, 3, 2 }));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Results_arrive_whether_or_not_the_called_method_was_suspended(bool suspended)
    {
        var bench = WithParameter("suspend", suspended ? 1 : 0, Results.Run).Run();

        Assert.That(bench.Reports, Is.EqualTo(new[] { "byte 200", "int -7", "long -5000000000", "enum Hlt", "pair 3 4", "sum 42" }));
    }

    [Test]
    public void A_result_of_more_than_8_bytes_is_refused_with_its_size() =>
        Assert.That(
            () => Bench.BareMetal(Results.RunLarge).Run(),
            Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("Large").And.Message.Contains("24 bytes")
                .And.Message.Contains("at most 8"));

    [Test]
    public void An_exception_goes_through_the_frames_to_the_catch_and_runs_every_finally()
    {
        var config = Bench.BareMetalConfig(Failing.Run);
        var bench = new Bench(config with { L1 = new GuestProgram("test", Failing.Run) { Variables = typeof(Failing.Variables) } }).Run();

        Assert.That(bench.Reports, Is.EqualTo(new[] { "inner", "caught late, finally 12", "caught at once", "after" }));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public void An_exception_that_nobody_catches_comes_out_of_the_step_in_which_it_was_thrown(int operations)
    {
        var config = Bench.BareMetalConfig(Failing.Uncaught);
        Bench? bench = null;
        Action run = () =>
        {
            bench = new Bench(config with { L1 = With(config.L1, "operations", operations) });
            bench.Run();
        };

        Assert.That(run, Throws.InstanceOf<InvalidOperationException>().With.Message.EqualTo("no one catches this"));
        Assert.That(bench?.Reports.Length ?? 0, Is.EqualTo(operations), "as many operations have retired");
    }

    [Test]
    public void An_engine_goes_on_with_another_machine_after_a_failure()
    {
        var config = Bench.BareMetalConfig(Failing.NeverAwaited);
        var bench = new Bench(config with { L1 = With(config.L1, "fail", 0) });
        var failing = bench.Machine.Fork();
        bench.Run(1);
        var healthy = bench.Machine.Fork();

        Assert.That(() => Steps(bench, failing, fail: true), Throws.InstanceOf<InvalidOperationException>());
        Assert.That(() => Steps(bench, healthy, fail: false), Throws.Nothing);
    }

    [Test]
    public void A_failure_that_nobody_awaited_is_not_forgotten_and_not_blamed_on_another_step() =>
        Assert.That(() => Bench.BareMetal(Failing.NeverAwaitedAndFails).Run(), Throws.InstanceOf<InvalidOperationException>()
            .With.Message.Contains("not awaited at once"));

    [Test]
    public void Loops_of_every_kind_go_on_where_they_were()
    {
        var bench = Bench.BareMetal(Loops.Run).Run();

        Assert.That(bench.Reports,
            Is.EqualTo(new[] { "for 0", "for 1", "while 2", "while 1", "do", "range 5", "range 6", "range 7", "inner 1 1", "sum 10" }));
    }

    [TestCase(nameof(Unawaited.Dropped))]
    [TestCase(nameof(Unawaited.AwaitedLater))]
    [TestCase(nameof(Unawaited.TwoAtOnce))]
    [TestCase(nameof(Unawaited.DroppedAtTheEnd))]
    public void A_method_that_is_started_and_not_awaited_at_once_is_refused(string method) =>
        Assert.That(
            () => Bench.BareMetal(Method(typeof(Unawaited), method)).Run(),
            Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("started and not awaited at once")
                .And.Message.Contains("Put 'await' before the call"));

    [Test]
    public void A_method_that_is_awaited_at_once_through_a_local_is_accepted() =>
        Assert.That(Bench.BareMetal(Unawaited.ThroughLocal).Run().Reports, Is.EqualTo(new[] { "worked", "done" }));

    [Test]
    public void A_full_arena_names_its_size_and_the_call_chain_innermost_first()
    {
        var bench = Bench.BareMetal(Endless.Run);

        Assert.That(
            () => bench.Run(10_000),
            Throws.InstanceOf<InvalidOperationException>().With.Message.Match(@"full \(512 bytes, \d+ frames\): (Deeper < )+Run\."));
    }

    [Test]
    public void Nested_interrupts_count_for_the_arena_too()
    {
        var config = Bench.BareMetalConfig(Interrupted.SelfIpi, Interrupted.InterruptsItself);

        Assert.That(
            () => new Bench(config).Run(10_000),
            Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("InterruptsItself < interrupt < InterruptsItself"));
    }

    [Test]
    public void The_handle_of_another_vcpu_is_refused()
    {
        var config = Bench.BareMetalConfig(Borrowed.Run) with { Vcpus = 2 };
        s_leaked = default;

        Assert.That(() => new Bench(config).Run(), Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("This is the handle of vCPU 0"));
    }

    [Test]
    public void An_operation_outside_a_step_is_refused()
    {
        Bench.BareMetal(Borrowed.Leak).Run();

        Assert.That(() => { _ = s_leaked.Work(1); }, Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("outside a step"));
        Assert.That(() => { _ = s_leaked.Deadline(1); }, Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("outside a step"));
    }

    [Test]
    public void An_operation_outside_a_step_is_refused_after_a_step_that_failed_too()
    {
        Assert.That(() => Bench.BareMetal(Borrowed.LeakAndFail).Run(), Throws.InstanceOf<InvalidOperationException>());

        Assert.That(() => { _ = s_leaked.Work(1); }, Throws.InstanceOf<InvalidOperationException>().With.Message.Contains("outside a step"));
    }

    [Test]
    public void A_frame_with_a_reference_is_refused_when_it_is_first_suspended_and_every_time_after()
    {
        for (var time = 0; time < 2; time++)
        {
            Assert.That(() => Bench.BareMetal(Refused.KeepsText).Run(), Throws.InstanceOf<InvalidOperationException>()
                .With.Message.Contains("KeepsText keeps 'text', a string"));
        }
    }

    [TestCase("Work(0)", nameof(OutOfRange.NoWork))]
    [TestCase("WriteCr8(16)", nameof(OutOfRange.Cr8))]
    public void An_operand_out_of_range_is_refused_where_it_is_written(string words, string method) =>
        Assert.That(
            () => Bench.BareMetal(Method(typeof(OutOfRange), method)).Run(),
            Throws.InstanceOf<GuestException>().With.Message.Contains(words));

    [Test]
    public void A_main_line_that_has_ended_leaves_the_interrupts()
    {
        var bench = new Bench(Bench.BareMetalConfig(Interrupted.EndsOpen, Interrupted.Counts) with
        {
            Devices = [new DeviceConfig("msi", DeviceKind.Msi) { Vector = 0x60 }],
            Timeline = [new StimulusConfig(10_000, StimulusAction.Fire, 0) { Every = 10_000, Count = 3 }],
        }).Run();

        Assert.That(bench.Reports, Is.EqualTo(new[] { "vector 96", "vector 96", "vector 96" }));
        Assert.That(bench.Machine.Fiber(bench.Board.GuestFiber(0, 1)).Finished, Is.EqualTo(1), "after the last IRET it has ended again");
    }

    [Test]
    public void A_main_line_that_never_awaits_has_ended_from_the_start()
    {
        var bench = Bench.BareMetal(Interrupted.NeverAwaits);

        Assert.That(bench.Machine.Fiber(bench.Board.GuestFiber(0, 1)).Finished, Is.EqualTo(1));
        Assert.That(() => bench.Run(), Throws.Nothing);
    }

    [Test]
    public void Work_that_is_interrupted_goes_on_with_what_is_left()
    {
        var config = Bench.BareMetalConfig(Interrupted.WorksThenReports, Interrupted.Counts) with
        {
            Devices = [new DeviceConfig("msi", DeviceKind.Msi) { Vector = 0x60 }],
            Timeline = [new StimulusConfig(10_000, StimulusAction.Fire, 0)],
        };
        var undisturbed = new Bench(config with { Timeline = [] }).Run();
        var disturbed = new Bench(config).Run();
        var timing = config.Timing;

        // The handler: delivery, one report, EOI, IRET; the work itself is neither lost nor done twice.
        var handler = timing[Engine.Time.TimingCost.IdtDelivery] + timing[Engine.Time.TimingCost.Instruction]
            + timing[Engine.Time.TimingCost.ApicAccess] + timing[Engine.Time.TimingCost.Iret];
        Assert.That(disturbed.Events[^1].Cycle - undisturbed.Events[^1].Cycle, Is.EqualTo(handler));
        Assert.That(disturbed.Reports, Is.EqualTo(new[] { "vector 96", "worked" }));
    }

    [Test]
    public void An_interrupt_without_a_handler_is_an_error_of_the_scenario()
    {
        var config = Bench.BareMetalConfig(Interrupted.EndsOpen) with
        {
            Devices = [new DeviceConfig("msi", DeviceKind.Msi) { Vector = 0x60 }],
            Timeline = [new StimulusConfig(10_000, StimulusAction.Fire, 0)],
        };

        Assert.That(() => new Bench(config).Run(), Throws.InstanceOf<InvalidOperationException>()
            .With.Message.Contains("vector 0x60 arrived and the script has no OnInterrupt"));
    }

    [Test]
    public void An_exception_in_a_handler_comes_out_of_the_step()
    {
        var config = Bench.BareMetalConfig(Interrupted.EndsOpen, Interrupted.Fails) with
        {
            Devices = [new DeviceConfig("msi", DeviceKind.Msi) { Vector = 0x60 }],
            Timeline = [new StimulusConfig(10_000, StimulusAction.Fire, 0)],
        };

        Assert.That(() => new Bench(config).Run(), Throws.InstanceOf<InvalidOperationException>().With.Message.EqualTo("handler failed"));
    }

    [Test]
    public void Variables_are_private_to_a_vcpu()
    {
        var config = Bench.BareMetalConfig(Counting.Run) with { Vcpus = 2 };
        var bench = new Bench(config with { L1 = new GuestProgram("test", Counting.Run) { Variables = typeof(Counting.Variables) } }).Run();

        Assert.That(bench.Reports.Order(), Is.EqualTo(new[] { "cpu 0 counted 3", "cpu 1 counted 13" }));
    }

    [Test]
    public void A_parameter_that_the_scenario_does_not_give_is_named() =>
        Assert.That(() => Bench.BareMetal(Nested.Run).Run(), Throws.InstanceOf<InvalidOperationException>()
            .With.Message.Contains("no parameter 'depth'"));

    private static Func<Cpu, GuestTask> Method(Type type, string name) => type.GetMethod(name)!.CreateDelegate<Func<Cpu, GuestTask>>();

    private static GuestProgram With(GuestProgram program, string name, long value) => new(program.Name, program.Main)
    {
        OnInterrupt = program.OnInterrupt,
        Parameters = new SortedDictionary<string, long>(StringComparer.Ordinal) { [name] = value },
    };

    private static Bench WithParameter(string name, long value, Func<Cpu, GuestTask> main)
    {
        var config = Bench.BareMetalConfig(main);
        return new Bench(config with { L1 = With(config.L1, name, value) });
    }

    private static void Steps(Bench bench, Machine machine, bool fail)
    {
        Failing.Fail = fail;
        for (var actor = bench.Engine.Next(machine); actor is not null; actor = bench.Engine.Next(machine))
        {
            bench.Engine.Step(machine, actor);
        }
    }
}
