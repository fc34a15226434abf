using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Policies;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;

namespace ScenarioHv.Exploration.Tests;

/// <summary>
/// What explains that a machine goes nowhere. Where no policy does it, a word of the machine is made wrong in the middle of a run, in the
/// place of a wrong hypervisor; beside each stands a guest that waits by its own doing.
/// </summary>
public sealed class LivenessTests
{
    private const int Gsi = 20;
    private static readonly RunLimits FewSteps = new() { Steps = 50_000 };

    [Test]
    public void Vector_that_the_guest_could_take_and_never_gets_explains_the_livelock()
    {
        var machine = Spinning(Guests.WorksOpen);
        var result = RunFrom(machine, At(machine, Requested), ForgetEverything);

        Assert.That((result.Outcome, result.Property), Is.EqualTo((RunOutcome.Livelock, "live")), result.Reason);
        Assert.That(result.Reason, Does.EndWith("vCPU 0 is owed vector 0x60, could take it, and never gets it"));
    }

    [Test]
    public void Vector_that_waits_because_IF_is_0_explains_nothing()
    {
        var result = Spinning(Guests.Works).Run(FewSteps);

        Assert.That((result.Outcome, result.Property), Is.EqualTo((RunOutcome.Livelock, (string?)null)), result.Reason);
    }

    [TestCase((byte)6, null)]
    [TestCase((byte)5, "done")]
    public void Vector_that_TPR_holds_back_explains_nothing(byte priority, string? reached)
    {
        var config = SmallMachines.BareMetal(RaisesTpr, ("a", 100), ("k", priority)).WithHandler(Guests.ReportsDone).WithMessage(20_000);
        var result = config.Run(FewSteps);

        Assert.That((result.Outcome, result.Property),
            Is.EqualTo((reached is null ? RunOutcome.Livelock : RunOutcome.Reached, (string?)null)), "class 6 is held by TPR class 6");
    }

    [Test]
    public void Halted_CPU_with_a_vector_that_it_could_take_and_that_nobody_wakes_is_explained_by_wake([Values] bool kvm)
    {
        var config = (kvm ? SmallMachines.Kvm(Guests.HaltsOpen) : SmallMachines.BareMetal(Guests.HaltsOpen)) with { Apicv = false };
        var machine = config.WithHandler(Guests.Acknowledges).WithMessage(40_000);
        var result = RunFrom(machine, At(machine, Requested), ForgetEverything);

        Assert.That((result.Outcome, result.Property), Is.EqualTo((RunOutcome.Stuck, "wake")), result.Reason);
        Assert.That(result.Reason, Does.EndWith("vCPU 0 is halted, could take vector 0x60, and nobody wakes it"));
    }

    [Test]
    public void CPU_that_has_halted_with_IF_0_explains_nothing([Values] bool kvm)
    {
        var config = kvm ? SmallMachines.Kvm(Guests.Halts) : SmallMachines.BareMetal(Guests.Halts);
        var result = config.WithHandler(Guests.Acknowledges).WithMessage(40_000).Run(FewSteps);

        Assert.That((result.Outcome, result.Property), Is.EqualTo((RunOutcome.Stuck, (string?)null)), result.Reason);
    }

    [TestCase(NmiTracking.NoInjection, "live")]
    [TestCase(NmiTracking.VirtualNmi, null)]
    public void NMI_that_the_hypervisor_never_injects_is_vector_2_that_never_comes(NmiTracking tracking, string? property)
    {
        var config = SmallMachines.Kvm(Guests.WorksOpen, ("a", 1_000)) with
        {
            Kvm = new KvmPolicies { NmiTracking = tracking },
            Timeline = [new StimulusConfig(40_000, StimulusAction.Nmi, 0)],
        };
        var machine = config with { L1 = WithNmi(config.L1, NmiReturns) };
        var result = machine.Run(FewSteps);

        Assert.That((result.Outcome, result.Property), Is.EqualTo((RunOutcome.Livelock, property)), result.Reason);
    }

    [Test]
    public void NMI_that_waits_for_the_end_of_a_handler_without_end_explains_nothing()
    {
        var config = SmallMachines.Kvm(Guests.WorksOpen, ("a", 1_000)) with
        {
            Timeline = [new StimulusConfig(40_000, StimulusAction.Nmi, 0), new StimulusConfig(80_000, StimulusAction.Nmi, 0)],
        };
        var result = (config with { L1 = WithNmi(config.L1, NmiWithoutEnd) }).Run(FewSteps);

        Assert.That((result.Outcome, result.Property), Is.EqualTo((RunOutcome.Livelock, (string?)null)), result.Reason);
    }

