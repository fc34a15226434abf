using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tests.Machines;
using ScenarioHv.Engine.Time;
using static ScenarioHv.Engine.Tests.Machines.SampleMachine;

namespace ScenarioHv.Engine.Tests.Scheduling;

/// <summary>Machines whose clock stands still, stepped by hand: who can act, and what has to happen before a moment comes.</summary>
public sealed class ClassTimeTests
{
    private const uint TimerVector = 0x30;

    [Test]
    public void The_clock_stands_still()
    {
        var game = new Game(BareMetal(Guest(Spin)));
        game.Take("cpu0", 20);
        Assert.That(game.Machine.Now, Is.EqualTo(ClassTime.Now));
    }

    [Test]
    public void Work_is_one_operation_however_long_it_is()
    {
        var game = new Game(BareMetal(Guest(WorksAndReports)) with { Goal = new GoalConfig(1, "done") });
        game.Take("cpu0", 1);
        Assert.That(game.Reached, Is.False);
        game.Take("cpu0", 1);
        Assert.That(game.Reached, Is.True);
    }

    /// <summary>STI; MOV SS and so on protect one instruction, and work is many (SDM2B STI).</summary>
    [Test]
    public void An_interrupt_comes_behind_the_first_instruction_of_work_in_the_shadow_of_STI()
    {
        var game = new Game(BareMetal(Guest(OpensAndWorks, Reports)).Fire(0) with { Goal = new GoalConfig(1, "done") });
        game.Take("outside");
        game.Take("bus");
        game.Take("cpu0", 2);
        Assert.That(game.Reached, Is.False, "STI, and one instruction");
        game.Take("cpu0", 2);
        Assert.That(game.Reached, Is.True, "the delivery, and the handler's report");
    }

    /// <summary>A stimulus is no timer: the world does not wait for the machine.</summary>
    [Test]
    public void What_comes_from_outside_can_come_at_once_whatever_its_moment()
    {
        var game = new Game(BareMetal(Guest(Spin)).Fire(1_000_000_000));
        Assert.That(game.Enabled, Is.EqualTo(new[] { "cpu0", "outside" }));
    }

    [Test]
    public void Stimuli_of_different_devices_come_in_any_order_those_of_one_device_in_their_own()
    {
        var game = new Game(BareMetal(Guest(Spin)).Raise(10).Lower(20).Fire(30));
        Assert.That(game.Ways("outside"), Is.EqualTo(2), "the line rises, or the message is sent: the line cannot fall first");
    }

    [Test]
    public void A_line_of_the_timeline_that_waits_for_a_report_comes_after_it()
    {
        var config = BareMetal(Guest(WorksAndReports));
        config = config with { Timeline = [new StimulusConfig(0, StimulusAction.Fire, 1) { After = new GoalConfig(1, "done") }] };
        var game = new Game(config);
        game.Take("cpu0", 1);
        Assert.That(game.Enabled, Is.EqualTo(new[] { "cpu0" }));
        game.Take("cpu0", 1);
        Assert.That(game.Enabled, Does.Contain("outside"));
    }

    /// <summary>The divider is 2 (SDM3 10.5.4), so that a count of 500 at 1 GHz is 1 us: from there on a timer is later.</summary>
    [TestCase(499, true)]
    [TestCase(500, false)]
    public void A_timer_of_less_than_the_limit_can_expire_before_anything_else_happens(int count, bool isSoon)
    {
        var game = new Game(BareMetal(With(ArmsTheTimer, End, ("count", count))));
        game.Take("cpu0", 2);
        Assert.That(game.Enabled.Contains("apic-timer0"), Is.EqualTo(isSoon));
        game.Take("cpu0", 1);
        Assert.That(game.Enabled, Does.Contain("apic-timer0"), "an operation of every CPU has retired");
    }

    [Test]
    public void A_later_timer_waits_for_every_processor_that_runs()
    {
        var game = new Game(BareMetal(With(ArmsTheTimer, End, ("count", 5_000))) with { Vcpus = 2 });
        game.Take("cpu0", 3);
        Assert.That(game.Enabled, Does.Not.Contain("apic-timer0"));
        game.Take("cpu1", 1);
        Assert.That(game.Enabled, Does.Contain("apic-timer0"));
    }

