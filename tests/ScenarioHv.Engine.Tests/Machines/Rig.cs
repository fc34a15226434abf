using ScenarioHv.Engine.Configuration;
using ScenarioHv.Engine.Guests;
using ScenarioHv.Engine.Hypervisors;
using ScenarioHv.Engine.Hypervisors.Kvm;
using ScenarioHv.Engine.Interrupts;
using ScenarioHv.Engine.Scheduling;
using ScenarioHv.Engine.State;
using ScenarioHv.Engine.Time;
using ScenarioHv.Engine.Tracing;
using ScenarioHv.Engine.Virtualization;
using ScenarioHv.Traces;

namespace ScenarioHv.Engine.Tests.Machines;

/// <summary>
/// A machine under test: it is run by time, or its actors are stepped in an order of the test's own, and everything is recorded.
/// </summary>
internal sealed class Rig : ITraceSink
{
    private const int StepLimit = 2_000_000;

    public Rig(MachineConfig config)
    {
        Board = new Board(config);
        Engine = new StepEngine(Board, this);
        Machine = Engine.Create();
    }

    public Board Board { get; }

    public StepEngine Engine { get; }

    public Machine Machine { get; }

    public List<TraceEvent> Events { get; } = [];

    /// <summary>The kernel's trace lines in the text of 5.1.</summary>
    public IReadOnlyList<string> Lines => [.. Events.Where(IsKernel).Select(Text)];

    /// <summary>The vectors whose handlers have started, with the level.</summary>
    public IReadOnlyList<(int Vector, int Level)> Handlers => [.. Of(TraceEventKind.GuestInterrupt).Select(e => ((int)e.A, (int)e.B))];

    public IReadOnlyList<int> Vectors => [.. Handlers.Select(h => h.Vector)];

    public IReadOnlyList<string> Reports => [.. Of(TraceEventKind.GuestReported).Select(e => Board.Reports.Text(e.A)!)];

    public ref Statistics Statistics => ref Machine.Ref(Board.Statistics);

    public static TimingProfile Timing => TimingProfile.Shipped[0];

    public void Emit(in TraceEvent traceEvent) => Events.Add(traceEvent);

    public static long Cost(TimingCost cost) => Timing[cost];

    public static bool IsKernel(TraceEvent e) => TraceDialects.Kvm51.Knows(e.Kind);

    public static string Text(TraceEvent e) => TraceEventText.Format(e, TraceDialects.Kvm51).TrimEnd();

    public IEnumerable<TraceEvent> Of(TraceEventKind kind) => Events.Where(e => e.Kind == kind);

    /// <summary>The events whose line begins so.</summary>
    public IReadOnlyList<TraceEvent> With(string start) =>
        [.. Events.Where(e => IsKernel(e) && Text(e).StartsWith(start, StringComparison.Ordinal))];

    public int Count(string start) => With(start).Count;

    public ref LocalApic Apic(int vcpu = 0) => ref Machine.Ref(Board.Apics, vcpu);

    public ref KvmVcpu Kvm(int vcpu = 0) => ref Machine.Ref(Board.Kvm, vcpu);

    public ref VcpuState Vcpu(int vcpu = 0) => ref Machine.Ref(Board.Vcpus, vcpu);

    public ref CpuCore Core(int level, int vcpu = 0) => ref Machine.Ref(Board.Cores, Board.CoreIndex(vcpu, level));

    public RedirectionEntry Entry(int pin) => Machine.Ref(Board.IoApicPins, pin).Entry;

    public ulong Word(int index, int level = 1) => Machine.Ref(Board.SharedWords(level), index);

    public Actor Actor(string name) => Board.Actors.Single(actor => actor.Name == name);

    /// <summary>Everybody acts in the order of time, up to and with that cycle.</summary>
    public Rig Run(long cycle) => While(() => Engine.Next(Machine)!.ReadyAt(Machine).Cycle > cycle);

    /// <summary>Everybody acts in the order of time until this holds after a step.</summary>
    public Rig Until(Func<bool> condition)
    {
        do
        {
            Engine.Step(Machine,
                Engine.Next(Machine) ?? throw new InvalidOperationException("Nobody can act any more: " + string.Join("\n", Lines)));
        }
        while (!Reached(condition));
        return this;
    }

    /// <summary>Until a line that begins so has been traced (that many times).</summary>
    public Rig UntilLine(string start, int count = 1) =>
        UntilEvent(e => IsKernel(e) && Text(e).StartsWith(start, StringComparison.Ordinal), count);

    public Rig UntilReport(string text, int count = 1) =>
        UntilEvent(e => e.Kind == TraceEventKind.GuestReported && Board.Reports.Text(e.A) == text, count);

    /// <summary>Until that many handlers have started.</summary>
    public Rig UntilHandlers(int count = 1) => UntilEvent(e => e.Kind == TraceEventKind.GuestInterrupt, count);

    /// <summary>Until there are so many such events, those of the past included.</summary>
    public Rig UntilEvent(Func<TraceEvent, bool> wanted, int count = 1)
    {
        var (seen, found) = (0, 0);
        return Until(() =>
        {
            for (; seen < Events.Count; seen++)
            {
                found += wanted(Events[seen]) ? 1 : 0;
            }

            return found >= count;
        });
    }

    /// <summary>Only this vCPU acts, until its thread is at that point.</summary>
    public Rig Walk(At label, int vcpu = 0)
    {
        do
        {
            StepActor($"vcpu{vcpu}");
        }
        while (Label(vcpu) != label);
        return this;
    }

    /// <summary>Only this vCPU acts, until its processor has begun to run guest code.</summary>
    public Rig WalkIntoGuest(int vcpu = 0)
    {
        do
        {
            StepActor($"vcpu{vcpu}");
        }
        while (Vcpu(vcpu).InGuest == 0);
        return this;
    }

    /// <summary>The monitor's thread takes the next stimulus and sends its message, or changes its line: whatever the time.</summary>
    public Rig Stimulate()
    {
        do
        {
            StepActor("io");
        }
        while (Machine.Fiber(Board.IoFiber).Op.Kind != OperationKind.Sleep);
        return this;
    }

    /// <summary>Where the clock stands still: the next line of the timeline comes.</summary>
    public Rig Outside() => StepActor("outside");

    /// <summary>Only the monitor's thread acts, until it is at that point.</summary>
    public Rig IoTo(At label)
    {
        do
        {
            StepActor("io");
        }
        while ((At)Machine.Fiber(Board.IoFiber).Op.Code != label);
        return this;
    }

    public Rig StepActor(string name)
    {
        Engine.Step(Machine, Actor(name));
        return this;
    }

    /// <summary>Where a vCPU's thread is; none while it runs guest code.</summary>
    public At Label(int vcpu = 0) => Vcpu(vcpu).InGuest != 0 ? At.None : (At)Machine.Fiber(Board.HostFiber(vcpu)).Op.Code;

    private Rig While(Func<bool> stop)
    {
        for (var steps = 0; Engine.Next(Machine) is { } next && !stop(); steps++)
        {
            Assert.That(steps, Is.LessThan(StepLimit), "too many steps");
            Engine.Step(Machine, next);
        }

        return this;
    }

    private int _steps;

    private bool Reached(Func<bool> condition)
    {
        if (condition())
        {
            return true;
        }

        Assert.That(++_steps, Is.LessThan(StepLimit), () => "too many steps:\n" + string.Join("\n", Lines.TakeLast(40)));
        return false;
    }
}