    [TestCase(false, "level")]
    [TestCase(true, null)]
    public void Line_that_is_high_while_its_pin_could_send_is_explained_by_level_unless_the_guest_has_masked_it(
        bool masked, string? property)
    {
        var machine = Device(Guests.WorksOpen);
        var result = RunFrom(machine, At(machine, (board, m) => m.Ref(board.GsiLines, Gsi).IsHigh), LoseTheMessage);

        Assert.That((result.Outcome, result.Property), Is.EqualTo((RunOutcome.Livelock, property)), result.Reason);

        void LoseTheMessage(Board board, Machine m)
        {
            foreach (ref var message in m.Span(board.BusMessages))
                message.Due = Instant.Never;
            ref var entry = ref m.Ref(board.IoApicPins, Gsi).Entry;
            (entry.RemoteIrr, entry.IsMasked) = (false, masked);
            m.Ref(board.IoApicPins, Gsi).Flags = Engine.Interrupts.IoApicPinFlags.Line;
        }
    }

    [Test]
    public void Remote_IRR_whose_message_never_arrived_is_explained_by_level()
    {
        var machine = Device(Guests.WorksOpen);
        var result = RunFrom(machine, At(machine, (board, m) => m.Ref(board.GsiLines, Gsi).IsHigh), LoseTheMessage);

        Assert.That((result.Outcome, result.Property), Is.EqualTo((RunOutcome.Livelock, "level")), result.Reason);
        Assert.That(result.Reason, Does.Contain($"remote IRR of pin {Gsi} stays set"));

        static void LoseTheMessage(Board board, Machine m)
        {
            foreach (ref var message in m.Span(board.BusMessages))
                message.Due = Instant.Never;
            m.Ref(board.IoApicPins, Gsi).Entry.RemoteIrr = true;
        }
    }

    [Test]
    public void Handler_that_never_ends_a_level_interrupt_explains_nothing()
    {
        var result = Device(Guests.WorksOpen).WithHandler(NeverEnds).Run(FewSteps);

        Assert.That((result.Outcome, result.Property), Is.EqualTo((RunOutcome.Livelock, (string?)null)), result.Reason);
    }

    private static async GuestTask RaisesTpr(Cpu cpu)
    {
        await cpu.WriteCr8((byte)cpu.Parameter("k"));
        await Guests.WorksOpen(cpu);
    }

    private static async GuestTask NeverEnds(Cpu cpu, byte vector) => await cpu.Work(10);

    private static async GuestTask NmiReturns(Cpu cpu) => await cpu.Work(10);

    private static async GuestTask NmiWithoutEnd(Cpu cpu)
    {
        while (true)
            await cpu.Work(1_000);
    }

    private static MachineConfig Spinning(Func<Cpu, GuestTask> main) =>
        (SmallMachines.Kvm(main, ("a", 1_000)) with { Apicv = false }).WithHandler(Guests.Acknowledges).WithMessage(40_000);

    private static MachineConfig Device(Func<Cpu, GuestTask> main) =>
        SmallMachines.BareMetal(main, ("a", 1_000)).WithHandler(Guests.Acknowledges) with
        {
            Devices = [new DeviceConfig("disk", DeviceKind.Line) { Gsi = Gsi, Vector = 0x60, IoBase = 0xd000 }],
            Timeline = [new StimulusConfig(40_000, StimulusAction.Raise, 0)],
        };

    private static GuestProgram WithNmi(GuestProgram guest, Func<Cpu, GuestTask> handler) => new(guest.Name, guest.Main)
    {
        OnInterrupt = Guests.Acknowledges,
        OnNmi = handler,
        Variables = guest.Variables,
        Parameters = guest.Parameters,
    };

    private static bool Requested(Board board, Machine machine) => machine.Ref(board.Apics, 0).Irr.Contains(0x60);

    /// <summary>The step after which something holds.</summary>
    private static long At(MachineConfig config, Func<Board, Machine, bool> condition)
    {
        var board = new Board(config);
        var engine = new StepEngine(board);
        var machine = engine.Create();
        long steps = 0;
        for (; !condition(board, machine); steps++)
            engine.Step(machine, engine.Next(machine)!);
        return steps;
    }

    /// <summary>Makes the machine forget that its CPU has to look: no request, no kick, no wake-up.</summary>
    private static void ForgetEverything(Board board, Machine machine)
    {
        ref var state = ref machine.Ref(board.Vcpus, 0);
        (state.HostInterruptAt, state.HostInterrupts) = (Instant.Never, HostInterrupts.None);
        if (!board.IsKvm)
        {
            state.ReadyAt = Instant.Never;
            return;
        }

        machine.Ref(board.Kvm, 0).Requests = KvmRequests.None;
        machine.Ref(board.Kvm, 0).Mode = state.InGuest != 0 ? VcpuMode.InGuest : VcpuMode.Outside;
        state.ReadyAt = state.InGuest != 0 ? state.ReadyAt : Instant.Never;
    }

    private static RunResult RunFrom(MachineConfig config, long steps, Action<Board, Machine> change)
    {
        var board = new Board(config);
        var engine = new StepEngine(board);
        var machine = engine.Create();
        for (long i = 0; i < steps; i++)
            engine.Step(machine, engine.Next(machine)!);
        change(board, machine);
        return new Runner(board, FewSteps) { Start = new RunPoint(machine, steps) }.Run();
    }
}