    [Test]
    public void A_later_timer_does_not_wait_for_a_processor_that_halts()
    {
        var game = new Game(BareMetal(With(FirstArmsOthersHalt, End, ("count", 5_000))) with { Vcpus = 2 });
        game.Take("cpu1", 2);
        Assert.That(game.Enabled, Does.Not.Contain("cpu1"));
        game.Take("cpu0", 3);
        Assert.That(game.Enabled, Does.Contain("apic-timer0"));
    }

    [Test]
    public void A_periodic_timer_that_has_expired_is_later_again()
    {
        var game = new Game(BareMetal(With(ArmsAPeriodicTimer, End, ("count", 5_000))));
        game.Take("cpu0", 3);
        game.Take("apic-timer0");
        Assert.That(game.Enabled, Is.EqualTo(new[] { "cpu0" }));
        game.Take("cpu0", 1);
        Assert.That(game.Enabled, Does.Contain("apic-timer0"));
    }

    [Test]
    public void The_host_tick_comes_again_and_again_and_a_guest_operation_fits_between()
    {
        var game = new Game(Kvm(Guest(SpinClosed)) with { HostTickHz = 250 });
        Assert.That(game.Enabled, Is.EqualTo(new[] { "vcpu0" }), "nothing has retired yet");
        game.TakeUntilEnabled("vcpu0", "host-tick0");
        game.Take("host-tick0");
        Assert.That(game.Enabled, Does.Not.Contain("host-tick0"));
        game.TakeUntilEnabled("vcpu0", "host-tick0");
    }

    /// <summary>A timer of 0 ticks expires before the first instruction (SDM3 25.5.1): nothing can come in between.</summary>
    [TestCase(0u, false)]
    [TestCase(1u, true)]
    public void A_preemption_timer_of_0_ticks_is_no_choice_and_one_of_a_tick_is(uint ticks, bool isActor)
    {
        IImmediateExitPolicy policy = ticks == 0 ? new ZeroTimer() : new Throttle(0, ticks);
        var config = Kvm(Guest(RunL2), Guest(Spin)).Raise(0) with { ImmediateExit = policy };
        Assert.That(Reaches(config, "preemption-timer0"), Is.EqualTo(isActor));
    }

    /// <summary>The delay of the throttle is later: L2 has retired an operation before the timer forces the exit.</summary>
    [Test]
    public void A_preemption_timer_of_13_us_leaves_L2_an_operation()
    {
        var config = Kvm(Guest(RunL2), Guest(Spin)).Raise(0) with { ImmediateExit = new Throttle(0, 1_000) };
        var game = new Game(config);
        game.Take("outside");
        for (var i = 0; i < 200; i++)
        {
            if (game.IsArmed && game.Enabled.Contains("preemption-timer0"))
            {
                Assert.That(game.L2Retired, Is.Positive);
                return;
            }

            game.Take(game.Enabled.Contains("io") ? "io" : "vcpu0");
        }

        Assert.Fail("the timer was never armed");
    }

    [Test]
    public void A_guests_deadline_passes_as_a_timer_does()
    {
        var game = new Game(BareMetal(With(WaitsForADeadline, End, ("k", 1_000_000))) with { Goal = new GoalConfig(1, "done") });
        game.Take("cpu0", 1);
        Assert.That(game.Enabled, Is.EqualTo(new[] { "cpu0", "deadline0" }));
        game.Take("deadline0");
        game.Take("cpu0", 2);
        Assert.That(game.Reached, Is.True);
    }

    [Test]
    public void The_TSC_as_a_number_is_refused_where_the_clock_stands_still()
    {
        var game = new Game(BareMetal(Guest(ReadsTheTsc)));
        Assert.That(() => game.Take("cpu0"), Throws.TypeOf<GuestException>().With.Message.Contains("--timed"));
    }

    [Test]
    public void A_choice_of_the_script_is_a_choice_of_the_scheduler()
    {
        var config = BareMetal(Guest(Chooses)) with { Goal = new GoalConfig(1, "third") };
        var game = new Game(config);
        Assert.That(game.Ways("cpu0"), Is.EqualTo(3));
        game.Take("cpu0", 1, choice: 2);
        game.Take("cpu0");
        Assert.That(game.Reached, Is.True);
    }

    [Test]
    public void A_run_takes_the_first_of_several_ways()
    {
        var board = new Board(BareMetal(Guest(Chooses)) with { Time = null, Goal = new GoalConfig(1, "first") });
        var engine = new StepEngine(board);
        var machine = engine.Create();
        while (engine.Next(machine) is { } actor)
        {
            engine.Step(machine, actor);
        }

        Assert.That(machine.Ref(board.Check).GoalReached, Is.EqualTo(1));
    }

