using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Tracing;

namespace ScenarioHv.Engine.Tests.Guests;

/// <summary>A machine with its engine and everything that it has traced.</summary>
internal sealed class Bench : ITraceSink
{
    private readonly List<TraceEvent> _events = [];

    public Bench(MachineConfig config)
    {
        Board = new Board(config);
        Engine = new StepEngine(Board, this);
        Machine = Engine.Create();
    }

    public Board Board { get; }

    public StepEngine Engine { get; }

    public Machine Machine { get; }

    public IReadOnlyList<TraceEvent> Events => _events;

    /// <summary>What the guests have reported, in order.</summary>
    public string[] Reports =>
        [.. _events.Where(entry => entry.Kind == TraceEventKind.GuestReported).Select(entry => Board.Reports.Text(entry.A)!)];

    /// <summary>One processor without a hypervisor, whose guest is <paramref name="main"/>.</summary>
    public static Bench BareMetal(Func<Cpu, GuestTask> main, Func<Cpu, byte, GuestTask>? onInterrupt = null) =>
        new(BareMetalConfig(main, onInterrupt));

    public static MachineConfig BareMetalConfig(Func<Cpu, GuestTask> main, Func<Cpu, byte, GuestTask>? onInterrupt = null) => new()
    {
        Hypervisor = HypervisorKind.BareMetal,
        L1 = new GuestProgram("test", main) { OnInterrupt = onInterrupt },
    };

    /// <summary>Steps until nobody can act, at most <paramref name="limit"/> times.</summary>
    public Bench Run(int limit = 1000)
    {
        for (var i = 0; i < limit && Engine.Next(Machine) is { } actor; i++)
        {
            Engine.Step(Machine, actor);
        }

        return this;
    }

    public void Emit(in TraceEvent traceEvent) => _events.Add(traceEvent);

    /// <summary>The normal form of a machine's state.</summary>
    public static byte[] StateOf(Machine machine)
    {
        var into = new byte[machine.Layout.Size];
        return into[..NormalForm.Of(machine.Layout).Write(machine, into)];
    }
}