    private static MachineConfig BareMetal(GuestProgram guest) =>
        Kvm(guest) with { Hypervisor = HypervisorKind.BareMetal, ApicBusHz = 1_000_000_000, TscHz = 1_000_000_000 };

    /// <summary>Whether an actor can act somewhere on the way of the vCPU alone, behind the stimulus.</summary>
    private static bool Reaches(MachineConfig config, string actor)
    {
        var game = new Game(config);
        game.Take("outside");
        for (var i = 0; i < 200; i++)
        {
            if (game.Enabled.Contains(actor))
            {
                return true;
            }

            game.Take(game.Enabled.Contains("io") ? "io" : "vcpu0");
        }

        return false;
    }

    private static async GuestTask WorksAndReports(Cpu cpu)
    {
        await cpu.Work(1_000_000_000);
        await cpu.Report("done");
    }

    private static async GuestTask OpensAndWorks(Cpu cpu)
    {
        await cpu.Sti();
        await cpu.Work(1_000_000);
        await cpu.Hlt();
    }

    private static async GuestTask Reports(Cpu cpu, byte vector) => await cpu.Report("done");

    private static async GuestTask ArmsTheTimer(Cpu cpu)
    {
        await cpu.MmioWrite(Apic + 0x320, TimerVector);
        await cpu.MmioWrite(Apic + 0x380, (uint)cpu.Parameter("count"));
        while (true)
            await cpu.Work(1_000);
    }

    private static async GuestTask ArmsAPeriodicTimer(Cpu cpu)
    {
        await cpu.MmioWrite(Apic + 0x320, TimerVector | 1 << 17);
        await cpu.MmioWrite(Apic + 0x380, (uint)cpu.Parameter("count"));
        while (true)
            await cpu.Work(1_000);
    }

    private static async GuestTask FirstArmsOthersHalt(Cpu cpu)
    {
        if (cpu.Id == 0)
            await ArmsTheTimer(cpu);
        while (true)
            await cpu.Hlt();
    }

    private static async GuestTask WaitsForADeadline(Cpu cpu)
    {
        var deadline = cpu.Deadline(cpu.Parameter("k"));
        while (!cpu.Expired(deadline))
            await cpu.Work(1_000);
        await cpu.Report("done");
    }

    private static async GuestTask ReadsTheTsc(Cpu cpu) => await cpu.ReadTsc();

    private static async GuestTask Chooses(Cpu cpu)
    {
        var way = await cpu.Choose(3);
        await cpu.Report(way == 0 ? "first" : way == 1 ? "second" : "third");
    }

    /// <summary>A machine and who moves it.</summary>
    private sealed class Game
    {
        private readonly Board _board;
        private readonly StepEngine _engine;

        public Game(MachineConfig config)
        {
            _board = new Board(config with { Time = config.Time ?? new ClassTime(1_000), Timing = TimingProfile.Untimed });
            _engine = new StepEngine(_board);
            Machine = _engine.Create();
        }

        public Machine Machine { get; }

        public bool Reached => Machine.Ref(_board.Check).GoalReached != 0;

        public bool IsArmed => Machine.Ref(_board.Vcpus).InGuest != 0 && !Machine.Ref(_board.Vcpus).PreemptionDeadline.IsNever;

        public long L2Retired => Machine.Ref(_board.Statistics).L2Retired;

        public string[] Enabled =>
            [.. _board.Actors.Where(actor => (_engine.Enabled(Machine) >> actor.Index & 1) != 0).Select(actor => actor.Name)];

        public void Take(string actor, int times = 1, int choice = 0)
        {
            for (var i = 0; i < times; i++)
            {
                Assert.That(Enabled, Does.Contain(actor));
                _engine.Step(Machine, Actor(actor), choice);
            }
        }

        public int Ways(string actor) => _engine.Step(Machine.Fork(), Actor(actor));

        public void TakeUntilEnabled(string actor, string other)
        {
            for (var i = 0; i < 100 && !Enabled.Contains(other); i++)
            {
                Take(actor);
            }

            Assert.That(Enabled, Does.Contain(other));
        }

        private Actor Actor(string name) => _board.Actors.Single(actor => actor.Name == name);
    }
}
